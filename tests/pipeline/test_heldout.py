"""What is scored of the held-out text: an end to it where units are books, alike of all, cut at a character."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.engine.workspace import Output
from headwater.pipeline.heldout import collect
from headwater.pipeline.portions import CLAIM_UNITS, LEAST, beginning, level, portions

BOOK = "话说天下大势，分久必合，合久必分。" * 400  # 20,400 bytes
COLUMNS = ("id", "unit", "domain", "split", "text")


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=50), st.integers(1, 10**7))
def test_a_level_is_the_highest_that_fits(sizes: list[int], total: int) -> None:
    found = level(sizes, total)

    def used(limit: int) -> int:
        return sum(min(size, limit) for size in sizes)

    assert used(found) <= total
    assert found == max(sizes) or used(found + 1) > total


def test_a_limit_on_the_whole_is_shared_by_domains_and_units_alike() -> None:
    held = {
        "书": {"三国": 1_200_000, "红楼": 900_000, "短篇": 8_000},
        "news": {f"site{n}": 3_000 for n in range(500)},
        "codes": {"one": 5_000, "two": 900},
    }
    found = portions(held, bytes_per_unit=None, max_bytes=125_900)
    assert found["codes"] == held["codes"]  # small: whole
    assert found["书"] == {"三国": 26_000, "红楼": 26_000, "短篇": 8_000}
    assert sum(found["news"].values()) == pytest.approx(60_000, rel=0.01)
    assert len(found["news"]) == 60_000 // LEAST and set(found["news"].values()) == {LEAST}
    # the same units whatever other domains hold, and of more units the same ones first
    fewer = portions({"news": held["news"] | {"site999": 3_000}}, bytes_per_unit=None, max_bytes=60_000)
    assert len(set(fewer["news"]) - set(found["news"])) <= 1
    both = portions(held, bytes_per_unit=1_000, max_bytes=10**9)
    assert max(size for units in both.values() for size in units.values()) == 1_000
    assert both["codes"] == {"one": 1_000, "two": 900} and len(both["news"]) == 500
    assert portions(held, bytes_per_unit=None, max_bytes=None) == held
    least = portions(held, bytes_per_unit=None, max_bytes=1)
    assert {name: len(units) for name, units in least.items()} == {"书": 3, "news": CLAIM_UNITS, "codes": 2}
    # twelve units, with less of each, rather than fewer
    some = portions({f"site{n}": held["news"] for n in range(30)}, bytes_per_unit=None, max_bytes=300_000)
    assert {len(units) for units in some.values()} == {CLAIM_UNITS}
    assert {size for units in some.values() for size in units.values()} == {10_000 // CLAIM_UNITS}


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(0, 40))
def test_a_beginning_is_cut_at_a_character(text: str, size: int) -> None:
    found = beginning(text, size)
    assert text.startswith(found) and found
    assert len(found.encode()) <= max(size, len(text[0].encode()))
    assert len(found.encode()) > min(size, len(text.encode())) - 4


def shard(folder: Path, rows: list[dict[str, str]], languages: list[str]) -> dict[str, dict[str, str]]:
    pq.write_table(pa.Table.from_pylist(rows), folder / "texts.parquet")
    pq.write_table(pa.table({"language.label": languages}), folder / "languages.parquet")
    return {"a": {"texts": str(folder / "texts.parquet"), "language": str(folder / "languages.parquet")}}


def scored(
    folder: Path, shards: dict[str, dict[str, str]], **limits: int | None
) -> tuple[dict[str, Any], Any]:
    out = Output(folder, "heldout")
    result = collect(
        out, shards=shards, domains=None, **{"bytes_per_unit": None, "max_bytes": None, **limits}
    )  # type: ignore[arg-type]
    entry = out.commit("key", result)
    return result, {row["id"]: row for row in pq.read_table(entry.path()).to_pylist()}


def test_of_a_book_the_beginning_is_scored_and_documents_in_the_order_of_their_ids(tmp_path: Path) -> None:
    rows = [
        dict(zip(COLUMNS, row, strict=True))
        for row in [
            ("5", "三国", "书", "heldout", BOOK),
            ("3", "文集", "书", "heldout", "第二篇。" * 100),  # 1,200 bytes
            ("1", "文集", "书", "heldout", "第一篇。" * 50),  # 600 bytes, first by its id
            ("2", "文集", "书", "heldout", "  \n"),
            ("4", "某人", "书", "train", BOOK),
            ("6", "Essays", "书", "heldout", "The river has its source in the hills. " * 400),
        ]
    ]
    shards = shard(tmp_path, rows, ["zh", "zh", "zh", "und", "zh", "en"])
    result, found = scored(tmp_path, shards, bytes_per_unit=1_000)
    assert sorted(found) == ["1", "3", "5", "6"]
    assert found["5"]["text"] == BOOK[:333] and found["6"]["text"] == rows[5]["text"][:1_000]
    assert found["1"]["text"] == rows[2]["text"] and found["3"]["text"] == rows[1]["text"][:133]
    assert {row["domain"] for row in found.values()} == {"书/zh", "书/en"}
    assert result["held_out"]["书/zh"] == {"units": 2, "bytes": 22_200}
    assert (result["units"], result["documents"], result["bytes"]) == (3, 4, 999 + 600 + 399 + 1_000)
    whole, every = scored(tmp_path, shards)
    assert {name: row["text"] for name, row in every.items()} == {
        row["id"]: row["text"] for row in rows if row["split"] == "heldout" and row["text"].strip()
    }
    assert whole["bytes"] == sum(held["bytes"] for held in whole["held_out"].values())
    # two languages share the limit alike
    part, _ = scored(tmp_path, shards, max_bytes=8_000)
    assert part["bytes"] == pytest.approx(8_000, abs=4)
