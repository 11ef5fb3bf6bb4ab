"""Duplicates: clusters and survivors, computed over the documents alive at the step that asks.

    keys.py     one column of keys at a time: spilled to disk by band, sorted, cut into buckets
    exact.py    equal text: same xxh3-64 and same length
    near.py     MinHash: buckets -> verified pairs -> components
    survivors.py  who stays, by the declared policy, and whom the others name as their partner
    find.py     these, in order

What a document *is* (band keys, signature, hash) was measured once; which of a cluster stays depends on who is
alive, so it is decided here, at curation, and no cluster loses its last copy to a rule that came later.

    from headwater.curate.duplicates.find import AliveShard, find
    found = find(shards, settings, workspace.path / "tmp")
    found["crawl-0001"].drop          # bool, one a row
"""
