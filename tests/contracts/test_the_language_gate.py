"""Contract: documents in languages that a recipe does not name are gated: a state, not an error. They are measured by
`language` alone, their other signals are null without an error, and no rule judges such a null; held-out text stays."""

import pytest

from headwater import api
from headwater.errors import HeadwaterError
from headwater.inspect.why import lines_of


def test_only_what_is_asked_for_is_measured_and_kept(tales):
    tales.curate(
        "  preset: null\n"
        '  rules: {"*": {gopher.words: {min: 30}}}\n'
        "  lines: {min_words: 3}\n"
        "  privacy: replace\n"
        "signals: {families: [language, gopher, hashes, minhash, privacy], languages: [zh]}"
    )
    ledger = {row["id"]: row for row in tales.rows("ledger")}
    assert {row["language"] for row in ledger.values()} == {"en", "zh"}
    for row in ledger.values():
        if row["split"] == "train":
            assert (row["state"] == "gated") == (row["language"] == "en"), row
            assert (row["reason"] == "language") == (row["language"] == "en"), row
        else:
            assert row["state"] == "kept"
    counts = tales.outcome.curated.counts
    assert counts["gated"] == sum(row["state"] == "gated" for row in ledger.values()) > 10
    assert not any("en:" in warning for warning in tales.outcome.curated.warnings)

    for family in ("gopher", "hashes", "minhash", "privacy"):
        for row in tales.rows(f"signals/{family}"):
            values = [value for name, value in row.items() if name not in ("id", "errors")]
            assert row["errors"] is None
            wanted = ledger[row["id"]]["language"] == "zh"
            assert any(value is not None for value in values) == wanted, (family, row)

    gated = next(row["id"] for row in ledger.values() if row["state"] == "gated")
    assert "contracts: gated, language" in lines_of(api.why(tales.folder / "workspace", gated))
    kept = next(row["id"] for row in ledger.values() if row["language"] == "zh" and row["edits"])
    assert "gopher.words" in api.why(tales.folder / "workspace", kept).verdicts[0].signals


def test_it_is_part_of_what_signals_are_kept_under(tales):
    """Another gate measures again, and leaves what was measured without it as it was."""
    signals = "signals: {families: [language, gopher, hashes, minhash]"
    tales.curate(f"  preset: null\n{signals}}}")
    everything = [entry.fingerprint for entry in tales.stage("signals/gopher").values()]
    first = len(tales.made())
    tales.curate(f"  preset: null\n{signals}, languages: [zh]}}")
    assert {stage.partition("-")[0] for stage, _ in tales.made()[first:] if stage.startswith("signals/")} == {
        f"signals/{family}" for family in ("gopher", "hashes", "minhash")
    }
    second = len(tales.made())
    tales.curate(f"  preset: null\n{signals}}}")
    assert [entry.fingerprint for entry in tales.stage("signals/gopher").values()] == everything
    assert not [stage for stage, _ in tales.made()[second:] if stage.startswith(("signals/", "ledger/"))]


def test_whatif_does_not_answer_for_another_gate(tales):
    tales.curate('  preset: null\n  rules: {"*": {gopher.words: {min: 30}}}')
    with pytest.raises(HeadwaterError, match=r"signals\.languages"):
        api.whatif(tales.folder / "recipe.yaml", overrides=["signals.languages=[zh]"])
