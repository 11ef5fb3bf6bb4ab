"""What the fuzzer begins with: real files, and files generated in the encodings and packings that people have.

A seed knows its parts (the gzip members of an archive, the lines of a table) where damage to one of them must not
cost another.
"""

import bz2
import csv
import gzip
import io
import json
import os
import random
import zlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

ROWS = ("jsonl", "json", "csv", "parquet", "text")  # of the kind `files`
KINDS = (
    "wikipedia",
    "books",
    "news",
    "dialogue",
    "forum",
    "papers",
    "code",
    "huggingface",
    "html",
)  # kinds.py
READERS = ("warc", *ROWS, *KINDS, "init")
SMALL = 256 << 10  # of real files; larger ones would be read too few times

SIMPLIFIED = (
    "我在年青时候也曾经做过许多梦，后来大半忘却了，但自己也并不以为可惜。「源头」：１２３，ＡＢＣ！？\n"
)
TRADITIONAL = "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞，使精神的絲縷還牽著己逝的寂寞的時光。\n"
MIXED = "Python 3.11 的「源头」项目 reads 中文 and English，ok？ “Quoted”, naïve — 𠮷野家。\n"


@dataclass(frozen=True)
class Seed:
    name: str  # with the suffixes that the reader goes by
    data: bytes
    parts: tuple[tuple[int, int], ...] = ()  # start and end of members or lines; a header line is none
    by_offset: bool = False  # a part's documents are named by its start (archives), else they are in step
    beside: tuple[tuple[str, bytes], ...] = ()  # other files of the folder, which stay sound
    read: str = ""  # the file that is read, where that is not the damaged one


def seeds(reader: str) -> list[Seed]:
    """Real files first, where there are any, then the generated ones."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("HEADWATER_TEST_DATA", default))
    if reader == "init":  # looks at files of every kind
        return [seed for other in READERS if other != reader for seed in seeds(other)]
    if reader in KINDS:
        import kinds  # which builds upon this module

        return [*_real(kinds.REAL.get(reader, []), folder), *kinds.GENERATED[reader]()]
    return [*_real(_REAL[reader], folder, archives=reader == "warc"), *_GENERATED[reader]()]


def _real(patterns: list[str], folder: Path, *, archives: bool = False) -> list[Seed]:
    """Of each folder the first few, so that many small ones of one kind do not stand for all."""
    found = {path: None for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file()}
    small = [path for path in found if path.stat().st_size <= SMALL]
    first: list[Path] = []
    for parent in dict.fromkeys(path.parent for path in small):
        first += [path for path in small if path.parent == parent][:12]
    return [
        _archive(path.name, path.read_bytes()) if archives else Seed(path.name, path.read_bytes())
        for path in first[:60]
    ]


# ---------------------------------------------------------------- archives


def member(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=31)
    return machine.compress(data) + machine.flush()


def members(data: bytes) -> tuple[tuple[int, int], ...]:
    """Start and end of every gzip member; none where the file is not whole gzip from end to end."""
    found, start = [], 0
    while start < len(data):
        machine = zlib.decompressobj(wbits=31)
        try:
            machine.decompress(data[start:])
        except zlib.error:
            return ()
        if not machine.eof:
            return ()
        end = len(data) - len(machine.unused_data)
        found.append((start, end))
        start = end
    return tuple(found)


def _archive(name: str, data: bytes) -> Seed:
    """Parts only where every member holds the beginning of a record."""
    parts = members(data)
    whole = all(gzip.decompress(data[start:end]).startswith(b"WARC/") for start, end in parts)
    return Seed(name, data, parts if whole else (), by_offset=True)


def record(kind: str, number: int, block: bytes, content_type: str, more: str = "") -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\nWARC-Date: 2024-05-06T07:08:09Z\r\n"
        f"WARC-Target-URI: http://例.example/{number}\r\nContent-Type: {content_type}\r\n{more}"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def _archives() -> list[Seed]:
    records = [record("warcinfo", 0, b"software: x\r\n", "application/warc-fields")]
    for number, (text, charset) in enumerate(
        [(SIMPLIFIED, "gb18030"), (TRADITIONAL, "big5"), (MIXED, "utf-8"), (SIMPLIFIED, "utf-8")] * 4, 1
    ):
        page = f"<html lang=zh><head><title>第{number}頁</title><meta charset={charset}></head><body>"
        page += (
            f"<nav>首页</nav><p>{number} {text * 3}</p><table><tr><td colspan=3>{text}</table></body></html>"
        )
        body = page.encode(charset, "replace")
        more = ""
        if number % 5 == 1:
            body, more = gzip.compress(body, mtime=0), "Content-Encoding: gzip\r\n"
        if number % 5 == 2:
            half = len(body) // 2
            body = b"%x\r\n%s\r\n%x;x=y\r\n%s\r\n0\r\n\r\n" % (
                half,
                body[:half],
                len(body) - half,
                body[half:],
            )
            more = "Transfer-Encoding: chunked\r\n"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset={charset}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        records.append(record("response", number, head.encode() + body, "application/http; msgtype=response"))
        records.append(record("conversion", 100 + number, f"{number} {text}".encode(), "text/plain"))
    plain = b"".join(records)
    bomb = record(
        "response",
        7,
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + b"<b>" * (12 << 20),
        "application/http",
    )
    return [
        _archive("members.warc.gz", b"".join(map(member, records))),
        Seed("one-member.warc.gz", member(plain)),
        Seed("plain.warc", plain),
        Seed("frames.warc.zst", b"".join(map(zstandard.compress, records))),
        Seed("one-frame.warc.zst", zstandard.compress(plain)),
        Seed("bomb.warc.gz", b"".join(map(member, [*records[:3], bomb, *records[3:]]))),
    ]  # fmt: skip


# ---------------------------------------------------------------- texts, lines and tables


def _packed(name: str, data: bytes) -> list[Seed]:
    half = data.find(b"\n", len(data) // 2) + 1
    return [
        Seed(f"{name}.gz", gzip.compress(data, mtime=0)),
        Seed(f"2-{name}.gz", gzip.compress(data[:half], mtime=0) + gzip.compress(data[half:], mtime=0)),
        Seed(f"{name}.zst", zstandard.compress(data)),
        Seed(f"{name}.bz2", bz2.compress(data)),
    ]


def _in_encodings() -> list[tuple[str, list[str]]]:
    texts = {"utf-8": [SIMPLIFIED, TRADITIONAL, MIXED], "gb18030": [SIMPLIFIED, MIXED], "big5": [TRADITIONAL]}
    return [
        (encoding, [f"{n} {found[n % len(found)].strip()}" for n in range(60)])
        for encoding, found in texts.items()
    ]


def line_parts(data: bytes, first: int = 0) -> tuple[tuple[int, int], ...]:
    parts, start = [], 0
    for line in data.split(b"\n")[:-1]:
        parts.append((start, start + len(line)))
        start += len(line) + 1
    return tuple(parts[first:])


def _json_lines() -> list[Seed]:
    found = []
    for encoding, texts in _in_encodings():
        rows = [
            {"id": n, "text": text, "url": f"https://例.example/{n}", "n": [n, {"a": None}]}
            for n, text in enumerate(texts)
        ]
        data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(encoding)
        found += [Seed(f"{encoding}.jsonl", data, line_parts(data)), *_packed(f"{encoding}.jsonl", data)]
    escaped = b"".join(json.dumps({"text": MIXED * (n % 7 + 1)}).encode() + b"\r\n" for n in range(50))
    long = b'{"text": "%s"}\n' % (b"a" * (40 << 20)) + b'{"text": "ok"}\n'
    return [
        *found,
        Seed("escaped.jsonl", escaped, line_parts(escaped)),
        Seed("bomb.jsonl.gz", gzip.compress(long, mtime=0)),
    ]


def _json() -> list[Seed]:
    found = []
    for encoding, texts in _in_encodings():
        rows = [{"text": text, "author": "鲁迅" if encoding != "big5" else "魯迅"} for text in texts]
        for name, value in (("array", rows), ("object", dict(enumerate(rows))), ("one", rows[0])):
            data = json.dumps(value, ensure_ascii=False, indent=1 if name == "array" else None).encode(
                encoding
            )
            found += [Seed(f"{encoding}-{name}.json", data), *_packed(f"{encoding}-{name}.json", data)[:1]]
    return found


def _tables() -> list[Seed]:
    found = []
    for encoding, texts in _in_encodings():
        for suffix, delimiter in ((".csv", ","), (".tsv", "\t")):
            out = io.StringIO()
            writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
            writer.writerows([["id", "text", "url"], *([n, text, "例"] for n, text in enumerate(texts))])
            data = out.getvalue().encode(encoding)
            found += [
                Seed(encoding + suffix, data, line_parts(data, 1)),
                *_packed(encoding + suffix, data)[:3],
            ]
            out.write(f'60{delimiter}"第一行\n第二行，""好"""{delimiter}\n' * 5)
            found.append(Seed(f"quoted-{encoding}{suffix}", out.getvalue().encode(encoding)))
    return found


def _parquet() -> list[Seed]:
    found = []
    texts = [text for _, lines in _in_encodings() for text in lines]
    columns = {
        "id": list(range(len(texts))), "text": texts, "score": [n / 7 for n in range(len(texts))],
        "paragraphs": [[text, text] for text in texts], "author": [None, "鲁迅"] * (len(texts) // 2),
    }  # fmt: skip
    for codec in ("none", "snappy", "gzip", "zstd", "lz4", "brotli"):
        out = io.BytesIO()
        pq.write_table(
            pa.table(columns), out, compression=codec, row_group_size=50, use_dictionary=codec != "none"
        )
        found.append(Seed(f"{codec}.parquet", out.getvalue()))
    out = io.BytesIO()
    pq.write_table(
        pa.table({"text": pa.array(texts, pa.large_string())}),
        out,
        data_page_version="2.0",
        write_page_checksum=True,
    )
    return [*found, Seed("v2.parquet", out.getvalue())]


def _texts() -> list[Seed]:
    found = []
    for encoding, texts in _in_encodings():
        data = "\n".join(texts).encode(encoding)
        found += [Seed(f"{encoding}.txt", data), *_packed(f"{encoding}.txt", data)]
    for encoding in ("utf-16", "utf-16-be", "utf-32", "utf-8-sig"):
        found.append(Seed(f"{encoding}.txt", (MIXED * 20).encode(encoding)))
    noise = random.Random(0).randbytes(2000)
    return [*found, Seed("noise.txt", noise), Seed("bomb.txt.gz", gzip.compress(b"\0" * (40 << 20), mtime=0))]


_REAL = {
    "warc": ["bad-input/**/*", "corpora/web-warc/**/*"],
    "jsonl": ["**/*.jsonl", "**/*.jsonl.gz"],
    "json": ["**/*.json"],
    "csv": ["**/*.csv", "**/*.tsv"],
    "parquet": ["**/*.parquet"],
    "text": ["truth/encoding/**/*.txt", "truth/encoding/**/*.xml", "corpora/**/*.txt"],
}
_GENERATED = {
    "warc": _archives, "jsonl": _json_lines, "json": _json, "csv": _tables, "parquet": _parquet, "text": _texts,
}  # fmt: skip
