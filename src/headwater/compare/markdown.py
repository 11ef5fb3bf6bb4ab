"""A comparison as text: the lines that a terminal shows, and `comparison.md`."""

from typing import Any

from headwater.compare.sentence import signed
from headwater.recipe.quantities import show_count, show_size


def summary_lines(result: dict[str, Any]) -> list[str]:
    """The verdict first, then what it rests on; one subject a line."""
    lines = [*result["sentence"]["en"].split("\n"), ""]
    for arm in result["arms"]:
        lines.append(
            f"{arm['role']:<9} {arm['name']}: {arm['documents']:,} documents, {show_size(arm['bytes'])}, "
            f"{show_count(arm['tokens'])} tokens; {len(arm['runs'])} runs"
        )
        if arm["epochs"] > arm["max_epochs"]:
            lines.append(
                f"          its text was repeated {arm['epochs']:.1f} times, above the limit of {arm['max_epochs']:g}: "
                "the harm of repetition is part of its effect"
            )
    for one in result["candidates"]:
        for domain in one["domains"]:
            interval = domain["interval"]
            between = f" [{signed(interval[0])}, {signed(interval[1])}]" if interval else ""
            lines.append(
                f"domain    {domain['name']}: {domain['bits_baseline']:.3f} → {domain['bits_arm']:.3f} bits per byte, "
                f"{signed(domain['percent'])}%{between} ({one['arm']})"
            )
    proxy = result["proxy"]
    lines.append(
        f"proxy     Transformer {proxy['bits_transformer']:.3f} bits per byte, byte 5-gram {proxy['bits_ngram']:.3f} "
        f"on the text of {proxy['arm']}"
    )
    aa = result["aa"]
    lines.append(
        f"A/A       {signed(aa['percent'])}% [{signed(aa['interval'][0])}, {signed(aa['interval'][1])}]: {aa['verdict']}"
    )
    return lines


def markdown(result: dict[str, Any]) -> str:
    """`comparison.md`: the same, with tables, for a review or a README."""
    parts = ["# " + " vs ".join(arm["name"] for arm in result["arms"])]
    parts.append("\n\n".join(f"**{line}**" for line in result["sentence"]["en"].split("\n")))
    parts.append("\n\n".join(f"**{line}**" for line in result["sentence"]["zh"].split("\n")))
    rows = []
    for one in result["candidates"]:
        rows.append(
            [one["arm"], one["verdict"], f"{signed(one['percent'], 2)}%", _interval(one["interval"]),
             _interval(one["interval90"]), f"{one['p_holm']:.3g}", f"{one['df']:.1f}",
             f"{one['smallest_visible']:.2f}%", f"{one['probability_better']:.3f}", f"{signed(one['ngram_percent'], 2)}%"]
        )  # fmt: skip
    parts.append("## Inference")
    parts.append(
        f"Bits per byte against {result['arms'][0]['name']}, in percent (below zero is better); a difference under "
        f"{100 * result['margin']:g}% was declared not to matter. 95% intervals for {len(rows)} "
        f"candidate{'s' * (len(rows) != 1)}, p-values after Holm. Token-matched: every training reads "
        f"{show_count(result['budget']['tokens'])} tokens."
    )
    parts.append(
        _table(
            ["arm", "verdict", "effect", "95%", "90%", "p", "df", "smallest visible", "P(better)", "5-gram"],
            rows,
        )
    )
    aa = result["aa"]
    parts.append(
        f"A/A, seeds {aa['seeds'][0]} against {aa['seeds'][1]} of the baseline: {signed(aa['percent'], 2)}% "
        f"{_interval(aa['interval'])}, {aa['verdict']}."
    )
    proxy = result["proxy"]
    parts.append(
        f"The proxy, where it does worst ({proxy['arm']}): Transformer {proxy['bits_transformer']:.4f} bits per byte, "
        f"byte 5-gram {proxy['bits_ngram']:.4f}."
    )
    parts.append("## Domains")
    rows = [
        [domain["name"], one["arm"], f"{domain['bits_baseline']:.4f}", f"{domain['bits_arm']:.4f}",
         f"{signed(domain['percent'], 2)}%", _interval(domain["interval"])]
        for one in result["candidates"] for domain in one["domains"]
    ]  # fmt: skip
    parts.append(_table(["domain", "arm", "baseline, bits per byte", "arm", "effect", "95%"], rows))
    held = [
        [d["name"], d["language"], f"{d['weight']:.3f}", f"{d['units']:,}", f"{d['documents']:,}", f"{d['bytes']:,}"]
        for d in result["domains"]
    ]  # fmt: skip
    parts.append(_table(["held-out domain", "language", "weight", "units", "documents", "bytes"], held))
    parts.append("## Arms")
    rows = [
        [arm["name"], arm["role"], f"{arm['documents']:,}", f"{arm['bytes']:,}", f"{arm['tokens']:,}",
         f"{arm['epochs']:.2f}", f"{len(arm['runs'])}", ", ".join(f"`{d['key']}`" for d in arm["settings_diff"]) or "–"]
        for arm in result["arms"]
    ]  # fmt: skip
    parts.append(
        _table(
            ["arm", "role", "documents", "bytes", "tokens", "epochs", "seeds", "settings that differ"], rows
        )
    )
    parts.append("## What each training text knows about each domain")
    matrix = result["matrix"]
    parts.append(f"Bits per byte of a {matrix['model']} model.")
    rows = [
        [name, *(f"{value:.3f}" for value in bits)]
        for name, bits in zip(matrix["rows"], matrix["bits"], strict=True)
    ]
    parts.append(_table(["trained on", *matrix["columns"]], rows))
    parts.append(f"Again: `{result['command']}`. Hash: `{result['hash']}`.")
    return "\n\n".join(parts) + "\n"


def _interval(interval: list[float] | None) -> str:
    return f"[{signed(interval[0], 2)}, {signed(interval[1], 2)}]" if interval else "–"


def _table(header: list[str], rows: list[list[str]]) -> str:
    cells = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)
