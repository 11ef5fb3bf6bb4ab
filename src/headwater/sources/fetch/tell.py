"""What was fetched, or would be, in lines for a person."""

from pathlib import Path
from typing import Any

from headwater.recipe.quantities import show_size

SHOWN = 5


def lines_of(result: dict[str, Any], out: Path) -> list[str]:
    """Of a summary, or of a plan."""
    planned = "planned" in result
    files = result["planned"] if planned else result["files"]
    amount = show_size(result["bytes"]) if result["bytes"] is not None else "size not known"
    count = f"{len(files):,} file" + ("" if len(files) == 1 else "s")
    lines = [
        f"{'would fetch' if planned else 'fetched':<11} {count}, {amount}{_more(result)} -> {out}",
        f"source      {result['source']}",
        f"version     {result['version']}" + (f" ({result['date']})" if result["date"] else ""),
        f"licence     {result['license']}",
    ]
    for file in files[:SHOWN] if planned else []:
        size = show_size(file["bytes"]) if file["bytes"] is not None else "?"
        lines.append(f"            {size:>9}  {file['path']}")
    if planned and len(files) > SHOWN:
        lines.append(f"            … and {len(files) - SHOWN:,} more")
    for reason, what in result.get("left_out", {}).items():
        lines.append(f"left out    {what['count']:,}: {reason}")
    if missing := result.get("missing"):
        lines.append(f"missing     {missing['count']:,}, the first: {missing['first'][0]}")
    skipped = [why for file in files for why in file.get("skipped", {}).values()]
    if skipped:
        lines.append(f"damaged     {len(skipped):,} left out, the first: {skipped[0]}")
    if result.get("first_problem"):
        lines.append(f"problem     {result['first_problem']}")
    if planned:
        return lines
    return [
        *lines,
        f"summary     {out}.json",
        "next        put this under `sources:` in a recipe:",
        f"  {result['recipe']}",
    ]


def _more(result: dict[str, Any]) -> str:
    if "pages" in result:
        return f", {result['pages']:,} pages ({result['ended']})"
    return f", {result['records']:,} records ({result['ended']})" if "records" in result else ""
