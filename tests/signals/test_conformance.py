"""Our values are those that the packages of the recipes gave or confirmed.

`golden/datatrove.json` was written by benchmarks/conformance_gopher.py, `dolma.json` and `c4.json` by
benchmarks/conformance_rules.py, each in the package's own environment.
"""

import json
from pathlib import Path

import pytest

from headwater.curate.edits import edit
from headwater.curate.line_rules import UNSPACED
from headwater.curate.presets import C4Lines, LineEdits
from headwater.signals import FAMILIES, dolma, fineweb, gopher, repetition

FOLDER = Path(__file__).parent / "golden"
GOLDEN = json.loads((FOLDER / "datatrove.json").read_text(encoding="utf-8"))


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


DOLMA_NAMES = {
    "words": "word_count",
    "median_word_length": "median_word_length",
    "symbol_words": "symbol_to_word_ratio",
    "alphabetic_words": "fraction_of_words_with_alpha_character",
    "stop_words": "required_word_count",
    "bullet_lines": "fraction_of_lines_starting_with_bullet_point",
    "ellipsis_lines": "fraction_of_lines_ending_with_ellipsis",
    "duplicate_lines": "fraction_of_duplicate_lines",
    "duplicate_line_characters": "fraction_of_characters_in_duplicate_lines",
    **{f"top_{n}_gram": f"fraction_of_characters_in_most_common_{n}grams" for n in (2, 3, 4)},
    **{f"duplicate_{n}_grams": f"fraction_of_characters_in_duplicate_{n}grams" for n in range(5, 11)},
}


def test_dolmas_values_are_those_its_package_gave() -> None:
    """Given the words between spaces, every value of its tagger gopher_v1, to the last bit."""
    golden = json.loads((FOLDER / "dolma.json").read_text(encoding="utf-8"))
    assert "dolma==1.2.1" in golden["packages"]
    names = [signal.name for signal in FAMILIES["dolma"]]
    for document in golden["documents"]:
        said, text = document["said"], document["text"]
        ours = dict(zip(names, dolma.measured(text, text.split()), strict=True))
        theirs = {name: said.get(other, 0.0) for name, other in DOLMA_NAMES.items()}
        assert ours == theirs, text


def test_c4_keeps_the_lines_that_datatroves_filter_kept() -> None:
    """On English, given our sentences; Chinese lines are read by their own ends and words here."""
    golden = json.loads((FOLDER / "c4.json").read_text(encoding="utf-8"))
    settings = LineEdits(c4=C4Lines(variant="datatrove", words=3, sentences=5))
    compared = 0
    for document in golden["documents"]:
        if UNSPACED.search(document["text"]):
            continue
        done, said = edit(document["text"], settings), document["said"]
        assert (done.dropped is None) == said["kept"], document["text"]
        if said["kept"]:
            ours = [line.strip() for line in (done.text or "").split("\n") if line.strip()]
            assert ours == [line.strip() for line in said["text"].split("\n") if line.strip()]
        compared += 1
    assert compared > 3
