"""Sources: where documents come from. One file a kind of source; what they share is `records`, `streams`, `encoding`.

A reader is a function from one file to records: documents, gated records and quarantined ones. `read.py` turns
records into shards of documents, `shards.py` says which files make which shard, `init.py` writes a first recipe.
"""

KINDS = {
    "files": "txt, md, json, jsonl (.gz, .zst, .bz2), csv, tsv, parquet: "
    "{name: books, kind: files, paths: [books/*.txt.gz]}",
    "warc": "WARC and WET (.gz, .zst, .lz4): {name: crawl, kind: warc, paths: [crawl/*.warc.gz]}",
}
