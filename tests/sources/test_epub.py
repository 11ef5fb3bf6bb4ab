"""EPUB: the text is the spine's, compared with another reading of it; hostile and encrypted ones are named."""

import json
import posixpath
import zipfile
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
CHINESE = "我在年青时候也曾经做过许多梦，后来大半忘却了。"


def page(body: str, kind: str = "bodymatter") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title/></head><body epub:type="{kind}">{body}</body></html>'
    )


def opf(spine: list[str], extra: str = "", items: str = "") -> str:
    manifest = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(spine)
    )
    references = "".join(f'<itemref idref="i{n}"/>' for n in range(len(spine)))
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>呐喊</dc:title><dc:creator>鲁迅</dc:creator><dc:language>zh</dc:language><dc:date>1923</dc:date>"
        f"<dc:rights>公有领域</dc:rights>{extra}</metadata><manifest>{manifest}{items}</manifest><spine>{references}</spine></package>"
    )


def epub(path, documents, package=None, **more):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OPS/book.opf", package or opf(list(documents)))
        for name, text in documents.items():
            archive.writestr(f"OPS/{name}", text)
        for name, text in more.items():
            archive.writestr(f"META-INF/{name}.xml", text)
    return path


class Words(HTMLParser):
    """Another reading of a document: its text without head, scripts and the sections that are no text of the book."""

    VOID = frozenset(("br", "img", "hr", "meta", "link", "input", "col", "wbr"))

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.hidden, self.parts = 0, []

    def handle_starttag(self, tag, attributes):
        kinds = set((dict(attributes).get("epub:type") or "").split())
        out = tag in ("head", "style", "script", "rt") or kinds & {
            "imprint",
            "colophon",
            "copyright-page",
            "toc",
            "cover",
        }
        if tag not in self.VOID and (self.hidden or out):
            self.hidden += 1

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if self.hidden and tag not in self.VOID:
            self.hidden -= 1

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def spine_text(path):
    with zipfile.ZipFile(path) as archive:
        container = ElementTree.fromstring(archive.read("META-INF/container.xml"))
        opf = next(e.attrib["full-path"] for e in container.iter() if e.tag.endswith("rootfile"))
        package = ElementTree.fromstring(archive.read(opf))
        items = {e.attrib["id"]: e.attrib["href"] for e in package.iter() if e.tag.endswith("}item")}
        covers = {
            e.attrib["href"]
            for e in package.iter()
            if e.tag.endswith("}reference") and e.attrib["type"] == "cover"
        }
        words = ""
        for reference in (e for e in package.iter() if e.tag.endswith("}itemref")):
            href = items[reference.attrib["idref"]]
            if href not in covers:
                reader = Words()
                reader.feed(archive.read(posixpath.join(posixpath.dirname(opf), href)).decode("utf-8"))
                words += "".join(reader.parts)
    return "".join(words.split())


@pytest.mark.parametrize("name", ["austen-pride-and-prejudice", "testEPUB", "testEPUB_xml_ext"])
def test_the_text_of_a_real_epub_is_the_text_of_its_spine(real_data, read, name):
    path = real_data / f"corpora/books/epub/{name}.epub"
    shard = read(path, kind="books")
    [document] = shard.documents
    assert "".join(document["text"].split()) == spine_text(path)
    assert not shard.quarantine


def test_a_real_epub_says_what_it_is(real_data, read):
    path = real_data / "corpora/books/epub/austen-pride-and-prejudice.epub"
    [book] = read(path, kind="books").documents
    assert (book["title"], book["unit"], book["language_declared"]) == (
        "Pride and Prejudice",
        "Jane Austen",
        "en-GB",
    )
    assert "public domain" in book["license"] and book["url"].endswith("/pride-and-prejudice")
    assert "volunteers for Standard Ebooks" not in book["text"]
    assert json.loads(book["meta"])["left_out"] == [
        f"epub/text/{name}.xhtml" for name in ("colophon", "imprint", "uncopyright")
    ]
    assert len(read(path, kind="books", split="chapter").documents) == 61


def test_spine_order_ruby_headings_and_empty_elements(tmp_path, read):
    documents = {
        "b.xhtml": page(f"<h1>第二章</h1><p>{CHINESE}<a id='x'/></p><p>尾</p>"),
        "a.xhtml": page(
            "<h1>第一章</h1><p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>と<br/>改行</p><script src='x'/><p>後<![CDATA[ < ]]>文</p>"
        ),
        "nav.xhtml": page("<nav epub:type='toc'><ol><li>目录</li></ol></nav>"),
        "cover.xhtml": page("<p>封面</p>", "cover"),
        "c.xhtml": page("<p>x<span epub:type='pagebreak'>12</span>y<span class='pagenum'>[13]</span></p>"),
    }
    shard = read(epub(tmp_path / "书.epub", documents), kind="books")
    [book] = shard.documents
    assert book["text"] == f"第二章\n\n{CHINESE}\n\n尾\n\n第一章\n\n漢字と\n改行\n\n後 < 文\n\nxy"
    assert (book["unit"], book["license"], book["date"], book["locator"]) == (
        "鲁迅",
        "公有领域",
        "1923",
        "书.epub#0",
    )
    assert json.loads(book["meta"])["left_out"] == ["OPS/nav.xhtml", "OPS/cover.xhtml"]


ENCRYPTION = (
    '<encryption xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:EncryptionMethod Algorithm="{}"/>'
    '<enc:CipherData><enc:CipherReference URI="{}"/></enc:CipherData></enc:EncryptedData></encryption>'
)


def test_an_encrypted_book_is_quarantined_by_name_and_an_obfuscated_font_is_none(tmp_path, read):
    documents = {"a.xhtml": page(f"<p>{CHINESE}</p>")}
    locked = ENCRYPTION.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OPS/a.xhtml")
    shard = read(epub(tmp_path / "a.epub", documents, encryption=locked, rights="<rights/>"), kind="books")
    assert shard.account["quarantined"] == {"encrypted": 1} and not shard.texts
    assert "呐喊" in shard.quarantine[0]["detail"] and "Adobe ADEPT" in shard.quarantine[0]["detail"]
    font = ENCRYPTION.format("http://www.idpf.org/2008/embedding", "OPS/font.otf")
    assert read(epub(tmp_path / "b.epub", documents, encryption=font), kind="books").texts == [CHINESE]


def test_a_hostile_or_broken_package_is_named(tmp_path, read):
    good = {"a.xhtml": page(f"<p>{CHINESE}</p>")}
    bomb = '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + opf(
        ["a.xhtml"], "<x>&b;</x>"
    )
    outside = '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + opf(
        ["a.xhtml"], "<dc:title>&x;</dc:title>"
    )
    for package in (bomb, outside, "<package><unclosed>", " ", "<a>" * 100_000):
        shard = read(epub(tmp_path / "a.epub", good, package), kind="books")
        assert shard.account["quarantined"] == {"epub_package": 1} and not shard.texts
    shard = read(
        epub(tmp_path / "b.epub", good, opf(["a.xhtml", "../../../etc/passwd", "gone.xhtml"])), kind="books"
    )
    assert shard.texts == [CHINESE] and shard.account["quarantined"] == {
        "archive_path": 1,
        "epub_document": 1,
    }
    with zipfile.ZipFile(tmp_path / "c.epub", "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
    assert read(tmp_path / "c.epub", kind="books").account["quarantined"] == {"epub_package": 1}


def test_one_damaged_chapter_costs_that_chapter(tmp_path, read):
    documents = {f"{n}.xhtml": page(f"<h2>第{n}章</h2><p>{CHINESE * 20}{n * 7919}</p>") for n in range(5)}
    path = epub(tmp_path / "a.epub", documents)
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("OPS/2.xhtml").header_offset + 60
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    shard = read(path, kind="books")
    assert shard.account["documents"] == 1 and shard.account["quarantined"] == {"damaged_member": 1}
    assert [n for n in range(5) if f"第{n}章" in shard.texts[0]] == [0, 1, 3, 4]


@pytest.mark.parametrize("tenth", range(10))
def test_a_truncated_epub_is_named(tmp_path, read, tenth):
    path = epub(tmp_path / "a.epub", {"a.xhtml": page(f"<p>{CHINESE * 50}</p>")})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * tenth // 10])
    shard = read(path, kind="books")
    assert not shard.texts and shard.account["quarantined"]["unreadable_tail"] == 1


def test_an_epub_bomb_is_stopped(tmp_path, read, monkeypatch):
    monkeypatch.setattr("headwater.sources.archives.ALWAYS", 1 << 20)
    path = epub(tmp_path / "a.epub", {"a.xhtml": page("<p>好</p>"), "b.xhtml": "<p>" + "0" * (8 << 20)})
    assert path.stat().st_size * 200 < 8 << 20
    shard = read(path, kind="books")
    assert shard.account["quarantined"]["bomb"] == 1
