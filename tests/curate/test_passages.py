"""Passages that occur elsewhere: every one of the limit or longer is found, nothing shorter is, and no text is lost."""

from pathlib import Path

import numpy as np
import pytest
from corpora import han, make, words
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.curate.duplicates.passages import fingerprints, windows, words_of
from headwater.recipe.settings import Substring

LIMIT = Substring()
SUBSTRING = {"near": None, "exact": False, "keep": "first", "substring": {}}


def pieces(text: str, chosen: Substring = LIMIT) -> list[str]:
    found = words_of(text, chosen)
    return [text[start:end] for start, end in zip(found.starts, found.ends, strict=True)]


def test_words_are_what_stands_between_spaces_and_han_stand_alone() -> None:
    assert pieces("“Don't,” she said -- and/or 3.14 (well-known).") == [
        "Don't", "she", "said", "and/or", "3.14", "well-known"]  # fmt: skip
    assert pieces("他说：“好的。”then 用Python写！") == [*"他说：“好的。”", "then", "用", "Python", *"写！"]
    assert pieces("漢語𠮷，ＡＢ") == list("漢語𠮷，ＡＢ")
    assert pieces("") == pieces(" \n　") == []


def all_windows(text: str) -> set[int]:
    found = words_of(text, LIMIT)
    return set(windows(found, np.arange(max(0, len(found.hashes) - 25)), LIMIT)[0].tolist())


@settings(max_examples=60, deadline=None)
@given(
    before=st.lists(st.sampled_from("山水河a b，.—'\n "), max_size=60).map("".join),
    passage=st.lists(
        st.sampled_from(["river ", "boat, ", "河", "水。", "don't ", "“夜”"]), min_size=20, max_size=120
    ),
    after=st.lists(st.sampled_from("天地人c d！?\n "), max_size=60).map("".join),
)
def test_whoever_shares_a_window_shares_a_fingerprint_in_it(
    before: str, passage: list[str], after: str
) -> None:
    text = "".join(passage)
    one, two = words_of(f"{before} {text} {after}", LIMIT), words_of(f"{after}\n{text}\n{before}", LIMIT)
    marks = [fingerprints(some, LIMIT) for some in (one, two)]
    shared = set(marks[0][0].tolist()) & set(marks[1][0].tolist())
    found = [
        set(windows(some, places[np.isin(hashes, list(shared))], LIMIT)[0].tolist())
        for some, (hashes, places) in zip((one, two), marks, strict=True)
    ]
    both = all_windows(f"{before} {text} {after}") & all_windows(f"{after}\n{text}\n{before}")
    assert found[0] & found[1] == both
    if len(words_of(text.strip(), LIMIT).hashes) > 52:
        assert both


@pytest.mark.parametrize(
    ("passage", "shorter"),
    [
        (words(50, 7), words(49, 7)),
        (han(50, 7), han(49, 7)),
        (han(24, 7) + "，" + han(25, 8), han(24, 7) + "，" + han(24, 8)),  # punctuation is a character
        (words(25, 7) + " " + han(25, 7), words(25, 7) + " " + han(24, 7)),
        (words(20, 7) + ", don't -- " + words(29, 8), words(20, 7) + ", don't -- " + words(28, 8)),
    ],
)
def test_fifty_are_cut_and_forty_nine_are_not(tmp_path: Path, passage: str, shorter: str) -> None:
    for text, found in ((passage, True), (shorter, False)):
        texts = [
            f"{words(30, 1)} {text} {words(30, 2)}",
            f"{han(40, 3)} {text.replace(' ', chr(10))} {han(40, 4)}",
        ]
        made = make(tmp_path / str(found), [{"text": one} for one in texts], SUBSTRING)
        assert made.texts[0] == texts[0]
        assert made.texts[1] == (f"{han(40, 3)}\n\n{han(40, 4)}" if found else texts[1])


def test_the_best_copy_stays_and_spans_name_where(tmp_path: Path) -> None:
    shared, other = han(120, 5), words(80, 6)
    texts = [
        f"{han(60, 1)}{shared}{han(60, 2)}",
        f"{han(90, 3)}{shared}。{other} {han(70, 4)}",
        shared,
        f"{other}\n{han(300, 8)}",
    ]
    made = make(tmp_path, [{"text": one} for one in texts], {**SUBSTRING, "keep": "longest"})
    # the longest document keeps its copy of each passage
    assert made.texts == [
        f"{han(60, 1)}\n\n{han(60, 2)}",
        f"{han(90, 3)}{shared}。\n\n{han(70, 4)}",
        None,
        texts[3],
    ]
    assert made.reasons == ["", "", "shared_passages", ""]
    spans = made.spans(made.curated.edition_stages[-1])
    [first] = spans[0]
    assert texts[0][first["start"] : first["end"]] == shared
    assert (first["reason"], first["partner"]) == ("shared_passage", made.rows[1]["id"])
    [second] = spans[1]
    assert texts[1][second["start"] : second["end"]] == other
    assert second["partner"] == made.rows[3]["id"] and spans[3] is None


def test_repetition_within_a_document_keeps_its_first_copy(tmp_path: Path) -> None:
    verse = han(60, 1)
    made = make(
        tmp_path,
        [{"text": f"{verse}\n{han(30, 2)}\n{verse}"}, {"text": "哈" * 300}, {"text": "ha " * 120}],
        SUBSTRING,
    )
    assert made.texts[0] == f"{verse}\n{han(30, 2)}"
    assert made.texts[1] == "哈" * 50 and made.texts[2] == ("ha " * 50).strip()


def test_paragraphs_that_occur_elsewhere_go_by_their_ccnet_key(tmp_path: Path) -> None:
    first, again = "第12期：泉水从山北坡流出来。", "第 34 期 泉水从山北坡流出来！"
    texts = [f"{han(60, 1)}\n{first}", f"{again}\n{han(70, 2)}\n{first}"]
    made = make(tmp_path, [{"text": one} for one in texts], {"near": None, "paragraphs": True})
    # CCNet: lower case, digits to 0, no punctuation; spaces count
    assert made.texts == [texts[0], f"{again}\n{han(70, 2)}"]


def test_a_bloom_filter_takes_documents_in_the_order_of_ids(tmp_path: Path) -> None:
    base, zh = words(200, 1), han(300, 1)
    texts = [base, base + " " + words(20, 2), base + " " + words(200, 3), zh, zh + han(40, 4), han(300, 5)]
    settings = {"near": None, "exact": False, "bloom": {}}
    made = make(tmp_path, [{"text": one} for one in texts], settings)
    ids = [row["id"] for row in made.rows]
    assert made.reasons.count("bloom_duplicate") >= 2 and made.reasons[5] == ""
    for group in ([0, 1], [3, 4]):  # each holds most of the other's grams: the lower id stays
        if 2 not in group and (group != [0, 1] or ids[2] > min(ids[0], ids[1])):
            assert [made.reasons[place] for place in sorted(group, key=lambda place: ids[place])] == [
                "",
                "bloom_duplicate",
            ]
    leaving = [row for row in made.rows if row["reason"] == "bloom_duplicate"]
    assert all(row["partner"] is None and row["similarity"] >= 0.8 for row in leaving)
    with pytest.raises(Exception, match=r"need a filter of .* raise it"):
        make(tmp_path, [{"text": one} for one in texts], {**settings, "bloom": {"memory": 100}}, name="small")
