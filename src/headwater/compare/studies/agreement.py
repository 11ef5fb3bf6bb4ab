"""The byte 5-gram against the Transformer, over every resolved pair of the recorded studies.

A pair is a row of a study: two arms on the text that the row is about. It is resolved where the Transformer's interval
excludes zero; the 5-gram agrees where its difference has the same sign. The 5-gram is trained once an arm, on as much
of the same text, and has no interval: it screens, it decides nothing.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from headwater.compare.sentence import signed


def resolved_pairs(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of result files that are resolved pairs, with "study" and "agrees"."""
    return [
        {"study": result["study"], **row, "agrees": (row["ngram"] < 0) == (row["percent"] < 0)}
        for result in results
        for row in result["found"]["rows"]
        if row.get("ngram") is not None and (row["interval"][1] < 0 or row["interval"][0] > 0)
    ]


def agreement(pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """{"pairs", "agree", "ratio"}: how many agree, and the median of the 5-gram's effect over the Transformer's,
    in ln of bits per byte, where they do."""
    same = [row for row in pairs if row["agrees"]]
    ratios = sorted(math.log1p(row["ngram"] / 100) / math.log1p(row["percent"] / 100) for row in same)
    return {"pairs": len(pairs), "agree": len(same), "ratio": ratios[len(ratios) // 2] if ratios else None}


def sentences(pairs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found = agreement(pairs)
    if not pairs:
        return {"en": "No resolved pair yet.", "zh": "还没有可分辨的配对。"}
    ratio = "" if found["ratio"] is None else f"{found['ratio']:.2f}"
    return {
        "en": f"The 5-gram has the sign of the Transformer in {found['agree']} of {found['pairs']} resolved pairs; where it "
        f"has, its effect is {ratio} times as large (median, in ln of bits per byte).",
        "zh": f"{found['pairs']} 个可分辨的配对中，5-gram 有 {found['agree']} 个与 Transformer 同号；同号时其效果是后者的 "
        f"{ratio} 倍（每字节比特数取对数后的中位数）。",
    }  # fmt: skip


def table(pairs: Sequence[Mapping[str, Any]], language: str = "en") -> list[str]:
    """The pairs as a Markdown table, then the sentence."""
    chinese = language == "zh"
    head = (
        ("研究", "配对", "Transformer", "5-gram", "一致")
        if chinese
        else ("study", "pair", "Transformer", "5-gram", "agree")
    )
    yes, no = ("是", "**否**") if chinese else ("yes", "**no**")
    rows = [
        (
            row["study"],
            row["name"][language],
            f"{signed(row['percent'])}% [{signed(row['interval'][0])}, {signed(row['interval'][1])}]",
            f"{signed(row['ngram'])}%",
            yes if row["agrees"] else no,
        )
        for row in pairs
    ]
    lines = [f"| {' | '.join(one)} |" for one in (head, ("---", "---", "--:", "--:", "---"), *rows)]
    return [*lines, "", sentences(pairs)[language]]
