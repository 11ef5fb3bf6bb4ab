"""Contract: what is not a document is gated with a reason, what cannot be read is quarantined with its bytes; neither
is an error, and both are counted: read = kept + dropped + gated + quarantined, for every file."""

import json

from headwater import api


def test_every_record_is_in_one_state(tales):
    lines = [
        json.dumps({"text": f"第{n}行，河水涨了。", "author": f"u{n}"}, ensure_ascii=False)
        for n in range(100)
    ]
    lines[5] = '{"text": "half'
    lines[6] = json.dumps({"text": "  \u00a0\u0000 "})
    lines[7] = json.dumps({"text": None, "author": "x"})
    (tales.folder / "texts" / "丁.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tales.curate('  duplicates: null\n  rules: {"*": {length.characters: {min: 12}}}')
    sql = (
        "with l as (select split_part(locator, '#', 1) file, count(*) filter (state = 'kept') kept, "
        "count(*) filter (state = 'dropped') dropped, count(*) filter (state = 'quarantined') later from ledger group by 1) "
        "select file, read, kept, dropped, gated, quarantined + later from files join l using (file)"
    )
    rows = {row[0]: row[1:] for row in api.sql(tales.folder / "workspace", sql).rows}
    assert len(rows) == 4
    assert all(read == kept + dropped + gated + lost for read, kept, dropped, gated, lost in rows.values())
    read, _, _, gated, lost = rows["丁.jsonl"]
    assert (read, lost) == (100, 1) and gated >= 1
    [kept_bytes] = [
        row[0] for row in api.sql(tales.folder / "workspace", "select bytes from quarantine").rows
    ]
    assert bytes(kept_bytes).startswith(b'{"text": "half')
