"""A comparison as text: the lines that a terminal shows, and `comparison.md`."""

import json
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
        if arm["reasons"]:
            lines.append(f"          left out: {_reasons(arm['reasons'])}")
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
    for row in result["placebos"]:
        lines.append(
            f"placebo   {signed(row['percent'])}% {_short(row['interval'])} with {100 * row['share']:.0f}% of the text at "
            f"random; {row['arm']} against it {signed(row['against']['percent'])}% {_short(row['against']['interval'])}"
        )
    for arm in result["rates"]["arms"]:
        for row in arm["effects"]:
            lines.append(
                f"rate      {row['factor']:g} x: {arm['arm']} {signed(row['percent'])}% {_short(row['interval'])}, "
                f"{row['verdict']}"
            )
    for look in result["race"] or ():
        ended = [one["arm"] for one in look["candidates"] if one["decided"]]
        lines.append(
            f"race      {look['seeds']} seeds, α {look['alpha']:g}: {', '.join(ended) or 'none'} decided"
        )
    lines.append(f"matched   {matching_words(result)[0]}")
    if scored := scored_words(result):
        lines.append(f"scored    {scored[0]}")
    return lines


def matching_words(result: dict[str, Any]) -> tuple[str, str]:
    """How the arms are matched, in English and in Chinese."""
    matching, tokens = result["matching"], show_count(result["budget"]["tokens"])
    if matching["name"] == "pool":
        english = f"pool-matched: the same share of the same input, and {tokens} tokens a training"
        chinese = f"按语料池对齐：同一输入的同一份额，每次训练 {tokens} 词元"
    else:
        english = f"token-matched: {tokens} tokens a training"
        chinese = f"按词元对齐：每次训练 {tokens} 词元"
    english += "; one model and one tokeniser, so compute-matched too"
    chinese += "；模型和分词器相同，因此计算量也对齐"
    if matching["repeats"]:
        times = ", ".join(f"{name} {epochs:.1f}" for name, epochs in matching["epochs"].items())
        english += f"; the arms repeat their text differently ({times} epochs)"
        chinese += f"；各实验臂重复文本的次数不同（轮数：{times}）"
    return english, chinese


def scored_words(result: dict[str, Any]) -> tuple[str, str] | None:
    """How much of the held-out text is scored, in English and in Chinese; None where it is all of it."""
    held = [domain.get("held_out", domain) for domain in result["domains"]]
    units, size = (sum(domain[what] for domain in result["domains"]) for what in ("units", "bytes"))
    all_units, whole = (sum(domain[what] for domain in held) for what in ("units", "bytes"))
    if size == whole:
        return None
    part, every = show_size(size), show_size(whole)
    if units == all_units:
        return (
            f"the beginning of each held-out unit, {part} of {every}",
            f"每个留出单元的开头，{every} 中的 {part}",
        )
    return (
        f"the beginning of {units:,} of {all_units:,} held-out units, {part} of {every}",
        f"{all_units:,} 个留出单元中 {units:,} 个的开头，{every} 中的 {part}",
    )


def markdown(result: dict[str, Any]) -> str:
    """`comparison.md`: the same, with tables, for a review or a README."""
    parts = ["# " + " vs ".join(arm["name"] for arm in result["arms"])]
    for language in ("en", "zh"):
        parts.append("\n\n".join(f"**{line}**" for line in result["sentence"][language].split("\n")))
    parts += _inference(result) + _checks(result) + _domains(result) + _arms(result) + _matrix(result)
    parts.append(f"Again: `{result['command']}`. Hash: `{result['hash']}`.")
    return "\n\n".join(parts) + "\n"


def _inference(result: dict[str, Any]) -> list[str]:
    rows = [
        [one["arm"], one["verdict"], f"{signed(one['percent'], 2)}%", _interval(one["interval"]),
         _interval(one["interval90"]), f"{one['p_holm']:.3g}", f"{one['df']:.1f}",
         f"{one['smallest_visible']:.2f}%", f"{one['probability_better']:.3f}", f"{signed(one['ngram_percent'], 2)}%"]
        for one in result["candidates"]
    ]  # fmt: skip
    header = ["arm", "verdict", "effect", "95%", "90%", "p", "df", "smallest visible", "P(better)", "5-gram"]
    return [
        "## Inference",
        f"Bits per byte against {result['arms'][0]['name']}, in percent (below zero is better); a difference under "
        f"{100 * result['margin']:g}% was declared not to matter. 95% intervals for {len(rows)} "
        f"candidate{'s' * (len(rows) != 1)}, p-values after Holm. {_capital(matching_words(result)[0])}.",
        _table(header, rows),
    ]


def _checks(result: dict[str, Any]) -> list[str]:
    """What the effects have to be read against."""
    aa = result["aa"]
    parts = [
        f"A/A, seeds {aa['seeds'][0]} against {aa['seeds'][1]} of the baseline: {signed(aa['percent'], 2)}% "
        f"{_interval(aa['interval'])}, {aa['verdict']}."
    ]
    parts += [
        f"Placebo of {row['arm']} ({100 * row['share']:.0f}% of the baseline's text, at random): "
        f"{signed(row['percent'], 2)}% {_interval(row['interval'])} against the baseline, {row['verdict']}; "
        f"{row['arm']} against it {signed(row['against']['percent'], 2)}% {_interval(row['against']['interval'])}, "
        f"{row['against']['verdict']}."
        for row in result["placebos"]
    ]
    if result["rates"]["checked"]:
        rows = [
            [arm["arm"], f"{row['factor']:g} x", f"{signed(row['percent'], 2)}%", _interval(row["interval"]), row["verdict"]]
            for arm in result["rates"]["arms"] for row in arm["effects"]
        ]  # fmt: skip
        parts.append(_table(["arm", "learning rate", "effect", "95%", "verdict"], rows))
    if result["race"]:
        parts.append(
            "A race: an arm's interval is of the level 1 − α of the look at which it was decided, not of 95%."
        )
        rows = [
            [f"{look['seeds']}", f"{look['alpha']:g}", one["arm"], f"{one['p']:.3g}", "decided" if one["decided"] else "goes on"]
            for look in result["race"] for one in look["candidates"]
        ]  # fmt: skip
        parts.append(_table(["seeds at this look", "α", "arm", "p", ""], rows))
    proxy = result["proxy"]
    parts.append(
        f"The proxy, where it does worst ({proxy['arm']}): Transformer {proxy['bits_transformer']:.4f} bits per byte, "
        f"byte 5-gram {proxy['bits_ngram']:.4f}."
    )
    return parts


def _domains(result: dict[str, Any]) -> list[str]:
    rows = [
        [domain["name"], one["arm"], f"{domain['bits_baseline']:.4f}", f"{domain['bits_arm']:.4f}",
         f"{signed(domain['percent'], 2)}%", _interval(domain["interval"])]
        for one in result["candidates"] for domain in one["domains"]
    ]  # fmt: skip
    held = [
        [d["name"], d["language"], f"{d['weight']:.3f}", f"{d['units']:,}", f"{d['documents']:,}", f"{d['bytes']:,}"]
        for d in result["domains"]
    ]  # fmt: skip
    parts = [
        "## Domains",
        _table(["domain", "arm", "baseline, bits per byte", "arm", "effect", "95%"], rows),
        _table(["held-out domain", "language", "weight", "units", "documents", "bytes"], held),
    ]
    if scored := scored_words(result):
        parts.append(f"Scored is {scored[0]}; evaluate.max_bytes and evaluate.bytes_per_unit say how much.")
    return parts


def _arms(result: dict[str, Any]) -> list[str]:
    rows = [
        [arm["name"], arm["role"], f"{arm['documents']:,}", f"{arm['bytes']:,}", f"{arm['tokens']:,}",
         f"{arm['epochs']:.2f}", f"{len(arm['runs'])}", ", ".join(f"`{d['key']}`" for d in arm["settings_diff"]) or "–"]
        for arm in result["arms"]
    ]  # fmt: skip
    header = ["arm", "role", "documents", "bytes", "tokens", "epochs", "seeds", "settings that differ"]
    parts = ["## Arms", _table(header, rows)]
    for arm in result["arms"]:
        rows = [[f"`{d['key']}`", _value(d["baseline"]), _value(d["arm"])] for d in arm["settings_diff"]]
        if rows:
            parts.append(f"What {arm['name']} says differently:")
            parts.append(_table(["setting", result["arms"][0]["name"], arm["name"]], rows))
    rows = [
        [arm["name"], ", ".join(f"{code} {amount['documents']:,}" for code, amount in arm["languages"].items()) or "–",
         _reasons(arm["reasons"]) or "–"]
        for arm in result["arms"]
    ]  # fmt: skip
    parts.append(_table(["arm", "documents by language", "documents that left, by reason"], rows))
    return parts


def _matrix(result: dict[str, Any]) -> list[str]:
    matrix = result["matrix"]
    rows = [
        [name, *(f"{value:.3f}" for value in bits)]
        for name, bits in zip(matrix["rows"], matrix["bits"], strict=True)
    ]
    return [
        "## What each training text knows about each domain",
        f"Bits per byte of a {matrix['model']} model.",
        _table(["trained on", *matrix["columns"]], rows),
    ]


def _reasons(counts: dict[str, int]) -> str:
    """The five that most documents left by."""
    most = sorted(counts.items(), key=lambda row: (-row[1], row[0]))[:5]
    return ", ".join(f"{reason} {number:,}" for reason, number in most)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(interval: list[float]) -> str:
    return f"[{signed(interval[0])}, {signed(interval[1])}]"


def _interval(interval: list[float] | None) -> str:
    return f"[{signed(interval[0], 2)}, {signed(interval[1], 2)}]" if interval else "–"


def _value(value: Any) -> str:
    return "–" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _table(header: list[str], rows: list[list[str]]) -> str:
    cells = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)
