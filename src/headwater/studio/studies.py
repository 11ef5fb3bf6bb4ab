"""`headwater study --html`: a recorded study's own page, or all of them on one, with the 5-gram's table at the end.

One file in both languages, without scripts, links or requests, in the style of the report.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from headwater.compare.studies.agreement import resolved_pairs, sentences
from headwater.studio import charts, words
from headwater.studio.html import filled, write


def write_studies(results: Sequence[dict[str, Any]], out: Path, *, language: str = "en") -> Path:
    """Writes the page of these result files to `out`, which it returns."""
    return write(render_studies(results, language), out)


def render_studies(results: Sequence[dict[str, Any]], language: str = "en") -> str:
    functions = {
        "t": words.both, "said": _said, "safe": words.safe, "percent": words.percent, "points": words.points, "interval": words.interval, "number": words.number,
        "integer": words.integer, "size": words.size, "count": words.count,
    }  # fmt: skip
    pairs = resolved_pairs(results)
    shown = {
        "studies": [_view(result) for result in results],
        "pairs": pairs if len(results) > 1 else [],
        "agreement": sentences(pairs),
    }
    return filled("studies", language, shown, functions, style="report")


def _said(text: dict[str, str]) -> Markup:
    """A text of the result file in both languages."""
    return Markup('<span class="en" lang="en">{}</span><span class="zh" lang="zh-Hans">{}</span>').format(
        words.safe(text["en"]), words.safe(text["zh"])
    )


def _view(result: dict[str, Any]) -> dict[str, Any]:
    rows = result["found"]["rows"]
    margin = 100 * result["record"]["margin"]
    if not any("arms" in row for row in rows):
        margin = 0.0  # not of bits per byte: the margin says nothing about them
    scale = charts.effect_scale([row["interval"] for row in rows], margin)
    points = any(row.get("unit") == "points" for row in rows)
    drawn = [
        row
        | {
            "plot": charts.effect_row(
                scale, margin, row["percent"], row["interval"], None, _kind(row),
                charts.effect_title(row["name"]["en"], row["percent"], row["interval"], _unit(row)), height=56,
            )
        }
        for row in rows
    ]  # fmt: skip
    bits = all("arms" in row for row in rows)
    return {
        **result,
        "rows": drawn,
        "margin": margin,
        "axis": charts.effect_axis(scale, margin, ends=bits, unit="" if points else "%"),
        "domains": list(result["record"]["domains"]),
        "arms": [_arm(arm, result["record"]) for arm in result["record"]["arms"]],
    }


def _unit(row: dict[str, Any]) -> str:
    return " points" if row.get("unit") == "points" else "%"


def _kind(row: dict[str, Any]) -> str:
    """The colour: fewer bits are better; what is not of two arms has no good side."""
    low, high = row["interval"]
    if "arms" not in row or low <= 0 <= high:
        return "open"
    return "good" if high < 0 else "bad"


def _arm(arm: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """An arm with the bits per byte of each run on each domain."""
    runs = [
        {
            "seed": run["seed"],
            "bits": [
                sum(bit * size for bit, size in zip(run["bits"][name], sizes, strict=True)) / sum(sizes)
                for name, sizes in record["domains"].items()
            ],
        }
        for run in arm["runs"]
    ]
    return {"name": arm["name"], "text": arm.get("text"), "runs": runs}
