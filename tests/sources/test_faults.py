"""Rows of the fault matrix that need large, deep or damaged files of their own: each is quarantined, and memory holds."""

import json
import random
import subprocess
import sys
import zlib

import brotli
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from headwater.errors import HeadwaterError, RecipeError

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"
TRADITIONAL = "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞。"
GIGABYTE = 1 << 30
BUDGET = 300 << 20  # bytes that reading may take beyond what the process held before: a few records of 32 MiB

# Reads one file and says how many records of each kind there were, and by how many bytes the process grew.
READ = """
import json, resource, sys
from collections import Counter
from pathlib import Path
from headwater.recipe.sources import SOURCES
from headwater.sources.kinds import KINDS
kind, path = sys.argv[1:]
source = SOURCES[kind](name="texts", kind=kind, paths=["*"])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before, found = peak(), Counter()
for record in KINDS[kind].read(Path(path), source):
    found[getattr(record, "reason", "document")] += 1
print(json.dumps([found, peak() - before]))
"""


def read_alone(path, kind: str = "files", budget: int = BUDGET) -> dict[str, int]:
    """Counts of records by reason, read in a process whose memory is measured."""
    done = subprocess.run(
        [sys.executable, "-c", READ, kind, str(path)], capture_output=True, text=True, check=True
    )
    found, grown = json.loads(done.stdout)
    assert grown < budget, f"{path.name} took {grown >> 20} MiB"
    return found


def bomb(before: bytes, after: bytes) -> bytes:
    """About 1 MB of gzip, one member, that is `before`, 1 GiB of spaces and `after`."""
    spaces, times = b" " * (16 << 20), GIGABYTE // (16 << 20)
    machine = zlib.compressobj(9, wbits=-15)
    parts = [machine.compress(before) + machine.flush(zlib.Z_FULL_FLUSH)]
    parts += [machine.compress(spaces) + machine.flush(zlib.Z_FULL_FLUSH)] * times
    parts.append(machine.compress(after) + machine.flush())
    check = zlib.crc32(before)
    for _ in range(times):
        check = zlib.crc32(spaces, check)
    size = len(before) + GIGABYTE + len(after)
    trailer = zlib.crc32(after, check).to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"".join(parts) + trailer


@pytest.mark.fault(12)
@pytest.mark.parametrize("tenth", range(1, 10))
def test_of_a_truncated_zstd_archive_what_stands_before_is_kept(tmp_path, read, web, tenth):
    rng = random.Random(0)
    texts = ["".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(2000)) for _ in range(200)]
    records = [
        web.response(f"http://例.example/{n}", f"<p>{text}</p>".encode(), "text/html; charset=utf-8")
        for n, text in enumerate(texts)
    ]
    whole = b"".join(map(zstandard.compress, records))
    path = tmp_path / "a.warc.zst"
    path.write_bytes(whole[: len(whole) * tenth // 10])
    shard = read(path, kind="warc", text="all")
    assert shard.texts == texts[: len(shard.texts)] and 20 * tenth - 25 < len(shard.texts) <= 20 * tenth
    assert sum(shard.account["quarantined"].values()) <= 1


@pytest.mark.fault(13)
def test_a_flipped_byte_anywhere_costs_at_most_one_page_of_a_hundred(tmp_path, read, web):
    members = [
        web.member(web.response(f"http://例.example/{n}", f"<p>第{n}页：{CHINESE}</p>".encode(), "text/html; charset=utf-8"))
        for n in range(100)
    ]  # fmt: skip
    whole, rng = b"".join(members), random.Random(7)
    path = tmp_path / "a.warc.gz"
    for place in [0, 1, 2, 3, *(rng.randrange(len(whole)) for _ in range(60)), len(whole) - 1]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :])
        shard = read(path, kind="warc", text="all")
        assert shard.account["documents"] >= 99, place
        assert shard.account["read"] == 100, place


@pytest.mark.fault(18)
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "txt"])
def test_odd_line_ends_and_marks_are_normalised_and_move_no_line(tmp_path, read, suffix):
    odd = [
        "一\u2028二",
        "一\x85二",
        "一\u2029二",
        "一\x0b二",
        "一\x0c二",
        "一\r\n二",
        "一\0\n二",
        "\ufeff一\n\ufeff二",
    ]
    path = tmp_path / f"a.{suffix}"
    if suffix == "jsonl":
        data = "".join(
            json.dumps({"text": text}, ensure_ascii=escaped) + "\r\n"
            for escaped in (True, False)
            for text in odd
        )
        expected = ["一\n二"] * 16
    elif suffix == "csv":
        data = "text\r\n" + "".join(f'"{text}"\r\n' for text in odd)
        expected = ["一\n二"] * 8
    else:
        data, expected = "\r\n".join(odd), ["\n".join(["一\n二"] * 8)]
    path.write_bytes(data.encode())
    shard = read(path)
    assert shard.texts == expected and not shard.quarantine


@pytest.mark.fault(20)
@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_line_of_a_gigabyte_is_quarantined_and_the_next_is_read(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    line = {"jsonl": json.dumps({"text": CHINESE}, ensure_ascii=False), "csv": f"1,{CHINESE}"}[suffix]
    with path.open("wb") as file:
        file.write(b"id,text\n" if suffix == "csv" else line.encode() + b"\n")
        file.write(b"2," if suffix == "csv" else b'{"text": "')
        file.seek(GIGABYTE, 1)  # sparse
        file.write(b'"}\n' + line.encode() + b"\n")
    assert read_alone(path) == {"too_large": 1, "document": 1 if suffix == "csv" else 2}


@pytest.mark.fault(21)
def test_json_nested_deep_in_an_array_or_object_is_quarantined(tmp_path, read):
    path = tmp_path / "a.json"
    for data in (
        '[{"text": "好"}, ' + "[" * 200_000,
        '{"a": ' * 200_000,
        '{"text": ' + "[" * 200_000 + "]" * 200_000 + "}",
    ):
        path.write_text(data, encoding="utf-8")
        account = read(path).account
        assert sum(account["quarantined"].values()) == 1 and account["documents"] <= 1


@pytest.mark.fault(22)
def test_a_gzip_bomb_is_stopped_in_bounded_memory(tmp_path, web):
    line = json.dumps({"text": CHINESE}, ensure_ascii=False).encode()
    path = tmp_path / "a.txt.gz"
    data = bomb("好".encode(), b".")
    assert len(data) < 1.2e6
    path.write_bytes(data)
    assert read_alone(path) == {"too_large": 1}
    path = tmp_path / "a.json.gz"
    path.write_bytes(bomb(b'[{"text": "', b'"}]'))
    assert read_alone(path) == {"too_large": 1}
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(bomb(line + b'\n{"text": "', b'"}\n' + line + b"\n"))
    assert read_alone(path) == {"document": 2, "too_large": 1}


@pytest.mark.fault(22)
def test_a_gzip_bomb_in_an_archive_is_stopped_in_bounded_memory(tmp_path, web):
    page = web.member(web.response("http://例.example/1", CHINESE.encode(), "text/plain; charset=utf-8"))
    head = web.response("http://例.example/2", b"")
    length = len(head.partition(b"\r\n\r\n")[2]) - 4
    declared = head.removesuffix(b"\r\n\r\n").replace(
        b"Content-Length: %d" % length, b"Content-Length: %d" % (length + GIGABYTE)
    )
    path = tmp_path / "member.warc.gz"
    path.write_bytes(page + bomb(declared, b"\r\n\r\n") + page)
    assert read_alone(path, "warc") == {"document": 2, "too_large": 1}
    coded = web.response("http://例.example/3", bomb(b"<p>", b"</p>"), more="Content-Encoding: gzip\r\n")
    path = tmp_path / "coded.warc.gz"
    path.write_bytes(page + web.member(coded) + page)
    assert read_alone(path, "warc") == {"document": 2, "too_large": 1}
    coded = web.response(
        "http://例.example/4", brotli.compress(bytes(GIGABYTE), quality=1), more="Content-Encoding: br\r\n"
    )
    path.write_bytes(page + web.member(coded) + page)
    assert read_alone(path, "warc") == {"document": 2, "too_large": 1}


@pytest.mark.fault(23)
@pytest.mark.parametrize("element", ["div", "b", "table><tr><td", "blockquote", "a", "svg"])
def test_a_million_nested_elements_give_their_text_or_are_quarantined(tmp_path, element):
    page = f"<{element}>" * 1_000_000 + CHINESE
    path = tmp_path / "a.warc"
    path.write_bytes(_response(page) + _response(f"<p>{CHINESE}</p>"))
    found = read_alone(path, "warc", 512 << 20)
    assert found.get("document", 0) + found.get("extract_empty", 0) + found.get("too_large", 0) == 2, found


@pytest.mark.fault(24)
def test_a_table_of_many_rows_and_endless_columns_gives_its_text(tmp_path):
    rows = f"<tr><td colspan=9000000000000000 rowspan=9000000000000000>{CHINESE[:8]}</td></tr>" * 100_000
    path = tmp_path / "a.warc"
    path.write_bytes(_response(f"<table>{rows}</table>") + _response(f"<p>{CHINESE}</p>"))
    assert read_alone(path, "warc") == {"document": 2}


def _response(page: str) -> bytes:
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page.encode()
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://例.example/\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


@pytest.mark.fault(29)
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_ids_are_places_whatever_the_input_calls_its_rows(tmp_path, read, suffix):
    names = [7, 7, None, 2**53 + 1, -1]
    path = tmp_path / f"a.{suffix}"
    if suffix == "jsonl":
        rows = [{"id": name, "text": f"第{n}篇。"} for n, name in enumerate(names)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif suffix == "csv":
        path.write_text(
            "id,text\n"
            + "".join(f"{'' if name is None else name},第{n}篇。\n" for n, name in enumerate(names))
        )
    else:
        pq.write_table(pa.table({"id": names, "text": [f"第{n}篇。" for n in range(5)]}), path)
    documents = read(path).documents
    assert [row["source_id"] for row in documents] == ["7", "7", None, "9007199254740993", "-1"]
    assert len({row["id"] for row in documents}) == 5
    assert [row["id"] for row in read(path).documents] == [row["id"] for row in documents]


@pytest.mark.fault(30)
def test_a_parquet_file_whose_columns_drift_says_which_and_nan_is_no_text(tmp_path, read):
    first, second, third = (tmp_path / f"{n}.parquet" for n in range(3))
    pq.write_table(
        pa.table({"text": [CHINESE, None], "score": [float("nan"), 1.0], "date": [float("nan"), 2024.0]}),
        first,
    )
    pq.write_table(pa.table({"body_html": [CHINESE], "n": [1]}), second)
    pq.write_table(pa.table({"text": [float("nan"), 1.5]}), third)
    shard = read(first)
    assert shard.texts == [CHINESE] and shard.documents[0]["date"] is None
    assert shard.account["gated"] == {"empty": 1}
    with pytest.raises(RecipeError, match=r"1\.parquet: .*'body_html', 'n'"):
        read(first, second)
    shard = read(third)
    assert shard.account["quarantined"] == {"no_text": 2} and "row 0" in shard.quarantine[0]["detail"]


@pytest.mark.fault(31)
@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip"])
def test_a_damaged_parquet_file_is_read_or_fails_by_name_and_never_otherwise(tmp_path, read, codec):
    path = tmp_path / "a.parquet"
    texts = [f"{n} {CHINESE}{TRADITIONAL}" for n in range(300)]
    pq.write_table(
        pa.table({"text": texts}), path, compression=codec, row_group_size=100, write_page_checksum=True
    )
    whole, rng, failed = path.read_bytes(), random.Random(0), 0
    for attempt in range(80):
        place = (
            rng.randrange(len(whole)) if attempt % 2 else len(whole) - 1 - rng.randrange(min(900, len(whole)))
        )
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :])
        try:
            shard = read(path)
        except HeadwaterError as error:
            assert "a.parquet" in str(error)
            failed += 1
        else:
            assert set(shard.texts) <= set(texts)
    assert failed > 10
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(HeadwaterError, match=r"a\.parquet"):
            read(path)
