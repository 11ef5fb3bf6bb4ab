"""Feeds, pages and agency articles: every item counted, damage costs the item that it lies in, nothing expands."""

import gzip
import json
import zipfile

import pytest

CHINESE = "据新华社报道，三月五日上午九时，大会在北京开幕。会议听取了工作报告，并审议了有关草案。"


def item(n: int, body: str = CHINESE, more: str = "") -> str:
    return (
        f"<item><title>第{n}条</title><link>https://e.org/{n}</link><guid isPermaLink='false'>g{n}</guid>"
        f"<pubDate>Tue, 05 Mar 2024 09:0{n % 10}:00 +0800</pubDate><dc:creator>记者甲</dc:creator>"
        f"<category>时政</category><category>北京</category>{more}"
        f"<content:encoded><![CDATA[<p>{body}</p><p>第{n}段</p>]]></content:encoded></item>"
    )


def rss(items: list[str], head: str = "", declaration: str = '<?xml version="1.0" encoding="utf-8"?>') -> str:
    return (
        f'{declaration}{head}<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>某报</title><link>https://e.org</link>'
        "<language>zh-cn</language><copyright>CC BY 4.0</copyright>" + "\n".join(items) + "</channel></rss>"
    )


def feed(tmp_path, text: str | bytes, name: str = "feed.xml"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_an_rss_item_is_a_document_with_its_fields(tmp_path, read):
    shard = read(feed(tmp_path, rss([item(n) for n in range(3)])), kind="news")
    assert shard.texts == [f"{CHINESE}\n\n第{n}段" for n in range(3)] and not shard.quarantine
    first = shard.documents[0]
    assert (first["title"], first["url"], first["date"], first["language_declared"], first["license"], first["source_id"], first["unit"]) == (
        "第0条", "https://e.org/0", "2024-03-05T09:00:00+08:00", "zh-cn", "CC BY 4.0", "g0", "e.org")  # fmt: skip
    assert json.loads(first["meta"]) == {"author": "记者甲", "categories": ["时政", "北京"], "feed": "某报"}
    assert [d["locator"] for d in shard.documents] == ["feed.xml#0", "feed.xml#1", "feed.xml#2"]


ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh-Hant"><title>報</title>
<entry><title type="html">標題 &amp;amp; 副題</title><link rel="edit" href="https://e.org/edit"/><link href="https://e.org/1"/>
<link rel="license" href="https://creativecommons.org/licenses/by/4.0/"/><id>tag:1</id>
<published>2024-03-05T09:00:00Z</published><updated>2025-01-01T00:00:00Z</updated><author><name>張三</name><email>a@b.c</email></author>
<author><name>李四</name></author><category term="政治" label="時政"/>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>所謂回憶者，<ruby>漢<rt>かん</rt></ruby>雖說<b>可以</b>使人歡欣。</p><p>二</p></div></content></entry>
<entry><title>t</title><id>tag:2</id><summary>只有摘要。</summary></entry></feed>"""
RDF = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cc="http://web.resource.org/cc/"><channel rdf:about="https://e.org/"><title>誌</title>
<items><rdf:Seq><rdf:li rdf:resource="https://e.org/1"/></rdf:Seq></items><cc:license rdf:resource="https://creativecommons.org/licenses/by-nc/1.0"/></channel>
<item rdf:about="https://e.org/1"><title>一</title><description>第一篇。</description><dc:date>2005-12-30T23:26+08:00</dc:date></item></rdf:RDF>"""


def test_atom(tmp_path, read):
    shard = read(feed(tmp_path, ATOM), kind="news")
    first, second = shard.documents
    assert first["text"] == "所謂回憶者，漢雖說可以使人歡欣。\n\n二" and second["text"] == "只有摘要。"
    assert (first["title"], first["url"], first["date"], first["license"], first["language_declared"]) == (
        "標題 & 副題", "https://e.org/1", "2024-03-05T09:00:00Z", "https://creativecommons.org/licenses/by/4.0/", "zh-Hant")  # fmt: skip
    assert json.loads(first["meta"]) == {"author": "張三, 李四", "categories": ["時政"], "feed": "報"}
    assert json.loads(second["meta"])["summary"] is True
    full = read(feed(tmp_path, ATOM), kind="news", text="full")
    assert full.texts == [first["text"]] and full.account["gated"] == {"summary": 1}


def test_rdf(tmp_path, read):
    [document] = read(feed(tmp_path, RDF), kind="news").documents
    assert (document["text"], document["url"], document["date"], document["license"]) == (
        "第一篇。", "https://e.org/1", "2005-12-30T23:26:00+08:00", "https://creativecommons.org/licenses/by-nc/1.0")  # fmt: skip


# Items counted by hand (grep) in real feeds of 2005: RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0, in nine encodings.
REAL = {"Big5/coolloud.org.tw": (20, "1226檔下點交之後"), "GB2312/jjgod.3322.org": (10, "Wordpress 2.0"), "KOI8-R/newsru.com": (30, "В Турции"),
        "EUC-JP/azoz.org": (15, "ロウソクと間違え花火に点火"), "SHIFT_JIS/celeb.lalalu.com": (15, "サンプルブロガー"),
        "EUC-KR/siwoo.org": (5, "Google 2084"), "GB2312/acnnewswire.net": (8, "JCB 与中国银联")}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_feeds(real_data, read, name):
    shard = read(real_data / f"truth/encoding/files/{name}.xml", kind="news")
    count, title = REAL[name]
    assert (
        len(shard.documents) == count
        and shard.documents[0]["title"].startswith(title)
        and not shard.quarantine
    )
    assert all("\ufffd" not in text for text in shard.texts)


def test_all_real_feeds_are_read_item_by_item(real_data, read):
    items = documents = 0
    for path in sorted((real_data / "truth/encoding/files").rglob("*.xml")):
        data = path.read_bytes()
        if b"<html" in data[:1000].lower():
            continue
        account = read(path, kind="news").account
        expected = (
            data.count(b"<item>") + data.count(b"<item ") + data.count(b"<entry>") + data.count(b"<entry ")
        )
        items += expected
        documents += account["documents"]
        broken = path.name == "intertat.ru.xml" and "1251" in str(path)  # the file is cut off in its header
        assert account["read"] == expected + broken and account["quarantined"] == (
            {"unreadable_tail": 1} if broken else {}
        )
    assert items > 800 and documents > 0.9 * items


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16", "utf-8-sig"])
def test_a_feed_in_any_encoding(tmp_path, read, encoding):
    body = "據報導，三月五日上午，大會在臺北開幕。"
    text = rss(
        [item(n, body).replace("记者", "記者").replace("时", "時") for n in range(3)],
        declaration=f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>',
    )
    text = text.replace("某报", "某報").replace("条", "條").replace("时", "時")
    shard = read(feed(tmp_path, text.encode(encoding)), kind="news")
    assert [t.split("\n")[0] for t in shard.texts] == [body] * 3


def test_sloppy_feeds_are_mended(tmp_path, read):
    sloppy = item(0, more="<description>A & B &nbsp;&mdash; AT&T &#0; &bogus; \x0b</description>").replace(
        "第0条", "甲 & 乙"
    )
    loose = "<item><title>x</title><undeclared:tag>1</undeclared:tag><description>&lt;p&gt;转义的&lt;/p&gt;</description></item>"
    empty = "<item><title>only a title</title></item><item/>"
    shard = read(feed(tmp_path, rss([sloppy, loose, empty])), kind="news")
    assert shard.documents[0]["title"] == "甲 & 乙" and shard.texts[1] == "转义的"
    assert shard.account["gated"] == {"empty": 2} and not shard.quarantine


# ---------------------------------------------------------------- faults


def test_entities_are_not_expanded(tmp_path, read):
    bomb = (
        '<!DOCTYPE rss [<!ENTITY a "ha">'
        + "".join(f'<!ENTITY {c} "{f"&{p};" * 10}">' for p, c in zip("abcdefgh", "bcdefghi", strict=True))
        + "]>"
    )
    outside = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    for head, name in ((bomb, "i"), (outside, "x")):
        hostile = f"<item><title>t</title><description>&{name};</description></item>"
        shard = read(feed(tmp_path, rss([item(0), hostile, item(1)], head)), kind="news")
        assert len(shard.texts) == 2 and shard.account["quarantined"] == {"xml_entity": 1}
        assert "root:" not in "".join(shard.texts)


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        (lambda text: text.replace("</title>", "</tit>", 6).replace("</tit>", "</title>", 5), 1),
        (lambda text: text.replace("]]>", "", 5).replace("<![CDATA[", "<![CDATA[", 1), None),
        (lambda text: text.replace("</item>", "", 1), 1),
        (
            lambda text: "iitem>".join(text.rsplit("<item>", 2)[:2]) + "<item>" + text.rsplit("<item>", 1)[1],
            1,
        ),
        (lambda text: text.replace("<category>", "<category", 1), 1),
        (lambda text: text.replace("<link>https://e.org/7</link>", "<link>\0\x01<</link>"), 1),
    ],
)
def test_damage_costs_the_item_that_it_lies_in(tmp_path, read, damage, lost):
    shard = read(feed(tmp_path, damage(rss([item(n) for n in range(20)]))), kind="news")
    quarantined = sum(shard.account["quarantined"].values())
    assert quarantined == (5 if lost is None else lost) and len(shard.texts) == 20 - quarantined
    assert f"{CHINESE}\n\n第19段" in shard.texts


@pytest.mark.parametrize("tenth", range(1, 10))
@pytest.mark.parametrize("packed", [False, True])
def test_of_a_truncated_feed_the_items_before_are_kept(tmp_path, read, tenth, packed):
    data = rss([item(n, f"{CHINESE}{n * 7919}") for n in range(100)]).encode()
    data = gzip.compress(data, mtime=0) if packed else data
    path = feed(tmp_path, data[: len(data) * tenth // 10], "feed.xml.gz" if packed else "feed.xml")
    shard = read(path, kind="news")
    assert set(shard.account["quarantined"]) == {"unreadable_tail"}
    assert [d["title"] for d in shard.documents] == [f"第{n}条" for n in range(len(shard.texts))]
    assert packed or abs(len(shard.texts) - 10 * tenth) < 4


def test_flipped_bytes_are_survived(tmp_path, read):
    import random

    whole = rss([item(n) for n in range(30)]).encode()
    for seed in range(60):
        noise, data = random.Random(seed), bytearray(whole)
        for _ in range(5):
            data[noise.randrange(len(data))] = noise.randrange(256)
        account = read(feed(tmp_path, bytes(data)), kind="news").account
        assert account["documents"] >= 20 or account["quarantined"]


def test_an_item_too_large_is_named_and_the_next_is_read(tmp_path, read, monkeypatch):
    monkeypatch.setattr("headwater.sources.feeds.MAX_RECORD", 1 << 20)
    path = tmp_path / "feed.xml.gz"
    text = rss([item(0), "<item><description>" + "大" * (3 << 20) + "</description></item>", item(1)])
    path.write_bytes(gzip.compress(text.encode()))
    shard = read(path, kind="news")
    assert [d["title"] for d in shard.documents] == ["第0条", "第1条"] and shard.account["quarantined"] == {
        "too_large": 1
    }


def test_many_items_take_linear_work(tmp_path, read):
    from headwater.sources.feeds import _Items

    class Counted(str):
        pass

    text = rss([item(n) for n in range(20_000)])
    found = list(_Items(text, iter([]), __import__("codecs").getincrementaldecoder("utf-8")()))
    assert len(found) == 20_000 and not any(entry.problem for entry in found)


@pytest.mark.parametrize(
    "piece",
    [
        "<item>",
        "<item><![CDATA[",
        "<![CDATA[]]>",
        "<item",
        "<!--",
        "</item>",
        "&a",
        "<item><a>",
        "<item/>",
        "<",
    ],
)
def test_hostile_feeds_take_linear_work(tmp_path, read, piece):
    import time

    def took(length: int) -> float:
        path = feed(
            tmp_path, rss([item(0)])[: -len("</channel></rss>")] + "<item>" + piece * (length // len(piece))
        )
        begun = time.process_time()
        account = read(path, kind="news").account
        assert account["documents"] == 1
        return time.process_time() - begun

    assert took(200_000) < 40 * max(took(50_000), 0.02)


# ---------------------------------------------------------------- pages, agencies, archives


def test_a_page_is_an_article_with_what_it_says_of_itself(tmp_path, read):
    paragraphs = "".join(f"<p>{CHINESE * 3}</p>" for _ in range(6))
    page = (
        '<html lang="zh-CN"><head><meta charset="gb2312"><title>大会在北京开幕_某网新闻</title><meta name="author" content="记者甲">'
        f'<link rel="canonical" href="https://news.e.org/1.html"></head><body><h1>大会在北京开幕</h1><span>2024年3月5日 09:00</span>'
        f"<article>{paragraphs}</article></body></html>"
    )
    [document] = read(feed(tmp_path, page.encode("gb18030"), "1.shtml"), kind="news").documents
    assert CHINESE in document["text"]
    assert (document["title"], document["date"], document["url"], document["unit"], document["language_declared"]) == (
        "大会在北京开幕", "2024-03-05T09:00:00", "https://news.e.org/1.html", "e.org", "zh-CN")  # fmt: skip
    assert json.loads(document["meta"]) == {"author": "记者甲"}


def test_real_chinese_pages_are_read(real_data, read):
    pages = sorted((real_data / "corpora/web-html/gne-zh-news").rglob("*.html.gz"))
    shards = [read(path, kind="news") for path in pages]
    assert len(shards) == 33 and sum(shard.account["documents"] for shard in shards) >= 31
    assert all(document["title"] and document["date"] for shard in shards for document in shard.documents)


NITF = """<nitf xml:lang="zh"><head><docdata><doc-id id-string="x1"/><date.issue norm="20240305T090000Z"/></docdata></head><body>
<body.head><hedline><hl1>大会开幕</hl1></hedline><byline><person>张三</person></byline></body.head>
<body.content><p>据新华社报道。</p><p>二。</p></body.content></body></nitf>"""
NEWSML = """<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:1"><itemMeta><versionCreated>2024-03-05T09:00:00Z</versionCreated></itemMeta>
<contentMeta><headline>大会开幕</headline><by>张三</by><language tag="zh"/></contentMeta><contentSet><inlineXML>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body><p>据新华社报道。</p><p>二。</p></body></html></inlineXML></contentSet></newsItem>"""


@pytest.mark.parametrize("text", [NITF, NEWSML])
def test_agency_articles(tmp_path, read, text):
    [document] = read(feed(tmp_path, text), kind="news").documents
    assert (document["text"], document["title"], document["date"], document["language_declared"]) == (
        "据新华社报道。\n\n二。", "大会开幕", "2024-03-05T09:00:00Z", "zh")  # fmt: skip
    assert json.loads(document["meta"]) == {"author": "张三"}


def test_a_news_archive_gives_the_article_its_date_and_author(tmp_path, read, web):
    page = (
        "<html><head><title>T - Site</title><meta property='article:published_time' content='2024-03-05T09:00:00Z'>"
        f"<meta name='author' content='Jo'></head><body><article>{f'<p>{CHINESE * 3}</p>' * 6}</article></body></html>"
    ).encode()
    path = tmp_path / "CC-NEWS.warc.gz"
    member = web.member(web.response("https://news.e.org/1", page))
    path.write_bytes(web.member(web.record("warcinfo", "", b"x", "application/warc-fields")) + member * 2)
    shard = read(path, kind="news")
    assert [d["date"] for d in shard.documents] == ["2024-03-05T09:00:00Z"] * 2 and shard.account[
        "gated"
    ] == {"record_type": 1}
    assert json.loads(shard.documents[1]["meta"]) == {"author": "Jo", "crawled": "2024-05-06T07:08:09Z"}
    assert shard.documents[0]["url"] == "https://news.e.org/1" and shard.documents[0]["unit"] == "e.org"


def test_a_zip_of_feeds_and_what_is_no_news(tmp_path, read):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.xml", rss([item(0)]))
        archive.writestr("b.xml", "<svg><p>x</p></svg>")
        archive.writestr("c.xml", "")
        archive.writestr("d.xml", "<a" * 10)
        archive.writestr("e.xml", "<a>" * 100_000)
        archive.writestr("../f.xml", rss([item(0)]))
        archive.writestr("g.png", b"\x89PNG")
    shard = read(path, kind="news")
    assert [d["locator"] for d in shard.documents] == ["a.zip#a.xml:0"]
    assert shard.account["gated"] == {"empty": 1, "not_wanted": 1}
    assert shard.account["quarantined"] == {"not_news": 1, "xml_syntax": 2, "archive_path": 1}
