"""Held-out text leaves the training text by passage, and nothing else does."""

import itertools
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.corpus.document import DOCUMENT_SCHEMA
from headwater.corpus.shards import ShardWriter
from headwater.curate.contamination import (
    DROPPED,
    build_index,
    clean,
    decontaminate_shard,
    index_heldout,
)
from headwater.engine.workspace import Output
from headwater.recipe.settings import Decontaminate

ENGLISH = (
    "A spring on the north slope feeds the brook that the villagers call their river, though maps do not."
)
CHINESE = (
    "山北坡上有一眼泉水，泉水流成小溪，村里人把这条小溪叫作“大河”，可是地图上从来没有画过它。"
    "老人们说，很久以前，这条河里还有鱼，孩子们夏天都在河边长大。"
)
TRADITIONAL = (
    "山北坡上有一眼泉水，泉水流成小溪，村裡人把這條小溪叫作「大河」，可是地圖上從來沒有畫過它。"
    "老人們說，很久以前，這條河裡還有魚，孩子們夏天都在河邊長大。"
)


def words(number: int, seed: int = 0) -> str:
    """Text without any repeated gram."""
    return " ".join(f"w{seed}x{i}" for i in range(number))


def han(number: int, seed: int = 0) -> str:
    return "".join(chr(0x4E00 + (i * 7919 + seed * 104729) % 20000) for i in range(number))


@pytest.mark.parametrize(
    ("heldout", "copy", "filler"),
    [
        (ENGLISH, ENGLISH, words),
        (ENGLISH, ENGLISH.upper().replace(",", " --").replace(" ", "\n"), words),  # case, punctuation, lines
        (CHINESE, CHINESE, han),
        (CHINESE, CHINESE.replace("，", ", ").replace("。", "\n").replace("“", "「").replace("”", "」"), han),
        (TRADITIONAL, TRADITIONAL, han),
        ("第１３章 用Python写程序。" + CHINESE, "第13章用PYTHON写程序！" + CHINESE, han),  # full-width, mixed
    ],
)
def test_a_passage_is_cut_with_its_margin_and_the_rest_stays(heldout: str, copy: str, filler: object) -> None:
    before, after = filler(900, 1), filler(900, 2)  # type: ignore[operator]
    text = f"{before}\n{copy}\n{after}"
    index = index_heldout([heldout], Decontaminate(margin=200))
    pieces, spans = clean(text, index)
    assert pieces is not None and len(pieces) == 2 and len(spans) == 1
    [(start, end)] = spans
    assert abs(start - (len(before) + 1 - 200)) <= 3 and abs(end - (len(text) - len(after) - 1 + 200)) <= 3
    assert text[:start] + text[start:end] + text[end:] == text
    assert pieces == [text[:start], text[end:]]


def test_simplified_and_traditional_are_different_texts() -> None:
    index = index_heldout([TRADITIONAL], Decontaminate())
    assert clean(han(500) + CHINESE + han(500, 2), index)[1] == []


@pytest.mark.parametrize(
    ("heldout", "collides"),
    [(words(13), True), (words(12), False), (han(50), True), (han(49), False), (words(6) + han(27), True),
     (words(6) + han(26), False)],
)  # fmt: skip
def test_a_gram_is_13_words_or_50_characters_or_a_mixture(heldout: str, collides: bool) -> None:
    index = index_heldout([heldout], Decontaminate(margin=0))
    _, spans = clean(f"{words(30, 5)} {heldout} {words(30, 6)}", index)
    assert bool(spans) is collides


def test_more_than_ten_pieces_leave_and_ten_do_not() -> None:
    index = index_heldout([CHINESE], Decontaminate(margin=20))
    for copies, leaves in ((9, False), (10, True)):
        text = CHINESE.join(han(100, seed) for seed in range(copies + 1))
        pieces, spans = clean(text, index)
        assert len(spans) == copies
        assert (pieces is None) is leaves


def test_a_piece_shorter_than_the_margin_goes_with_the_cut() -> None:
    index = index_heldout([ENGLISH], Decontaminate(margin=200))
    text = words(300, 1) + " " + ENGLISH + " " + words(60, 2) + " " + ENGLISH + " short tail"
    pieces, spans = clean(text, index)
    assert pieces is not None and len(pieces) == 1
    assert spans[-1][1] == len(text)


def test_a_document_that_is_held_out_text_leaves() -> None:
    index = index_heldout([CHINESE], Decontaminate())
    assert clean(CHINESE, index) == (None, [(0, len(CHINESE))])


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=400), margin=st.integers(0, 30))
def test_spans_are_disjoint_and_text_without_a_hit_is_untouched(text: str, margin: int) -> None:
    index = index_heldout([ENGLISH, CHINESE], Decontaminate(margin=margin))
    assert clean(text, index) == ([text], [])
    whole = text + CHINESE + text[::-1] + ENGLISH + text
    pieces, spans = clean(whole, index)
    assert all(a < b for a, b in spans)
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(spans))
    if pieces is not None:
        assert sum(map(len, pieces)) + sum(end - start for start, end in spans) == len(whole)
        for piece in pieces:
            assert clean(piece, index)[1] == []


def document(name: str, text: str, split: str, domain: str = "books") -> dict[str, str]:
    return {"id": name, "text": text, "source": "books", "locator": f"{name}#0", "unit": name, "domain": domain,
            "split": split}  # fmt: skip


def test_the_edition_has_the_rows_of_its_documents(tmp_path: Path) -> None:
    rows = [
        document("a", han(600) + CHINESE + han(600, 3), "train"),
        document("b", CHINESE, "heldout"),
        document("c", han(600, 4), "train"),
        document("d", ENGLISH, "train"),
        document("e", ENGLISH, "heldout", "other"),
        document("f", CHINESE, "train"),
    ]
    with ShardWriter(tmp_path / "documents.parquet", DOCUMENT_SCHEMA) as writer:
        writer.write(rows)
    chosen = Decontaminate().model_dump(mode="json", exclude={"tasks"})
    documents = str(tmp_path / "documents.parquet")
    out = Output(tmp_path, "index")
    result = build_index(out, documents=[documents], domains=["books"], tasks=[], settings=chosen)
    assert result["documents"] == 1 and result["grams"] > 10
    index = out.commit("key", result).path("npy")
    out = Output(tmp_path, "shard")
    result = decontaminate_shard(
        out, documents=documents, index=str(index), labels=result["labels"], settings=chosen
    )
    edition = pq.read_table(out.commit("key", result).path()).to_pylist()
    assert [row["id"] for row in edition] == list("abcdef")
    assert [row["text"] is None for row in edition] == [False, True, True, True, True, False]
    assert CHINESE[30:60] not in edition[0]["text"] and han(600)[:300] in edition[0]["text"]
    assert edition[5]["dropped"] == DROPPED and edition[5]["text"] == ""
    assert result["dropped"] == 1 and result["touched"] == 2
    assert result["removed"] == sum(row["removed"] for row in edition)
    [span] = edition[0]["spans"]
    assert span["end"] - span["start"] == edition[0]["removed"]


def test_nothing_held_out_cuts_nothing() -> None:
    index = index_heldout([], Decontaminate())
    assert clean(ENGLISH, index) == ([ENGLISH], [])
