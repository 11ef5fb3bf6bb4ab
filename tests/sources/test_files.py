"""Text files, JSON lines and tables: decoded right or quarantined, one bad line costs one line."""

import bz2
import gzip
import json
import random

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard

from headwater.errors import HeadwaterError, RecipeError
from headwater.sources import records
from headwater.sources.encoding import UndecodableError, codec, decode, decode_page

CHINESE = (
    "我在年青时候也曾经做过许多梦，后来大半忘却了，但自己也并不以为可惜。所谓回忆者，虽说可以使人欢欣。\n"
)
TRADITIONAL = "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞，使精神的絲縷還牽著己逝的寂寞的時光。\n"
MIXED = "Python 3.11 的「源头」项目 reads 中文 and English，ok？\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", CHINESE),
        ("utf-8-sig", MIXED),
        ("gb18030", CHINESE),
        ("gbk", CHINESE * 3),
        ("big5", TRADITIONAL),
        ("utf-16", CHINESE),
        ("utf-16-le", MIXED * 3),
        ("utf-16-be", MIXED * 3),
        ("utf-32", CHINESE),
        ("shift_jis", "私は時々、夢のようなことを考えることがあります。それは、とても楽しいことです。\n"),
        ("cp1251", "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива.\n"),
        ("cp1252", "“Curly quotes”, a dash – and naïve café prices of £5: all of it Windows text.\n"),
    ],
)
def test_a_text_file_is_decoded_from_any_common_encoding(tmp_path, read, encoding, text):
    path = tmp_path / "文本.txt"
    path.write_bytes(text.encode(encoding))
    shard = read(path)
    assert shard.texts == [text]
    assert shard.documents[0]["locator"] == "文本.txt#0"


@pytest.mark.parametrize("seed", range(5))
def test_bytes_that_are_no_text_are_quarantined_with_their_bytes(tmp_path, read, seed):
    path = tmp_path / "noise.txt"
    noise = random.Random(seed)
    data = bytes(noise.randrange(1, 256) for _ in range(3000))
    path.write_bytes(data)
    shard = read(path)
    assert shard.account["quarantined"] == {"encoding": 1}
    assert shard.quarantine[0]["bytes"] == data


def test_public_encodings_are_decoded_right_or_quarantined(real_data):
    wrong, quarantined, right = [], 0, 0
    for path in sorted((real_data / "truth/encoding/files").rglob("*")):
        if not path.is_file():
            continue
        name = codec(path.parent.name.removesuffix("-russian"))
        assert name is not None
        try:
            text = decode(path.read_bytes())
        except UndecodableError:
            quarantined += 1
            continue
        if text == path.read_bytes().decode(name).removeprefix("\ufeff"):
            right += 1
        else:
            wrong.append(path.name)
    assert wrong == [] and right >= 90 and quarantined <= 1


def test_a_declared_encoding_is_taken_at_its_word(tmp_path, read):
    path = tmp_path / "a.txt"
    path.write_bytes("短文".encode("big5"))
    assert read(path, encoding="big5").texts == ["短文"]
    path.write_bytes(b"\xff\xff\xff")
    assert read(path, encoding="utf-8").account["quarantined"] == {"encoding": 1}
    with pytest.raises(RecipeError, match="gb18031"):
        read(path, encoding="gb18031")


@pytest.mark.parametrize("declared", [None, "utf-8", "iso-8859-1", "gb2312"])
@pytest.mark.parametrize("actual", ["gb18030", "utf-8"])
def test_a_page_survives_a_false_charset(declared, actual):
    page = f"<html><body><p>{CHINESE * 3}</p></body></html>"
    assert decode_page(page.encode(actual), declared) == page


# ---------------------------------------------------------------- JSON lines


def json_lines(count: int) -> list[bytes]:
    return [
        json.dumps({"id": n, "text": f"第{n}行：{MIXED}"}, ensure_ascii=False).encode() for n in range(count)
    ]


@pytest.mark.parametrize("packed", ["", ".gz", ".zst", ".bz2"])
def test_one_invalid_line_in_a_thousand_costs_exactly_one(tmp_path, read, packed):
    lines = json_lines(1000)
    lines[499] = lines[499].replace("行".encode(), b"\xff\xfe")
    data = b"\n".join(lines) + b"\n"
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress, ".bz2": bz2.compress}[packed]
    path = tmp_path / f"a.jsonl{packed}"
    path.write_bytes(pack(data))
    shard = read(path)
    assert shard.account["documents"] == 999
    assert shard.account["quarantined"] == {"encoding": 1}
    [lost] = shard.quarantine
    assert lost["file"] == path.name and "line 500" in lost["detail"] and lost["bytes"] == lines[499]


def test_line_separators_inside_strings_break_no_line(tmp_path, read):
    rows = ["一\u2028二", "a\x85b", "a\u2029b", "c\x0cd", "甲\r\n乙"]
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"text": row}, ensure_ascii=False) for row in rows]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    shard = read(path)
    assert shard.account["documents"] == len(rows) and not shard.quarantine
    assert shard.texts[0] == "一\n二" and shard.texts[4] == "甲\n乙"


def test_what_is_no_character_is_caught_on_the_way_in(tmp_path, read):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": "汉\\ud800字", "title": "\\udfff标题"}\n{"text": "a\\u0000b"}\n{"text": "\\ud800"}\n'
    )
    shard = read(path)
    assert shard.texts == ["汉字", "ab"]
    assert shard.documents[0]["title"] == "标题"
    assert shard.account["gated"] == {"empty": 1}


def test_a_line_too_long_is_quarantined_and_the_next_is_read(tmp_path, read, monkeypatch):
    monkeypatch.setattr("headwater.sources.files.MAX_RECORD", 1 << 20)
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb") as file:
        file.write(b'{"text": "')
        for _ in range(64):
            file.write(b"a" * (1 << 20))
        file.write(b'"}\n' + json_lines(1)[0] + b"\n")
    shard = read(path)
    assert shard.account["documents"] == 1 and shard.account["quarantined"] == {"too_large": 1}
    assert len(shard.quarantine[0]["bytes"]) == records.KEPT_BYTES


def test_deep_json_is_quarantined(tmp_path, read):
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"text": "\xe5\xa5\xbd"}\n' + b'{"text":' + b"[" * 200_000 + b"\n" + b'{"text": "ok"}\n'
    )
    shard = read(path)
    assert shard.texts == ["好", "ok"] and sum(shard.account["quarantined"].values()) == 1


def test_ids_do_not_depend_on_the_ids_of_the_input(tmp_path, read):
    path = tmp_path / "a.jsonl"
    rows = [{"id": 7, "text": "一"}, {"id": 7, "text": "二"}, {"text": "三"}, {"id": "x", "text": "四"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    documents = read(path).documents
    assert [document["source_id"] for document in documents] == ["7", "7", None, "x"]
    assert len({document["id"] for document in documents}) == 4
    assert [d["id"] for d in read(path).documents] == [d["id"] for d in documents]


def test_columns_are_found_in_both_languages_or_named(tmp_path, read):
    path = tmp_path / "a.jsonl"
    path.write_text('{"标题": "狂人日记", "作者": "鲁迅", "内容": "今天晚上，很好的月光。"}\n')
    [document] = read(path).documents
    assert (document["title"], document["unit"], document["text"]) == (
        "狂人日记",
        "鲁迅",
        "今天晚上，很好的月光。",
    )
    path.write_text('{"story": "Once.", "href": "https://e.org/1"}\n')
    [document] = read(path, columns={"text": "story", "url": "href"}).documents
    assert (document["text"], document["url"]) == ("Once.", "https://e.org/1")


def test_a_missing_text_column_is_an_error_that_names_file_line_and_columns(tmp_path, read):
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"question": "为什么？", "answer": 42}\n')
    with pytest.raises(RecipeError, match=r"a\.jsonl, line 2: .*'question', 'answer'"):
        read(path)
    with pytest.raises(RecipeError, match="no column 'reply'"):
        read(path, columns={"text": "reply"})


@pytest.mark.parametrize(
    "name", ["甲.jsonl", "甲.json", "键.json", "甲.csv", "甲.tsv", "甲.parquet", "甲.feather"]
)
def test_a_column_that_the_recipe_names_and_no_row_has_is_an_error(tmp_path, read, name):
    """A slip in a name would leave authors empty, and hold out other units than were meant."""
    rows = [{"text": f"{CHINESE}第{n}篇", "writer": f"作者{n}"} for n in range(3)]
    path = tmp_path / name
    if name == "键.json":
        path.write_text(json.dumps({str(n): row for n, row in enumerate(rows)}), encoding="utf-8")
    elif name.endswith(".json"):
        path.write_text(json.dumps(rows), encoding="utf-8")
    elif name.endswith(".jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif name.endswith(".feather"):
        pa.feather.write_feather(pa.Table.from_pylist(rows), path, compression="uncompressed")
    else:
        separator = "\t" if name.endswith(".tsv") else ","
        lines = [["text", "writer"], *(['"' + row["text"] + '"', row["writer"]] for row in rows)]
        path.write_text("\n".join(map(separator.join, lines)), encoding="utf-8")
    assert {row["unit"] for row in read(path, columns={"author": "writer"}).documents} == {
        "作者0", "作者1", "作者2",
    }  # fmt: skip
    with pytest.raises(
        RecipeError, match=r"no column 'writr' for the author; the columns are .*'text', 'writer'"
    ):
        read(path, columns={"author": "writr"})


def test_a_column_may_come_with_a_later_row_and_one_object_may_lack_it(tmp_path, read):
    path = tmp_path / "甲.jsonl"
    rows = [{"text": CHINESE}, {"text": CHINESE, "by": None}, {"text": CHINESE, "about": {"by": "鲁迅"}}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shard = read(path, columns={"author": "about.by", "title": "by"})
    assert [row["unit"] for row in shard.documents] == ["甲.jsonl", "甲.jsonl", "鲁迅"]
    with pytest.raises(RecipeError, match=r"no column 'about\.bi' for the author"):
        read(path, columns={"author": "about.bi"})
    assert len(read(path, columns={"author": "about.bi"}, limit=2).texts) == 2, "the end was not reached"
    path = tmp_path / "乙.json"
    path.write_text(json.dumps({"text": CHINESE}), encoding="utf-8")
    assert read(path, columns={"author": "by"}).documents[0]["unit"] == "乙.json"


def test_schema_drift_is_counted_by_row(tmp_path, read):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": "好"}\n{"text": null}\n{"text": NaN}\n{"content": "x"}\n[1]\n{"text": 3}\n{"text": ["甲", "乙"]}\n'
    )
    shard = read(path)
    assert shard.texts == ["好", "甲\n乙"]
    assert shard.account["gated"] == {"empty": 1}
    assert shard.account["quarantined"] == {"json_type": 1, "no_text": 3}


# ---------------------------------------------------------------- damaged compression


@pytest.mark.parametrize("tenth", range(1, 10))
@pytest.mark.parametrize("packed", [".gz", ".zst", ".bz2"])
def test_of_a_truncated_file_the_prefix_is_kept_and_the_tail_named(tmp_path, read, packed, tenth):
    random.seed(0)
    lines = [
        json.dumps(
            {"text": "".join(chr(random.randrange(0x4E00, 0x9FA5)) for _ in range(300))}, ensure_ascii=False
        )
        for _ in range(400)
    ]
    data = ("\n".join(lines) + "\n").encode()
    pack = {".gz": gzip.compress, ".zst": zstandard.compress, ".bz2": lambda d: bz2.compress(d, 1)}[packed]
    whole = pack(data)
    path = tmp_path / f"a.jsonl{packed}"
    path.write_bytes(whole[: len(whole) * tenth // 10])
    shard = read(path)
    assert shard.texts == [json.loads(line)["text"] for line in lines[: len(shard.texts)]]
    assert shard.account["quarantined"] == {"unreadable_tail": 1}
    if packed == ".gz":
        assert abs(len(shard.texts) - 40 * tenth) < 20


def test_of_a_truncated_text_file_the_readable_part_is_the_document(tmp_path, read):
    path = tmp_path / "书.txt.gz"
    text = CHINESE * 2000
    path.write_bytes(gzip.compress(text.encode(), mtime=0)[:-20])
    shard = read(path)
    assert len(shard.texts) == 1 and text.startswith(shard.texts[0])
    assert shard.account["quarantined"] == {"unreadable_tail": 1}


def test_concatenated_members_are_one_file_and_garbage_after_them_is_named(tmp_path, read):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress("上半，".encode()) + gzip.compress("下半。".encode()) + b"\0" * 512)
    assert read(path).texts == ["上半，下半。"]
    path.write_bytes(gzip.compress("全文。".encode()) + b"garbage")
    shard = read(path)
    assert shard.texts == ["全文。"] and shard.account["quarantined"] == {"unreadable_tail": 1}


# ---------------------------------------------------------------- other forms


def test_a_json_array_keeps_what_stands_before_its_damage(tmp_path, read):
    path = tmp_path / "a.json"
    whole = json.dumps(
        [{"paragraphs": ["床前明月光，", "疑是地上霜。"], "author": "李白"}] * 3, ensure_ascii=False
    )
    path.write_text(whole, encoding="utf-8")
    assert read(path).texts == ["床前明月光，\n疑是地上霜。"] * 3
    path.write_text(whole[:-30], encoding="utf-8")
    shard = read(path)
    assert len(shard.texts) == 2 and sum(shard.account["quarantined"].values()) == 1
    path.write_text('{"a": {"text": "甲"}, "b": {"text": "乙"}}', encoding="utf-8")
    assert [(d["source_id"], d["text"]) for d in read(path).documents] == [("a", "甲"), ("b", "乙")]
    path.write_text('{"text": "甲"}\n{"text": "乙"}\n', encoding="utf-8")
    assert read(path).texts == ["甲", "乙"]


def test_a_table_keeps_quoted_line_ends_and_loses_only_broken_rows(tmp_path, read):
    path = tmp_path / "a.csv"
    rows = 'id,text\r\n1,"第一行\n第二行，""好"""\r\n2,a,b\r\n3,\r\n4,好\r\n'.encode("utf-8-sig")
    path.write_bytes(rows + b"5,\xff\xfe\r\n6,ok\r\n")
    shard = read(path)
    assert shard.texts == ['第一行\n第二行，"好"', "好", "ok"]
    assert shard.account["gated"] == {"empty": 1}
    assert shard.account["quarantined"] == {"csv_row": 1, "encoding": 1}
    path = tmp_path / "b.tsv"
    path.write_bytes(
        "编号\t正文\n1\t今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。\n".encode(
            "gb18030"
        )
    )
    assert read(path).documents[0]["source_id"] == "1"


def test_parquet_is_read_and_a_damaged_one_fails_by_name(tmp_path, read):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["甲", None, "丙"], "id": [1, 2, 3], "score": [0.1, 0.2, 0.3]}), path)
    shard = read(path)
    assert shard.texts == ["甲", "丙"] and shard.account["gated"] == {"empty": 1}
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(HeadwaterError, match=r"a\.parquet"):
        read(path)


def test_empty_files_give_no_document_and_no_error(tmp_path, read):
    paths = []
    for name in ("a.txt", "b.jsonl", "c.csv", "d.json", "e.md"):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(b"")
    shard = read(*paths)
    assert shard.documents == [] and shard.quarantine == []


def test_a_limit_stops_reading(tmp_path, read):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(json_lines(50)))
    assert len(read(path, limit=7).documents) == 7


@pytest.mark.parametrize("suffix", ["jsonl", "json"])
def test_a_column_that_the_first_record_lacks_counts(tmp_path, read, suffix):
    rows = [
        {"正文": CHINESE},
        {"正文": TRADITIONAL, "网址": "https://例子.中国/二", "license": "CC-BY-4.0"},
        {"正文": MIXED, "日期": "2024-03-05", "标题": "三", "网址": "https://例子.中国/三"},
        {"正文": CHINESE + "四", "text": "not the text of this file"},
    ]
    path = tmp_path / f"稀疏.{suffix}"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) if suffix == "jsonl" else f"[{','.join(lines)}]", encoding="utf-8")
    documents = read(path).documents
    assert [one["text"] for one in documents] == [CHINESE, TRADITIONAL, MIXED, CHINESE + "四"]
    assert [one["url"] for one in documents] == [None, "https://例子.中国/二", "https://例子.中国/三", None]
    assert [one["license"] for one in documents] == [None, "CC-BY-4.0", None, None]
    assert (documents[2]["date"], documents[2]["title"]) == ("2024-03-05", "三")


def test_what_is_said_of_a_text_that_is_cut_in_a_character_is_true(tmp_path, read):
    path = tmp_path / "断.txt"
    for times, looks in ((30, "it looks"), (3000, "the first 131,072 bytes look")):
        data = (CHINESE * times).encode().rstrip()[:-1]
        path.write_bytes(data)
        [row] = read(path).quarantine
        assert row["detail"] == (
            f"not valid utf-8, which {looks} like: unexpected end of data at byte {len(data) - 2:,} of {len(data):,}"
        )
