"""Contract: a signal that failed is null with an error, and a rule over it quarantines the document by the family's
name; it is neither kept nor dropped, and its neighbours are unaffected."""

from headwater.signals import length


def test_a_failed_signal_quarantines(tales, monkeypatch):
    honest = length.measure

    def fails(text):
        if "7 号" in text:
            raise ValueError("坏了")
        return honest(text)

    monkeypatch.setattr(length, "measure", fails)
    tales.curate('  duplicates: null\n  decontaminate: null\n  rules: {"*": {length.characters: {min: 1}}}')
    failed = {row["id"] for row in tales.rows("documents") if "7 号" in row["text"]}
    assert failed
    for row in tales.rows("ledger"):
        if row["id"] in failed and row["split"] == "train":
            assert (row["state"], row["reason"]) == ("quarantined", "signal_failed:length")
        else:
            assert row["state"] == "kept" and row["reason"] is None
    assert {row["id"] for row in tales.rows("signals/length") if row["errors"]} == failed
    assert all(
        row["length.characters"] is None for row in tales.rows("signals/length") if row["id"] in failed
    )
