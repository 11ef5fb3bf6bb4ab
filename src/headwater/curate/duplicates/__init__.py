"""Duplicates: clusters and survivors, computed over the documents alive at the step that asks.

    exchange.py   records spread over partitions through files, so that no task holds more than a partition
    keys.py       a shard -> its documents' keys (URL, text, 14 bands) and ranks
    survivors.py  who stays: a document's rank by the declared policy
    equal.py      one partition -> documents with an equal URL or text
    near.py       MinHash: buckets by partition -> verified pairs -> components -> survivors and partners
    bloom.py      documents whose 13-grams were seen before, in the order of ids
    passages.py   a text -> its words, fingerprints and windows
    shared.py     passages that occur elsewhere: fingerprints, windows, later copies cut
    find.py       the same in one process, for `whatif`
    index.py      what a later corpus needs of this one, and whether it is whole

What a document *is* (band keys, signature, hash) was measured once; which of a cluster stays depends on who is
alive, so it is decided here, at curation, and no cluster loses its last copy to a rule that came later.

A *position* is a document's place among all rows of all shards, in the order of the shards. Documents of an earlier
corpus (`against`) come first: they take part in everything, stay as they are, and win.
"""
