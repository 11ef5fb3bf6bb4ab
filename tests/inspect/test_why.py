"""Every dropped document can be asked why, and the answer is the ledger's."""

import json
from pathlib import Path

import pytest

from headwater import api
from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError
from headwater.inspect.evidence import differences, excerpt
from headwater.inspect.sql import sql
from headwater.inspect.visible import visible, width
from headwater.inspect.why import lines_of, why


def _id(workspace: Workspace, condition: str) -> str:
    return str(sql(workspace, f"select id from ledger where {condition} order by id limit 1").rows[0][0])


def test_a_rule_is_shown_beside_its_threshold(workspace: Workspace) -> None:
    answer = why(workspace, _id(workspace, "reason = 'repetition_duplicate_lines' and language = 'zh'")[:10])
    [verdict] = answer.verdicts
    assert (verdict.state, verdict.reason, verdict.step) == (
        "dropped",
        "repetition_duplicate_lines",
        "2 rules",
    )
    failed = [judgement for judgement in verdict.judgements if judgement.failed]
    assert [(j.signal, j.value, j.bounds) for j in failed] == [("repetition.duplicate_lines", 0.9, "≤ 0.3")]
    assert answer.provenance["title"] == "导航页面"
    marked = [piece.text.strip() for piece in verdict.excerpt if piece.kind == "mark"]
    assert marked and any("登录" in text for text in marked)


def test_a_duplicate_names_its_twin_and_where_they_differ(workspace: Workspace) -> None:
    [verdict] = why(workspace, _id(workspace, "reason = 'near_duplicate'")).verdicts
    assert verdict.partner is not None and verdict.partner.similarity == pytest.approx(0.93)
    assert [piece.text for piece in verdict.partner.here if piece.kind == "mark"] == ["先生"]
    assert [piece.text for piece in verdict.partner.there if piece.kind == "mark"] == ["人"]


def test_an_edit_says_what_it_removed(workspace: Workspace) -> None:
    [verdict] = why(workspace, _id(workspace, "edits > 0")).verdicts
    [cut] = verdict.cuts
    assert verdict.state == "kept" and cut.reason == "repeated_line"
    assert cut.text.startswith("\n他有一本册子") and "册子" not in "".join(p.text for p in verdict.excerpt)


def test_the_answer_fits_a_terminal_and_cannot_command_it(workspace: Workspace) -> None:
    for (document,) in sql(workspace, "select id from ledger").rows:
        lines = lines_of(why(workspace, document))
        assert all(width(line) <= 80 and visible(line) == line for line in lines)
    hostile = lines_of(why(workspace, _id(workspace, "reason = 'gopher_words'")))
    assert any("␛[2J" in line for line in hostile) and not any("\x1b" in line for line in hostile)


def test_ids_that_name_no_one_document_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match="too short"):
        why(workspace, "ab12")
    with pytest.raises(HeadwaterError, match="headwater sql"):
        why(workspace, "ffffffffffff")
    with pytest.raises(HeadwaterError, match="no workspace at"):
        why(tmp_path / "missing", "ffffffffffff")
    assert not (tmp_path / "missing").exists()


def test_excerpts_hold_every_mark_that_fits() -> None:
    text = "。".join(f"第{n}句话说的是河" for n in range(400))
    marks = [(5, 9), (700, 710), (2000, 2004)]
    pieces = excerpt(text, marks)
    assert [piece.text for piece in pieces if piece.kind == "mark"] == [text[a:b] for a, b in marks]
    shown = [piece.text for piece in pieces if piece.kind != "gap"]
    assert all(part in text for part in shown) and pieces[-1].kind == "gap"
    assert "".join(piece.text for piece in excerpt("短文。", [])) == "短文。"


def test_differences_are_words_in_english_and_characters_in_chinese() -> None:
    here, there = differences("The quick brown fox. 河水涨了", "The slow brown fox. 河水落了")
    assert here == [(4, 9), (23, 24)] and there == [(4, 8), (22, 23)]
    assert differences("一样", "一样") == ([], [])


def test_values_come_with_their_percentile_and_edits_as_a_difference(curated):
    place = curated.parent / "workspace"
    rows = api.sql(place, "select id from ledger where reason = 'gopher_words' order by id").rows
    answer = api.why(place, rows[0][0])
    [verdict] = answer.verdicts
    [words] = [j for j in verdict.judgements if j.signal == "gopher.words"]
    assert words.failed and 0 <= words.percentile < 0.7
    assert verdict.percentiles["han.share"] >= 0 and set(verdict.percentiles) <= set(verdict.signals)
    text = "\n".join(lines_of(answer))
    assert "signals   (and the share of documents with less)" in text and "length.characters" in text
    edited = api.sql(place, "select id from ledger where edits > 0 order by id").rows[0][0]
    shown = "\n".join(lines_of(api.why(place, edited)))
    assert "refinedweb_upper_case" in shown and "  - LOGIN" in shown
    assert all(cut.before for verdict in api.why(place, edited).verdicts for cut in verdict.cuts)


def test_words_of_a_list_and_contacts_are_marked_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "词.txt").write_text("赌场\ncasino\n", encoding="utf-8")
    texts = [f"第{n}章。河水在夜里涨了起来，没有人记下是什么时候，船都拴在教堂门口。" for n in range(6)]
    texts += ["山上新开了一家赌场，Casino 就在河边，老人说他从来没有去过那里。"]
    texts += ["来信请寄 zhang.san@example.com 或者 li.si@example.org，河水已经退了。"]
    rows = [json.dumps({"text": text, "author": str(n)}, ensure_ascii=False) for n, text in enumerate(texts)]
    (tmp_path / "a.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "r.yaml").write_text(
        "sources: [{name: a, kind: files, paths: [a.jsonl]}]\nholdout: {share: 0}\n"
        "signals: {families: [language, privacy], word_lists: {gambling: {files: [词.txt]}}}\n"
        "curate: {rules: {'*': {gambling.matches.max: 0, privacy.contacts.max: 1}}, duplicates: null, decontaminate: null}\n"
        "tokenizer: {vocabulary: 300}\n",
        encoding="utf-8",
    )
    api.curate(tmp_path / "r.yaml", workers=0)
    place = Workspace(tmp_path / "workspace")
    [verdict] = why(place, _id(place, "reason = 'gambling_matches'")).verdicts
    for pieces in (verdict.excerpt, verdict.failing["gambling.matches"]):
        assert [piece.text for piece in pieces if piece.kind == "mark"] == ["赌场", "Casino"]
    [verdict] = why(place, _id(place, "reason = 'privacy_contacts'")).verdicts
    for pieces in (verdict.excerpt, verdict.failing["privacy.contacts"]):
        assert len([piece for piece in pieces if piece.kind == "mark"]) == 2
        assert "example" not in "".join(piece.text for piece in pieces)  # marked, and masked


def test_a_document_of_a_source_that_is_left_out_says_so(tmp_path: Path) -> None:
    for name in ("留", "去"):
        (tmp_path / f"{name}.jsonl").write_text(
            "\n".join(json.dumps({"text": f"{name}：第{n}天，河水涨了{n}寸。"}) for n in range(9)),
            encoding="utf-8",
        )
    sources = "".join(f"  - {{name: {name}, kind: files, paths: [{name}.jsonl]}}\n" for name in ("留", "去"))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"holdout: {{share: 0}}\nsources:\n{sources}curate: {{leave_out: [去]}}\n", encoding="utf-8"
    )
    api.curate(recipe, until="ledger", workers=1)
    place = tmp_path / "workspace"
    [(document,), *_] = api.sql(place, "select id from ledger where reason = 'left_out'").rows
    lines = lines_of(api.why(place, document))
    assert "  ✗ its source is left out (curate.leave_out)" in lines and not any(
        "≤ -1" in line for line in lines
    )
