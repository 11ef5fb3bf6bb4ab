"""Our values are those that datatrove's own package confirmed (benchmarks/conformance_gopher.py wrote the file)."""

import json
from pathlib import Path

import pytest

from headwater.signals import FAMILIES, fineweb, gopher, repetition

GOLDEN = json.loads((Path(__file__).parent / "golden" / "datatrove.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", GOLDEN["documents"], ids=lambda d: d["text"][:12])
def test_values_are_datatroves_to_the_last_bit(document: dict) -> None:
    text, words = document["text"], document["words"]
    ours = {
        f"{family.__name__.rpartition('.')[2]}.{signal.name}": value
        for family in (gopher, repetition, fineweb)
        for signal, value in zip(
            FAMILIES[family.__name__.rpartition(".")[2]], family.measured(text, words), strict=True
        )
    }
    assert {signal: ours[signal] for signal in document["values"]} == document["values"]
    assert len(document["values"]) >= 22
