"""SQL reads what is committed, and can do nothing else."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import small_workspace

from headwater.engine.workspace import Workspace
from headwater.errors import RecipeError
from headwater.inspect.sql import render, sql
from headwater.inspect.why import lines_of, why


def test_views_hold_what_the_stages_committed(workspace: Workspace) -> None:
    counted = sql(
        workspace, "select reason, count(*) from ledger where state = 'dropped' group by 1 order by 2 desc, 1"
    )
    assert counted.rows == [("near_duplicate", 3), ("repetition_duplicate_lines", 2), ("gopher_words", 1)]
    assert sql(
        workspace, "select sum(documents), sum(gated), sum(quarantined), sum(read) from files"
    ).rows == [(28, 4, 2, 34)]
    assert sql(workspace, "select distinct reason from quarantine").rows == [("invalid_utf8",)]
    assert sql(workspace, "select count(*) from documents where text like '%河水%'").rows == [(13,)]


def test_signals_stand_beside_their_documents(workspace: Workspace) -> None:
    rows = sql(workspace, 'select title, "repetition.duplicate_lines", reason_names from signals join documents using (id) '
                          'join ledger using (id) where "repetition.duplicate_lines" > 0.87')  # fmt: skip
    assert rows.rows == [("导航页面", 0.9, ["repetition_duplicate_lines"])]


def test_a_file_of_an_earlier_version_is_read_by_its_ids(workspace: Workspace) -> None:
    """Such a file does not say what the signals were measured on; one document has gone since."""
    stage = workspace.stage("documents/web-zh-0a1b2c3d4e5f")
    [entry] = stage.entries().values()
    table = pq.read_table(entry.path())
    tables = {
        "parquet": table.slice(1),
        "quarantine.parquet": pq.read_table(entry.path("quarantine.parquet")),
    }
    small_workspace._commit(stage, entry.shard, tables, entry.result)
    said = 'select text, "repetition.duplicate_lines" > 0.5 from signals join documents using (id)'
    rows = sql(workspace, said).rows
    assert rows and all(repeated == text.startswith("Home") for text, repeated in rows)
    for document in table["id"].slice(1).to_pylist():
        answer = why(workspace, document)
        assert answer.verdicts == () and answer.older == ("curated",)
    assert "its ledger is older than this document" in " ".join(lines_of(answer))


@pytest.mark.parametrize(
    "query",
    [
        "drop view ledger",
        "create table t as select 1",
        "select 1; select 2",
        "copy ledger to 'out.csv'",
        "attach 'other.db'",
        "set enable_external_access = true",
        "install httpfs",
        "select * from read_csv('{secret}')",
        "select * from read_text('{secret}')",
        "select * from glob('/*')",
        "select * from 'https://example.org/a.parquet'",
        "select nonsense from ledger",
        "selec 1",
        "",
    ],
)
def test_all_else_is_refused(workspace: Workspace, tmp_path: Path, query: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("机密\n1\n", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RecipeError):
        sql(workspace, query.format(secret=secret))
    assert sorted(tmp_path.rglob("*")) == before


def test_orphans_are_not_read(workspace: Workspace) -> None:
    stage = workspace.path / "ledger" / "abcabcabcabc"
    (stage / "orphan.parquet").write_bytes(b"not parquet")
    assert sql(workspace, "select count(*) from ledger").rows == [(28,)]


def test_rendering_is_one_line_a_row_and_harmless(workspace: Workspace) -> None:
    table = sql(workspace, "select title, url, text from documents")
    text = render(table)
    assert len(text.splitlines()) == 28 + 3 and "\x1b" not in text and "\u202e" not in text
    rows = json.loads(render(table, as_json=True))
    assert len(rows) == 28 and any("第3章" in row["text"] for row in rows)


def test_no_more_rows_than_were_asked_for(workspace: Workspace) -> None:
    table = sql(workspace, "select * from range(1000000)", max_rows=10)
    assert len(table.rows) == 10 and table.more


def test_json_is_json_and_harmless(workspace: Workspace) -> None:
    query = """select [0.5, 1.25] x, 1/0.0 y, 1.5 z, '河' || chr(8238) || chr(27) t, {'水': [0.25, 'nan'::double]} s,
               map {1: 2.5} m, date '2024-02-03' d, 12345678901234567890::hugeint h"""
    said = render(sql(workspace, query), as_json=True)

    def refused(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    assert json.loads(said, parse_constant=refused) == [
        {"x": [0.5, 1.25], "y": None, "z": 1.5, "t": "河\u202e\x1b", "s": {"水": [0.25, None]}, "m": {"1": 2.5},
         "d": "2024-02-03", "h": 12345678901234567890}
    ]  # fmt: skip
    assert "\u202e" not in said and "\x1b" not in said and "河" in said
