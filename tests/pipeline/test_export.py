"""An export holds what the ledger keeps, read back by what its format is for."""

import hashlib
import json
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from headwater import api
from headwater.cli import cli
from headwater.curate.export import COLUMNS, TextWriter
from headwater.errors import HeadwaterError
from headwater.model.tokenizer import Tokenizer
from headwater.pipeline.curation import final_texts
from headwater.pipeline.export import _clean
from headwater.recipe.settings import Curate, Privacy

RECIPE = """\
name: 出口
sources:
  - {name: 集, kind: files, paths: ["*.jsonl"], unit: {by: author}}
holdout: {share: 0.2}
curate: {decontaminate: null, privacy: replace}
tokenizer: {vocabulary: 300}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for n in range(20):
        text = (
            f"第{n}篇：山水之间𠮷，“夜里”涨水\u2028了。\n写信给li{n}@example.org。"
            if n % 2
            else f"Letter {n}\tof\u0085the river."
        )
        rows.append(
            {"text": text, "author": str(n), "title": f"来自li{n}@example.org", "license": "CC-BY-4.0"}
        )
    lines = "\n".join(json.dumps(row) for row in [*rows, rows[3]])
    (folder / "a.jsonl").write_text(lines, encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return folder / "recipe.yaml"


def kept(recipe: Path) -> tuple[list[str], list[str]]:
    """The texts to train on and those held out, by id."""
    outcome = api.curate(recipe, workers=0)
    place = outcome.workspace.path
    split = dict(api.sql(place, "select id, split from ledger where state = 'kept'").rows)
    texts = [
        (name, text)
        for shard in sorted(outcome.curated.shards)
        for name, text in final_texts(outcome.curated, shard)
    ]
    return [t for i, t in texts if split[i] == "train"], [t for i, t in texts if split[i] != "train"]


def exported(recipe: Path, tmp_path: Path, format: str) -> Path:
    written = api.export(recipe, format=format, out=tmp_path / format, workers=0)
    folder = Path(written["folder"])
    sealed = json.loads((folder / "sealed.json").read_text(encoding="utf-8"))
    assert {"card.md", "croissant.json", *written["files"]} <= set(sealed)
    croissant = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    for file in croissant["distribution"]:
        assert hashlib.sha256((folder / file["contentUrl"]).read_bytes()).hexdigest() == file["sha256"]
    assert "http://mlcommons.org/croissant/RAI/1.0" in croissant["conformsTo"]
    assert "replaced by its type: email" in croissant["rai:personalSensitiveInformation"][0]
    assert "CC-BY-4.0" in (folder / "card.md").read_text(encoding="utf-8").replace("\\", "")
    return folder


def test_json_lines_and_parquet(recipe: Path, tmp_path: Path) -> None:
    train, _ = kept(recipe)
    [path] = (exported(recipe, tmp_path, "jsonl") / "data").iterdir()
    lines = path.read_text(encoding="utf-8").splitlines()  # as readers that split at U+2028 do
    rows = [json.loads(line) for line in lines]
    assert [row["text"] for row in rows] == train and len(train) < 21
    assert all("@" not in row["title"] for row in rows) and {row["license"] for row in rows} == {"CC-BY-4.0"}
    [path] = (exported(recipe, tmp_path, "parquet") / "data").iterdir()
    assert pq.read_table(path).to_pylist() == rows


def test_no_column_holds_what_the_texts_are_cleaned_of(tmp_path: Path) -> None:
    """Units, locators, licences: whatever the source says, not titles and addresses alone."""
    (tmp_path / "信箱").mkdir()
    rows = [
        {
            "text": f"第{n}封信：山水之间，夜里涨水了。",
            "author": f"an{n}@mail.example.com",
            "license": f"© w{n}@example.cn",
        }
        for n in range(6)
    ]
    (tmp_path / "信箱/wang@mail.example.org.jsonl").write_text(
        "\n".join(json.dumps(row) for row in rows), encoding="utf-8"
    )
    (tmp_path / "信箱/li@example.org.txt").write_text(
        "致李先生：夜里的雨停了，山上很安静。", encoding="utf-8"
    )
    (tmp_path / "信箱/雨.txt").write_text("雨下了一夜，早上的山是青的。", encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "sources:\n  - {name: 信, kind: files, paths: ['信箱/*.txt', '信箱/*.jsonl']}\nholdout: {share: 0.01}\n"
        "curate: {decontaminate: null, privacy: replace, duplicates: null}\ntokenizer: {vocabulary: 300}\n",
        encoding="utf-8",
    )
    out = api.export(recipe, format="jsonl", out=tmp_path / "out", workers=0)["folder"]
    [path] = (Path(out) / "data").iterdir()
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(found) == 8 and "@" not in path.read_text(encoding="utf-8")
    assert {row["unit"] for row in found} == {"<EMAIL>", "<EMAIL>.txt", "雨.txt"}
    assert {row["locator"].partition("#")[0] for row in found} == {"<EMAIL>", "<EMAIL>.txt", "雨.txt"}
    assert {row["license"] for row in found} == {None, "© <EMAIL>"}


def test_digits_that_are_nobody_s_number_stay() -> None:
    """An offset in a locator, and a unit that is the document's id."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "id": "00000000000000000013812345678000", "text": "雨", "locator": "网页 13812345678.warc#13912345678",
        "unit": "00000000000000000013812345678000",
    }  # fmt: skip
    curate = Curate(privacy=Privacy())
    _clean([row], SimpleNamespace(recipe=SimpleNamespace(curate=curate, folder=Path())))  # type: ignore[arg-type]
    assert row["unit"] == row["id"] and row["locator"] == "网页 <MOBILE>.warc#13912345678"


def test_the_layout_of_a_hub_s_data_set(recipe: Path, tmp_path: Path) -> None:
    folder = exported(recipe, tmp_path, "datasets")
    train, _ = kept(recipe)
    assert pq.read_table(folder / "data" / "train-00000-of-00001.parquet")["text"].to_pylist() == train
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert (
        readme.startswith("---\npretty_name: ")
        and 'path: "data/train-*.parquet"' in readme
        and '"zh"' in readme
    )


def test_megatron_s_index_leads_to_every_document(recipe: Path, tmp_path: Path) -> None:
    folder = exported(recipe, tmp_path, "megatron")
    train, _ = kept(recipe)
    index = (folder / "text_document.idx").read_bytes()
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, documents = struct.unpack("<QBQQ", index[9:34])
    assert (version, code, sequences, documents) == (1, 8, len(train), len(train) + 1)
    lengths = np.frombuffer(index, "<i4", sequences, 34)
    pointers = np.frombuffer(index, "<i8", sequences, 34 + 4 * sequences)
    assert np.frombuffer(index, "<i8", documents, 34 + 12 * sequences).tolist() == list(range(len(train) + 1))
    assert len(index) == 34 + 12 * sequences + 8 * documents
    data, coder = (folder / "text_document.bin").read_bytes(), Tokenizer.load(folder / "tokenizer.json")
    for text, length, at in zip(train, lengths, pointers, strict=True):
        ids = np.frombuffer(data, "<u2", length, at)
        assert ids[-1] == coder.separator and coder.decode(ids[:-1]) == text


def test_nanogpt_s_two_files(recipe: Path, tmp_path: Path) -> None:
    folder = exported(recipe, tmp_path, "nanogpt")
    coder = Tokenizer.load(folder / "tokenizer.json")
    for name, texts in zip(("train.bin", "val.bin"), kept(recipe), strict=True):
        ids = np.memmap(folder / name, np.uint16, "r")
        assert coder.decode(ids.tolist()).split("<|endoftext|>")[:-1] == texts and texts


def test_files_end_at_their_size_and_are_numbered(tmp_path: Path) -> None:
    writer = TextWriter(tmp_path, "jsonl", file_bytes=100)
    rows: list[dict[str, Any]] = [{"id": str(n), "text": "山水" * 10} for n in range(5)]
    for row in rows:
        writer.write([row])
    files = writer.close()
    texts = [
        json.loads(line)["text"] for file in files for line in file.read_text(encoding="utf-8").splitlines()
    ]
    assert len(files) == 3 and texts == [row["text"] for row in rows]


def test_whole_or_not_at_all_and_by_the_command_line(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "there"
    result = CliRunner().invoke(
        cli, ["export", str(recipe), "--format", "jsonl", "--out", str(out), "--workers", "0"]
    )
    assert result.exit_code == 0 and "documents" in result.stdout, result.output
    with pytest.raises(HeadwaterError, match="there already"):
        api.export(recipe, format="parquet", out=out, workers=0)
    monkeypatch.setattr(TextWriter, "close", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        api.export(recipe, format="parquet", out=tmp_path / "broken", workers=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]
