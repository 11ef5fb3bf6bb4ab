"""From results to what the templates show: charts drawn, numbers arranged, nothing decided.

A view is a plain dictionary; the templates hold the words around it.
"""

import json
import math
from collections import Counter
from typing import Any

from headwater.compare.markdown import matching_words as matching_words
from headwater.compare.markdown import scored_words as scored_words
from headwater.evaluate.curve import sentence
from headwater.inspect.profile import Amount, Funnel, Reason
from headwater.inspect.snapshots import Snapshot
from headwater.studio import charts, words

HUES = 6  # colour classes of sources and arms; further ones share the last
HEAT = (0.5, 2.0, 8.0, 25.0, 60.0)  # percent above the best of a column: steps of the matrix's shade
SHOWN_FILES = 12
TOP_REASONS = 5


def hue(position: int) -> str:
    return f"c{min(position, HUES - 1)}"


# ---------------------------------------------------------------- a comparison


def comparison_view(result: dict[str, Any]) -> dict[str, Any]:
    """What a comparison.json holds, with its charts."""
    margin = 100 * result["margin"]
    arms = {arm["name"]: arm for arm in result["arms"]}
    hues = {name: hue(position) for position, name in enumerate(arms)}
    scale = charts.effect_scale(
        [c["interval"] for c in result["candidates"]] + [result["aa"]["interval"]], margin
    )
    candidates = [_candidate(c, arms, scale, margin) for c in result["candidates"]]
    levels = sorted({one["level"] for one in result["candidates"]})
    aa = result["aa"]
    aa_title = charts.effect_title("A/A", aa["percent"], aa["interval"])
    return {
        **result,
        "headlines": _headlines(result["sentence"]),
        "margin_percent": margin,
        "level": "–".join(words.level_of(one) for one in levels),
        "candidates": candidates,
        "axis": charts.effect_axis(scale, margin),
        "aa_row": charts.effect_row(scale, margin, aa["percent"], aa["interval"], None, "neutral", aa_title),
        "baseline": next(arm for arm in result["arms"] if arm["role"] == "baseline"),
        "arms": [_arm(arm, hues[name]) for name, arm in arms.items()],
        "curves": _curves(result["arms"], hues),
        "hues": hues,
        "matrix": _matrix(result["matrix"]),
    }


def _headlines(sentence: dict[str, str]) -> list[dict[str, tuple[str, str]]]:
    """A line a candidate: in each language what comes first (the effect), and the rest of the sentence."""
    lines = {}
    for language, mark in (("en", "; "), ("zh", "；")):
        parts = [line.partition(mark) for line in sentence[language].split("\n")]
        # an interval is not broken between its ends
        lines[language] = [
            (head.replace(", −", ",\u00a0−").replace(", +", ",\u00a0+"), rest) for head, _, rest in parts
        ]
    return [{"en": en, "zh": zh} for en, zh in zip(lines["en"], lines["zh"], strict=True)]


def _candidate(
    candidate: dict[str, Any], arms: dict[str, Any], scale: charts.Scale, margin: float
) -> dict[str, Any]:
    kind = words.VERDICTS.get(candidate["verdict"], ("", "", "open"))[2]
    level = candidate["level"]
    title = charts.effect_title(candidate["arm"], candidate["percent"], candidate["interval"], level=level)
    rows = candidate["domains"]
    local = charts.effect_scale([row["interval"] or [row["percent"]] * 2 for row in rows], margin)
    domains = [
        {
            **row,
            "chart": charts.effect_row(
                local, margin, row["percent"], row["interval"], None, _direction(row),
                charts.effect_title(row["name"], row["percent"], row["interval"], level=level), 40,
            ),
        }
        for row in rows
    ]  # fmt: skip
    return {
        **candidate,
        "kind": kind,
        "row": charts.effect_row(
            scale, margin, candidate["percent"], candidate["interval"], candidate["interval90"], kind, title
        ),
        "domains": domains,
        "domain_axis": charts.effect_axis(local, margin, ends=False),
        "seeds": len(arms[candidate["arm"]]["runs"]),
    }


def _direction(row: dict[str, Any]) -> str:
    """A domain's colour: resolved to one side of zero, or not."""
    if row["interval"] is None or row["interval"][0] <= 0 <= row["interval"][1]:
        return "open"
    return "good" if row["percent"] < 0 else "bad"


def _arm(arm: dict[str, Any], colour: str) -> dict[str, Any]:
    left = sum(arm["reasons"].values())
    reasons = sorted(arm["reasons"].items(), key=lambda item: (-item[1], item[0]))
    return {
        **arm,
        "hue": colour,
        "left": left,
        "top": reasons[:TOP_REASONS],
        "more": len(reasons) - TOP_REASONS,
    }


def _curves(arms: list[dict[str, Any]], hues: dict[str, str]) -> Any:
    return charts.curves_chart(
        [
            charts.Curves(
                arm["name"], hues[arm["name"]],
                tuple(tuple((float(x), float(y)) for x, y in run["curve"]) for run in arm["runs"]),
            )
            for arm in arms
        ],
        "training loss / 训练损失",
    )  # fmt: skip


def _matrix(matrix: dict[str, Any]) -> dict[str, Any]:
    """Each cell with its distance from the best of its column, as a shade 0 (best) to 5."""
    best = [min(column) for column in zip(*matrix["bits"], strict=True)] if matrix["bits"] else []
    rows = []
    for name, bits in zip(matrix["rows"], matrix["bits"], strict=True):
        cells = []
        for value, least in zip(bits, best, strict=True):
            above = 100 * (value / least - 1)
            cells.append({"bits": value, "above": above, "heat": sum(above > step for step in HEAT)})
        rows.append({"name": name, "cells": cells})
    return {**matrix, "rows": rows}


# ---------------------------------------------------------------- a recipe alone


def runs_view(recipes: list[Snapshot]) -> dict[str, Any]:
    """Loss curves and scores of the recipes' own trainings."""
    arms, scores = [], []
    for position, recipe in enumerate(recipes):
        folders = [recipe.workspace.path / name for name in recipe.record.get("runs", [])]
        seeds = tuple(seed for folder in folders if (seed := _metrics(folder)))
        if seeds:
            arms.append(charts.Curves(recipe.name, hue(position), seeds))
        scores += [
            {
                "recipe": recipe.name,
                "domains": score["domains"],
                "score": score["score"],
                "measure": score.get("measure", "bits per byte"),
            }
            for score in recipe.record.get("scores", [])
        ]
    return {
        "curves": charts.curves_chart(arms, "training loss / 训练损失"),
        "hues": {arm.name: arm.kind for arm in arms},
        "scores": scores,
    }


def _metrics(folder: Any) -> tuple[tuple[float, float], ...]:
    path = folder / "metrics.jsonl"
    if not path.is_file():
        return ()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return tuple(
        (float(line["tokens"]), float(line["bits"])) for line in lines if math.isfinite(line["bits"])
    )


# ---------------------------------------------------------------- tasks


def tasks_view(model: dict[str, Any]) -> dict[str, Any]:
    """What tasks said of one model, a row for each number of examples."""
    rows = [
        {
            "task": f"{result['task']} ({result['metric']})",
            "measure": result["measure"],
            "shots": row["shots"],
            "score": row["score"],
            "error": row["standard_error"],
            "chance": row["chance"] or None,
            "shuffled": row["shuffled"]["score"] if "shuffled" in row else None,
            "asked": row["items"],
            "words": tuple(sentence(row, language, result["kind"]) for language in ("en", "zh")),
        }
        for result in model["tasks"]
        for row in result["rows"]
    ]
    return {"model": model["model"], "rows": rows}


# ---------------------------------------------------------------- funnel


def funnel_view(funnel: Funnel) -> dict[str, Any]:
    """One recipe's funnel: a bar a level, divided by source; reasons, quarantine and files."""
    hues = {source: hue(position + 1) for position, source in enumerate(funnel.sources)}
    first = funnel.levels[0].total
    levels = []
    previous: Amount | None = None
    for level in funnel.levels:
        total = level.total
        flowing = level.kind != "heldout"
        entered = level.kind in ("documents", "heldout", "train")
        lost: int | None = None if previous is None or entered else previous.documents - total.documents
        levels.append(
            {
                "kind": level.kind,
                "step": level.name,
                "total": total,
                "sources": level.sources,
                "lost": lost,
                "bar": charts.bar([(level.sources[s].bytes, hues[s]) for s in funnel.sources], first.bytes),
            }
        )
        previous = total if flowing else previous
    return {
        "recipe": funnel.recipe,
        "sources": funnel.sources,
        "hues": hues,
        "levels": levels,
        "documents": first.documents,
        "edited": funnel.edited,
        "removed": funnel.characters_removed,
        "kept": funnel.level("kept"),
        "training": funnel.level("training_set"),
        "reasons": [_reason(reason, funnel) for reason in funnel.reasons],
        "quarantine": _reading(funnel),
        "read": sum(file.read for file in funnel.files),
        "files": len(funnel.files),
        "balanced": funnel.balanced,
        "unbalanced": [file for file in funnel.files if not file.balanced][:SHOWN_FILES],
    }


def _reason(reason: Reason, funnel: Funnel) -> dict[str, Any]:
    train = funnel.level("train")
    whole = train.total.documents if train is not None else reason.documents
    return {
        "name": reason.name,
        "state": reason.state,
        "documents": reason.documents,
        "bytes": reason.bytes,
        "share": words.share(reason.documents, whole),
        "bar": charts.bar([(reason.documents, "plain")], whole, height=8),
        "examples": reason.examples,
    }


def _reading(funnel: Funnel) -> list[dict[str, Any]]:
    """What left while it was read: by source, state and reason, with the file that lost most."""
    counts: Counter[tuple[str, str, str]] = Counter()
    worst: dict[tuple[str, str, str], tuple[int, str]] = {}
    for file in funnel.files:
        for state in ("gated", "quarantined"):
            for reason, number in getattr(file, state).items():
                key = (file.source, state, reason)
                counts[key] += number
                worst[key] = max(worst.get(key, (0, "")), (number, file.file))
    ordered = sorted(counts.items(), key=lambda item: (item[0][1] != "quarantined", -item[1], item[0]))
    return [
        {
            "source": source,
            "state": state,
            "reason": reason,
            "records": number,
            "file": worst[source, state, reason][1],
        }
        for (source, state, reason), number in ordered
    ]
