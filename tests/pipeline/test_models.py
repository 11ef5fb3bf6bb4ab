"""Models trained by the command line from files and recipes."""

import json
from pathlib import Path

from click.testing import CliRunner

from headwater.cli import cli


def write(path: Path, texts: list[str], **columns: str) -> None:
    rows = [json.dumps({"text": text, **columns}, ensure_ascii=False) for text in texts]
    path.write_text("\n".join(rows), encoding="utf-8")


def test_a_classifier_says_what_it_costs_by_source_language_and_register(tmp_path: Path) -> None:
    write(
        tmp_path / "good.jsonl",
        [f"第{n}天，河水在夜里涨了起来，人们看着。" for n in range(60)]
        + [f"On day {n} the river rose again." for n in range(60)],
    )
    write(tmp_path / "bad.jsonl", [f"赌场{n}注册送彩金，网址大全。" for n in range(60)], genre="广告\x1b[31m")
    recipe = tmp_path / "bad.yaml"
    recipe.write_text(
        "sources: [{name: spam, kind: files, paths: [bad.jsonl]}]\nholdout: {share: 0}\n", encoding="utf-8"
    )
    out = tmp_path / "quality.model"
    arguments = [
        "train-classifier",
        "--positive",
        str(tmp_path / "good.jsonl"),
        "--negative",
        str(recipe),
        "--out",
        str(out),
        "--bits",
        "16",
        "--workers",
        "0",
    ]
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    about = json.loads(result.stdout)
    assert about["auc"] == 1.0 and about["positive"] + about["negative"] < 180
    kept = {(row["of"], row["by"], row["name"]): row for row in about["kept"]}
    assert kept["positive", "language", "en"]["kept_by_threshold"] == 1.0
    assert kept["negative", "source", "spam"]["kept_by_threshold"] == 0.0
    assert kept["negative", "register", "广告\x1b[31m"]["kept_by_threshold"] == 0.0
    assert ("positive", "register") not in {key[:2] for key in kept}  # these name none
    before = out.read_bytes()
    shown = CliRunner().invoke(cli, arguments).output
    assert "AUC on held-out texts: 1.0000" in shown and "register 广告" in shown and "\x1b" not in shown
    assert out.read_bytes() == before


def test_an_ngram_model_from_a_folder_and_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "书").mkdir()
    write(tmp_path / "书" / "a.jsonl", [f"第{n}天，河水在夜里涨了起来。\n人们看着。" for n in range(80)])
    out = tmp_path / "zh.ngram"
    result = CliRunner().invoke(
        cli,
        [
            "train-ngram",
            str(tmp_path / "书"),
            "--out",
            str(out),
            "--unit",
            "character",
            "--workers",
            "0",
            "--json",
        ],
    )
    assert result.exit_code == 0, result.output
    about = json.loads(result.stdout)
    assert about["texts"] + about["heldout_texts"] == 80 and about["quantiles_of"] == "held out"
    assert len(about["quantiles"]) == 101 and about["heldout_bits_per_byte"] < 2
    result = CliRunner().invoke(cli, ["train-ngram", str(tmp_path / "no.txt"), "--out", str(out)])
    assert result.exit_code == 1 and "no such file" in result.output
