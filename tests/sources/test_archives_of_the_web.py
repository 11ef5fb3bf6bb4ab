"""What web archives come in: zstd with a dictionary, WET and WAT, odd members; and what damage to each costs."""

import json
import random
import struct

import pytest
import zstandard

from headwater.sources.encoding import decode_page

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"
TRADITIONAL = (
    "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞，使精神的絲縷還牽著已逝的寂寞的時光，又有什麼意味呢。"
)


def pages(web, count: int) -> list[bytes]:
    return [
        web.response(
            f"http://例.example/{n}", f"<p>第{n}页：{CHINESE}</p>".encode(), "text/html; charset=utf-8"
        )
        for n in range(count)
    ]


def numbers(shard) -> list[int]:
    return [int(text.partition("页")[0][1:]) for text in shard.texts]


@pytest.mark.parametrize("packed", [False, True])
def test_a_zstd_archive_with_a_dictionary_is_read(tmp_path, read, web, packed):
    records = pages(web, 60)
    dictionary = zstandard.train_dictionary(2048, records)
    data = dictionary.as_bytes()
    frame = zstandard.compress(data) if packed else data
    machine = zstandard.ZstdCompressor(dict_data=dictionary, write_checksum=True)
    frames = [struct.pack("<II", 0x184D2A5D, len(frame)) + frame, *map(machine.compress, records)]
    path = tmp_path / "a.warc.zst"
    path.write_bytes(b"".join(frames))
    shard = read(path, kind="warc", text="all")
    assert numbers(shard) == list(range(60)) and not shard.quarantine
    assert shard.documents[7]["locator"] == f"a.warc.zst#{sum(map(len, frames[:8]))}"
    frames[31] = frames[31][:-4] + bytes(4)  # its checksum
    path.write_bytes(b"".join(frames))
    shard = read(path, kind="warc", text="all")
    assert numbers(shard) == [n for n in range(60) if n != 30]
    assert shard.account["quarantined"] == {"damaged_member": 1}


@pytest.mark.fault(13)
def test_damage_to_a_plain_archive_costs_the_record_it_stands_in(tmp_path, read, web):
    records = pages(web, 20)
    path = tmp_path / "a.warc"
    for broken in (
        records[5].replace(b"WARC/1.0", b"WARX/1.0"),
        records[5].replace(b"Content-Length: ", b"Content-Length: x"),
        records[5].replace(b"Content-Length: ", b"Content-Length: 9"),
        records[5][:200],
    ):
        path.write_bytes(b"".join([*records[:5], broken, *records[6:]]))
        shard = read(path, kind="warc", text="all")
        assert numbers(shard) == [n for n in range(20) if n != 5]
        assert shard.account["quarantined"] == {"damaged_record": 1}
        assert shard.quarantine[0]["bytes"].startswith(broken[:40])
    path.write_bytes(b"".join([broken, *records[6:]]))
    assert numbers(read(path, kind="warc", text="all")) == list(range(6, 20))


def test_archives_of_false_lengths_only_come_to_an_end(tmp_path, read, web):
    path = tmp_path / "a.warc"
    record = pages(web, 1)[0].replace(b"Content-Length: ", b"Content-Length: 9")
    path.write_bytes(record * 300)
    account = read(path, kind="warc", text="all").account
    assert account["documents"] == 0 and 1 <= account["read"] <= 300


@pytest.mark.parametrize("split", [2, 3, 40])
def test_members_of_several_records_and_records_of_several_members_keep_their_ids(tmp_path, read, web, split):
    records = pages(web, 40)
    groups = [b"".join(records[n : n + split]) for n in range(0, 40, split)]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(map(web.member, groups)))
    shard = read(path, kind="warc", text="all")
    assert numbers(shard) == list(range(40)) and not shard.quarantine
    starts = [sum(len(web.member(group)) for group in groups[:n]) for n in range(len(groups))]
    places = [f"a.warc.gz#{starts[n // split]}" + (f".{n % split}" if n % split else "") for n in range(40)]
    assert [document["locator"] for document in shard.documents] == places
    ends = [record.index(b"\r\n\r\n") + 2 + split for record in records]  # in the middle of what was sent
    parts = [part for record, end in zip(records, ends, strict=True) for part in (record[:end], record[end:])]
    path.write_bytes(b"".join(map(web.member, parts)))
    shard = read(path, kind="warc", text="all")
    assert numbers(shard) == list(range(40)) and not shard.quarantine


def test_ids_are_the_same_whether_members_are_proved_or_walked(tmp_path, read, web):
    members = [web.member(record) for record in pages(web, 50)]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(members))
    proved = {d["text"]: d["id"] for d in read(path, kind="warc", text="all").documents}
    whole, rng = bytearray(b"".join(members)), random.Random(2)
    for _ in range(20):
        place = rng.randrange(len(whole))
        path.write_bytes(bytes(whole[:place]) + bytes([whole[place] ^ 16]) + bytes(whole[place + 1 :]))
        shard = read(path, kind="warc", text="all")
        assert len(shard.documents) >= 49
        assert all(proved[d["text"]] == d["id"] for d in shard.documents)


@pytest.mark.fault(12)
@pytest.mark.parametrize("bytes_cut", [1, 4, 8, 9, 30])
def test_a_last_member_without_its_checksum_is_not_taken_for_whole(tmp_path, read, web, bytes_cut):
    members = [web.member(record) for record in pages(web, 5)]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(members)[:-bytes_cut])
    account = read(path, kind="warc", text="all").account
    assert account["documents"] + sum(account["quarantined"].values()) >= 5
    assert account["quarantined"] == {"unreadable_tail": 1}


def test_empty_members_and_padding_hide_nothing(tmp_path, read, web):
    members = [web.member(record) for record in pages(web, 6)]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(
        members[0] + web.member(b"") + b"".join(members[1:4]) + bytes(512) + b"".join(members[4:]) + bytes(9)
    )
    assert numbers(read(path, kind="warc", text="all")) == list(range(6))


def test_wat_has_no_text_and_says_so_and_wet_takes_plain_text_only(tmp_path, read, web):
    wat = json.dumps({"Container": {"Filename": "a.warc.gz"}, "Envelope": {"Format": "WARC/1.0"}}).encode()
    wat = wat.replace(b'{"Container": ', b'{"Container":')
    records = [
        web.record("metadata", "http://e.example/", wat, "application/json"),
        web.record("metadata", "http://e.example/", b"fetchTimeMs: 3", "application/warc-fields"),
        web.record("conversion", "http://e.example/", CHINESE.encode(), "text/plain"),
        web.response("http://e.example/", f"<p>{CHINESE}</p>".encode()),
    ]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(map(web.member, records)))
    assert read(path, kind="warc", text="all").account["gated"] == {"record_type": 1, "wat_metadata": 1}
    shard = read(path, kind="warc", text="wet")
    assert shard.texts == [CHINESE]
    assert shard.account["gated"] == {"content_type": 1, "record_type": 1, "wat_metadata": 1}


@pytest.mark.fault(17)
@pytest.mark.parametrize("header", [None, "utf-8", "iso-8859-1", "gb2312", "gbk", "big5", "windows-1252"])
@pytest.mark.parametrize("meta", [None, "utf-8", "iso-8859-1", "gb2312", "big5"])
@pytest.mark.parametrize(
    ("actual", "text"),
    [
        ("gb18030", CHINESE + "镕堃㐂𠮷"),
        ("gbk", CHINESE),
        ("big5hkscs", TRADITIONAL + "嘅咗啲"),
        ("utf-8", CHINESE),
    ],
)
def test_chinese_pages_are_read_right_whatever_they_declare(header, meta, actual, text):
    head = f"<meta charset='{meta}'>" if meta else ""
    page = f"<html><head>{head}</head><body><p>{text * 3}</p></body></html>"
    assert decode_page(page.encode(actual), header) == page


@pytest.mark.fault(17)
@pytest.mark.parametrize("actual", ["gb18030", "big5hkscs"])
def test_real_chinese_pages_are_read_right_whatever_they_declare(real_data, actual):
    import gzip

    checked = 0
    for path in sorted((real_data / "corpora/web-html").rglob("*.html.gz")):
        page = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        han = sum("\u4e00" <= character <= "\u9fff" for character in page)
        kana = sum("\u3041" <= character <= "\u30ff" for character in page)
        data = page.encode(actual, "ignore")
        text = data.decode(actual)
        if han < 200 or kana * 10 > han or sum("\u4e00" <= c <= "\u9fff" for c in text) < 0.9 * han:
            continue
        checked += 1
        for header in (None, "utf-8", "iso-8859-1", "gb2312", "big5"):
            assert decode_page(data, header) == text, (path.name, header)
    assert checked >= (70 if actual == "gb18030" else 5)
