"""`--gate "not worse"`: the upper bound decides, not the word; one sentence, exit code 1."""

from typing import Any

import pytest
from click.testing import CliRunner

from headwater import api
from headwater.cli import cli
from headwater.compare.gate import gate, refuse_unknown
from headwater.errors import RecipeError


def result(
    *intervals: tuple[float, float], verdict: str = "cannot tell", margin: float = 0.01
) -> dict[str, Any]:
    candidates = [
        {"arm": f"整理{n}", "interval": list(interval), "verdict": verdict, "seeds_needed": 14,
         "not_worse": interval[1] < 100 * margin and verdict != "not measurable"}
        for n, interval in enumerate(intervals)
    ]  # fmt: skip
    return {"margin": margin, "candidates": candidates}


@pytest.mark.parametrize(
    ("interval", "passed", "said"),
    [
        ((-3.0, -1.0), True, "整理0 is better, −1.0% at the least"),
        ((-1.0, 0.9), True, "at most +0.9% worse, below the margin of 1%"),
        ((0.1, 0.9), True, "at most +0.9% worse"),  # hurts, but by less than was declared to matter
        ((-4.0, 1.0), False, "may be worse by up to +1.0%, which is not below the margin of 1%; about 14 seeds"),
        ((2.0, 4.0), False, "is worse, by up to +4.0%"),
    ],
)  # fmt: skip
def test_the_upper_bound_decides(interval: tuple[float, float], passed: bool, said: str) -> None:
    judged = gate(result(interval))
    assert judged.passed is passed and said in judged.sentence["en"]
    assert judged.sentence["zh"].startswith("通过：" if passed else "未通过：")


def test_every_candidate_has_to_pass_and_be_measured() -> None:
    assert not gate(result((-3, -1), (-3, 2))).passed
    assert "整理1" in gate(result((-3, -1), (-3, 2))).sentence["en"]
    assert "cannot be measured" in gate(result((-3, -1), verdict="not measurable")).sentence["en"]
    with pytest.raises(RecipeError, match="only 'not worse'"):
        refuse_unknown("better")


@pytest.mark.parametrize(("interval", "code"), [((-3.0, -1.0), 0), ((-3.0, 1.5), 1)])
def test_the_exit_code(monkeypatch: pytest.MonkeyPatch, interval: tuple[float, float], code: int) -> None:
    class Finished:
        workspace = folder = path = None
        result = globals()["result"](interval)

    monkeypatch.setattr("headwater.compare.markdown.summary_lines", lambda _: ["结论"])
    monkeypatch.setattr("headwater.studio.report.report", lambda *_, **__: "report.html")
    monkeypatch.setattr(Finished, "folder", __import__("pathlib").Path())
    monkeypatch.setattr(api, "compare", lambda *_, **__: Finished)
    done = CliRunner().invoke(
        cli, ["compare", "a.yaml", "--vary", "curate.max_epochs=2", "--gate", "not worse"]
    )
    assert done.exit_code == code, done.output
    assert done.output.strip().split("\n")[-2:] == list(gate(Finished.result).sentence.values())
