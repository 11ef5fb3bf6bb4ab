"""Contract: every stage about documents has their shards by name and their rows in order, `id` first, so that
stages are joined by position."""

import pyarrow.parquet as pq


def test_signals_editions_and_ledger_follow_the_documents(tales):
    tales.curate('  lines: {repeated: 2}\n  rules: {"*": {length.characters: {min: 10}}}')
    documents = tales.stage("documents")
    ids = {
        shard: pq.read_table(entry.path(), columns=["id"])["id"].to_pylist()
        for shard, entry in documents.items()
    }
    assert sum(map(len, ids.values())) == 60
    followed = 0
    for stage in tales.workspace.stages():
        if stage.name.startswith(("signals/", "editions/", "ledger/")):
            entries = stage.entries()
            assert entries.keys() == documents.keys(), stage.name
            for shard, entry in entries.items():
                table = pq.read_table(entry.path())
                assert table.column_names[0] == "id"
                assert table["id"].to_pylist() == ids[shard], f"{stage.name}/{shard}"
                followed += 1
    assert followed >= 10 * len(documents)
