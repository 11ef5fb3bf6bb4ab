"""Saved pages: charset, address, MHTML, archives of pages, and what damage to them costs."""

import base64
import gzip
import io
import quopri
import zipfile

import pytest

from headwater.sources.html import address_in

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"
TRADITIONAL = "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞，使精神的絲縷還牽著已逝的時光。"


def page(text: str = CHINESE, head: str = "") -> str:
    return f"<html lang='zh'><head><title>月光</title>{head}</head><body><p>{text}</p></body></html>"


@pytest.mark.fault(17)
@pytest.mark.parametrize("name", ["a.html", "a.HTM", "a.xhtml", "a.html.gz"])
@pytest.mark.parametrize(
    ("charset", "head", "text"),
    [
        ("utf-8", "", CHINESE),
        ("utf-8-sig", "<meta charset=gb2312>", CHINESE),
        ("gb18030", "<meta charset='gb2312'>", CHINESE + "镕堃㐂𠮷"),
        ("gb18030", "<meta charset=utf-8>", CHINESE * 2),
        ("gb18030", "", CHINESE * 2),
        ("big5", "<meta http-equiv=Content-Type content='text/html; charset=big5'>", TRADITIONAL),
        ("big5hkscs", "<meta charset=gb2312>", TRADITIONAL * 2 + "嘅咗啲"),
        ("utf-16", "", CHINESE),
    ],
)
def test_a_saved_page_is_a_document_whatever_its_charset(tmp_path, read, name, charset, head, text):
    path = tmp_path / name
    data = page(text, head).encode(charset)
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    [document] = read(path, kind="html", text="all").documents
    assert document["text"].strip() == text
    assert (document["title"], document["language_declared"]) == ("月光", "zh")
    assert document["locator"] == f"{name}#0"


def test_an_xml_declaration_names_the_charset(tmp_path, read):
    path = tmp_path / "a.xhtml"
    body = "<html xmlns='http://www.w3.org/1999/xhtml'><body><p>naïve café, señor</p></body></html>"
    path.write_bytes(("<?xml version='1.0' encoding='ISO-8859-1'?>" + body).encode("latin-1"))
    assert read(path, kind="html", text="all").texts == ["naïve café, señor"]


@pytest.mark.parametrize(
    ("head", "address"),
    [
        ("<link rel='canonical' href='https://e.example/a?b=1&amp;c=2'>", "https://e.example/a?b=1&c=2"),
        ("<link href=https://e.example/文 rel='shortlink canonical'>", "https://e.example/文"),
        ("<!-- saved from url=(0022)https://e.example/a/b -->", "https://e.example/a/b"),
        ("<!-- saved from url=(0014)about:internet -->", ""),
        (
            "<!--\n Page saved with SingleFile \n url: https://e.example/x \n saved date: Mon -->",
            "https://e.example/x",
        ),
        (
            "<!-- Mirrored from www.e.example/y.html by HTTrack Website Copier/3.x -->",
            "http://www.e.example/y.html",
        ),
        ("<meta property='og:url' content='https://e.example/og'>", "https://e.example/og"),
        (
            "<!-- saved from url=(0022)https://e.example/a/b --><link rel=canonical href='/c'>",
            "https://e.example/c",
        ),
        ("<link rel=canonical href='javascript:alert(1)'>", ""),
        ("<link rel=canonical href='http://[bad'>", ""),
    ],
)
def test_the_address_is_what_the_page_or_the_browser_says(head, address):
    assert address_in(page(head=head)) == address


def test_the_address_is_found_in_linear_time():
    for piece in ("<link ", "<!-- saved from url=(", "<meta a=", 'a="', "<link rel='canonical' ", " "):
        address_in("<html>" + piece * 50_000)


def mhtml(text: str, *, coding: str = "quoted-printable", charset: str = "utf-8", cut: int = 0) -> bytes:
    body = page(text).encode(charset)
    coded = quopri.encodestring(body) if coding == "quoted-printable" else base64.encodebytes(body)
    data = (
        b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://e.example/s\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/related; type="text/html"; boundary="--B"\r\n\r\n'
        b"----B\r\nContent-Type: text/html; charset=" + charset.encode() + b"\r\n"
        b"Content-Transfer-Encoding: " + coding.encode() + b"\r\nContent-Location: https://e.example/s\r\n\r\n"
        + coded + b"\r\n----B\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n"
        b"----B\r\nContent-Type: text/html\r\n\r\n<p>advert</p>\r\n----B--\r\n"
    )  # fmt: skip
    return data[: len(data) - cut]


@pytest.mark.parametrize("coding", ["quoted-printable", "base64"])
@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_of_mhtml_the_first_page_is_the_document(tmp_path, read, coding, charset):
    path = tmp_path / "a.mhtml"
    path.write_bytes(mhtml(CHINESE * 2, coding=coding, charset=charset))
    shard = read(path, kind="html", text="all")
    assert shard.texts == [CHINESE * 2] and shard.account["gated"] == {"frame": 1}
    assert shard.documents[0]["url"] == "https://e.example/s"


@pytest.mark.fault(12)
@pytest.mark.parametrize("tenth", range(1, 10))
@pytest.mark.parametrize("name", ["a.mht", "a.html.gz", "a.html"])
def test_a_truncated_page_is_read_or_named(tmp_path, read, name, tenth):
    data = {"a.mht": mhtml(CHINESE * 50), "a.html": page(CHINESE * 50).encode()}.get(name)
    data = data or gzip.compress(page("".join(chr(0x4E00 + n * 7 % 20000) for n in range(9000))).encode())
    path = tmp_path / name
    path.write_bytes(data[: len(data) * tenth // 10])
    account = read(path, kind="html", text="all").account
    assert 1 <= account["read"] <= 2
    if name.endswith(".gz"):
        assert account["quarantined"]["unreadable_tail"] == 1


def test_an_archive_of_pages_gives_each_its_own_place(tmp_path, read):
    path = tmp_path / "站点.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("站点/第一页.html", page(CHINESE).encode("gb18030"))
        archive.writestr("站点/b.mht", mhtml(TRADITIONAL))
        archive.writestr("站点/logo.png", b"\x89PNG")
        archive.writestr("../out.html", page())
        archive.writestr("站点/empty.htm", b" ")
        archive.writestr("站点/photo.html", b"\x89PNG\r\n\x1a\n")
    shard = read(path, kind="html", text="all")
    assert shard.texts == [CHINESE, TRADITIONAL]
    assert [d["locator"] for d in shard.documents] == ["站点.zip#站点/第一页.html", "站点.zip#站点/b.mht"]
    assert shard.account["gated"] == {"empty": 1, "frame": 1, "not_wanted": 1}
    assert shard.account["quarantined"] == {"archive_path": 1, "not_text": 1}


@pytest.mark.fault(22)
def test_a_page_beyond_the_limit_is_quarantined(tmp_path, read):
    path = tmp_path / "a.html.gz"
    path.write_bytes(gzip.compress(page("好" * (1 << 20)).encode()))
    assert read(path, kind="html", max_record=1 << 20).account["quarantined"] == {"too_large": 1}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.html", page("好" * (1 << 20)))
        archive.writestr("b.html", page())
    path = tmp_path / "a.zip"
    path.write_bytes(packed.getvalue())
    shard = read(path, kind="html", text="all", max_record=1 << 20)
    assert shard.texts == [CHINESE] and shard.account["quarantined"] == {"too_large": 1}


def test_pages_on_a_list_are_gated_before_they_are_extracted(tmp_path, read):
    listed = tmp_path / "list.txt"
    listed.write_text("e.example\n")
    path = tmp_path / "a.mht"
    path.write_bytes(mhtml(CHINESE))
    shard = read(path, kind="html", urls={"lists": {"curated": [str(listed)]}})
    assert shard.account["gated"] == {"frame": 1, "url:list:curated": 1}


def test_every_real_page_is_read(real_data, read):
    paths = sorted((real_data / "corpora/web-html/gne-zh-news").rglob("*.html.gz"))
    documents = 0
    for path in paths:
        shard = read(path, kind="html", text="all")
        documents += len(shard.documents)
        assert shard.account["read"] == 1 and all(
            text.count("\ufffd") <= gzip.decompress(path.read_bytes()).decode().count("\ufffd")
            for text in shard.texts
        )
    assert documents >= 0.9 * len(paths)
