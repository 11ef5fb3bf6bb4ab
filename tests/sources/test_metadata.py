"""What real pages say of themselves, looked at by a person: title, date and author of 33 Chinese pages and 20 others."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.sources.encoding import decode_page
from headwater.sources.extract.dates import WORDS, _month_first, dates_in, iso_date
from headwater.sources.extract.metadata import metadata_of

# Path, title, date, author ("" where the page names none, None where what it names is not asserted).
CHINESE = [
    ("163/1", '多地项目连环爆雷 狂奔的龙湖集团"暗伤"曝露？', "2019-09-07T13:43:45+08:00", "网易"),
    ("163/7", "亚马逊海外购“限时快闪店”登陆拼多多", "2019-11-25T11:01:53+08:00", "网易"),
    ("163/8", "国务院联防联控机制:湖北和武汉要严格管控防输出", "2020-02-29T18:34:31+08:00", "网易"),
    ("baijiahao/3", "这款休闲裤太帅了，让你时尚潮流穿着舒适", "2018-03-08T23:16:24", None),
    ("cjn/1", "外媒眼中的武汉长假：蓬勃发展，欢声笑语", "2020-10-04T20:30:00", None),
    ("csdn/1", "第三届知道安全论坛鸟巢举办 知道创宇发布新版ZoomEye", "2014-08-24T21:30:00", "CSDN.NET"),
    ("gsc/1", "2019年中国人文地理学术年会在重庆•西南大学成功举行！", "2019-05-18", None),
    ("guancha/3", "苹果回应“违反中国劳动法”：大多数指控错误", "2019-09-09T19:32:27", None),
    ("guancha/guancha", "王文：中美贸易“持久战”，中国人的斗志被激发", "2019-09-07T09:25:09", None),
    ("huanqiu/1", "补壹刀：别笑！18人的“新八国联军”今天成立了", "2020-06-05T20:35:00", None),
    ("ifeng/1", "女童眼睛被塞几十片纸，“无法用科学解释”", "2019-11-25T16:04:30", None),
    ("ifeng/2", "他放弃百万年薪来到这里 唯一的要求竟是……", "2019-09-09T18:13:22", None),
    ("ifeng/3", "疫情防控常态化下，长春市的新经济之路", "2020-09-11T18:05:00", None),
    ("ifeng/ifeng", "董又霖主持首秀状况百出大方道歉：会继续努力", "2019-09-07T08:05:32", None),
    ("qq/2", "棱镜|数据业大整顿：爬虫与现金贷共生共荣，用户信息几元不等", "2019-09-23T07:48:00", None),
    ("qq/qq", "儿歌一分钱被改成一元钱 原作者女儿：改成这样不觉得拗口吗？", "2019-09-07T21:30:50", None),
    ("readhub/readhub", "运营商 5G 手机促销方式曝光，禁止提供购机补贴", "2019-09-07T05:51:23Z", None),
    ("shanxi/1", "山西品牌丝路行（南美站）正式启动", "2019-09-18T06:23:00", None),
    ("sina/2", '60万"12306账号"外泄? 中铁总辟谣称消息不实', "2018-12-28T19:56:29+08:00", "新京报"),
    ("sina/3", "债券市场是否存在泡沫？世界知名首席投资官们这么说", "2019-09-09T20:52:38+08:00", "新浪财经-自媒体综合"),
    ("sina/sina", "最强“中国芯”本月商用 华为抢跑5G芯片大战", "2019-09-07T06:52:51+08:00", None),
    ("stcn/1", "午间公告：天奇股份中标广汽丰田项目；运达股份中标7亿元项目", "2019-09-26T12:11:00", "证券时报网"),
    ("thepaper/4", "定了！广州南沙邮轮母港即将开通！地铁直达+无敌免...", "2019-08-13T14:07:00", None),
    ("thepaper/5", "柳叶刀：味觉嗅觉丧失是新冠感染最强预测指标，优于发烧咳嗽", "2020-06-06T10:08:00", "贺梨萍"),
    ("toutiao/2", "最不愁吃肉的国家：顿顿有肉吃，却要靠中国运输蔬菜水果", "2019-09-08T11:42:03", None),
    ("toutiao/3", "海螺沟寻子一个月：儿子消失在眼前十几米，搜寻无果母亲不舍离去", "2019-09-09T16:01:46", None),
    ("toutiao/4", "较强冷空气来袭 全国多地开启“抖抖抖”模式", "2019-11-25T10:37:31", None),
    ("toutiao/5", "顺丰小哥汪勇连升3级，国家授予特别奖：时代永远在奖励解决问题的摆渡人", "2020-03-09T18:14:21", None),
    ("toutiao/toutiao", "英国独立游戏，经典游戏规则与RPG成长冒险元素结合体验", "2019-09-04T22:18:34", None),
    ("wechat/1", "三星 Galaxy S20 系列手机正式发布", "2020-02-12T14:17:54Z", None),
    ("wechat/2", "一日一技：在 Python 中实现延迟调用", "2020-02-11T10:47:50Z", "kingname"),
    ("xinhuanet/1", "法国全国大罢工再次严重影响交通", "2019-12-10T07:57:40", None),
    ("zsnews/1", "顺德区大良街道党工委委员潘卓辉一行到众创金融街开展调研工作", "2019-02-27", None),
]  # fmt: skip
OTHERS = [
    ("042bb7b5", "Google Stadia, Microsoft xCloud, Apple Arcade: So Many Ways to Play…and Pay", "2019-11-19T13:03:00Z", "Sarah E. Needleman"),
    ("06e5123e", "New York State Attorney General investigating WeWork and former CEO", "2019-11-19T07:03:25+00:00", "Reuters"),
    ("06ee193d", "The VW ID. SPACE VIZZION is a weird EV sports wagon with a secret message", "2019-11-20T04:31:13-06:00", "Chris Davies"),
    ("076f4f33", "Fact Check: Is An 'Oxygen Bar' In Delhi Offering Fresh Air For Rs 300?", "2019-11-19T09:01:42+05:30", "News Nation Bureau"),
    ("098bb3e9", "Disney+ glitches blamed on heavy demand says executive Kevin Mayer", "2019-11-20T01:50:59Z", "Meg James"),
    ("0ec95c72", "엘제이-류화영 진흙탕 싸움, 공적인 사안으로 봐야하는 이유", "2018-08-25T15:24:00", None),
    ("156770d6", "South Dakota governor doubles down on 'meth, we're on it' anti-drug campaign", "2019-11-19T06:56:43-05:00", "Tess Bonn"),
    ("1ace8c85", "New York State Attorney General reportedly investigating WeWork", "2019-11-19T04:58:46Z", "Catherine Shu"),
    ("1f765c48", "Royal Self-Indicting Arrogance", "2019-11-18T21:17:27Z", "Finian Cunningham. Sputnik International"),
    ("20b2b649", "Black Friday per nostalgici: le occasioni da non perdere", "2017-11-23T10:00:33+00:00", None),
    ("21486419", "Jangan Membenci Satu Kaum Secara Berlebihan", "2015-03-30T02:40:29+00:00", None),
    ("232a43fb", "13-Inch MacBook Pro With Scissor Keyboard Expected in First Half of 2020", "2019-11-18T10:45:00Z", "Joe Rossignol"),
    ("264dc3ae", "Zach Parise heating up, scores twice as Wild beat Sabres 4-1", "2019-11-20T02:59:46Z", "Bill Hoppe"),
    ("2f42ef1d", "The Future of Banking Is … You're Broke", "2019-11-14T14:00:00Z", "Molly Wood"),
    ("34a73285", "Nollywood Actress, Kate Henshaw Is Looking Stunning In New Photos", "2018-10-06T08:57:00+02:00", None),
    ("35b15891", "Doobie Brothers to reunite with Michael McDonald for Blossom show", "2019-11-19T11:51:32Z", None),
    ("360c732d", "Alibaba to raise up to $12.9bn in landmark Hong Kong listing", "2019-11-20T09:22:35+00:00", "Anna Menin"),
    ("432362af", "Chinese hunter catches bubonic plague after eating wild rabbit", "2019-11-18T21:10:29+00:00", "Natalie Musumeci"),
    ("4219d096", "Spiced Honey Pear Jam Recipe", "2017-12-06", "Regan"),
    ("51374560", "Home Depot sales miss, shares plunge", "2019-11-19T06:12:56-05:00", "Jonathan Garber"),
    ("52111884", "[The Palace: Tale of Jang Noksu] More Reviews from KLOOK Visitors!", "2018-10-12T06:43:54+00:00", None),
    ("55bb6340", "Opening Bell 11.18.19", "2019-11-18T11:30:00Z", "The Water Coolest"),
]  # fmt: skip


def same_moment(one: str, other: str) -> bool:
    return one == other or one.replace("+00:00", "Z") == other.replace("+00:00", "Z")


@pytest.mark.parametrize(("name", "title", "date", "author"), CHINESE)
def test_a_chinese_news_page(real_data, name, title, date, author):
    path = real_data / f"corpora/web-html/gne-zh-news/{name}.html.gz"
    said = metadata_of(decode_page(gzip.decompress(path.read_bytes()), None))
    assert (said["title"], said["date"]) == (title, date)
    assert author is None or said["author"] == author


@pytest.mark.parametrize(("name", "title", "date", "author"), OTHERS)
def test_an_article_page(real_data, name, title, date, author):
    [path] = (real_data / "corpora/web-html/aeb/html").glob(f"{name}*")
    said = metadata_of(decode_page(gzip.decompress(path.read_bytes()), None))
    assert said["title"] == title and same_moment(said["date"], date)
    assert author is None or said["author"] == author


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2019-11-19T13:03:00.000Z", "2019-11-19T13:03:00Z"),
        ("2019-11-19T13:16:49+0000", "2019-11-19T13:16:49+00:00"),
        ("Tue, 19 Nov 2019 13:16:49 +0800", "2019-11-19T13:16:49+08:00"),
        ("Tue, 19 Nov 19 13:16 EST", "2019-11-19T13:16:00-05:00"),
        ("November 19, 2019 at 8:59 pm", "2019-11-19T20:59:00"),
        ("Nov. 9th, 2019", "2019-11-09"),
        ("2024年3月5日", "2024-03-05"),
        ("2024年3月5日 18:05", "2024-03-05T18:05:00"),
        ("2024 年 3 月 5 日", "2024-03-05"),
        ("发布时间：2019-9-7 21:30:50", "2019-09-07T21:30:50"),
        ("二〇二四年十二月三十一日", "2024-12-31"),
        ("民國113年3月5日", "2024-03-05"),
        ("20190907", "2019-09-07"),
        ("1581517074", "2020-02-12T14:17:54Z"),
        ("2019-02-30", ""),
        ("2019-13-01", ""),
        ("05/06/2024", ""),
        ("yesterday", ""),
        ("", ""),
        ("2019", "2019"),
    ],
)
def test_dates(text, date):
    assert iso_date(text) == date


def test_dates_of_a_long_text():
    assert list(dates_in("更新 2024年3月5日 18:05，原载 2019-9-7\nMay 5, 2018")) == [
        "2024-03-05T18:05:00",
        "2019-09-07",
    ]
    assert list(dates_in("第 3 期。Updated\n\nMay\n5,\n 2018; 6 June 2017; July 1, 2016")) == [
        "2018-05-05",
        "2017-06-06",
    ]
    assert list(dates_in("共 12 2012 人，2019-02-30")) == []


@given(
    st.lists(
        st.sampled_from(
            [
                "May",
                " ",
                "\n",
                "5",
                "12",
                "1st",
                ",",
                "2018",
                "Nov.",
                "2",
                "年",
                "May 5, 2018",
                "Sept 30th 1999 at 5:00",
            ]
        )
    )
)
def test_the_fast_search_for_a_month_and_day_finds_the_same(parts):
    text = "".join(parts)
    slow, fast = WORDS[0].search(text), _month_first(text)
    assert (slow and slow.span()) == (fast and fast.span())


def test_consent_licence_and_address():
    page = (
        '<html lang="zh-CN"><head><title>标题很长的一篇文章_某网</title><meta name="robots" content="noai, noimageai">'
        '<meta name="tdm-reservation" content="1"><link rel="canonical" href="https://e.org/a?b=1&amp;c=2">'
        '<link rel="license" href="https://creativecommons.org/licenses/by/4.0/"><link rel="canonical" href="/x"></head>'
        "<body><h1>标题很长的一篇文章</h1><p>作者：张三 2024年3月5日 18:05</p></body></html>"
    )
    assert metadata_of(page) == {
        "title": "标题很长的一篇文章",
        "date": "2024-03-05T18:05:00",
        "author": "张三",
        "language": "zh-CN",
        "url": "https://e.org/a?b=1&c=2",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "consent": '<meta name="robots" content="noai, noimageai"> <meta name="tdm-reservation" content="1">',
    }
    assert metadata_of("") == {} and metadata_of("没有标签") == {}


@pytest.mark.parametrize(
    "piece",
    ["<meta ", '<meta content="', "<h1>", "<title", "<time ", "<", "作者：", '"datePublished"', "2019-", "19 Nov ", "</head", "published:",
     '<script type="application/ld+json">{"author"', "rel=\"author\"", "><", "记者 ", "_", "&#", "ct = "],
)  # fmt: skip
def test_hostile_pages_take_linear_work(piece):
    import time

    def took(length: int) -> float:
        page = "<html><head><title>x</title><body>" + piece * (length // len(piece))
        best = 9.0
        for _ in range(3):
            begun = time.process_time()
            metadata_of(page)
            best = min(best, time.process_time() - begun)
        return best

    assert took(200_000) < 40 * max(took(50_000), 0.001)
