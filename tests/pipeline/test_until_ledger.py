"""`curate --until ledger`: what is kept is decided, and nothing is tokenised; without it, work goes on from there."""

import json

from click.testing import CliRunner

from headwater.cli import cli

ENGLISH = (
    "The river that feeds the town has its source in the hills, and the people of the town have known it. "
)
CHINESE = "河的源头在山里，镇上的人都知道这条河，也常常到那里去看水。"
RECIPE = """\
name: until
workspace: workspace
sources: [{name: texts, kind: files, paths: ["texts/*.txt"]}]
holdout: {share: 0}
signals: {families: [language, length]}
curate: {preset: null, duplicates: null, decontaminate: null}
tokenizer: {vocabulary: 300, sample: 100 kB}
"""


def test_no_tokeniser_and_no_training_set_before_they_are_asked_for(tmp_path):
    (tmp_path / "texts").mkdir()
    for number in range(6):
        text = (CHINESE if number % 2 else ENGLISH) * (3 + number)
        (tmp_path / "texts" / f"{number}.txt").write_text(f"{number}\n{text}", encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")

    def curate(*more):
        asked = ["curate", str(tmp_path / "recipe.yaml"), "--workers", "0", "--json", *more]
        done = CliRunner().invoke(cli, asked, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout[done.stdout.index("{") :])

    workspace = tmp_path / "workspace"
    decided = curate("--until", "ledger")
    assert decided["ledger"]["kept"] == 6 and "training_set" not in decided
    assert not (workspace / "tokenizers").exists() and not (workspace / "pool").exists()
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*.parquet")}
    whole = curate()
    assert whole["ledger"] == decided["ledger"] and whole["training_set"]
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
