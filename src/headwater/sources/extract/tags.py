"""What the block scanner knows of HTML: tags, their roles, and the words of class names, as tables for kernels.

A tag is a small number; 0 is any tag that is not listed, which is treated as an inline element. Words that pages use
in class, id, role and itemprop are sorted into groups by meaning; a group is a bit.

After a change here the model has to be trained again.
"""

import numpy as np

_BLOCK = (
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li main menu nav ol optgroup option p pre "
    "section summary table tbody td tfoot th thead tr ul"
)
_INLINE = (
    "a abbr b bdi bdo big cite code del em font i ins kbd mark q s samp small span strong sub sup time tt u var label "
    "math annotation noscript"
)
_VOID = "area base br col embed hr img input link meta param source track wbr"
# Elements whose content is no text of the page; of the raw ones even `<` is content.
_SKIPPED = "audio button canvas map object rp rt select svg template video"
_RAW = "iframe noembed noframes script style textarea title xmp"

TAGS = ("", *dict.fromkeys(f"{_BLOCK} {_INLINE} {_VOID} {_SKIPPED} {_RAW}".split()))
TAG = {name: number for number, name in enumerate(TAGS)}


def _marks(names: str) -> np.ndarray:
    marks = np.zeros(len(TAGS), np.uint8)
    marks[[TAG[name] for name in names.split()]] = 1
    return marks


IS_BLOCK, IS_VOID, IS_RAW = _marks(_BLOCK), _marks(_VOID), _marks(_RAW)
IS_SKIPPED = IS_RAW | _marks(_SKIPPED)
IS_HEADING = _marks("h1 h2 h3 h4 h5 h6")
IS_CELL = _marks("td th caption")  # whose inside an end tag of something else does not leave
IS_TABLE = _marks("table tbody td tfoot th thead tr caption")
# What the start of an element ends, where it is open: up to the first element of the second list.
_ENDS = {
    "li": ("li", "ul ol menu dir table td"),
    "dd": ("dd dt", "dl table td"),
    "dt": ("dd dt", "dl table td"),
    "td": ("td th", "tr table"),
    "th": ("td th", "tr table"),
    "tr": ("tr", "table tbody thead tfoot"),
    "tbody": ("tbody thead tfoot", "table"),
    "thead": ("tbody thead tfoot", "table"),
    "tfoot": ("tbody thead tfoot", "table"),
    "option": ("option", "select"),
    "a": ("a", "table td th"),
}
ENDS = np.zeros((len(TAGS), len(TAGS)), np.uint8)  # [started, open]: 1 ends it, 2 stops the search
for _name, (_ended, _stops) in _ENDS.items():
    for _other in _ended.split():
        ENDS[TAG[_name], TAG[_other]] = 1
    for _other in _stops.split():
        ENDS[TAG[_name], TAG[_other]] = 2
ENDS_PARAGRAPH = _marks(
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 header hgroup hr main menu nav ol p pre section summary table ul"
)

# Words of class, id, role and itemprop, by meaning; English, pinyin and what German and French pages use.
GROUPS: dict[str, str] = {
    "comments": "comment comments disqus respond reply replies discussion livefyre fyre kommentare commentaires pinglun "
    "guestbook commentlist",
    "aside": "sidebar aside side rail secondary complementary column right left sidenav",
    "footer": "footer foot bottom contentinfo copyright colophon foottext",
    "related": "related recommend recommended recommendation recommendations similar also more moreon readmore readnext "
    "next popular trending hot most latest recent mostread xiangguan tuijian teaser teasers paihang",
    "share": "share social sharing addthis sharebar sharetools facebook twitter whatsapp follow bdshare socials sns weixin",
    "advert": "ad ads advert advertisement advertising promo promotion sponsor sponsored outbrain taboola adsense banner "
    "dfp marketing guanggao gg",
    "signup": "newsletter subscribe subscription signup paywall register login signin membership donate donation account",
    "consent": "cookie cookies consent gdpr privacy onetrust optanon didomi truste ccpa cookielaw cookieconsent "
    "cookiebanner cookienotice",
    "notice": "popup modal overlay lightbox dialog notice notification alert toast alertdialog",
    "path": "breadcrumb breadcrumbs crumb crumbs crumbtrail location path position",
    "navigation": "nav navigation menu navbar topbar toolbar mainmenu submenu dropdown tabs tab header head top masthead hd",
    "author": "author byline bio writer contributor credit credits avatar user username profile userinfo member",
    "meta": "meta info date time timestamp published pubdate source dateline laiyuan postmeta details postdetails",
    "picture": "caption figcaption image img photo picture figure gallery slideshow carousel video media player thumbnail "
    "thumb slider swiper",
    "tags": "tag tags category categories cat topic topics keyword keywords label labels cats",
    "content": "content contents neirong nr cont articlecontent maincontent contentbody con detail",
    "article": "article story news blog artibody storybody newstext page",
    "post": "post posts postbody postcontent entry hentry single message bbcode postmessage",
    "text": "body text txt copy paragraph rte richtext wysiwyg field prose markdown",
    "title": "title headline heading subtitle lead intro summary excerpt abstract dek standfirst deck lede subhead biaoti",
    "main": "main primary center middle maintext",
    "thread": "thread threads forum answer answers question floor comment-text viewthread lzl bbs",
    "signature": "signature sig quote quoted quotebox postfooter edited attachments attach likes reactions reaction vote "
    "votes rating stars score",
    "widget": "widget module block box panel card cards item items list listing grid tile feed",
    "hidden": "hidden hide invisible none sr visually screenreader offscreen print noprint noscreen collapsed",
    "form": "search searchform searchbox form input button btn cta link links action actions control controls",
    "pager": "pager pagination pagenav prev previous paging pages postnav",
    "legal": "legal disclaimer terms copyrights license licence statement shengming correction corrections tip tips note "
    "notes footnote footnotes references reflist",
    "body": "articlebody",
    "rendered": "katexhtml mathjax mathjaxpreview mathjaxdisplay mathjaxsvg mathjaxchtml",
    "code": "code codehilite sourcecode prettyprint syntaxhighlighter hljs crayon",
    "wiki": "toc index navbox infobox catlinks mw reference editsection hatnote",
}
GROUP = {name: number for number, name in enumerate(GROUPS)}
NEGATIVE = sum(
    1 << GROUP[name]
    for name in [
        "comments",
        "aside",
        "footer",
        "related",
        "share",
        "advert",
        "signup",
        "consent",
        "notice",
        "navigation",
    ]
)
POSITIVE = sum(1 << GROUP[name] for name in ["content", "article", "post", "text", "body"])

# Words in a block's own text that say what it is. Chinese ones are pairs of characters.
CUES: dict[str, str] = {
    "privacy": "cookie cookies privacy consent gdpr datenschutz 隐私 隱私",
    "signup": "subscribe subscribed newsletter newsletters signup register login membership abonnieren inscrivez 订阅 訂閱 登录 "
    "登錄 登入 注册 註冊 会员 會員 扫码 二维 下载",
    "rights": "copyright reserved trademark trademarks rights imprint impressum 版权 版權 备案 备号 许可 声明 聲明 免责 举报",
    "share": "share tweet facebook twitter whatsapp linkedin pinterest follow followers likes teilen partager 分享 关注 關注 "
    "微信 微博 点赞 收藏 转发",
    "related": "related recommended trending popular latest newest more previous next 相关 相關 推荐 推薦 热门 熱門 阅读 更多 上一 "
    "下一 排行 热点 最新",
    "comment": "comment comments reply replies posted commented report upvote 评论 評論 回复 回覆 留言 发表 發表 楼主 网友",
    "byline": "by author editor written published updated posted ago source reporter 作者 编辑 編輯 责任 记者 記者 来源 來源 "
    "发布 發佈 时间 小编 责编",
    "trade": "buy cart price shipping checkout order sale discount deal add 购买 價格 价格 购物 优惠 商品",
    "caption": "photo photos photograph photographer image images pictured picture getty reuters afp foto bild 图片 圖片 图源 "
    "圖源 摄影 攝影 资料 資料",
    "advert": "advertisement advertising sponsored ad ads promoted anzeige werbung publicité 广告 廣告 赞助 推广",
}

# Tags whose distance above a block is a feature.
ANCESTORS = [
    "article",
    "main",
    "aside",
    "nav",
    "footer",
    "header",
    "form",
    "figure",
    "table",
    "ul",
    "ol",
    "dl",
    "blockquote",
    "a",
    "p",
    "li",
    "td",
    "pre",
    "section",
    "h1",
    "h2",
    "h3",
    "dd",
    "figcaption",
]
ANCESTOR = np.full(len(TAGS), -1, np.int32)
for _number, _name in enumerate(ANCESTORS):
    ANCESTOR[TAG[_name]] = _number

FNV_START, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


def fnv(word: bytes) -> int:
    """FNV-1a, 64 bits."""
    value = FNV_START
    for byte in word:
        value = ((value ^ byte) * FNV_PRIME) & (1 << 64) - 1
    return value


def hash_table(entries: dict[str, int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys and values of an open-addressed table, found by `tokens.look_up`; `size` is a power of two."""
    keys, values = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    for word, value in entries.items():
        key = fnv(word.encode())
        place = (key ^ (key >> 29)) & (size - 1)
        while keys[place]:
            place = (place + 1) & (size - 1)
        keys[place], values[place] = key, value
    return keys, values


def _numbered(groups_of_words: dict[str, str]) -> dict[str, int]:
    groups: dict[str, int] = {}
    for number, words in enumerate(groups_of_words.values()):
        for word in words.split():
            groups[word] = groups.get(word, 0) | 1 << number
    return groups


TAG_KEYS, TAG_VALUES = hash_table({name: number for name, number in TAG.items() if name}, 1 << 10)
WORD_KEYS, WORD_VALUES = hash_table(_numbered(GROUPS), 1 << 12)
CUE_KEYS, CUE_VALUES = hash_table(_numbered(CUES), 1 << 10)
