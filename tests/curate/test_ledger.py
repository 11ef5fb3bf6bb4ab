"""The ledger accounts for every document of every file, and refuses what does not add up."""

import pyarrow.parquet as pq
import pytest

from headwater.corpus.document import DOCUMENT_SCHEMA
from headwater.corpus.shards import ShardWriter
from headwater.curate.decisions import DECISIONS_SCHEMA
from headwater.curate.ledger import LEDGER_SCHEMA, file_of, ledger_shard
from headwater.engine.workspace import Output

REASONS = ["contaminated", "gopher_words"]


def shards(folder, states, ids=None):
    documents, decisions = folder / "d.parquet", folder / "s.parquet"
    with ShardWriter(documents, DOCUMENT_SCHEMA) as writer:
        writer.write(
            [
                {"id": f"id{i}", "text": "正文", "source": "网页", "locator": f"甲#乙/{i % 2}.txt#{i}", "unit": "u",
                 "domain": "d", "split": "train"}
                for i in range(len(states))
            ]
        )  # fmt: skip
    with ShardWriter(decisions, DECISIONS_SCHEMA) as writer:
        writer.write(
            [
                {"id": (ids or [f"id{n}" for n in range(len(states))])[i], "language": "zh", "split": "train",
                 "state": state, "reason": reason, "reasons": 2 if reason == "gopher_words" else 0, "step": None,
                 "edits": 0, "bytes": 6, "bytes_now": 3, "text_key": f"k{i}"}
                for i, (state, reason) in enumerate(states)
            ]
        )  # fmt: skip
    return {
        "documents": str(documents),
        "decisions": str(decisions),
        "plan": {"reasons": REASONS},
        "editions": [],
    }


STATES = [
    ("kept", None),
    ("dropped", "gopher_words"),
    ("kept", None),
    ("quarantined", "signal_failed:gopher"),
]


def test_every_file_balances_and_bytes_kept_are_those_of_the_final_text(tmp_path):
    out = Output(tmp_path / "ledger", "s")
    result = ledger_shard(out, **shards(tmp_path, STATES))
    table = pq.read_table(out.path())
    assert table.schema.equals(LEDGER_SCHEMA)
    assert table["bytes"].to_pylist() == [6] * 4 and table["bytes_kept"].to_pylist() == [3, 0, 3, 0]
    assert result["files"]["甲#乙/0.txt"] == {
        "documents": 2,
        "kept": 2,
        "dropped": {},
        "gated": {},
        "quarantined": {},
    }
    assert result["files"]["甲#乙/1.txt"]["quarantined"] == {"signal_failed:gopher": 1}
    assert result["reasons"] == REASONS and result["documents"] == 4
    kept = next(row for row in result["counts"] if row["state"] == "kept")
    assert kept == {"source": "网页", "language": "zh", "split": "train", "state": "kept", "reason": None,
                    "documents": 2, "bytes": 12, "bytes_kept": 6}  # fmt: skip


def test_decisions_of_other_documents_are_refused(tmp_path):
    with pytest.raises(AssertionError, match="has not the documents"):
        ledger_shard(Output(tmp_path / "l", "s"), **shards(tmp_path, STATES[:2], ids=["id1", "id0"]))


def test_a_document_that_left_without_a_reason_is_refused(tmp_path):
    with pytest.raises(AssertionError, match="accounted for"):
        ledger_shard(Output(tmp_path / "l", "s"), **shards(tmp_path, [("dropped", None)]))


def test_a_locator_leads_to_its_file():
    assert file_of("新闻/a#b.jsonl.gz#12") == "新闻/a#b.jsonl.gz"
