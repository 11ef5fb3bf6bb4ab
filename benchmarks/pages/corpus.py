"""Builds a crawl of many pages from the few hundred real ones in the data folder, as WARC files.

    ./run bench pages/corpus --records 5000 --out FOLDER

Every distinct real page comes first, as it is. What is still missing is made of them: a real page whose stretches of
text are exchanged for stretches of other real pages of the same script, so that its markup, its size and its words are
real and yet no copy is a near-duplicate of another. How many are which is printed.
"""

import argparse
import gzip
import hashlib
import io
import random
import re
from collections.abc import Iterator
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType
from peers import data_folder

from headwater.sources.encoding import decode_page

A_FILE = 250  # records
# What is exchanged: text of some length between two tags; scripts have brackets or braces in it.
_STRETCH = re.compile(r">([^<>{}]{60,1200})<")
_HAN = re.compile("[\u4e00-\u9fff]")
_ARCHIVES = (
    "cc-multilingual-a",
    "ai2-sample-0000",
    "iah-2008-blackbook",
    "jwarc-cc",
    "whirlwind",
    "wget-urls",
)


def real_pages(folder: Path) -> list[str]:
    """Every distinct page of corpora/web-html and of the archives that others crawled."""
    found: dict[str, None] = {}
    for path in sorted((folder / "corpora" / "web-html").rglob("*.html.gz")):
        if path.name != "expected.html.gz":
            found[decode_page(gzip.decompress(path.read_bytes()), None)] = None
    for name in _ARCHIVES:
        with (folder / "corpora" / "web-warc" / f"{name}.warc.gz").open("rb") as file:
            for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
                kind = record.http_headers.get("Content-Type", "") if record.http_headers else ""
                if "html" in (kind or "") and len(body := record.reader.read()) > 1000:
                    found[decode_page(body, None)] = None
    return list(found)


def pages_of(real: list[str], count: int) -> Iterator[str]:
    """The real pages, then mixtures of them, the same at every call."""
    yield from real[:count]
    stretches: dict[bool, list[str]] = {True: [], False: []}
    for page in real:
        for text in _STRETCH.findall(page):
            stretches[bool(_HAN.search(text))].append(text)
    draw = random.Random("crawl")

    def other(match: re.Match[str]) -> str:
        return f">{draw.choice(stretches[bool(_HAN.search(match[1]))])}<"

    for number in range(len(real), count):
        yield _STRETCH.sub(other, real[number % len(real)])


def write_crawl(folder: Path, records: int) -> tuple[int, int]:
    """Writes `crawl-*.warc.gz`, a gzip member a record; (distinct real pages, bytes of HTML)."""
    folder.mkdir(parents=True, exist_ok=True)
    real = real_pages(data_folder())
    size, out = 0, io.BytesIO()
    for number, page in enumerate(pages_of(real, records)):
        body = page.encode("utf-8", "replace")
        size += len(body)
        out.write(gzip.compress(_record(number, body), 6))
        if number % A_FILE == A_FILE - 1 or number == records - 1:
            (folder / f"crawl-{number // A_FILE:03}.warc.gz").write_bytes(out.getvalue())
            out = io.BytesIO()
    return min(len(real), records), size


def laid_down(folder: Path, pages: int, recipe: str) -> Path:
    """A crawl of so many pages in `folder`/crawl, and beside it the recipe of this text, whose path is returned."""
    write_crawl(folder / "crawl", pages)
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return folder / "recipe.yaml"


def _record(number: int, body: bytes) -> bytes:
    response = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)  # fmt: skip
    name = hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest()
    return (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{name}>\r\nWARC-Date: 2024-05-01T00:00:00Z\r\n"
        f"WARC-Target-URI: https://site{number % 997}.example.org/{number}\r\nContent-Type: application/http; "
        f"msgtype=response\r\nWARC-Identified-Payload-Type: text/html\r\nContent-Length: {len(response)}\r\n\r\n"
    ).encode() + response + b"\r\n\r\n"  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    real, size = write_crawl(options.out, options.records)
    print(
        f"{options.records:,} records, {size / 1e6:.0f} MB of HTML; {real} distinct real pages "
        f"({real / options.records:.0%}), the others mixed of them"
    )


if __name__ == "__main__":
    main()
