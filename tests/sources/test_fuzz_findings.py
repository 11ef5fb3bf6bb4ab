"""What tests/fuzz/fuzz_readers.py has found, one test a finding."""

import json
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from headwater.errors import HeadwaterError

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"
TRADITIONAL = "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞，使精神的絲縷還牽著己逝的寂寞的時光。"


def pages(web, count: int = 6) -> list[bytes]:
    return [
        web.member(
            web.response(
                f"http://例.example/{n}", f"<p>第{n}页：{CHINESE}</p>".encode(), "text/html; charset=utf-8"
            )
        )
        for n in range(count)
    ]


def titles(shard) -> list[str]:
    return [text[:3] for text in shard.texts]


@pytest.mark.fault(13)
def test_an_archive_whose_first_member_is_no_record_loses_that_member_only(tmp_path, read, web):
    members = pages(web)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(web.member("不是记录\r\n\r\n".encode()) + b"".join(members[1:]))
    shard = read(path, kind="warc", text="all")
    assert titles(shard) == [f"第{n}页" for n in range(1, 6)]
    assert shard.account["quarantined"] == {"damaged_member": 1}


@pytest.mark.fault(13)
def test_an_archive_whose_first_bytes_are_flipped_loses_its_first_member_only(tmp_path, read, web):
    members = pages(web)
    for place in range(10):
        whole = bytearray(b"".join(members))
        whole[place] ^= 0x41
        path = tmp_path / "a.warc.gz"
        path.write_bytes(bytes(whole))
        shard = read(path, kind="warc", text="all")
        assert titles(shard)[-5:] == [f"第{n}页" for n in range(1, 6)], place
        assert sum(shard.account["quarantined"].values()) == 6 - shard.account["documents"], place


@pytest.mark.fault(13)
def test_a_member_that_swallows_the_rest_of_the_file_costs_itself_only(tmp_path, read, web):
    members = pages(web)
    # A stored block of 64 KiB is declared, so that what follows reads as its content, to the end of the file.
    machine = zlib.compressobj(wbits=31)
    head = machine.compress(web.response("http://例.example/x", CHINESE.encode())) + machine.flush(
        zlib.Z_FULL_FLUSH
    )
    path = tmp_path / "a.warc.gz"
    path.write_bytes(members[0] + head + b"\x00\xff\xff\x00\x00" + b"".join(members[1:]))
    shard = read(path, kind="warc", text="all")
    assert [title for title in titles(shard) if title.startswith("第")] == [f"第{n}页" for n in range(6)]
    assert shard.account["quarantined"] == {"damaged_member": 1}
    [lost] = shard.quarantine
    assert lost["bytes"] == head + b"\x00\xff\xff\x00\x00"


@pytest.mark.fault(12)
def test_damage_to_a_zstd_or_lz4_archive_is_a_record_and_no_exception(tmp_path, read, web):
    records = [
        web.response(f"http://例.example/{n}", f"<p>第{n}页：{CHINESE * 40}</p>".encode(), "text/html; charset=utf-8")
        for n in range(6)
    ]  # fmt: skip
    plain = b"".join(records)
    packed = {".lz4": pa.compress(plain, codec="lz4", asbytes=True), ".zst": zstandard.compress(plain)}
    for suffix, data in packed.items():
        for place in range(20, len(data), 17):
            path = tmp_path / f"a.warc{suffix}"
            path.write_bytes(data[:place] + b"\x00\x00\x00" + data[place + 3 :])
            shard = read(path, kind="warc", text="all")
            assert shard.account["read"] >= 1, place  # the fixture asserts the balance


@pytest.mark.fault(16)
@pytest.mark.parametrize(("encoding", "text"), [("gb18030", CHINESE), ("big5", TRADITIONAL)])
@pytest.mark.parametrize("count", [12, 200])
def test_one_broken_line_in_a_legacy_encoding_costs_one_line(tmp_path, read, encoding, text, count):
    rows = [json.dumps({"text": f"{n} {text}"}, ensure_ascii=False).encode(encoding) for n in range(count)]
    rows[5] = rows[5][:30] + b"\xff\xff" + rows[5][30:]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(rows) + b"\n")
    shard = read(path)
    assert shard.texts == [f"{n} {text}" for n in range(count) if n != 5]
    assert shard.account["quarantined"] == {"encoding": 1}
    table = tmp_path / "a.csv"
    table.write_bytes(b"id,text\n" + b"\n".join(f"{n},{text}".encode(encoding) for n in range(count)) + b"\n")
    table.write_bytes(table.read_bytes().replace(b"\n5,", b"\n5,\xff\xff"))
    shard = read(table)
    assert shard.texts == [text] * (count - 1) and shard.account["quarantined"] == {"encoding": 1}


@pytest.mark.fault(17)
@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff", b"\x84\x31\x95\x33"])
def test_a_false_mark_costs_the_line_that_it_stands_in(tmp_path, read, mark):
    path = tmp_path / "a.jsonl"
    row = json.dumps({"text": CHINESE}, ensure_ascii=False).encode()
    path.write_bytes(mark + b"\n".join([row] * 20) + b"\n")
    shard = read(path)
    assert shard.texts == [CHINESE] * 19 and sum(shard.account["quarantined"].values()) == 1


@pytest.mark.fault(31)
def test_a_parquet_row_that_is_no_utf8_costs_that_row(tmp_path, read):
    path = tmp_path / "a.parquet"
    texts = [f"{n} {CHINESE}" for n in range(50)]
    pq.write_table(pa.table({"text": texts}), path, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace("7 今".encode(), b"7 \xff\xfe\xff", 1))
    shard = read(path)
    assert shard.texts == [text for n, text in enumerate(texts) if n != 7]
    [lost] = shard.quarantine
    assert (lost["reason"], lost["offset"]) == ("encoding", "7") and lost["bytes"].startswith(b"7 \xff\xfe")


@pytest.mark.fault(31)
def test_a_parquet_page_with_a_checksum_is_held_to_it(tmp_path, read):
    path = tmp_path / "a.parquet"
    texts = [f"{n} {CHINESE}" for n in range(50)]
    pq.write_table(
        pa.table({"text": texts}), path, compression="none", use_dictionary=False, write_page_checksum=True
    )
    path.write_bytes(path.read_bytes().replace("7 今".encode(), "7 明".encode(), 1))
    with pytest.raises(HeadwaterError, match=r"a\.parquet: cannot read this Parquet file"):
        read(path)


@pytest.mark.fault(31)
def test_a_parquet_file_whose_column_has_no_name_in_utf8_fails_by_name(tmp_path, read):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [CHINESE], "正文": [TRADITIONAL]}), path)
    path.write_bytes(path.read_bytes().replace("正文".encode(), b"\xff" * 6))
    with pytest.raises(HeadwaterError, match=r"a\.parquet: cannot read this Parquet file"):
        read(path)


@pytest.mark.fault(15)
@pytest.mark.parametrize("length", ["\x1d", "²", "九", "9" * 30])
def test_a_record_whose_length_is_no_number_is_quarantined(tmp_path, read, web, length):
    page = web.response("http://例.example/1", CHINESE.encode(), "text/plain; charset=utf-8")
    start = page.index(b"Content-Length: ") + len("Content-Length: ")
    path = tmp_path / "a.warc.gz"
    path.write_bytes(web.member(page[:start] + length.encode() + page[start:]) + web.member(page))
    shard = read(path, kind="warc")
    assert shard.texts == [CHINESE] and sum(shard.account["quarantined"].values()) == 1
