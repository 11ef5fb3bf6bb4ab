"""What a user brings: functions, scores by id, word lists. In the recipe, in the key, in the ledger."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.engine.workspace import Output
from headwater.errors import RecipeError
from headwater.model import ngrams
from headwater.pipeline.curation import curate
from headwater.pipeline.run import run_until
from headwater.recipe.signals import Signals
from headwater.signals.families import families_of_recipe
from headwater.signals.measure import measure_shards

TEXTS = ["河水在夜里涨了起来。", "The river rose.", "坏", None, "好\n\n赌场赌场，casino!"]


def measured(folder: Path, texts: list[str | None], **signals: object) -> dict[str, list]:
    """The columns of the one family that the settings make."""
    families = families_of_recipe(Signals.model_validate(signals), folder)
    [family] = [one for one in families.values() if one.settings is not None]
    file = folder / "texts.parquet"
    pq.write_table(
        pa.table({"id": [f"d{n}" for n in range(len(texts))], "text": pa.array(texts, pa.string())}), file
    )
    out = Output(folder / "out", "s")
    [result] = measure_shards([out], [{"texts": str(file), **family.arguments}])
    return pq.read_table(out.commit("k", result).path()).to_pydict()


def key(folder: Path, **signals: object) -> str:
    families = families_of_recipe(Signals.model_validate(signals), folder)
    return next(one.key for one in families.values() if one.settings is not None)


def test_a_function_of_the_users_is_called_with_many_texts_and_its_errors_cost_single_ones(
    tmp_path: Path,
) -> None:
    (tmp_path / "mine_a.py").write_text(
        "calls = []\n"
        "def han(texts, least):\n"
        "    calls.append(len(texts))\n"
        "    if '坏' in texts:\n"
        "        raise ValueError('坏了')\n"
        "    return [None if len(t) < 3 else sum(c >= '一' for c in t) / len(t) - least for t in texts]\n",
        encoding="utf-8",
    )
    own = {"functions": {"mine": {"function": "mine_a:han", "settings": {"least": 0.0}, "batch": 2}}}
    table = measured(tmp_path, TEXTS, **own)
    assert table["mine.value"] == [0.9, 0.0, None, None, 6 / 15]
    assert table["errors"] == [None, None, "ValueError: 坏了", None, None]
    before = key(tmp_path, **own)
    own["functions"]["mine"]["batch"] = 1
    assert key(tmp_path, **own) == before  # how many at a time is no part of what is measured
    own["functions"]["mine"]["settings"] = {"least": 0.5}
    assert key(tmp_path, **own) != before


def test_a_function_that_is_not_there_is_an_error_of_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine_b.py").write_text("import no_such_module\n", encoding="utf-8")
    (tmp_path / "mine_c.py").write_text("def f(texts): return [1]\n", encoding="utf-8")
    for name, words in (
        ("mine_b:f", "no_such_module"),
        ("mine_c:g", "no function g"),
        ("no_such:f", "no_such"),
    ):
        with pytest.raises(RecipeError, match=words):
            key(tmp_path, functions={"mine": {"function": name}})
    table = measured(tmp_path, ["一", "二"], functions={"mine": {"function": "mine_c:f"}})
    assert table["mine.value"] == [1.0, 1.0]  # two for one was an error; one by one they are right


def test_each_recipes_folder_has_its_own_functions(tmp_path: Path) -> None:
    """Modules of one name in two folders, with what they import: siblings, packages, relative imports."""
    files = {
        "mine_d.py": "from words_d import VALUE\ndef f(texts): return [VALUE for _ in texts]\n",
        "words_d.py": "VALUE = {}\n",
        "pack_d/__init__.py": "",
        "pack_d/河.py": "from .rest import VALUE\ndef f(texts): return [VALUE for _ in texts]\n",
        "pack_d/rest.py": "import words_d\nVALUE = 10 * words_d.VALUE\n",
    }
    for number, name in enumerate(("甲", "乙", "丙"), 1):
        for file, content in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content.format(number), encoding="utf-8")
    keys = set()
    for number, name in ((1, "甲"), (2, "乙"), (1, "甲"), (3, "丙")):
        for function, value in (("mine_d:f", number), ("pack_d.河:f", 10 * number)):
            own = {"functions": {"mine": {"function": function}}}
            assert measured(tmp_path / name, ["水"], **own)["mine.value"] == [value], (name, function)
            keys.add(key(tmp_path / name, **own))
    assert len(keys) == 2  # the same bytes of the module's file


def test_a_function_of_another_recipes_folder_is_not_found(tmp_path: Path) -> None:
    for name in ("甲", "乙"):
        (tmp_path / name).mkdir()
    (tmp_path / "甲" / "mine_e.py").write_text("def f(texts): return [1 for _ in texts]\n", encoding="utf-8")
    own = {"functions": {"mine": {"function": "mine_e:f"}}}
    assert measured(tmp_path / "甲", ["水"], **own)["mine.value"] == [1.0]
    with pytest.raises(RecipeError, match="No module named 'mine_e'"):
        key(tmp_path / "乙", **own)
    own["functions"]["mine"]["function"] = (
        "statistics:multimode"  # what is installed is found from everywhere
    )
    assert key(tmp_path / "乙", **own) == key(tmp_path / "甲", **own)


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_scores_are_joined_by_id(tmp_path: Path, kind: str) -> None:
    rows = {"id": ["d4", "d0", "x"], "score": [0.5, 2.0, 1.0]}
    path = tmp_path / f"edu.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table(rows), path)
    elif kind == "jsonl":
        lines = [json.dumps({"id": i, "score": s}) for i, s in zip(*rows.values(), strict=True)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        path.write_text("id,score\nd4,0.5\nd0,2.0\nx,1.0\n", encoding="utf-8")
    table = measured(tmp_path, TEXTS, scores={"edu": {"path": path.name}})
    assert table["edu.value"] == [2.0, None, None, None, 0.5]
    assert table["errors"][1].startswith("LookupError: no score for d1") and table["errors"][3] is None
    table = measured(tmp_path, TEXTS, scores={"edu": {"path": path.name, "missing": "null"}})
    assert table["edu.value"] == [2.0, None, None, None, 0.5] and set(table["errors"]) == {None}


def test_scores_that_cannot_be_joined_are_errors_of_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text("id,score\n甲,1\n乙,2\n甲,3\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text("name,score\n甲,1\n", encoding="utf-8")
    for name, words in (("twice.csv", "甲"), ("other.csv", "'id'"), ("none.csv", "No such file")):
        with pytest.raises(RecipeError, match=words):
            key(tmp_path, scores={"edu": {"path": name}})


def test_a_word_list_finds_han_anywhere_and_latin_words_whole(tmp_path: Path) -> None:
    (tmp_path / "zh.txt").write_text("# 博彩\n赌场\n赌\n百家樂\n", encoding="utf-8")
    (tmp_path / "en.txt").write_text("casino\nfree spins\nＷＩＮ\n", encoding="utf-8")
    own = {"word_lists": {"gambling": {"files": ["zh.txt", "en.txt"]}}}
    texts = [
        "网上赌场赌一赌，百家樂",
        "Casinos? A CASINO: free\nspins, ｗｉｎ win winner",
        "赌casino",
        "",
        None,
    ]
    table = measured(tmp_path, texts, **own)
    found = [
        None if spans is None else [text[s["start"] : s["end"]] for s in spans]
        for text, spans in zip(texts, table["gambling.spans"], strict=True)
    ]
    assert found == [
        ["赌场", "赌", "赌", "百家樂"],
        ["CASINO", "free\nspins", "ｗｉｎ", "win"],
        ["赌", "casino"],
        [],
        None,
    ]
    assert table["gambling.matches"] == [4, 4, 2, 0, None] and table["gambling.per_line"] == [
        4,
        2,
        2,
        0,
        None,
    ]
    assert table["gambling.different"] == [3, 3, 2, 0, None]
    assert table["gambling.different_per_line"] == [3, 1.5, 2, 0, None]
    assert table["gambling.per_1000_words"][1] == 1000 * 4 / 8
    before = key(tmp_path, **own)
    (tmp_path / "zh.txt").write_text("赌\n赌场\n\n百家樂\n# same words\n", encoding="utf-8")
    assert key(tmp_path, **own) == before
    (tmp_path / "zh.txt").write_text("赌\n", encoding="utf-8")
    assert key(tmp_path, **own) != before


def test_names_of_families_are_taken_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="'gopher' is taken"):
        key(tmp_path, word_lists={"gopher": {"files": ["a.txt"]}})
    with pytest.raises(RecipeError, match="cannot read"):
        key(tmp_path, word_lists={"bad": {"files": ["b.txt"]}})


def test_perplexity_is_by_the_model_of_the_language_and_gated_without_one(tmp_path: Path) -> None:
    chinese = ["河水在夜里涨了起来，没有人记下水是什么时候到的。", "天亮了，人们走到河边。\n水退了。"] * 10
    model = ngrams.train(
        lambda: chinese,
        order=3,
        unit="character",
        heldout=[*chinese[:2], "赌场博彩网址大全", "甲乙丙丁戊己庚辛"],
    )
    model.save(tmp_path / "zh.ngram")
    own = {"perplexity": {"models": {"zh": "zh.ngram"}}}
    texts = [
        "河水在夜里涨了起来。\n\n人们走到河边。",
        "网址大全赌博彩场",
        "The river rose in the night and nobody saw it.",
        "",
        None,
    ]
    table = measured(tmp_path, texts, **own)
    document = table["perplexity.document"]
    assert document[0] == pytest.approx(model.perplexity(texts[0])) and document[0] < document[1]
    assert document[2:] == [None] * 3 and table["errors"] == [None] * 5
    assert [len(lines or []) for lines in table["perplexity.lines"]] == [2, 1, 0, 0, 0]
    assert (
        table["perplexity.bucket"][0] < table["perplexity.bucket"][1] == 2
        and table["perplexity.percentile"][0] < 60
    )
    assert table["perplexity.bits_per_byte"][0] == pytest.approx(model.bits_per_byte([texts[0]]))
    before = key(tmp_path, **own)
    ngrams.train(lambda: chinese[:3], order=3, unit="character").save(tmp_path / "zh.ngram")
    assert key(tmp_path, **own) != before
    (tmp_path / "zh.ngram").write_bytes((tmp_path / "zh.ngram").read_bytes()[:-64])
    with pytest.raises(RecipeError, match="cut short"):
        key(tmp_path, **own)


def test_a_recipe_judges_by_what_the_user_brought(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    rows = [{"text": f"第{n}天，河水在夜里涨了起来，人们走到河边看水。"} for n in range(30)]
    rows += [{"text": f"赌场{n}网址，赌赢赌输，注册送彩金，赌场大全欢迎光临。"} for n in range(5)]
    (tmp_path / "texts" / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    (tmp_path / "zh.txt").write_text("赌场\n彩金\n", encoding="utf-8")
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "sources: [{name: a, kind: files, paths: ['texts/*']}]\nholdout: {share: 0}\n"
        "signals: {families: [language, hashes], word_lists: {gambling: {files: [zh.txt]}}}\n"
        "curate: {preset: null, duplicates: {near: null}, decontaminate: null, "
        "rules: {zh: {gambling.per_1000_words: {max: 10}}}}\n",
        encoding="utf-8",
    )
    outcome = run_until("measure", recipe, workers=0)
    assert outcome.measured is not None
    curated = curate(outcome.recipe, outcome.workspace, outcome.ingested, outcome.measured, workers=0)
    assert curated.counts["kept"] == 30 and curated.counts["dropped"] == 5
