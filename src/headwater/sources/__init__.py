"""Sources: where documents come from. One file a kind of source; what they share is `records`, `streams`, `encoding`.

A reader is a function from one file to records: documents, gated records and quarantined ones. `kinds.py` lists the
kinds, `read.py` turns records into shards of documents, `shards.py` says which files make which shard, `init.py`
writes a first recipe.
"""
