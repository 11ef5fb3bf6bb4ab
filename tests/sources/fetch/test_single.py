"""One page: the web is asked politely, a record of an archive is found by its locator, a saved page by its file."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import HeadwaterError
from headwater.recipe.sources import WarcSource
from headwater.sources import warc
from headwater.sources.fetch.connection import Answer, RefusedError
from headwater.sources.fetch.warc_writer import WarcWriter
from headwater.sources.single import names_page, page_at

HTML = {"Content-Type": "text/html; charset=utf-8"}
MANNERS: dict[str, Any] = {"delay": 0.0, "backoff": 0.01, "allow_loopback": True, "https_only": False}


def markup(text: str) -> str:
    return f"<!doctype html><html><head><title>河水</title></head><body><p>{text}</p></body></html>"


def answer(url: str, body: bytes, *, status: int = 200, kind: str = "text/html") -> Answer:
    headers = [("Content-Type", kind), ("X-Robots-Tag", "noai")]
    return Answer(
        url, b"GET / HTTP/1.1\r\n\r\n", status, f"HTTP/1.1 {status} OK", headers, body, False, "::1"
    )


def test_a_page_of_the_web_is_read_as_a_crawl_would_read_it(mirror: Any) -> None:
    mirror.put("/robots.txt", "User-agent: *\nDisallow: /private")
    page = markup("河水在夜里涨了起来。").encode("gb18030")
    mirror.routes["/a"] = lambda _: (
        200,
        {"Content-Type": "text/html; charset=gbk", "Content-Encoding": "gzip", "X-Robots-Tag": "noai"},
        gzip.compress(page),
    )
    mirror.routes["/old"] = lambda _: (301, {"Location": "/a"}, b"")
    mirror.routes["/sly"] = lambda _: (302, {"Location": "/private/b"}, b"")
    mirror.routes["/gone"] = lambda _: (404, HTML, b"nothing")
    mirror.routes["/picture"] = lambda _: (200, {"Content-Type": "image/png"}, b"\x89PNG....")
    for path in ("/a", "/old"):
        found = page_at(mirror.url + path, **MANNERS)
        assert "河水在夜里涨了起来。" in found.markup
        assert found.fields["url"] == mirror.url + "/a" and found.fields["consent"] == "noai"
    for path, said in [
        ("/private/b", "robots.txt does not allow"),
        ("/sly", "robots.txt does not allow"),
        ("/gone", "answers 404"),
        ("/picture", "no HTML page"),
    ]:
        with pytest.raises(HeadwaterError, match=said):
            page_at(mirror.url + path, **MANNERS)
    assert not mirror.asked("/private/b")
    assert mirror.seen[0][0] == "/robots.txt"


def test_private_addresses_and_plain_http_are_refused(mirror: Any) -> None:
    mirror.put("/a", markup("甲"))
    with pytest.raises(RefusedError, match="--allow-loopback"):
        page_at(mirror.url + "/a", delay=0.0, backoff=0.01, https_only=False)
    with pytest.raises(RefusedError, match="plain http"):
        page_at(mirror.url + "/a", delay=0.0, backoff=0.01, allow_loopback=True)
    with pytest.raises(RefusedError, match="no public address"):
        page_at("http://169.254.169.254/latest", **MANNERS)
    assert not mirror.seen


@pytest.mark.parametrize("pack", [bytes, gzip.decompress], ids=["gz", "plain"])
def test_a_record_is_found_by_its_locator(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    file = io.BytesIO()
    writer = WarcWriter(file)
    writer.info({"software": "test"})
    for number, word in enumerate(("甲", "乙", "丙")):
        writer.exchange(answer(f"https://example.org/{number}", markup(word * 9).encode()))
    writer.exchange(answer("https://example.org/3", b"gone", status=404))
    writer.exchange(answer("https://example.org/4", "纯文本".encode(), kind="text/plain; charset=utf-8"))
    path = tmp_path / ("crawl.warc" if pack is gzip.decompress else "crawl.warc.gz")
    path.write_bytes(pack(file.getvalue()))
    source = WarcSource(name="w", kind="warc", paths=["*"], text="all")
    records = list(warc.read(path, source))
    pages = [record for record in records if type(record).__name__ == "Found"]
    for record, word in zip(pages, ("甲", "乙", "丙"), strict=False):
        found = page_at(f"{path}#{record.offset}")
        assert word * 9 in found.markup and found.fields["url"].startswith("https://example.org/")
    said = {0: "about the crawl", pages[0].offset + 1: "no record at", "x.1": "no record at"}
    said |= {pages[3].offset: "plain text"}
    said |= {r.offset: "another status" for r in records if getattr(r, "reason", "") == "http_status"}
    assert len(said) == 5
    for offset, message in said.items():
        with pytest.raises(HeadwaterError, match=message):
            page_at(f"{path}#{offset}")
    with pytest.raises(HeadwaterError, match="#OFFSET"):
        page_at(str(path))


def test_saved_pages_of_every_kind(tmp_path: Path) -> None:
    text = markup("河水在夜里涨了起来。")
    (tmp_path / "a.html").write_bytes(text.encode("gb18030"))
    (tmp_path / "b.htm.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "c.xhtml").write_bytes(text.encode("utf-16"))
    (tmp_path / "d.mhtml").write_bytes(
        b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\n"
        b"Content-Type: text/html; charset=gb18030\nContent-Location: https://example.org/d\n"
        b"Content-Transfer-Encoding: 8bit\n\n" + text.encode("gb18030") + b"\n--x--\n"
    )
    for name in ("a.html", "b.htm.gz", "c.xhtml", "d.mhtml"):
        assert names_page(str(tmp_path / name))
        assert "河水在夜里涨了起来。" in page_at(str(tmp_path / name)).markup
    assert page_at(str(tmp_path / "d.mhtml")).fields == {"url": "https://example.org/d"}
    (tmp_path / "e.html").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "f.mhtml").write_bytes(b"Content-Type: text/plain\n\nno page\n")
    (tmp_path / "g.html.gz").write_bytes(gzip.compress(text.encode())[:-9])
    for name in ("e.html", "f.mhtml", "g.html.gz", "none.html"):
        with pytest.raises(HeadwaterError, match=name):
            page_at(str(tmp_path / name))


def test_what_names_a_page_and_what_a_recipe() -> None:
    assert all(
        map(names_page, ["https://例子.cn/", "HTTP://x", "a.warc.gz#12", "a.arc.gz#5", "a.warc", "页.html"])
    )
    assert not any(
        map(names_page, ["recipe.yaml", "recipe", "s3://bucket/recipe.yaml", "html.yaml", "a#b.yaml"])
    )
