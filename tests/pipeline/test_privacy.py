"""Personal data from the recipe to the training set, its card, and every view of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from headwater import api
from headwater.errors import RecipeError
from headwater.inspect import why as asking
from headwater.pipeline.curation import final_texts

RECIPE = """\
name: private
sources:
  - {{name: 信, kind: files, paths: ["*.jsonl"], unit: {{by: author}}}}
holdout: {{share: 0.3}}
curate:
  decontaminate: null
  duplicates: null
  {curate}
tokenizer: {{vocabulary: 300}}
"""


def texts() -> list[str]:
    letters = []
    for n in range(24):
        if n % 2:
            letters.append(
                f"第{n}封信。山水之间，夜里河水涨了。联系 li{n}@example.org，手机1381234{n:04d}，“谢谢。”"
            )
        else:
            letters.append(
                f"Letter {n}: the river rose at night. Write to ann{n}@mail.example.com, 93.184.216.{n + 1}."
            )
    letters.append(
        "名单：" + "；".join(f"甲{n}@example.org" if n % 2 else f"b{n}@example.org" for n in range(20)) + "。"
    )
    letters.append("没有什么要遮住的，只有山和水。")
    return letters


def curated(folder: Path, curate: str, workers: int = 0) -> Any:
    folder.mkdir(exist_ok=True)
    with (folder / "信.jsonl").open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts()):
            file.write(json.dumps({"text": text, "author": str(number)}, ensure_ascii=False) + "\n")
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(curate=curate), encoding="utf-8")
    return api.curate(recipe, workers=workers)


def kept_texts(outcome: Any) -> dict[str, str]:
    return {
        name: text for shard in outcome.curated.shards for name, text in final_texts(outcome.curated, shard)
    }


def ledger(outcome: Any) -> list[dict[str, Any]]:
    table = api.sql(outcome.workspace.path, "select id, split, state, reason, edits from ledger")
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_replaced_in_what_is_trained_on_counted_in_the_card_untouched_in_what_is_held_out(
    tmp_path: Path,
) -> None:
    outcome = curated(tmp_path, "privacy: replace")
    rows, now = ledger(outcome), kept_texts(outcome)
    train = [row["id"] for row in rows if row["split"] == "train"]
    held = [row["id"] for row in rows if row["split"] != "train"]
    assert train and held
    for name in train:
        assert "@" not in now[name] and "138" not in now[name]
    assert any("@example.org" in now[name] for name in held)
    emails = sum(now[name].count("<EMAIL>") for name in train)
    mobiles = sum(now[name].count("<MOBILE>") for name in train)
    card = (outcome.training_set / "card.md").read_text(encoding="utf-8")
    assert f"| email | {emails:,} |" in card and f"| mobile | {mobiles:,} |" in card
    edited = {row["id"] for row in rows if row["edits"]}
    assert edited == {name for name in train if "<" in now[name]}


def test_dolma_s_rule_is_a_rule(tmp_path: Path) -> None:
    outcome = curated(tmp_path, 'rules: {"*": {privacy: {contacts: {max: 5}}}}')
    reasons = {row["reason"] for row in ledger(outcome)}
    dropped = [row for row in ledger(outcome) if row["reason"] == "privacy_contacts"]
    assert reasons == {None, "privacy_contacts"} and len(dropped) <= 1
    assert (
        len(api.sql(outcome.workspace.path, 'select id from signals where "privacy.contacts" > 5').rows) == 1
    )


def test_masked_in_every_view_unless_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = curated(tmp_path, "privacy: surrogate")
    place = outcome.workspace.path
    query = "select id, text from documents where text like '%ann%' or text like '%li1@%'"
    shown = json.dumps(api.sql(place, query).rows, ensure_ascii=False)
    assert "ann" not in shown and "li1@" not in shown and "•••@" in shown
    assert "ann" in json.dumps(api.sql(place, query, unmasked=True).rows)
    report = api.report(place, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "@mail.example.com" not in report
    for row in api.sql(place, query).rows:
        answer = api.why(place, row[0])
        said = json.dumps(answer.as_json(), ensure_ascii=False) + "\n".join(asking.lines_of(answer))
        assert "@mail.example" not in said and "@example.org" not in said
    previewed = api.preview(tmp_path / "recipe.yaml", limit=26)
    assert "@" not in "".join(one.begins.replace("•@", "") for one in previewed.documents)


def test_a_key_of_its_own_and_any_number_of_workers(tmp_path: Path) -> None:
    one = kept_texts(curated(tmp_path / "one", "privacy: surrogate"))
    two = kept_texts(curated(tmp_path / "two", "privacy: surrogate", workers=2))
    assert one == two
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / "my.key").write_text("0123456789abcdef0123", encoding="utf-8")
    three = kept_texts(curated(tmp_path / "three", "privacy: {how: surrogate, key_file: my.key}"))
    assert one.keys() == three.keys() and one != three


def test_a_tokeniser_that_loses_text_is_refused_before_a_score(tmp_path: Path) -> None:
    curated(tmp_path, "privacy: mask")
    with pytest.raises(RecipeError, match="loses text"):
        api.evaluate(tmp_path / "recipe.yaml", workers=0, overrides=["tokenizer.kind=wordpiece"])
