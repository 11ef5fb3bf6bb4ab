"""ARC, versions 1 and 2, plain and .gz: every record is accounted for, damage costs what it stands in."""

import random

import pytest

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"
PAGE = "http://例.example/{}?q=a b"
V1 = b"URL IP-address Archive-date Content-type Archive-length"


def first(version: int = 1) -> bytes:
    block = b"%d 0 Headwater\n%b\n\n" % (version, V1)
    middle = b" 200 - - 0 a.arc" if version == 2 else b""
    return b"filedesc://a.arc 0.0.0.0 20080430204825 text/plain%b %d\n" % (middle, len(block)) + block


def page(
    number: int,
    text: str = CHINESE,
    *,
    version: int = 1,
    change: int = 0,
    charset: str = "utf-8",
    end: str = "\r\n",
) -> bytes:
    body = f"<html><body><p>第{number}页：{text}</p></body></html>".encode(charset)
    head = f"HTTP/1.1 200 OK{end}Content-Type: text/html; charset={charset}{end}{end}"
    sent = head.encode() + body
    middle = " 200 ABCDEFG - 1042 a.arc" if version == 2 else ""
    line = (
        f"{PAGE.format(number)} 127.0.0.1 2008043020482{number % 10} text/html{middle} {len(sent) + change}\n"
    )
    return line.encode() + sent + b"\n"


def titles(shard) -> list[str]:
    return [text.partition("：")[0] for text in shard.texts]


@pytest.mark.fault(15)
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("charset", "end"), [("utf-8", "\r\n"), ("gb18030", "\n")])
def test_both_versions_are_read_plain_and_packed(tmp_path, read, web, version, packed, charset, end):
    records = [first(version), *(page(n, version=version, charset=charset, end=end) for n in range(5))]
    records.append(
        b"dns:a.example 1.2.3.4 20080430204829 text/dns%b 15\n20080430204825\n\n"
        % (b" 200 - - 9 a" * (version == 2))
    )
    path = tmp_path / f"a.arc{'.gz' * packed}"
    path.write_bytes(b"".join(map(web.member, records)) if packed else b"".join(records))
    shard = read(path, kind="warc", text="all")
    assert shard.texts == [f"第{n}页：{CHINESE}" for n in range(5)]
    assert shard.account["gated"] == {"record_type": 2} and not shard.quarantine
    document = shard.documents[1]
    assert (document["url"], document["date"]) == (PAGE.format(1), "2008-04-30T20:48:21Z")
    lengths = [len(web.member(record)) if packed else len(record) for record in records]
    assert document["locator"] == f"{path.name}#{sum(lengths[:2])}"


@pytest.mark.fault(15)
@pytest.mark.parametrize("change", [-40, -1, 1, 40, 10_000_000])
def test_a_false_length_costs_its_record_only(tmp_path, read, change):
    path = tmp_path / "a.arc"
    path.write_bytes(first() + page(0) + page(1, change=change) + page(2) + page(3))
    shard = read(path, kind="warc", text="all")
    kept = set(titles(shard))
    assert {"第0页", "第2页", "第3页"} <= kept
    assert kept == {"第0页", "第1页", "第2页", "第3页"} or shard.account["quarantined"] == {
        "damaged_record": 1
    }


@pytest.mark.fault(13)
def test_a_flipped_byte_costs_at_most_its_record(tmp_path, read, web):
    members = [web.member(record) for record in (first(), *(page(n) for n in range(40)))]
    whole, rng = b"".join(members), random.Random(3)
    path = tmp_path / "a.arc.gz"
    for _ in range(30):
        place = rng.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :])
        shard = read(path, kind="warc", text="all")
        assert shard.account["documents"] >= 39, place
        assert set(shard.texts) <= {f"第{n}页：{CHINESE}" for n in range(40)}, place


@pytest.mark.fault(12)
@pytest.mark.parametrize("tenth", range(1, 10))
@pytest.mark.parametrize("packed", [False, True])
def test_of_a_truncated_file_the_whole_records_are_kept(tmp_path, read, web, tenth, packed):
    records = [first(), *(page(n) for n in range(40))]
    parts = [web.member(record) for record in records] if packed else records
    whole = b"".join(parts)
    path = tmp_path / f"a.arc{'.gz' * packed}"
    path.write_bytes(whole[: len(whole) * tenth // 10])
    shard = read(path, kind="warc", text="all")
    kept = sum(sum(map(len, parts[: n + 2])) <= len(whole) * tenth // 10 for n in range(40))
    assert kept <= len(shard.texts) <= kept + 1  # the empty line behind a record may be what is cut off
    assert sum(shard.account["quarantined"].values()) <= 1


def test_a_header_line_is_told_in_linear_time(tmp_path, read):
    path = tmp_path / "a.arc"
    path.write_bytes(first() + b"http:" + b" 1" * 500_000 + b"\n" + b"http://a b " * 50_000 + b"\n" + page(1))
    shard = read(path, kind="warc", text="all")
    assert titles(shard) == ["第1页"] and shard.account["quarantined"] == {"damaged_record": 1}
