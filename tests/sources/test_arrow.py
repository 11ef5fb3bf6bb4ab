"""Arrow and Feather, nested columns, what a table's types say, and rows that other tools leave behind."""

import json
import lzma
import random
import tracemalloc

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from headwater.errors import HeadwaterError, RecipeError
from headwater.recipe.sources import FilesSource
from headwater.sources.shards import input_files

TEXTS = [f"第{number}行：全角标点，「引号」。mixed" for number in range(2500)]


def arrow(path, table, form="stream", **options):
    maker = pa.ipc.new_stream if form == "stream" else pa.ipc.new_file
    with (
        pa.OSFile(str(path), "wb") as out,
        maker(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer,
    ):
        for batch in table.to_batches(100):
            writer.write_batch(batch)


@pytest.mark.parametrize("form", ["stream", "file", "feather", "lz4"])
def test_arrow_in_each_form(tmp_path, read, form):
    table = pa.table({"id": range(2500), "text": TEXTS, "title": pa.array(["书"] * 2500).dictionary_encode()})
    path = tmp_path / ("a.feather" if form == "feather" else "a.arrow")
    if form == "feather":
        pa.feather.write_feather(table, path)
    else:
        arrow(
            path, table, "file" if form == "file" else "stream", compression="lz4" if form == "lz4" else None
        )
    shard = read(path)
    assert shard.texts == TEXTS and not shard.quarantine
    assert (shard.documents[7]["source_id"], shard.documents[7]["title"]) == ("7", "书")


@pytest.mark.parametrize("form", ["stream", "file"])
@pytest.mark.parametrize("tenth", range(1, 10))
def test_of_a_truncated_arrow_file_the_batches_before_are_kept(tmp_path, read, form, tenth):
    path = tmp_path / "a.arrow"
    arrow(path, pa.table({"text": TEXTS}), form)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * tenth // 10])
    shard = read(path)
    assert shard.texts == TEXTS[: len(shard.texts)] and len(shard.texts) >= 2500 * tenth // 10 - 200
    assert shard.account["quarantined"] == {"unreadable_tail": 1}


def test_arrow_that_is_none_fails_by_name(tmp_path, read):
    path = tmp_path / "a.arrow"
    for data in (b"", b"ARROW1", b"FEA1" + bytes(20), random.Random(1).randbytes(500)):
        path.write_bytes(data)
        with pytest.raises(HeadwaterError, match=r"a\.arrow"):
            read(path)


def test_flipped_bytes_of_arrow_raise_nothing_else(tmp_path, read):
    path = tmp_path / "a.arrow"
    arrow(path, pa.table({"text": TEXTS[:300]}), compression=None)
    whole, noise = path.read_bytes(), random.Random(2)
    ended = 0
    for _ in range(200):
        data = bytearray(whole)
        data[noise.randrange(len(data))] ^= 1 << noise.randrange(8)
        path.write_bytes(data)
        try:
            shard = read(path)
            ended += len(shard.texts) + len(shard.quarantine) > 0
        except HeadwaterError:
            ended += 1
    assert ended == 200


def test_a_giant_arrow_file_is_read_in_bounded_memory(tmp_path):
    from headwater.sources import files

    path = tmp_path / "a.arrow"
    schema = pa.schema([("text", pa.string())])
    batch = pa.record_batch([["汉" * 20_000] * 50], schema)
    with pa.OSFile(str(path), "wb") as out, pa.ipc.new_stream(out, schema) as writer:
        for _ in range(40):
            writer.write_batch(batch)
    source = FilesSource(name="a", kind="files", paths=["*"])
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    peak = max(pa.total_allocated_bytes() - before for record in files.read(path, source) if record)
    _, python = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 100 << 20 and peak + python < 40 << 20


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "jsonl"])
def test_columns_inside_columns_are_named_by_dots(tmp_path, read, suffix):
    rows = [
        {
            "message": {"body": {"text": f"回答{n}"}, "by": "甲"},
            "turns": [{"say": "一"}, {"say": f"二{n}"}],
            "n": n,
        }
        for n in range(3)
    ]
    path = tmp_path / f"a.{suffix}"
    table = pa.Table.from_pylist(rows)
    if suffix == "parquet":
        pq.write_table(table, path)
    elif suffix == "arrow":
        arrow(path, table)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shard = read(path, columns={"text": "message.body.text", "author": "message.by"})
    assert shard.texts == ["回答0", "回答1", "回答2"] and {d["unit"] for d in shard.documents} == {"甲"}
    assert read(path, columns={"text": "turns.say"}).texts == [f"一\n二{n}" for n in range(3)]
    with pytest.raises(RecipeError, match=r"no column 'message\.bodi'.*'message\.body\.text'"):
        read(path, columns={"text": "message.bodi"})


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_column_that_can_hold_no_text_is_an_error_that_names_file_and_type(tmp_path, read, suffix):
    for values, shown in (([1, 2], "int64"), ([{"a": "x"}], "struct")):
        table = pa.table({"text": values})
        path = tmp_path / f"drifted.{suffix}"
        if suffix == "parquet":
            pq.write_table(table, path)
        else:
            arrow(path, table)
        with pytest.raises(RecipeError, match=rf"drifted\.{suffix}: the column 'text' is of type {shown}"):
            read(path)


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_texts_in_odd_types_are_read(tmp_path, read, suffix):
    for values in (
        pa.array(["甲"], pa.large_string()), pa.array(["甲".encode()], pa.binary()), pa.array([["甲"]]), pa.array(["甲"]).dictionary_encode(),
    ):  # fmt: skip
        path = tmp_path / f"a.{suffix}"
        if suffix == "parquet":
            pq.write_table(pa.table({"text": values}), path)
        else:
            arrow(path, pa.table({"text": values}))
        assert read(path).texts == ["甲"]
    path = tmp_path / f"a.{suffix}"
    table = pa.table(
        {
            "text": pa.array([b"\xff\xfe", "乙".encode(), None], pa.binary()),
            "id": pa.array([1.0, float("nan"), None]),
        }
    )
    pq.write_table(table, path) if suffix == "parquet" else arrow(path, table)
    shard = read(path)
    assert (
        shard.texts == ["乙"]
        and shard.account["quarantined"] == {"encoding": 1}
        and shard.account["gated"] == {"empty": 1}
    )
    assert shard.documents[0]["source_id"] is None


def test_ids_that_are_numbers_nan_or_missing(tmp_path, read):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"id": 1.0, "text": "a"}\n{"id": NaN, "text": "b"}\n{"id": 12345678901234567890, "text": "c"}\n{"text": "d"}\n{"id": 1.5, "text": "e"}\n'
    )
    documents = read(path).documents
    assert [d["source_id"] for d in documents] == ["1", None, "12345678901234567890", None, "1.5"]
    assert len({d["id"] for d in documents}) == 5


def test_csv_files_put_behind_each_other(tmp_path, read):
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,第一\nid,text\n2,第二\ntext,id,more\n第三,3,x\n")
    shard = read(path)
    assert shard.texts == ["第一", "第二"] and shard.account["gated"] == {"header": 1}
    assert shard.account["quarantined"] == {"csv_row": 2}
    assert {row["detail"].split(":")[0] for row in shard.quarantine} == {"row 4 (line 5)", "row 5 (line 6)"}
    path.write_text("id,words\n1,a\n")
    with pytest.raises(
        RecipeError,
        match=r"a\.csv, line 1: no column is known to hold the text; the columns are 'id', 'words'",
    ):
        read(path)


@pytest.mark.parametrize("tenth", range(1, 10))
def test_xz_is_read_and_its_beginning_kept(tmp_path, read, tenth):
    noise = random.Random(1)
    lines = [
        json.dumps({"text": f"第{n}行 {noise.randbytes(200).hex()}"}, ensure_ascii=False) for n in range(2000)
    ]
    path = tmp_path / "a.jsonl.xz"
    data = lzma.compress("\n".join(lines).encode() + b"\n")
    path.write_bytes(data)
    assert len(read(path).texts) == 2000
    path.write_bytes(data[: len(data) * tenth // 10])
    shard = read(path)
    assert shard.texts == [json.loads(line)["text"] for line in lines[: len(shard.texts)]]
    assert len(shard.texts) >= 2000 * tenth // 10 - 400 and shard.account["quarantined"] == {
        "unreadable_tail": 1
    }


def test_a_folder_that_was_saved_to_disk_is_named_as_it_is(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    arrow(folder / "data-00000-of-00001.arrow", pa.table({"text": ["一"]}))
    (folder / "state.json").write_text('{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}')
    (folder / "dataset_info.json").write_text("{}")
    source = FilesSource(name="a", kind="files", paths=["saved"])
    assert [file.relative for file in input_files(source, tmp_path)] == ["data-00000-of-00001.arrow"]
    (folder / "state.json").write_text("[" * 100_000)
    with pytest.raises(RecipeError, match="is a folder"):
        input_files(source, tmp_path)
