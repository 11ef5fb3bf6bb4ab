"""What another threshold would change is what curating with it changes."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from two_languages import text_of

from headwater import api
from headwater.errors import HeadwaterError, RecipeError
from headwater.inspect.intervals import stratified, wilson
from headwater.inspect.whatif_answer import lines_of
from headwater.inspect.whatif_tally import LedgerWriter


def kept(recipe: Path, workspace: Path | None = None) -> dict[str, str]:
    rows = api.sql(
        workspace or recipe.parent / "workspace", "select id, state, reason, reasons, step from ledger"
    ).rows
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize(
    "rules",
    [["en.gopher.words.min=100"], ["en.gopher.words.min=30"], ["zh.gopher.words.min=null", "en.gopher.words.max=150"],
     ["han.share.max=0.5"]],
)  # fmt: skip
def test_the_new_ledger_is_that_of_curating_with_the_rule(curated, tmp_path, rules):
    new = tmp_path / "new.parquet"
    answer = api.whatif(curated, rules, ledger=new)
    assert answer.exact and not answer.unknown
    # edited texts had not been measured by han, which no rule asked for
    assert (answer.measured_again > 0) == ("han.share.max=0.5" in rules)
    tree: dict = {}
    for rule in rules:
        key, _, value = rule.partition("=")
        track, _, rest = key.partition(".") if key[:3] in ("en.", "zh.") else ("*", "", key)
        tree.setdefault(track, {})[rest] = None if value == "null" else float(value)
    base = {"en": {"gopher.words.min": 60}, "zh": {"gopher.words.min": 40}}
    merged = {track: base.get(track, {}) | tree.get(track, {}) for track in {*base, *tree}}
    api.curate(curated, workspace=tmp_path / "w", workers=1, overrides=[f"curate.rules={json.dumps(merged)}"])
    made = kept(curated, tmp_path / "w")
    said = {
        row["id"]: (row["state"], row["reason"], row["reasons"], row["step"])
        for row in pq.read_table(new).to_pylist()
    }
    assert said == made
    assert answer.kept_after == sum(state == "kept" for state, *_ in made.values()) - sum(
        row[0] for row in api.sql(tmp_path / "w", "select count(*) from ledger where split = 'heldout'").rows
    )


def test_counts_groups_effects_and_borders_agree(curated):
    answer = api.whatif(curated, ["en.gopher.words.min=100"])
    assert answer.changed == ["en: gopher.words ≥ 60 → ≥ 100"]
    assert answer.kept_after == answer.kept_before + answer.gained - answer.lost and answer.lost > 0
    assert sum(group.after for group in answer.languages) == answer.kept_after == answer.sources[0].after
    assert sum(group.bytes_after for group in answer.sources) == answer.bytes_after
    assert answer.tokens_after < answer.tokens_before
    effect = {one.reason: one for one in answer.effects}["gopher_words"]
    assert effect.removes == effect.alone == answer.overlap["gopher_words"]["gopher_words"]
    assert 0 < len(answer.border) <= 20 and all(border.signal == "gopher.words" for border in answer.border)
    below = [border for border in answer.border if border.value < 100]
    assert below and all(border.after == "dropped" for border in below)
    assert {border.language for border in answer.border} == {"en"}
    text = "\n".join(lines_of(answer))
    assert "exact" in text and "kept → dropped" in text


def test_without_a_rule_it_says_what_each_rule_removes(curated):
    answer = api.whatif(curated)
    assert answer.exact and answer.changed == [] and answer.gained == answer.lost == 0
    assert {one.reason for one in answer.effects} == {"gopher_words", "near_duplicate"}


def test_rules_before_an_edit_edit_and_measure_again_what_newly_meets_it(curated, tmp_path):
    order = "curate.order=[rules,lines,duplicates]"
    api.curate(curated, workspace=tmp_path / "w", workers=1, overrides=[order, "curate.duplicates=null"])
    answer = api.whatif(
        curated,
        ["en.gopher.words.min=40"],
        workspace=tmp_path / "w",
        overrides=[order, "curate.duplicates=null"],
    )
    assert answer.exact and answer.measured_again == answer.gained > 0


def test_a_family_of_the_recipe_measures_again_what_newly_meets_an_edit(curated, tmp_path, monkeypatch):
    """A word list and a function judge, after an edit, texts that meet it only under the new rule."""
    (tmp_path / "词.txt").write_text("教堂\nchurch\n", encoding="utf-8")
    (tmp_path / "my_marks.py").write_text(
        "def marks(texts):\n    return [text.count('河水') for text in texts]\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    lists = {"church": {"files": [str(tmp_path / "词.txt")]}}
    functions = {"marks": {"function": "my_marks:marks"}}
    own = [f"signals.word_lists={json.dumps(lists)}", f"signals.functions={json.dumps(functions)}"]
    place, new = tmp_path / "w", tmp_path / "new.parquet"
    own.append("curate.duplicates=null")
    api.curate(curated, workers=0, workspace=place, overrides=own)
    bounds = ["en.church.matches.max=3", "zh.marks.value.max=2", "zh.church.per_line.max=1"]
    answer = api.whatif(curated, bounds, workspace=place, overrides=own, ledger=new)
    assert answer.exact and answer.measured_again > 0 and answer.lost > 0
    judged = {
        "en": {"gopher.words.min": 60, "church.matches.max": 3},
        "zh": {"gopher.words.min": 40, "marks.value.max": 2, "church.per_line.max": 1},
    }
    api.curate(curated, workers=0, workspace=place, overrides=[*own, f"curate.rules={json.dumps(judged)}"])
    said = {row["id"]: (row["state"], row["reason"]) for row in pq.read_table(new).to_pylist()}
    assert said == {name: row[:2] for name, row in kept(curated, place).items()}


def test_a_sample_comes_with_an_interval_and_exact_looks_at_all(curated):
    sampled = api.whatif(curated, ["en.gopher.words.min=100"], sampled_above=10, sample=60)
    assert 0 < sampled.sampled < sampled.documents and not sampled.exact
    low, high = sampled.interval
    assert low <= sampled.kept_after <= high
    whole = api.whatif(curated, ["en.gopher.words.min=100"], sampled_above=10, sample=60, exact=True)
    assert whole.exact and whole.interval is None
    assert "drawn by their ids" in "\n".join(lines_of(sampled))


def test_what_cannot_be_answered_is_said(curated, tmp_path):
    with pytest.raises(RecipeError, match="expected KEY=VALUE"):
        api.whatif(curated, ["gopher.words"])
    with pytest.raises(RecipeError, match=r"did you mean gopher\.words"):
        api.whatif(curated, ["gopher.word.min=3"])
    with pytest.raises(RecipeError, match="curate needs repetition too"):
        api.whatif(curated, ["repetition.duplicate_lines.max=0.1"])
    with pytest.raises(HeadwaterError, match="another order of work"):
        api.whatif(curated, overrides=["curate.lines=null"])
    with pytest.raises(HeadwaterError, match="repetition was not measured"):
        api.whatif(curated, ["repetition.duplicate_lines.max=0.1"], overrides=["signals.families=null"])


def test_intervals():
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)  # Newcombe 1998, table I
    share, low, high = stratified([(1.0, 8, 10)])
    assert share == 0.8 and (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    share, low, high = stratified([(0.9, 10, 10), (0.1, 0, 10)])
    assert share == pytest.approx(0.9) and low < 0.9 < high


def test_a_ledger_without_rules_has_no_threshold_to_change(curated, tmp_path):
    options = {"workspace": tmp_path / "w", "overrides": ["curate.rules={}", "curate.lines=null"]}
    api.curate(curated, workers=0, **options)
    with pytest.raises(HeadwaterError, match="made without rules"):
        api.whatif(curated, ["gopher.words.min=20"], **options)


def test_a_rule_for_a_language_without_a_track_of_its_own(tmp_path):
    """The plan tells one more track apart; steps for all documents do the same to the same."""
    rows = [
        {"text": text_of(language, n), "author": f"{language}{n}"}
        for language in ("en", "zh")
        for n in range(12)
    ]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "sources: [{name: 故事, kind: files, paths: [a.jsonl]}]\nholdout: {share: 0}\n"
        "curate: {privacy: replace, rules: {'*': {gopher.words: {min: 20}}}, decontaminate: null}\n"
        "signals: {families: [language, gopher, privacy, hashes, minhash]}\n",
        encoding="utf-8",
    )
    api.curate(recipe, until="ledger", workers=0)
    everyone, chinese = (
        api.whatif(recipe, ["gopher.words.min=70"]),
        api.whatif(recipe, ["zh.gopher.words.min=70"]),
    )
    assert chinese.changed == ["zh: gopher.words ≥ 20 → ≥ 70"]
    assert 0 < chinese.lost < everyone.lost
    lost = {group.name: group.before - group.after for group in chinese.languages}
    assert lost["zh"] == chinese.lost and lost["en"] == 0
    privacy = "curate.privacy={how: mask}"
    with pytest.raises(HeadwaterError, match="edits texts otherwise"):
        api.whatif(recipe, ["zh.gopher.words.min=70"], overrides=[privacy])


def test_a_ledger_that_fails_half_way_leaves_the_file_as_it_was(tmp_path, monkeypatch, curated):
    new = tmp_path / "新.parquet"
    api.whatif(curated, ["zh.gopher.words.min=70"], ledger=new)
    before, add = new.read_bytes(), LedgerWriter.add

    def failing(self, shard):
        add(self, shard)
        raise OSError("磁盘满了")

    monkeypatch.setattr(LedgerWriter, "add", failing)
    with pytest.raises(OSError, match="磁盘满了"):
        api.whatif(curated, ["zh.gopher.words.min=90"], ledger=new)
    assert new.read_bytes() == before and list(tmp_path.iterdir()) == [new]
