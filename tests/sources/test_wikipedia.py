"""MediaWiki dumps: pages framed past any damage, the wiki's own names, and real dumps read without a leak."""

import base64
import bz2
import gzip
import hashlib
import html
import random
import tracemalloc

import pytest
import zstandard
from pydantic import ValidationError

from headwater.recipe.sources import WikipediaSource
from headwater.sources.places import place_of
from headwater.sources.records import Found
from headwater.sources.wikipedia import read as read_dump
from headwater.sources.wikipedia import wiki_of

SITEINFO = """<siteinfo><sitename>维基百科</sitename><dbname>zhwiki</dbname>
<base>https://zh.wikipedia.org/wiki/Wikipedia:%E9%A6%96%E9%A1%B5</base><namespaces>
<namespace key="6" case="first-letter">File</namespace><namespace key="14" case="first-letter">主題類</namespace>
<namespace key="0" case="first-letter" /><namespace key="1" case="first-letter">Talk</namespace></namespaces></siteinfo>
"""
HEAD = (
    f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="zh">\n{SITEINFO}'
)
TAIL = "</mediawiki>\n"


def sha1(text: str) -> str:
    number, digits = int(hashlib.sha1(text.encode()).hexdigest(), 16), ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits.rjust(31, "0")


def revision(text: str, number: int = 1, date: str = "2024-05-06T07:08:09Z", model: str = "wikitext") -> str:
    return (
        f"<revision><id>{number}</id><timestamp>{date}</timestamp><model>{model}</model>"
        f'<text bytes="{len(text.encode())}" sha1="{sha1(text)}" xml:space="preserve">{html.escape(text)}</text>'
        f"<sha1>{sha1(text)}</sha1></revision>\n"
    )


def page(title: str, *revisions: str, ns: int | None = 0, number: int = 7, more: str = "") -> str:
    space = "" if ns is None else f"<ns>{ns}</ns>"
    return f"<page><title>{html.escape(title)}</title>{space}<id>{number}</id>{more}\n{''.join(revisions)}</page>\n"


def pages(count: int) -> list[str]:
    rng = random.Random(0)
    texts = ["".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(300)) for _ in range(count)]
    return [page(f"第{n}頁", revision(f"'''{text}'''。"), number=n) for n, text in enumerate(texts)]


def test_a_page_is_a_document_with_what_the_dump_says_of_it(tmp_path, read):
    path = tmp_path / "dump.xml"
    text = "'''AT&T 公司''' & [[主題類:甲]][[乙|丙]]&nbsp;<!-- -->。"
    path.write_text(HEAD + page("AT&T 公司", revision(text, 42)) + TAIL, encoding="utf-8")
    shard = read(path, kind="wikipedia")
    [document] = shard.documents
    assert document["text"] == "AT&T 公司 & 丙 。"
    assert (document["title"], document["source_id"], document["date"]) == (
        "AT&T 公司",
        "7",
        "2024-05-06T07:08:09Z",
    )
    assert document["url"] == "https://zh.wikipedia.org/wiki/AT%26T_%E5%85%AC%E5%8F%B8"
    assert (document["language_declared"], document["license"]) == ("zh", "CC-BY-SA-4.0")
    assert document["meta"] == '{"revision": "42"}' and document["unit"] == document["id"]


def test_the_licence_is_that_of_the_day_or_of_the_recipe(tmp_path, read):
    path = tmp_path / "dump.xml"
    dates = ("2023-06-06T23:59:59Z", "2023-06-07T00:00:00Z")
    body = "".join(page("甲", revision("乙", date=date), number=n) for n, date in enumerate(dates))
    path.write_text(HEAD + body + TAIL, encoding="utf-8")
    assert [d["license"] for d in read(path, kind="wikipedia").documents] == ["CC-BY-SA-3.0", "CC-BY-SA-4.0"]
    assert {d["license"] for d in read(path, kind="wikipedia", license="X").documents} == {"X"}
    path.write_text((HEAD + body + TAIL).replace("zh.wikipedia.org", "wiki.example"), encoding="utf-8")
    assert {d["license"] for d in read(path, kind="wikipedia").documents} == {None}


def test_what_is_no_article_is_gated_by_reason(tmp_path, read):
    path = tmp_path / "dump.xml"
    body = [
        page("甲", revision("正文。")),
        page("乙", revision("#重定向 [[甲]]")),
        page("丙", revision("x"), more='<redirect title="甲" />'),
        page("Talk:甲", revision("x"), ns=1),
        page("Talk:乙", revision("x"), ns=None),
        page("丁", revision("{}", model="json")),
        page("戊", revision("{{消歧义}}")),
        page("己", '<revision><id>1</id><timestamp>2024</timestamp><text bytes="9" id="1" /></revision>'),
        page("庚", '<revision><id>1</id><timestamp>2024</timestamp><text deleted="deleted" /></revision>'),
        page("辛", revision("")),
    ]
    path.write_text(HEAD + "".join(body) + TAIL, encoding="utf-8")
    account = read(path, kind="wikipedia").account
    assert account["gated"] == {
        "redirect": 2, "namespace": 2, "content_model": 1, "markup_only": 1, "no_text": 1, "deleted": 1, "empty": 1,
    }  # fmt: skip
    assert account["documents"] == 1 and account["quarantined"] == {}
    assert read(path, kind="wikipedia", namespaces=[1]).account["documents"] == 2


def test_of_a_history_the_latest_revision_is_the_document(tmp_path, read):
    path = tmp_path / "dump.xml"
    revisions = [revision(f"第{n}版。", n, f"20{n:02}-01-01T00:00:00Z") for n in (3, 9, 5)]
    path.write_text(HEAD + page("甲", *revisions) + TAIL, encoding="utf-8")
    shard = read(path, kind="wikipedia")
    assert shard.texts == ["第9版。"] and shard.account["gated"] == {"older_revision": 2}


def test_a_history_of_any_length_is_read_in_the_memory_of_one_page(tmp_path):
    path = tmp_path / "dump.xml"
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD + page("甲").replace("</page>", ""))
        for n in range(100):
            file.write(revision("字" * 100_000 + str(n), n, f"2{n:03}"))
        file.write(f"</page>{TAIL}")
    source = WikipediaSource(name="w", kind="wikipedia", paths=["*"])
    tracemalloc.start()
    records = sum(1 for _ in read_dump(place_of(str(path)), source))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert records == 100 and peak < 10e6  # of 30 MB


@pytest.mark.fault(17)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "gb18030"])
def test_other_encodings_by_mark_or_declaration(tmp_path, read, encoding):
    path = tmp_path / "dump.xml"
    declared = f'<?xml version="1.0" encoding="{encoding}"?>\n' if encoding == "gb18030" else ""
    path.write_bytes((declared + HEAD + "".join(pages(5)) + TAIL).encode(encoding))
    shard = read(path, kind="wikipedia")
    assert shard.account["documents"] == 5 and not shard.quarantine


# ---------------------------------------------------------------- damage


@pytest.mark.fault(12)
@pytest.mark.parametrize("tenth", range(1, 10))
@pytest.mark.parametrize("packed", ["", ".gz", ".bz2", ".zst"])
def test_of_a_truncated_dump_the_prefix_is_kept_and_the_tail_named(tmp_path, read, packed, tenth):
    pack = {
        "": bytes,
        ".gz": gzip.compress,
        ".bz2": lambda d: bz2.compress(d, 1),
        ".zst": zstandard.compress,
    }[packed]
    whole = pack((HEAD + "".join(pages(400)) + TAIL).encode())
    path = tmp_path / f"dump.xml{packed}"
    path.write_bytes(whole[: len(whole) * tenth // 10])
    account = read(path, kind="wikipedia").account
    assert account["quarantined"] == {"unreadable_tail": 1}
    if packed in ("", ".gz"):
        assert abs(account["documents"] - 40 * tenth) < 10


@pytest.mark.fault(13)
@pytest.mark.parametrize("seed", range(6))
def test_a_flipped_byte_costs_at_most_one_page(tmp_path, read, seed):
    whole = (HEAD + "".join(pages(100)) + TAIL).encode()
    rng, path = random.Random(seed), tmp_path / "dump.xml"
    for _ in range(15):
        place = rng.randrange(len(HEAD.encode()), len(whole) - len(TAIL))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :])
        shard = read(path, kind="wikipedia")
        # One page, or the two that its lost tags made one; every text that is read is as it was, by its SHA-1.
        assert shard.account["documents"] >= 98, place
        assert sum(shard.account["quarantined"].values()) <= 2


@pytest.mark.fault(13)
@pytest.mark.parametrize("packed", [".bz2", ".gz", ".zst"])
def test_a_flipped_byte_in_one_stream_of_many_costs_that_stream(tmp_path, read, packed):
    pack = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    }[packed]
    some = pages(100)
    streams = [HEAD, *("".join(some[n : n + 10]) for n in range(0, 100, 10)), TAIL]
    members = [pack(stream.encode()) for stream in streams]
    path, rng = tmp_path / f"dump.xml{packed}", random.Random(3)
    path.write_bytes(b"".join(members))
    assert read(path, kind="wikipedia").account["documents"] == 100
    for _ in range(12):
        struck = rng.randrange(1, 11)
        member = bytearray(members[struck])
        member[rng.randrange(len(member) // 4, len(member))] ^= 1 << rng.randrange(8)
        path.write_bytes(b"".join([*members[:struck], bytes(member), *members[struck + 1 :]]))
        account = read(path, kind="wikipedia").account
        assert account["documents"] >= 90 and account["documents"] + sum(account["quarantined"].values()) > 90
        assert set(account["quarantined"]) <= {"damaged_block", "xml", "checksum", "encoding"}


@pytest.mark.fault(14)
def test_garbage_between_pages_and_files_that_are_no_dumps(tmp_path, read):
    path = tmp_path / "dump.xml"
    first, second = pages(2)
    path.write_text(HEAD + first + "<html>垃圾" + second + TAIL, encoding="utf-8")
    account = read(path, kind="wikipedia").account
    assert account["documents"] == 2 and account["quarantined"] == {"xml": 1}
    path.write_text("<html><body>甲</body></html>")
    assert read(path, kind="wikipedia").account["quarantined"] == {"not_mediawiki": 1}
    path.write_text("")
    assert read(path, kind="wikipedia").account["gated"] == {"empty": 1}
    path.write_text(HEAD + TAIL, encoding="utf-8")
    assert read(path, kind="wikipedia").account["read"] == 0
    for name, data in (("a.xml.bz2", b""), ("b.xml.gz", b"no gzip")):
        path = tmp_path / name
        path.write_bytes(data)
        assert read(path, kind="wikipedia").account["quarantined"] == {"unreadable_tail": 1}


@pytest.mark.fault(16)
def test_invalid_utf8_costs_exactly_its_page(tmp_path, read):
    some = [text.encode() for text in pages(100)]
    some[49] = some[49].replace(b"'''", b"\xff\xfe", 1).replace(b"&#x27;", b"\xff\xfe", 1)
    path = tmp_path / "dump.xml"
    path.write_bytes(HEAD.encode() + b"".join(some) + TAIL.encode())
    account = read(path, kind="wikipedia").account
    assert account["documents"] == 99 and account["quarantined"] == {"encoding": 1}


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    "lost", ["<page>", "</page>", "<revision>", "</revision>", "</text>", "<title>", "<text "]
)
def test_a_lost_tag_costs_no_other_page(tmp_path, read, lost):
    some = pages(5)
    some[2] = some[2].replace(lost, "")
    path = tmp_path / "dump.xml"
    path.write_text(HEAD + "".join(some) + TAIL, encoding="utf-8")
    account = read(path, kind="wikipedia").account
    assert account["documents"] == 4 and account["quarantined"] == {"xml": 1}


@pytest.mark.fault(18, 19)
def test_odd_characters_and_surrogates_are_caught_on_the_way_in(tmp_path, read):
    path = tmp_path / "dump.xml"
    body = page("甲", revision("一&#xD800;二&#0;三&#65;\r\n\u2028四\x85")).replace("&amp;#", "&#")
    body = body.replace('sha1="', 'x="').partition("<sha1>")[0] + "</revision></page>"
    path.write_text(HEAD + body + TAIL, encoding="utf-8", newline="")
    [text] = read(path, kind="wikipedia").texts
    assert "A" in text and "\r" not in text and "\0" not in text and text.encode()


@pytest.mark.fault(20, 22)
@pytest.mark.parametrize("packed", ["", ".gz", ".bz2"])
def test_a_page_above_the_limit_is_quarantined_and_the_next_is_read(tmp_path, read, monkeypatch, packed):
    monkeypatch.setattr("headwater.sources.wikipedia.MAX_RECORD", 1 << 20)
    first, last = pages(2)
    opener = {"": open, ".gz": gzip.open, ".bz2": bz2.open}[packed]
    path = tmp_path / f"dump.xml{packed}"
    with opener(path, "wb") as file:
        file.write((HEAD + first).encode())
        head, _, tail = page("大", revision("X")).partition("X<")
        file.write(head.encode())
        for _ in range(100):
            file.write(b" " * (1 << 20))
        file.write(b"<" + tail.encode() + (last + TAIL).encode())
    shard = read(path, kind="wikipedia")  # what it imports is no part of the measure
    tracemalloc.start()
    read(path, kind="wikipedia")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shard.account["documents"] == 2 and shard.account["quarantined"] == {"too_large": 1}
    assert peak < 40e6


@pytest.mark.fault(21)
def test_xml_nested_deep_costs_its_page(tmp_path, read):
    first, last = pages(2)
    path = tmp_path / "dump.xml"
    deep = page(
        "深", "<revision><id>1</id><timestamp>2</timestamp><text>" + "<a>" * 200_000 + "</text></revision>"
    )
    path.write_text(HEAD + first + deep + "<page>" * 1000 + last[6:] + TAIL, encoding="utf-8")
    account = read(path, kind="wikipedia").account
    assert account["documents"] == 2 and account["quarantined"] == {"xml": 1000}


@pytest.mark.fault(28)
def test_many_small_files(tmp_path, read):
    paths = []
    for n, text in enumerate(pages(200)):
        paths.append(tmp_path / f"{n}.xml")
        paths[-1].write_text(text, encoding="utf-8")
    shard = read(*paths, kind="wikipedia")
    assert len(shard.documents) == 200 and not shard.quarantine


def test_a_changed_text_is_told_by_its_checksum(tmp_path, read):
    path = tmp_path / "dump.xml"
    path.write_text(HEAD + page("甲", revision("原文。")).replace("原文", "贋文") + TAIL, encoding="utf-8")
    assert read(path, kind="wikipedia").account["quarantined"] == {"checksum": 1}


# ---------------------------------------------------------------- the wiki


@pytest.mark.parametrize(
    ("name", "language", "address"),
    [
        ("zhwiki-20240101-pages-articles.xml.bz2", "zh", "https://zh.wikipedia.org/wiki/"),
        ("simplewiki.xml", "en", "https://simple.wikipedia.org/wiki/"),
        ("zh_yuewiki-latest.xml.bz2", "yue", "https://zh-yue.wikipedia.org/wiki/"),
        ("dewiktionary-1.xml", "de", "https://de.wiktionary.org/wiki/"),
        ("commonswiki.xml", "", "https://commons.wikimedia.org/wiki/"),
        ("companywiki.xml", "", ""),
        ("dump.xml", "", ""),
    ],
)
def test_a_file_without_siteinfo_is_known_by_its_name(name, language, address):
    wiki = wiki_of(name)
    assert (wiki.language, wiki.address) == (language, address)


def test_siteinfo_says_what_the_wiki_is():
    wiki = wiki_of("dump.xml", SITEINFO)
    assert (wiki.language, wiki.address, wiki.license) == ("zh", "https://zh.wikipedia.org/wiki/", True)
    assert "主題類" in wiki.names.categories and wiki.namespaces["talk"] == 1
    other = SITEINFO.replace("zh.wikipedia.org/wiki/", "wiki.example/index.php?title=").replace(
        "zhwiki", "mywiki"
    )
    wiki = wiki_of("mywiki.xml", other)
    assert (wiki.language, wiki.address, wiki.license) == ("", "https://wiki.example/index.php?title=", False)
    # An excerpt of the Arabic Wikipedia in the frame of another.
    assert wiki_of("arwiki.xml.bz2", SITEINFO).address == "https://ar.wikipedia.org/wiki/"


@pytest.mark.parametrize("settings", [{"variant": "Traditional!"}, {"namespaces": []}, {"namespaces": ["0"]}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValidationError):
        WikipediaSource(name="w", kind="wikipedia", paths=["*"], **settings)


# ---------------------------------------------------------------- real dumps

# The first paragraphs of real pages, each looked at beside its source: file, title, paragraph, its first words, the hash of
# all of it. What differs from the rendered page by intent: pronunciations are left out, {{convert}} converts nothing.
LEADS: list[tuple[str, str, int, str, str]] = [
    ("zhwiki-20150423-id13", "数学", 0, "数学（Mathema", "y46rbuoxizawx6i7"),
    ("zhwiki-20150423-id13", "数学", 1, "基礎數學的知識與運用", "jgcyx6eqxvg33576"),
    ("zhwiki", "柏林", 0, "柏林（德语：Berl", "o6uhxk454x6r7mwd"),
    ("zhwiki", "柏林", 1, "柏林是欧盟區內人口第", "pye235xazkcm3rln"),
    ("zhwiki", "柏林", 2, "该根據考古发掘，柏林", "3zrgd7qpdgn54xy7"),
    ("jawiki", "ベルリン", 0, "ベルリン州（ベルリン", "wzman7ncfmjbbiaq"),
    ("arwiki", "برلين", 0, "برلين (بال", "lmr4noprfc5nzdzs"),
    ("arwiki", "برلين", 1, "يعود أول ت", "hdj5nrakxkywyfiy"),
    ("enwiki-latest-pages-articles1", "Albedo", 0, "Albedo or", "lwiplypxua56qz63"),
    ("enwiki-latest-pages-articles1", "Achilles", 0, "In Greek m", "jnclsdpyuee7o7rw"),
    ("enwiki-latest-pages-articles1", "Aristotle", 0, "Aristotle", "2ofirqqbxw4kgntd"),
    ("enwiki-latest-pages-articles1", "International Atomic Time", 0, "Internatio", "3efvm7y3ia7uz5gy"),
    ("enwiki", "Samsung", 0, "The Samsun", "vpg6yhph43lpvuxl"),
    ("enwiki-20120104-id12", "Anarchism", 0, "Anarchism", "5yguyy5u4fch7xgq"),
    ("enwiki", "IKEA", 0, "IKEA is a", "gjcdiifdbx3p3hn5"),
    ("dewiki-20130602-id1", "Alan Smithee", 0, "Alan Smith", "dknko3qr2wk4yeew"),
    ("dewiki", "Arthur Schopenhauer", 0, "Arthur Sch", "v56r3rwgcnuyg6pd"),
    ("eswiki", "Berlín", 0, "Berlín (en", "lqnqvoidh6zj7mqi"),
    ("frwiki-20121230-id3", "Antoine Meillet", 0, "Paul Jules", "27qvfvyiyrkktuo6"),
    ("simplewiki-20161220-id6", "Art", 0, "Art is a c", "dujydho4wrssds7o"),
    ("simplewiki", "Berlin", 0, "Berlin is", "nzciqfzzlzopz7yw"),
    ("enwiki", "Mini (Mark I)", 0, "The Mark I", "lwra2ctcm4dwwyha"),
    ("enwiki", "Jim Pewter", 0, "Jim Pewter", "ll62icayfsm43hkq"),
    ("enwiki", "Marian Breland Bailey", 0, "Marian Bre", "j2mvl4ucoabud5qi"),
]


@pytest.fixture(scope="module")
def real_pages(real_data):
    source = WikipediaSource(name="w", kind="wikipedia", paths=["*"])
    found, others = {}, []
    for path in sorted((real_data / "corpora/wikipedia").rglob("*")):
        if path.is_file():
            for record in read_dump(place_of(str(path)), source):
                if isinstance(record, Found):
                    found.setdefault((path.name.partition(".")[0], record.fields["title"]), record)
                else:
                    others.append((path.name, record))
    return found, others


def test_no_markup_is_left_in_any_real_page(real_pages):
    found, _ = real_pages
    assert len(found) >= 150
    for place, record in found.items():
        for leak in ("{{", "[[", "]]", "<ref", "|-", "'''", "''", "{|", "|}", "-{", "}-", "__NOTOC__"):
            assert leak not in record.text, (place, leak)


def test_real_dumps_are_read_whole(real_pages):
    found, others = real_pages
    assert [
        record for _, record in others if not hasattr(record, "reason") or hasattr(record, "detail")
    ] == []
    languages = {record.fields.get("language") for record in found.values()}
    assert {"en", "zh", "ja", "ar", "de", "es", "fr", "ru"} <= languages
    assert all(record.fields["source_id"].isdigit() and record.meta["revision"] for record in found.values())


@pytest.mark.parametrize("lead", LEADS, ids=lambda lead: f"{lead[0]}-{lead[1]}-{lead[2]}")
def test_leads_are_what_a_reader_sees(real_pages, lead):
    found, _ = real_pages
    file, title, number, words, digest = lead
    text = found[file, title].text.split("\n\n")[number]
    assert text.startswith(words)
    assert base64.b32encode(hashlib.sha256(text.encode()).digest())[:16].decode().lower() == digest, text
