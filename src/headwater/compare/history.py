"""`headwater history`: every comparison of a workspace, nulls and A/A too. For planning; never part of a verdict.

A comparison is named by the hash of all that it depends on, so the list is one of contents: the same comparison made
twice stands in it once. What was measured and found to be nothing stays as visible as what helped.
"""

from pathlib import Path
from typing import Any

from headwater.compare.sentence import signed
from headwater.engine.workspace import Workspace, file_hash, read_json


def history(workspace: Workspace) -> list[dict[str, Any]]:
    """[{"hash", "budget", "margin", "baseline", "labels", "aa", "candidates", "path", "intact"}], by path.

    "intact" is false where the file is no longer what was committed; then there is nothing else beside hash and path.
    """
    rows = []
    for path in sorted((workspace.path / "comparisons").glob("*/comparison.json")):
        name = str(path.relative_to(workspace.path))
        entry = workspace.stage(f"comparisons/{path.parent.name}").entry("comparison")
        if entry is None or entry.files["json"].xxh3 != file_hash(path):
            rows.append({"hash": path.parent.name, "path": name, "intact": False})
            continue
        rows.append(_row(read_json(path)) | {"path": name, "intact": True})
    return rows


def _row(result: dict[str, Any]) -> dict[str, Any]:
    wanted = ("arm", "verdict", "percent", "interval", "smallest_visible", "variance")
    return {
        "hash": result["hash"],
        "budget": result["budget"]["name"],
        "margin": result["margin"],
        "baseline": result["arms"][0]["name"],
        "labels": result["labels"],
        "aa": {key: result["aa"][key] for key in ("percent", "interval", "verdict")},
        "candidates": [{key: one[key] for key in wanted} for one in result["candidates"]],
        "command": result["command"],
    }


def lines_of(rows: list[dict[str, Any]], place: Path) -> list[str]:
    """A block a comparison: its arms, then A/A."""
    if not rows:
        return [f"no comparison yet in {place}; make one: headwater compare RECIPE --vary KEY=VALUE"]
    lines = []
    for row in rows:
        if not row["intact"]:
            lines.append(f"{row['hash'][:12]}  changed on disk since it was made; run its command again")
            continue
        labels = f" ({'; '.join(row['labels'])})" if row["labels"] else ""
        lines.append(f"{row['hash'][:12]}  {row['budget']}, against {row['baseline']}{labels}")
        for one in row["candidates"]:
            lines.append(
                f"              {one['arm']}: {one['verdict']}, {_effect(one)}, smallest visible "
                f"{one['smallest_visible']:.1f}%"
            )
        lines.append(f"              A/A: {row['aa']['verdict']}, {_effect(row['aa'])}")
    told = [row for row in rows if row["intact"]]
    resolved = sum(row["aa"]["verdict"] in ("helps", "hurts") for row in told)
    lines.append(f"{len(told)} comparisons; A/A resolved, which 5% are by chance, in {resolved}")
    return lines


def _effect(one: dict[str, Any]) -> str:
    return f"{signed(one['percent'])}% [{signed(one['interval'][0])}, {signed(one['interval'][1])}]"
