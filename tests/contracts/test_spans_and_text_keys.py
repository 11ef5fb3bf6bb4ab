"""Contract: spans are half-open in Unicode code points of the text they name; a text's key changes exactly when the
text does."""

import pyarrow.parquet as pq


def test_what_an_edition_says_it_cut_is_what_is_gone(tales):
    tales.curate("  decontaminate: null\n  duplicates: null\n  lines: {repeated: 3, keep_first: false}")
    texts = {row["id"]: row["text"] for row in tales.rows("documents")}
    [edition] = [stage for stage in tales.workspace.stages() if stage.name.startswith("editions/")]
    edited = 0
    for entry in edition.entries().values():
        for row in pq.read_table(entry.path()).to_pylist():
            if row["text"] is None:
                continue
            before = texts[row["id"]]
            left, at = "", 0
            for span in row["spans"]:
                assert at <= span["start"] < span["end"] <= len(before)
                left, at = left + before[at : span["start"]], span["end"]
            assert left + before[at:] == row["text"] and len(before) - len(row["text"]) == row["removed"]
            assert any("Share this 分享" in before[s["start"] : s["end"]] for s in row["spans"])
            edited += 1
    assert edited > 20 and any("𠮷" in text for text in texts.values())


def test_a_key_changes_with_the_text_and_with_nothing_else(tales):
    plain = {row["id"]: row["text_key"] for row in tales.curate().rows("ledger")}
    again = {
        row["id"]: row["text_key"]
        for row in tales.curate('  duplicates: null\n  rules: {"*": {length.bytes: {min: 3}}}').rows("ledger")
    }
    assert again == plain and len(set(plain.values())) == 60
    edited = tales.curate(
        "  decontaminate: null\n  duplicates: null\n  lines: {repeated: 3, keep_first: false}"
    ).rows("ledger")
    for row in edited:
        assert (row["text_key"] != plain[row["id"]]) == (row["edits"] > 0)
