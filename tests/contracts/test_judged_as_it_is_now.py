"""Contract: a rule after an edit judges the edited text; an edition is measured by the families that are asked for
and by no others; the ledger counts documents, not editions."""

LINES = "  duplicates: null\n  decontaminate: null\n  lines: {repeated: 3, keep_first: false}\n"


def test_a_rule_judges_what_the_edit_left(tales):
    whole = {row["id"]: len(row["text"]) for row in tales.curate().rows("documents")}
    shortest = min(whole.values())
    # every text is long enough as read; without its repeated line none is
    rule = f'  rules: {{"*": {{length.characters: {{min: {max(whole.values())}}}}}}}'
    before = [
        row for row in tales.curate("  duplicates: null\n" + rule).rows("ledger") if row["split"] == "train"
    ]
    assert any(row["state"] == "kept" for row in before)
    edited = tales.curate(LINES + f'  rules: {{"*": {{length.characters: {{min: {shortest}}}}}}}').rows(
        "ledger"
    )
    train = [row for row in edited if row["split"] == "train"]
    assert any(row["reason"] == "length_characters" for row in train)
    assert all(row["edits"] > 0 for row in train)


def test_an_edition_is_measured_by_what_is_asked_for_alone(tales):
    before = len(tales.curate().made())
    tales.curate(LINES + '  rules: {"*": {length.characters: {min: 10}}}')
    families = {
        stage.split("/")[1].split("-")[0] for stage, _ in tales.made()[before:]
        if stage.startswith("signals/") and "editions" in stage
    }  # fmt: skip
    assert families == {"length"}


def test_the_ledger_has_each_document_once(tales):
    rows = tales.curate(LINES).rows("ledger")
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids)) == 60 == len(tales.rows("documents"))
