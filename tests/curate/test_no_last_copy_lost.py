"""No cluster ever loses its last good copy, whatever rules, policies and edits a recipe has.

*Good* is what passed everything before the duplicates step. Whoever leaves as a duplicate leads by partners to a
document that is kept, or that a later step of the recipe dropped, by its own name; and what is cut of a text stands
in a text that stays.
"""

import random
from pathlib import Path
from typing import Any

import pytest
from corpora import Made, han, make, words

KEEPS = ["best", "longest", "first", "oldest", "newest", "license", "source_order"]
DUPLICATE = ("url_duplicate", "exact_duplicate", "near_duplicate")


def corpus(draw: random.Random) -> list[dict[str, Any]]:
    """A few originals, and copies of them: whole, changed, cut short, wrapped in menus, or quoted in part."""
    originals = [
        han(220, draw.randrange(999)) if n % 2 else words(130, draw.randrange(999)) for n in range(4)
    ]
    made = []
    for n in range(26):
        text = draw.choice(originals)
        kind = draw.randrange(5)
        if kind == 1:
            at = draw.randrange(len(text))
            text = f"{text[:at]}某{text[at + 1 :]}"
        elif kind == 2:
            text = text[: -draw.randrange(1, 30)]
        elif kind == 3:
            text = f"首页 论坛 关于我们\n{text}\n版权所有 分享"
        elif kind == 4:
            text = f"{han(70, 2000 + n)}\n{text[40 : draw.randrange(110, 210)]}\n{words(30, 2000 + n)}"
        made.append(
            {
                "text": text,
                "url": draw.choice([None, f"https://例子.cn/{draw.randrange(12)}"]),
                "date": draw.choice([None, f"20{draw.randrange(10, 25)}-0{draw.randrange(1, 9)}-01"]),
                "license": draw.choice([None, "CC0-1.0", "CC BY-SA 4.0", "版权所有"]),
            }
        )
    return made


def recipe(draw: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """(duplicates, the rest of `curate`)."""
    duplicates: dict[str, Any] = {
        "url": draw.random() < 0.5,
        "exact": draw.random() < 0.8,
        "near": {"similarity": draw.choice([0.5, 0.7, 0.9])},
        "keep": draw.choice(KEEPS),
        "substring": draw.choice([None, {"words": 20, "characters": 30}]),
    }
    if duplicates["keep"] == "best":
        duplicates["quality"] = draw.choice(
            ["-length.lines", "length.characters", "fineweb.line_punctuation_quoted"]
        )
    rules = {"*": {"length.characters": {draw.choice(["min", "max"]): draw.choice([150, 225, 400])}}}
    order = draw.choice(
        [["lines", "rules", "duplicates"], ["rules", "lines", "duplicates"], ["lines", "duplicates", "rules"]]
    )
    lines = draw.choice([None, {"repeated": 2, "keep_first": False}, {"min_words": 4}])
    return duplicates, {"rules": rules, "order": order, "lines": lines}


def survivor(made: Made, place: int) -> int:
    steps = 0
    while made.reasons[place] in DUPLICATE:
        partner = made.partners[place]
        assert partner is not None and partner >= 0 and steps < len(made.rows)
        place, steps = partner, steps + 1
    return place


@pytest.mark.parametrize("seed", range(8))
def test_no_cluster_loses_its_last_good_copy(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    duplicates, others = recipe(draw)
    documents = [*corpus(draw), {"text": han(230, 5000)}]  # one that every rule but `max: 150` keeps
    if others["rules"]["*"]["length.characters"].get("max") == 150:
        documents.append({"text": han(120, 6000)})
    elif others["rules"]["*"]["length.characters"].get("min") == 400:
        documents.append({"text": han(500, 6000)})
    made = make(tmp_path, documents, duplicates, files=3, **others)
    step = next(n for n, one in enumerate(made.curated.plan.steps) if type(one).__name__ == "DuplicatesStep")
    led = 0
    for place, reason in enumerate(made.reasons):
        if reason in DUPLICATE:
            led += 1
            row = made.rows[survivor(made, place)]
            later = row["state"] == "dropped" and row["step"] > step and row["reason"] not in DUPLICATE
            assert row["state"] == "kept" or later, (reason, row["reason"])
            if others["order"][-1] == "duplicates":
                assert row["state"] == "kept" or row["reason"] == "shared_passages"
    assert led > 0
    if duplicates["substring"] and others["order"][-1] == "duplicates":
        uncut = make(tmp_path, documents, {**duplicates, "substring": None}, name="uncut", files=3, **others)
        before, after = (units(one) for one in (uncut, made))
        assert before <= after


def units(made: Made) -> set[str]:
    """The English words and Chinese characters of all texts kept."""
    found = {word for text in made.texts for word in (text or "").split()}
    return {unit for word in found for unit in ([word] if word.isascii() else word) if unit.isalnum()}
