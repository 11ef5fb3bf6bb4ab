"""A shard of signals: the texts' rows in their order, whatever single texts do."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.corpus.shards import ShardWriter
from headwater.engine.workspace import Output
from headwater.signals import FAMILIES, families, gopher
from headwater.signals import measure as measuring
from headwater.signals.measure import family_key, measure_shard, schema_of

TEXTS = ["河水涨了。", None, "The river rose.", "坏", ""]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """An edition: a row without a text is one that it did not change."""
    path = tmp_path / "texts.parquet"
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    with ShardWriter(path, schema) as writer:
        writer.write([{"id": f"d{n}", "text": text} for n, text in enumerate(TEXTS)])
    return path


def measured(tmp_path: Path, texts: Path, family: str) -> tuple[pa.Table, dict]:
    out = Output(tmp_path / family, "shard")
    result = measure_shard(out, texts=str(texts), family=family)
    return pq.read_table(out.commit("k", result).path()), result


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_and_columns(tmp_path: Path, texts: Path, family: str) -> None:
    table, result = measured(tmp_path, texts, family)
    assert table.schema.equals(schema_of(family)) and table["id"].to_pylist() == [f"d{n}" for n in range(5)]
    assert result["documents"] == 4 and result["failed"] == 0
    unchanged = {name: value for name, value in table.slice(1, 1).to_pylist()[0].items() if name != "id"}
    assert set(unchanged.values()) == {None}
    assert measured(tmp_path, texts, family)[0].equals(table)


def test_a_text_that_a_family_fails_on_loses_its_signals_and_no_other(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = gopher.measure

    def fails(text: str) -> tuple[float, ...]:
        if text == "坏":
            raise ValueError("坏了" * 400)
        return honest(text)

    monkeypatch.setattr(gopher, "measure", fails)
    table, result = measured(tmp_path, texts, "gopher")
    errors = table["errors"].to_pylist()
    assert [error is not None for error in errors] == [False, False, False, True, False]
    assert errors[3].startswith("ValueError: 坏了") and len(errors[3]) <= 300
    assert table["gopher.words"].to_pylist()[3] is None and table["gopher.words"].to_pylist()[2] == 3
    assert result["failed"] == 1


def test_the_key_names_what_the_numbers_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {family: family_key(family) for family in FAMILIES}
    assert len(set(keys.values())) == len(FAMILIES)
    monkeypatch.setattr(families, "version", lambda name: "99")
    changed = {family for family in FAMILIES if family_key(family) != keys[family]}
    assert changed == {family for family in FAMILIES if measuring.module_of(family).LIBRARIES}
    assert {"language", "gopher", "minhash"} <= changed and not {"hashes", "script"} & changed
    keys = {family: family_key(family) for family in FAMILIES}
    monkeypatch.setattr(gopher, "VERSION", 2)
    assert {family for family in FAMILIES if family_key(family) != keys[family]} == {"gopher"}


@pytest.mark.parametrize(("module", "name"), [("unicodedata", "unidata_version"), ("corpus_text", "VERSION")])
def test_every_key_names_the_tables_and_the_normalising_below(
    module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {family_key(family) for family in FAMILIES}
    monkeypatch.setattr(getattr(families, module), name, "99")
    assert not keys & {family_key(family) for family in FAMILIES}
