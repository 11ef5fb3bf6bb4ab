"""Rules over a shard: all are evaluated, the first names the reason, what was not measured is never a value."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.corpus.shards import ShardWriter
from headwater.curate.decisions import DECISIONS_SCHEMA, read_decisions
from headwater.curate.presets import Rule
from headwater.curate.rules import fails_rule, judge_shard
from headwater.engine.workspace import Output

NUMBERS = {"gopher_words": 0, "han_share": 5, "gopher_flag": 63}


def write(path, schema, rows):
    with ShardWriter(path, schema) as writer:
        writer.write(rows)
    return str(path)


def decisions_of(folder, languages, **changed):
    rows = [
        {"id": f"文档{i}", "language": language, "split": "train", "state": "kept", "reasons": 0, "edits": 0,
         "bytes": 9, "bytes_now": 9, "text_key": f"k{i}"}
        for i, language in enumerate(languages)
    ]  # fmt: skip
    for name, values in changed.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return write(folder / "decisions.parquet", DECISIONS_SCHEMA, rows)


def signals_of(path, columns, errors=None):
    count = len(next(iter(columns.values())))
    table = pa.table(columns | {"errors": pa.array(errors or [None] * count, pa.string())})
    pq.write_table(table, path)
    return str(path)


def judged(folder, decisions, signals, rules, tracks=("en", "zh", "*"), editions=()):
    out = Output(folder / "after", "s")
    judge_shard(
        out, decisions=decisions, signals=signals, editions=list(editions), step=3, by_language={track: track for track in tracks},
        numbers=NUMBERS,
        rules={track: [Rule(**rule).model_dump() for rule in some] for track, some in rules.items()},
    )  # fmt: skip
    return read_decisions(out.path()).to_pylist()


WORDS = {"signal": "gopher.words", "min": 50, "max": 100}
HAN = {"signal": "han.share", "min": 0.3}


def test_all_rules_are_evaluated_and_the_first_names_the_reason(tmp_path):
    signals = {
        "gopher": [signals_of(tmp_path / "g", {"gopher.words": [49, 50, 100, 10]})],
        "han": [signals_of(tmp_path / "h", {"han.share": [0.1, 0.3, 0.29, 0.9]})],
    }
    rows = judged(tmp_path, decisions_of(tmp_path, ["zh"] * 4), signals, {"zh": [WORDS, HAN]})
    assert [row["reason"] for row in rows] == ["gopher_words", None, "han_share", "gopher_words"]
    assert [row["reasons"] for row in rows] == [1 | 1 << 5, 0, 1 << 5, 1]
    assert [row["state"] for row in rows] == ["dropped", "kept", "dropped", "dropped"]
    assert [row["step"] for row in rows] == [3, None, 3, 3]


def test_a_track_is_judged_by_its_own_rules(tmp_path):
    signals = {"gopher": [signals_of(tmp_path / "g", {"gopher.words": [10, 10, 10]})]}
    rows = judged(tmp_path, decisions_of(tmp_path, ["zh", "en", "fr"]), signals, {"zh": [WORDS]})
    assert [row["state"] for row in rows] == ["dropped", "kept", "kept"]
    rows = judged(tmp_path, decisions_of(tmp_path, ["zh", "en", "fr"]), signals, {"*": [WORDS]})
    assert [row["state"] for row in rows] == ["kept", "kept", "dropped"]


def test_a_failed_signal_quarantines_and_a_gated_one_is_not_judged(tmp_path):
    path = signals_of(
        tmp_path / "g", {"gopher.words": pa.array([None, None, 10, float("nan")])}, ["坏了", None, None, None]
    )
    rows = judged(tmp_path, decisions_of(tmp_path, ["zh"] * 4), {"gopher": [path]}, {"zh": [WORDS]})
    assert [(row["state"], row["reason"]) for row in rows] == [
        ("quarantined", "signal_failed:gopher"),
        ("kept", None),
        ("dropped", "gopher_words"),
        ("quarantined", "signal_failed:gopher"),
    ]


def test_held_out_and_decided_rows_are_left_alone(tmp_path):
    decisions = decisions_of(
        tmp_path, ["zh"] * 3, split=["heldout", "train", "train"], state=["kept", "dropped", "kept"],
        reason=[None, "exact_duplicate", None],
    )  # fmt: skip
    signals = {"gopher": [signals_of(tmp_path / "g", {"gopher.words": [1, 1, 1]})]}
    rows = judged(tmp_path, decisions, signals, {"zh": [WORDS]})
    assert [row["reason"] for row in rows] == [None, "exact_duplicate", "gopher_words"]


def test_a_row_is_judged_by_the_signals_of_its_newest_edition(tmp_path):
    edition = tmp_path / "edition"
    pq.write_table(pa.table({"removed": pa.array([0, 5, 5], pa.int32())}), edition)
    newest = signals_of(tmp_path / "e", {"gopher.words": pa.array([None, 60, None])}, [None, None, "failed"])
    base = signals_of(tmp_path / "g", {"gopher.words": [10, 10, 60]})
    rows = judged(
        tmp_path,
        decisions_of(tmp_path, ["zh"] * 3),
        {"gopher": [newest, base]},
        {"zh": [WORDS]},
        editions=[str(edition)],
    )
    assert [row["state"] for row in rows] == ["dropped", "kept", "quarantined"]


def test_flags_are_numbers_too_and_bit_63_is_a_bit(tmp_path):
    signals = {"gopher": [signals_of(tmp_path / "g", {"gopher.flag": [True, False]})]}
    rows = judged(
        tmp_path, decisions_of(tmp_path, ["zh"] * 2), signals, {"zh": [{"signal": "gopher.flag", "max": 0}]}
    )
    assert [row["reasons"] for row in rows] == [1 << 63, 0]


@pytest.mark.parametrize(
    ("bounds", "fails"),
    [({"min": 2}, [1]), ({"max": 2}, [3]), ({"above": 2}, [1, 2]), ({"below": 2}, [2, 3]), ({"min": 2, "max": 2}, [1, 3])],
)  # fmt: skip
def test_ends_are_allowed_unless_the_bound_says_above_or_below(bounds, fails):
    values = np.array([1.0, 2.0, 3.0, np.nan])
    assert values[fails_rule(Rule(signal="a.b", **bounds), values)].tolist() == fails


def test_random_columns_agree_with_plain_python(tmp_path):
    random = np.random.default_rng(7)
    words, han = random.integers(0, 150, 500), random.random(500)
    signals = {
        "gopher": [signals_of(tmp_path / "g", {"gopher.words": words})],
        "han": [signals_of(tmp_path / "h", {"han.share": han})],
    }
    languages = random.choice(["zh", "en", "fr"], 500).tolist()
    rows = judged(tmp_path, decisions_of(tmp_path, languages), signals, {"zh": [WORDS, HAN], "en": [WORDS]})
    for row, language, count, share in zip(rows, languages, words, han, strict=True):
        expected = []
        if language in ("zh", "en") and not 50 <= count <= 100:
            expected.append("gopher_words")
        if language == "zh" and share < 0.3:
            expected.append("han_share")
        assert row["reason"] == (expected[0] if expected else None)
        assert row["reasons"] == sum(1 << NUMBERS[name] for name in expected)
