"""Web archives: every record framed is counted, damage costs at most the record that it stands in."""

import gzip
import random
import zlib

import brotli
import pytest
import zstandard

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"
ARTICLE = f"<html lang='zh'><head><title>狂人\n 日记</title></head><body><nav>首页</nav><p>{CHINESE}</p></body></html>"
PAGE = "http://www.example.org/{}.html"


def test_documents_are_pages_and_everything_else_is_gated(tmp_path, read, web):
    path = tmp_path / "a.warc.gz"
    records = [
        web.record("warcinfo", "", b"software: x\r\n", "application/warc-fields"),
        web.record("request", PAGE.format(1), b"GET / HTTP/1.1\r\n\r\n", "application/http; msgtype=request"),
        web.response(PAGE.format(1), ARTICLE.encode(), "text/html; charset=utf-8"),
        web.response(PAGE.format(2), b"\x89PNG\r\n", "image/png"),
        web.response(PAGE.format(3), b"<p>gone</p>", status="404 Not Found"),
        web.response(PAGE.format(4), b""),
        web.response(PAGE.format(5), b"<html><body><script>var x = 'text'</script></body></html>"),
        web.response(PAGE.format(6), "纯文本，\r\n两行。".encode(), "text/plain; charset=utf-8"),
        web.record("revisit", PAGE.format(1), b"HTTP/1.1 200 OK\r\n\r\n"),
        web.record("metadata", PAGE.format(1), b"{}", "application/json"),
        web.record("conversion", PAGE.format(7), CHINESE.encode(), "text/plain"),
        web.record("resource", "metadata://gnu.org/wget.log", b"log", "text/plain"),
    ]
    path.write_bytes(b"".join(map(web.member, records)))
    shard = read(path, kind="warc", text="all")
    assert shard.account["read"] == 12
    assert shard.account["gated"] == {"content_type": 1, "empty": 2, "http_status": 1, "record_type": 5}
    assert not shard.quarantine
    page, plain, wet = shard.documents
    assert CHINESE in page["text"] and "首页" in page["text"]
    assert (page["title"], page["language_declared"]) == ("狂人 日记", "zh")
    assert (page["url"], page["date"], page["unit"]) == (
        PAGE.format(1),
        "2024-05-06T07:08:09Z",
        "example.org",
    )
    assert plain["text"] == "纯文本，\n两行。" and wet["text"] == CHINESE
    offset = sum(len(web.member(record)) for record in records[:2])
    assert page["locator"] == f"a.warc.gz#{offset}"


def test_main_text_leaves_navigation_out_and_nbsp_is_a_space(tmp_path, read, web):
    path = tmp_path / "a.warc"
    page = ARTICLE.replace("月光。", "月光。&nbsp;&nbsp;Moon&nbsp;light. ")
    path.write_bytes(web.response(PAGE.format(1), page.encode(), "text/html; charset=utf-8"))
    [text] = read(path, kind="warc").texts
    assert "首页" not in text and "Moon light" in text and "\xa0" not in text


@pytest.mark.parametrize("charset", ["gb18030", "big5", "utf-8", "utf-16"])
@pytest.mark.parametrize("declared", ["header", "meta", "nowhere", "wrong"])
def test_charset_from_header_then_meta_then_detection(tmp_path, read, web, charset, declared):
    text = "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞。" if charset == "big5" else CHINESE
    head = f"<meta charset='{charset}'>" if declared == "meta" else ""
    page = f"<html><head>{head}</head><body><p>{text * 3}</p></body></html>".encode(charset)
    header = {"header": f"; charset={charset}", "wrong": "; charset=ISO-8859-1"}.get(declared, "")
    path = tmp_path / "a.warc"
    path.write_bytes(web.response(PAGE.format(1), page, "text/html" + header))
    [found] = read(path, kind="warc", text="all").texts
    assert text * 3 in found


RAW = zlib.compressobj(wbits=-15)
CODINGS = {
    "gzip": gzip.compress,
    "x-gzip": lambda body: gzip.compress(body[:99]) + gzip.compress(body[99:]) + b"after the end",
    "deflate": zlib.compress,
    "Deflate": lambda body: (machine := RAW.copy()).compress(body) + machine.flush(),
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "gzip, br": lambda body: brotli.compress(gzip.compress(body)),
    " GZIP": lambda body: body,  # undone by the crawler, which left the header
    "identity": lambda body: body,
}


@pytest.mark.parametrize("coded", ["", "chunked", *CODINGS])
def test_content_codings_are_undone_and_a_bomb_is_stopped(tmp_path, read, web, coded):
    def coded_body(body: bytes) -> tuple[bytes, str]:
        if coded in CODINGS:
            return CODINGS[coded](body), f"Content-Encoding: {coded}\r\n"
        if coded == "chunked":
            return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), "Transfer-Encoding: chunked\r\n"
        return body, ""

    body, header = coded_body(ARTICLE.encode())
    large, _ = coded_body(b"<p>" + b"a" * (3 << 20))
    path = tmp_path / "a.warc.gz"
    path.write_bytes(
        web.member(web.response(PAGE.format(1), body, "text/html; charset=utf-8", more=header))
        + web.member(web.response(PAGE.format(2), large, more=header))
    )
    shard = read(path, kind="warc", max_record=1 << 20)
    assert CHINESE in shard.texts[0]
    assert shard.account["documents"] == 1 and shard.account["quarantined"] == {"too_large": 1}


@pytest.mark.parametrize("coded", ["gzip", "deflate", "br", "zstd"])
def test_of_a_body_that_the_server_broke_off_what_came_is_kept_and_a_damaged_one_is_quarantined(
    tmp_path, read, web, coded
):
    random.seed(2)
    paragraphs = ["".join(chr(random.randrange(0x4E00, 0x9FA5)) for _ in range(500)) for _ in range(400)]
    body = CODINGS[coded]("".join(f"<p>{text}。</p>" for text in paragraphs).encode())
    header = f"Content-Encoding: {coded}\r\n"
    path = tmp_path / "a.warc.gz"
    cut = body[: len(body) * 3 // 4]
    path.write_bytes(web.member(web.response(PAGE.format(1), cut, "text/html; charset=utf-8", more=header)))
    [text] = read(path, kind="warc", text="all").texts
    assert paragraphs[100] in text and paragraphs[399] not in text
    middle = len(body) // 2
    damaged = body[:middle] + bytes(200) + body[middle + 200 :]
    path.write_bytes(web.member(web.response(PAGE.format(1), damaged, more=header)))
    account = read(path, kind="warc").account
    if coded == "gzip":  # the others carry no checksum
        assert account["quarantined"] == {"content_encoding": 1} and account["read"] == 1
    path.write_bytes(web.member(web.response(PAGE.format(1), body, more="Content-Encoding: 压缩\r\n")))
    assert read(path, kind="warc").account["quarantined"] == {"content_encoding": 1}


def archive(web, count: int = 40) -> tuple[list[bytes], list[str]]:
    """Members and the text of each."""
    random.seed(1)
    texts = ["".join(chr(random.randrange(0x4E00, 0x9FA5)) for _ in range(200)) for _ in range(count)]
    return [
        web.member(web.response(PAGE.format(n), f"<p>{text}</p>".encode(), "text/html; charset=utf-8"))
        for n, text in enumerate(texts)
    ], texts


@pytest.mark.parametrize("place", [0.001, 0.3, 0.5, 0.8, 0.999])
def test_a_flipped_byte_costs_at_most_its_record(tmp_path, read, web, place):
    members, texts = archive(web)
    whole = bytearray(b"".join(members))
    whole[int(len(whole) * place)] ^= 0x55
    path = tmp_path / "a.warc.gz"
    path.write_bytes(bytes(whole))
    shard = read(path, kind="warc", text="all")
    assert len(shard.texts) >= 39 and set(shard.texts) <= set(texts)
    assert 40 - len(shard.texts) <= sum(shard.account["quarantined"].values())


@pytest.mark.parametrize("tenth", range(1, 10))
def test_of_a_truncated_archive_the_whole_records_are_kept(tmp_path, read, web, tenth):
    members, texts = archive(web)
    whole = b"".join(members)
    cut = len(whole) * tenth // 10
    kept = 0
    while sum(map(len, members[: kept + 1])) <= cut:
        kept += 1
    path = tmp_path / "a.warc.gz"
    path.write_bytes(whole[:cut])
    shard = read(path, kind="warc", text="all")
    assert shard.texts == texts[:kept]
    assert shard.account["quarantined"] == {"unreadable_tail": 1}
    start = sum(map(len, members[:kept]))
    assert shard.quarantine[0]["bytes"] == whole[start:cut]


def test_garbage_between_members_is_named_and_the_rest_is_read(tmp_path, read, web):
    members, texts = archive(web, 4)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(
        members[0] + b"\x1f\x8bgarbage!" + members[1] + members[2] + b"\0" * 100 + members[3] + b"end"
    )
    shard = read(path, kind="warc", text="all")
    assert shard.texts == texts
    assert shard.account["quarantined"] == {"garbage": 1, "unreadable_tail": 1}


def test_an_archive_in_one_member_gives_each_record_its_own_id(tmp_path, read, web):
    records = [
        web.response(PAGE.format(n), f"<p>第{n}页</p>".encode(), "text/html; charset=utf-8")
        for n in range(30)
    ]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(web.member(b"".join(records)))
    shard = read(path, kind="warc", text="all")
    assert shard.texts == [f"第{n}页" for n in range(30)]
    assert len({document["id"] for document in shard.documents}) == 30


@pytest.mark.parametrize("change", [-40, 40, 10_000_000])
def test_a_false_length_costs_its_member_only(tmp_path, read, web, change):
    members, texts = archive(web, 5)
    body = f"<p>{CHINESE}</p>".encode()
    record = web.response(PAGE.format(9), body)
    length = len(record.partition(b"\r\n\r\n")[2]) - 4
    false = record.replace(b"Content-Length: %d" % length, b"Content-Length: %d" % (length + change))
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(members[:2]) + web.member(false) + b"".join(members[2:]))
    shard = read(path, kind="warc", text="all")
    assert set(texts) <= set(shard.texts)
    assert shard.account["quarantined"]


def test_what_is_no_warc_is_one_quarantined_record_with_its_bytes(tmp_path, read):
    for name, data in (("a.arc", b"1 0 x\nno header\n"), ("b.warc", "不是".encode())):
        path = tmp_path / name
        path.write_bytes(data)
        shard = read(path, kind="warc")
        assert shard.account["read"] == 1 and shard.account["quarantined"] == {"not_warc": 1}
        assert shard.quarantine[0]["bytes"] == data
    empty = tmp_path / "c.warc.gz"
    empty.write_bytes(b"")
    assert read(empty, kind="warc").account["read"] == 0


@pytest.mark.parametrize("nested", [3_000, 100_000])
def test_deep_nesting_gives_its_text(tmp_path, read, web, nested):
    page = "<div>" * nested + CHINESE + "</div>" * nested
    path = tmp_path / "a.warc"
    path.write_bytes(web.response(PAGE.format(1), page.encode(), "text/html; charset=utf-8"))
    assert read(path, kind="warc", text="main").texts == [CHINESE]


def test_a_page_that_says_it_is_not_for_training_is_marked(tmp_path, read, web):
    path = tmp_path / "a.warc"
    page = f"<html><head><meta name='robots' content='noai'></head><body><p>{CHINESE}</p></body></html>"
    path.write_bytes(
        web.response(PAGE.format(1), page.encode(), "text/html; charset=utf-8")
        + web.response(
            PAGE.format(2), ARTICLE.encode(), "text/html; charset=utf-8", more="X-Robots-Tag: noai\r\n"
        )
        + web.response(PAGE.format(3), ARTICLE.encode(), "text/html; charset=utf-8")
    )
    consents = [document["consent"] for document in read(path, kind="warc", text="all").documents]
    assert "noai" in consents[0] and consents[1] == "noai" and consents[2] is None


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://news.bbc.co.uk/a", "bbc.co.uk"),
        ("http://www.新华网.中国/a", "新华网.中国"),
        ("http://a.example.com.cn:8080/", "example.com.cn"),
        ("http://localhost:43567/os.html", "localhost"),
        ("http://127.0.0.1:80/x", "127.0.0.1"),
        ("http://[::1]/x", "::1"),
    ],
)
def test_the_unit_of_a_page_is_its_registered_domain(tmp_path, read, web, url, site):
    path = tmp_path / "a.warc"
    path.write_bytes(web.response(url, ARTICLE.encode(), "text/html; charset=utf-8"))
    assert read(path, kind="warc").documents[0]["unit"] == site


def test_the_account_balances_over_all_real_archives(real_data, read):
    paths = [
        path
        for folder in ("corpora/web-warc", "bad-input")
        for path in sorted((real_data / folder).rglob("*"))
        if path.is_file()
    ]
    for path in paths:
        shard = read(path, kind="warc", text="all")  # the fixture asserts the balance
        assert shard.account["read"] > 0, path
        assert len({document["id"] for document in shard.documents}) == len(shard.documents)


def test_chinese_pages_of_common_crawl_are_text(real_data, read):
    shard = read(real_data / "corpora/web-warc/cc-multilingual-a.warc.gz", kind="warc")
    assert len(shard.texts) == 7 and not any("\ufffd" in text for text in shard.texts)
    assert any("\u4e00" <= character <= "\u9fff" for character in "".join(shard.texts))
