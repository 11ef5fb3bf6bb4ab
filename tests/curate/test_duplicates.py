"""Clusters lose all but one; who stays follows the policy; what leaves names a partner that it is like."""

import gzip
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.corpus.document import DOCUMENT_SCHEMA
from headwater.corpus.shards import ShardWriter
from headwater.curate.duplicates import near
from headwater.curate.duplicates.find import REASONS, AliveShard, Layer, ShardDuplicates, find
from headwater.errors import HeadwaterError
from headwater.recipe.settings import Duplicates, Near

RANDOM = np.random.default_rng(7)
A, B = RANDOM.integers(1, 2**63, (2, 112), dtype=np.uint64) | np.uint64(1)
BANDS = pa.list_(pa.field("element", pa.uint64()), 14)
SIGNATURE = pa.list_(pa.field("element", pa.uint32()), 112)

ZH = "泉水从山北坡的石缝里流出来，先是一条细细的小溪，绕过村口的老槐树，再穿过两座石桥，最后流进了大河。"
ZH_LONG = "".join(ZH.replace("村口", f"村口第{name}家门前") for name in "甲乙丙丁戊己庚辛壬癸")
EN = " ".join(f"sentence {i} tells of the spring, the brook and the river number {i * i}." for i in range(60))


def grams(text: str) -> set[str]:
    """5-grams of words, of characters in Chinese."""
    units = text.lower().split() if " " in text else list(text)
    return {"\0".join(units[i : i + 5]) for i in range(max(1, len(units) - 4))}


def signature(text: str) -> np.ndarray:
    hashes = np.array([xxhash.xxh3_64_intdigest(gram.encode()) for gram in grams(text)], np.uint64)
    return np.asarray(((hashes[:, None] * A + B) >> np.uint64(32)).min(0), np.uint32)


def bands(values: np.ndarray) -> list[int]:
    return [xxhash.xxh3_64_intdigest(row.tobytes(), seed=i) for i, row in enumerate(values.reshape(14, 8))]


def write_signals(folder: Path, name: str, texts: list[str | None]) -> Layer:
    """Both files of one text stage, in several row groups; None is a row that an edition did not change."""
    signatures = [signature(text) if text else None for text in texts]
    hashes = [None if text is None else xxhash.xxh3_64_intdigest(text.encode()) for text in texts]
    layer = Layer(folder / f"{name}.hashes.parquet", folder / f"{name}.minhash.parquet")
    pq.write_table(pa.table({"hashes.exact": pa.array(hashes, pa.uint64())}), layer.hashes)
    minhash = {
        "minhash.bands": pa.array([None if s is None else bands(s) for s in signatures], BANDS),
        "minhash.signature": pa.array([None if s is None else s.tolist() for s in signatures], SIGNATURE),
    }
    pq.write_table(pa.table(minhash), layer.minhash, row_group_size=7)
    return layer


def make_shard(
    folder: Path, name: str, texts: list[str], *, ids: list[str] | None = None, dates: list[str | None] | None = None,
    splits: list[str] | None = None, edited: list[str | None] | None = None,
) -> AliveShard:  # fmt: skip
    ids = ids or [f"{name}-{i:05d}" for i in range(len(texts))]
    rows = [
        {"id": ids[i], "text": text, "source": "s", "locator": f"f#{i}", "unit": "u", "domain": "d",
         "split": splits[i] if splits else "train", "date": dates[i] if dates else None}
        for i, text in enumerate(texts)
    ]  # fmt: skip
    with ShardWriter(folder / f"{name}.parquet", DOCUMENT_SCHEMA) as writer:
        writer.write(rows)
    layers = (write_signals(folder, name, list(texts)),)
    final = texts
    if edited is not None:
        layers = (write_signals(folder, f"{name}-edited", edited), *layers)
        final = [text if new is None else new for text, new in zip(texts, edited, strict=True)]
    lengths = np.array([len(text.encode()) for text in final], np.int64)
    return AliveShard(name, folder / f"{name}.parquet", layers, np.ones(len(texts), bool), lengths)


def leaves(found: ShardDuplicates) -> list[str]:
    return [REASONS[code] for code in found.reason]


def swap(text: str, places: list[int]) -> str:
    """The text with some characters replaced: a near-duplicate."""
    characters = list(text)
    for place in places:
        characters[place] = "某"
    return "".join(characters)


def test_exact_and_near_copies_leave_with_partner_and_similarity(tmp_path: Path) -> None:
    other = EN.replace("number 9.", "number nine.")
    shards = [
        make_shard(tmp_path, "a", [ZH_LONG, EN, "短文，不相干。"]),
        make_shard(tmp_path, "b", [swap(ZH_LONG, [40]), EN, other, ZH_LONG]),
    ]
    found = find(shards, Duplicates(near=Near(keep="first")), tmp_path / "tmp")
    assert leaves(found["a"]) == ["", "", ""]
    assert leaves(found["b"]) == ["near_duplicate", "exact_duplicate", "near_duplicate", "exact_duplicate"]
    assert found["b"].partner.to_pylist() == ["a-00000", "a-00001", "a-00001", "a-00000"]
    assert found["b"].similarity[[1, 3]].tolist() == [1, 1]
    real = len(grams(EN) & grams(other)) / len(grams(EN) | grams(other))
    assert abs(found["b"].similarity[2] - real) < 0.12
    assert np.isnan(found["a"].similarity).all() and found["a"].partner.null_count == 3
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize(("keep", "stays"), [("longest", 1), ("first", 0), ("newest", 2)])
def test_the_policy_says_who_stays(tmp_path: Path, keep: str, stays: int) -> None:
    texts = [ZH_LONG, ZH_LONG + "完。", swap(ZH_LONG, [9])]
    shard = make_shard(tmp_path, "a", texts, dates=["2020-01-01", None, "2024-02-02"])
    found = find([shard], Duplicates.model_validate({"near": {"keep": keep}}), tmp_path)["a"]
    assert np.flatnonzero(~found.drop).tolist() == [stays]
    assert {found.partner[i].as_py() for i in range(3) if i != stays} == {f"a-{stays:05d}"}


@pytest.mark.parametrize("keep", ["longest", "newest"])
def test_equals_are_decided_by_the_lower_id(tmp_path: Path, keep: str) -> None:
    shard = make_shard(tmp_path, "a", [ZH_LONG] * 3, ids=["c", "a", "b"], dates=["2020", "2020", "2020"])
    found = find([shard], Duplicates.model_validate({"near": {"keep": keep}}), tmp_path)["a"]
    assert found.drop.tolist() == [True, False, True]


def test_what_left_before_or_is_held_out_takes_no_part(tmp_path: Path) -> None:
    shard = make_shard(tmp_path, "a", [ZH_LONG] * 4, splits=["heldout", "train", "train", "train"])
    shard.alive[1] = False
    found = find([shard], Duplicates(), tmp_path)["a"]
    assert found.drop.tolist() == [False, False, False, True]
    assert found.partner[3].as_py() == "a-00002"


def test_an_edited_text_is_compared_as_it_is_now(tmp_path: Path) -> None:
    menu = "".join(chr(0x5000 + i) for i in range(1000))
    menus = [" ".join(menu) + EN, ZH_LONG + menu]
    shard = make_shard(
        tmp_path, "a", [menus[0], EN, ZH_LONG, menus[1]], edited=[EN, None, None, swap(ZH_LONG, [3])]
    )
    found = find([shard], Duplicates(near=Near(keep="first")), tmp_path)["a"]
    assert leaves(found) == ["", "exact_duplicate", "", "near_duplicate"]
    before = find(
        [AliveShard("a", shard.documents, shard.layers[1:], shard.alive, shard.lengths)],
        Duplicates(),
        tmp_path,
    )
    assert not before["a"].drop.any()


def chain() -> list[str]:
    """Ten texts, each like the next and the last unlike the first."""
    texts = [ZH_LONG]
    for i in range(9):
        texts.append(swap(texts[-1], [8 + 40 * i, 20 + 40 * i]))
    return texts


def test_a_chain_leads_by_partners_to_the_one_that_stays(tmp_path: Path) -> None:
    texts = chain()
    found = find([make_shard(tmp_path, "a", texts)], Duplicates(near=Near(keep="first")), tmp_path)["a"]
    assert not found.drop[0] and found.drop[1:].all()
    for i in range(1, 10):
        at, steps = i, 0
        while found.drop[at]:
            partner = int(found.partner[at].as_py()[-5:])
            same = int((signature(texts[at]) == signature(texts[partner])).sum())
            assert found.similarity[at] == np.float32(same / np.float32(112))
            assert same >= 0.8 * 112  # chains are chains of verified likeness
            at, steps = partner, steps + 1
        assert at == 0 and steps <= 9


@settings(max_examples=25, deadline=None)
@given(
    edits=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=2, max_size=25),
    order=st.randoms(use_true_random=False),
)
def test_the_same_survivors_in_any_split_into_shards(
    edits: list[tuple[int, int]], order: "np.random.Generator", tmp_path_factory: pytest.TempPathFactory
) -> None:
    bases = [ZH_LONG, EN, ZH_LONG[::-1], EN.replace("river", "lake").replace("spring", "autumn")]
    texts = [swap(bases[base], list(range(0, 30 * many, 30))) for base, many in edits]
    ids = [f"{i:04d}" for i in range(len(texts))]
    order.shuffle(ids)  # type: ignore[arg-type]
    folder = tmp_path_factory.mktemp("shards")
    half = len(texts) // 2
    one = find([make_shard(folder, "whole", texts, ids=ids)], Duplicates(), folder)["whole"]
    two = find(
        [make_shard(folder, "a", texts[:half], ids=ids[:half]), make_shard(folder, "b", texts[half:], ids=ids[half:])],
        Duplicates(), folder,
    )  # fmt: skip
    assert one.drop.tolist() == [*two["a"].drop.tolist(), *two["b"].drop.tolist()]
    assert one.partner.to_pylist() == [*two["a"].partner.to_pylist(), *two["b"].partner.to_pylist()]
    alive = set(np.array(ids)[~one.drop])
    partner_of = dict(zip(ids, one.partner.to_pylist(), strict=True))
    for name in ids:  # every cluster keeps one
        while name not in alive:
            name = partner_of[name]
        assert partner_of[name] is None


def test_a_bucket_of_many_is_compared_with_leaders(tmp_path: Path) -> None:
    texts = [swap(ZH_LONG, [i, i + 40]) for i in range(300)]  # one bucket of several hundred
    assert len(texts) > near.ALL_PAIRS
    found = find([make_shard(tmp_path, "a", texts)], Duplicates(), tmp_path)["a"]
    assert (~found.drop).sum() == 1


def test_shingles_that_were_not_measured_are_no_duplicates(tmp_path: Path) -> None:
    shard = make_shard(tmp_path, "a", ["", "", ZH_LONG])
    found = find([shard], Duplicates(exact=False), tmp_path)["a"]
    assert not found.drop.any()
    assert find([], Duplicates(), tmp_path) == {}
    assert not find([shard], Duplicates(exact=False, near=None), tmp_path)["a"].drop.any()


def test_shards_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    shard = make_shard(tmp_path, "a", [ZH_LONG, EN])
    with pytest.raises(HeadwaterError, match="2 documents"):
        find(
            [AliveShard("a", shard.documents, shard.layers, np.ones(3, bool), np.ones(3, np.int64))],
            Duplicates(),
            tmp_path,
        )


def pairs_of(found: ShardDuplicates, ids: list[str]) -> set[frozenset[str]]:
    """Pairs in one cluster."""
    parent = dict(zip(ids, found.partner.to_pylist(), strict=True))
    clusters: dict[str, list[str]] = {}
    for name in ids:
        root = name
        while parent[root] is not None:
            root = parent[root]
        clusters.setdefault(root, []).append(name)
    return {frozenset(pair) for members in clusters.values() for pair in combinations(members, 2)}


def planted(
    folder: Path, translate: Callable[[str], str] = str
) -> tuple[list[str], list[str], set[frozenset[str]]]:
    with gzip.open(folder / "articles_1000.train.gz", "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split(" ", 1) for line in file]
    truth = (folder / "articles_1000.truth").read_text(encoding="utf-8").split("\n")
    pairs = {frozenset(line.split()) for line in truth if line}
    return [name for name, _ in rows], [translate(text) for _, text in rows], pairs


def in_han(text: str) -> str:
    """The same articles with a Han character for each word: planted near-duplicates without spaces."""
    return "".join(chr(0x4E00 + xxhash.xxh3_64_intdigest(word.encode()) % 20000) for word in text.split())


@pytest.mark.parametrize("translate", [str, in_han])
def test_planted_near_duplicates_are_found(
    real_data: Path, tmp_path: Path, translate: Callable[[str], str]
) -> None:
    ids, texts, truth = planted(real_data / "truth" / "dedup", translate)
    assert len(truth) == 10 and len(ids) == 1000
    shard = make_shard(tmp_path, "a", texts, ids=ids)
    found = find([shard], Duplicates(near=Near(similarity=0.7)), tmp_path)["a"]
    pairs = pairs_of(found, ids)
    assert len(pairs & truth) / len(truth) == 1  # recall
    assert len(pairs & truth) / len(pairs) == 1  # precision
