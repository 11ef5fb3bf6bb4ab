"""Curation end to end: every document accounted for, only what changed made again, the same bytes for N workers."""

import json
from collections import Counter

import pyarrow.parquet as pq
import pytest

from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError, RecipeError
from headwater.pipeline.curation import curate, final_texts
from headwater.pipeline.ingest import ingest
from headwater.pipeline.measure import measure
from headwater.pipeline.plan import plan_of
from headwater.recipe.load import load_recipe

CHINESE = (
    "昨天{n}号的会议上，工程师们讨论了水库上游的新方案。他们认为，第{n}号支流的水量在春天会增加不少，"
    "所以要提前修好堤坝。「时间不多了，」老李说，「我们下个月就得开工。」大家都点了点头！会后，小王把{n}份"
    "图纸寄给了县里的{m}个部门，并且请他们在两周之内回信。"
)
ENGLISH = (
    "The engineers met on day {n} and talked about the upper river. They believe that branch number {n} will carry "
    "more water in spring, so the dam has to be mended before that. “There is not much time,” said the oldest of "
    "the {m}, “and we have to begin next month.” All of them nodded, and went home with the drawings."
)
FOOTER = "版权所有 © 2024 水利网 转载请注明出处"
NAVIGATION = "Home | About | Contact | Terms"


def corpus(folder):
    """240 documents in three files: two languages, boilerplate lines, exact and near-duplicates, one empty page."""
    folder.mkdir()
    words = ["江", "河", "湖", "海", "溪", "泉", "潭", "洋"]
    for name, count in (("甲", 100), ("乙", 100), ("丙", 40)):
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for n in range(count):
                number = {"甲": 0, "乙": 1000, "丙": 2000}[name] + n
                tail = "".join(
                    words[(number >> k) % 8] + words[(number * 7 >> k) % 8] for k in range(0, 12, 2)
                )
                if n % 2:
                    text = CHINESE.format(n=number, m=number % 9) + f"\n{tail * 4}流入大海。\n\n{FOOTER}"
                else:
                    text = f"{NAVIGATION}\n{ENGLISH.format(n=number, m=number % 9)}\nIt was {tail} then."
                if n == 11:
                    text = f"{FOOTER}\n\n{FOOTER}"
                record = {"text": text, "author": f"{name}-{n // 4}"}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return folder


RECIPE = """
name: water
sources:
  - {{name: web, kind: files, paths: ["corpus/*.jsonl"], unit: {{by: author}}}}
curate:
{curate}
"""
LINES = """
  lines: {repeated: 3, keep_first: false}
  rules: {zh: {gopher.words: {min: 20}}, "*": {length.bytes: {min: 10}}}
  duplicates: {exact: true, near: null}
  decontaminate: null
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curation")
    corpus(folder / "corpus")
    return folder


def curated(folder, settings, place="workspace", workers=1):
    path = folder / f"recipe-{place}.yaml"
    path.write_text(RECIPE.format(curate=settings), encoding="utf-8")
    recipe = load_recipe(path)
    workspace = Workspace(folder / place)
    ingested = ingest(recipe, workspace, workers=workers)
    measured = measure(recipe, workspace, ingested, workers=workers)
    return curate(recipe, workspace, ingested, measured, workers=workers), workspace, ingested


def ledger_rows(result):
    return [row for texts in result.shards.values() for row in pq.read_table(texts.ledger.path()).to_pylist()]


def stamps(workspace, *kinds):
    return {
        str(path.relative_to(workspace.path)): path.stat().st_mtime_ns
        for kind in kinds
        for path in sorted((workspace.path / kind).rglob("*"))
        if path.is_file()
    }


def test_every_document_of_every_file_is_in_the_ledger_once(folder):
    result, _, ingested = curated(folder, LINES)
    rows = ledger_rows(result)
    assert len(rows) == len({row["id"] for row in rows}) == ingested.documents == 240
    files = Counter(row["locator"].rpartition("#")[0] for row in rows)
    for shard in ingested.shards:
        ledger = result.texts(shard.shard).ledger.result["files"]
        for path, counts in shard.result["files"].items():
            account = ledger[path]
            left = sum(sum(account[state].values()) for state in ("dropped", "gated", "quarantined"))
            lost = sum(counts["gated"].values()) + sum(counts["quarantined"].values())
            assert counts["read"] == account["kept"] + left + lost
            assert files[path] == account["documents"]
    states = Counter(row["state"] for row in rows)
    assert {state: n for state, n in result.counts.items() if state in ("kept", "dropped") and n} == dict(
        states
    )


def test_repeated_lines_go_from_training_text_and_stay_in_held_out_text(folder):
    result, _, _ = curated(folder, LINES)
    rows = {row["id"]: row for row in ledger_rows(result)}
    texts = {name: text for shard in result.shards for name, text in final_texts(result, shard)}
    assert set(texts) == {name for name, row in rows.items() if row["state"] == "kept"}
    train = [name for name in texts if rows[name]["split"] == "train"]
    heldout = [name for name in texts if rows[name]["split"] == "heldout"]
    assert train and heldout
    assert not [name for name in train if FOOTER in texts[name] or NAVIGATION in texts[name]]
    assert any(FOOTER in texts[name] for name in heldout) and any(
        NAVIGATION in texts[name] for name in heldout
    )
    for name in train:
        assert (
            rows[name]["edits"] > 0
            and rows[name]["bytes_kept"] == len(texts[name].encode()) < rows[name]["bytes"]
        )
    for name in heldout:
        assert rows[name]["edits"] == 0 and rows[name]["bytes_kept"] == rows[name]["bytes"]
    empty = [row for row in rows.values() if row["reason"] == "edited_empty"]
    assert all(row["bytes"] < 200 and row["bytes_kept"] == 0 for row in empty)
    assert result.counts["bytes_kept"] == sum(len(texts[name].encode()) for name in train)


def test_rules_after_an_edit_judge_the_edited_text(folder):
    """A page whose Chinese words are enough only with its footer is dropped by the rule, once the footer is gone."""
    threshold = "  lines: {repeated: 3, keep_first: false}\n  rules: {'*': {length.bytes: {max: 520}}}\n  duplicates: null\n  decontaminate: null"
    before, _, _ = curated(
        folder, threshold.replace("lines: {repeated: 3, keep_first: false}", "lines: null")
    )
    after, _, _ = curated(folder, threshold)
    assert before.counts["kept"] < after.counts["kept"]
    kept = [row for row in ledger_rows(after) if row["state"] == "kept" and row["split"] == "train"]
    assert all(row["bytes_kept"] <= 520 for row in kept) and any(row["bytes"] > 520 for row in kept)


def test_a_changed_threshold_measures_nothing_and_leaves_earlier_steps(folder):
    _, workspace, _ = curated(folder, LINES, "threshold")
    kinds = ("signals", "documents", "editions", "line-keys", "line-repeats")
    before, decisions = stamps(workspace, *kinds), stamps(workspace, "decisions")
    again, _, _ = curated(folder, LINES, "threshold")
    assert stamps(workspace, "decisions") == decisions
    changed, _, _ = curated(folder, LINES.replace("{min: 20}", "{min: 100}"), "threshold")
    assert stamps(workspace, *kinds) == before
    now = stamps(workspace, "decisions")
    assert {path: time for path, time in now.items() if path in decisions} == decisions
    fresh = {path.split("/")[1] for path in now.keys() - decisions.keys()}
    assert len(fresh) == 2  # the rules and the duplicates after them
    assert changed.key != again.key and changed.counts["kept"] < again.counts["kept"]


def test_one_worker_and_four_give_the_same_bytes(folder):
    settings = LINES.replace("near: null", "near: {similarity: 0.7}")
    results = {workers: curated(folder, settings, f"workers-{workers}", workers) for workers in (1, 4)}
    hashes = {}
    for workers, (_, workspace, _) in results.items():
        hashes[workers] = {
            str(path.relative_to(workspace.path)): path.read_bytes()
            for path in sorted(workspace.path.rglob("*"))
            if path.is_file() and path.suffix in (".parquet", ".bin")
        }
    assert hashes[1] == hashes[4]
    assert results[1][0].key == results[4][0].key


def test_decontamination_is_the_first_step_and_its_drops_have_their_reason(folder):
    """The documents are of two moulds, so most training text is in held-out text too."""
    result, _, _ = curated(folder, "  duplicates: null")
    rows = ledger_rows(result)
    dropped = [row for row in rows if row["state"] == "dropped"]
    assert dropped and {row["reason"] for row in dropped} == {"contaminated"}
    assert all(row["step"] == 0 and row["split"] == "train" and row["reasons"] == 1 for row in dropped)
    assert {row["state"] for row in rows if row["split"] == "heldout"} == {"kept"}


def test_duplicates_name_their_partner_and_leave_one(folder):
    result, _, _ = curated(
        folder, "  duplicates: {exact: false, near: {similarity: 0.6}}\n  decontaminate: null"
    )
    rows = {row["id"]: row for row in ledger_rows(result)}
    dropped = [row for row in rows.values() if row["reason"] == "near_duplicate"]
    assert dropped
    for row in dropped:
        assert rows[row["partner"]]["split"] == "train" and row["similarity"] >= 0.6
        assert row["reasons"] == 1 << result.plan.reasons.index("near_duplicate")


def test_a_language_without_a_preset_is_kept_with_a_warning(folder):
    result, _, _ = curated(folder, "  preset: {zh: fineweb2-zh}\n  duplicates: null\n  decontaminate: null")
    [warning] = [text for text in result.warnings if text.startswith("en:")]
    assert "no preset" in warning and "documents" in warning
    english = [row for row in ledger_rows(result) if row["language"] == "en"]
    assert english and all(row["state"] == "kept" for row in english)


def test_where_nothing_survives_the_reasons_and_the_way_out_are_said(folder):
    with pytest.raises(HeadwaterError, match=r"nothing survives.*length_bytes.*loosen") as error:
        curated(folder, "  rules: {'*': {length.bytes: {min: 1000000}}}\n  decontaminate: null")
    assert not isinstance(error.value, RecipeError) and error.value.exit_code == 1


def test_an_unknown_signal_is_a_recipe_error(folder):
    with pytest.raises(RecipeError, match="did you mean gopher"):
        curated(folder, "  rules: {zh: {gopher.wordz: {min: 3}}}")


def test_a_family_that_the_plan_needs_is_asked_for(folder):
    path = folder / "few.yaml"
    path.write_text(
        RECIPE.format(curate=LINES) + "signals: {families: [language, lines, hashes]}\n", encoding="utf-8"
    )
    with pytest.raises(RecipeError, match="gopher, length"):
        plan_of(load_recipe(path))


def test_presets_on_real_pages_balance_for_every_file(real_data, tmp_path):
    path = tmp_path / "recipe.yaml"
    files = real_data / "corpora" / "web-warc" / "derived-pages-with-truth.warc.gz"
    path.write_text(
        f"sources:\n  - {{name: web, kind: warc, paths: ['{files}'], text: all}}\n"
        "curate:\n  preset: {en: fineweb, zh: fineweb2-zh}\n",
        encoding="utf-8",
    )
    recipe = load_recipe(path)
    workspace = Workspace(tmp_path / "workspace")
    ingested = ingest(recipe, workspace, workers=1)
    measured = measure(recipe, workspace, ingested, workers=1)
    result = curate(recipe, workspace, ingested, measured, workers=1)
    rows = ledger_rows(result)
    assert len(rows) == ingested.documents
    assert {row["state"] for row in rows} <= {"kept", "dropped", "quarantined"}
    assert all((row["reason"] is None) == (row["state"] == "kept") for row in rows)
    assert {"en", "zh"} <= {row["language"] for row in rows}


def test_a_source_is_judged_by_what_is_said_for_it(tmp_path):
    """Programs and talk beside prose: the rules for prose judge neither, in no language."""
    prose, program = "河水在夜里涨了起来，没有人记下是什么时候。", "for (;;) { x += 1; }  // 循环\n"
    (tmp_path / "code").mkdir()
    for n in range(6):
        (tmp_path / f"{n}.txt").write_text(f"第{n}篇。" + prose * (1 + n), encoding="utf-8")
        (tmp_path / "code" / f"{n}.js").write_text(f"// {n}\n" + program * (1 + n), encoding="utf-8")
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "sources:\n  - {name: texts, kind: files, paths: ['*.txt']}\n  - {name: programs, kind: code, paths: ['code/*.js']}\n"
        "holdout: {share: 0}\ncurate:\n  preset: {zh: fineweb2-zh, code: null, '*': gopher}\n"
        "  rules: {'*': {length.characters: {min: 60}}, programs: {length.characters: {min: 100}}}\n"
        "  duplicates: null\n  decontaminate: null\n",
        encoding="utf-8",
    )
    recipe, workspace = load_recipe(path), Workspace(tmp_path / "workspace")
    ingested = ingest(recipe, workspace, workers=0)
    result = curate(recipe, workspace, ingested, measure(recipe, workspace, ingested, workers=0), workers=0)
    reasons = {row["locator"][:-2]: row["reason"] for row in ledger_rows(result)}
    assert {name: reasons[name] for name in ("0.js", "1.js", "5.js")} == {
        "0.js": "length_characters", "1.js": "length_characters", "5.js": None,
    }  # fmt: skip
    assert all(
        reasons[f"{n}.txt"] not in (None, "length_characters") for n in (3, 4, 5)
    )  # the preset's, for prose
    assert not [text for text in result.warnings if "programs" in text or "code" in text]
