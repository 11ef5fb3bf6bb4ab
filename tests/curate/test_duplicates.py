"""Clusters lose all but one; who stays follows the policy; what leaves names a partner that it is like."""

import gzip
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from corpora import Made, han, make, words

from headwater.curate.duplicates.keys import normal_url
from headwater.curate.duplicates.near import ALL_PAIRS
from headwater.curate.duplicates.survivors import date_number, license_rank, ranks
from headwater.errors import RecipeError
from headwater.recipe.settings import Duplicates
from headwater.signals import minhash

ZH = "泉水从山北坡的石缝里流出来，先是一条细细的小溪，绕过村口的老槐树，再穿过两座石桥，最后流进了大河。"
ZH_LONG = "".join(ZH.replace("村口", f"村口第{name}家门前") for name in "甲乙丙丁戊己庚辛壬癸")
EN = " ".join(f"sentence {i} tells of the spring, the brook and the river number {i * i}." for i in range(60))


def docs(*texts: str, **columns: list[Any]) -> list[dict[str, Any]]:
    return [
        {"text": text, **{name: values[i] for name, values in columns.items()}}
        for i, text in enumerate(texts)
    ]


def swap(text: str, places: list[int]) -> str:
    """The text with some characters replaced: a near-duplicate."""
    characters = list(text)
    for place in places:
        characters[place] = "某"
    return "".join(characters)


def alike(one: str, other: str) -> float:
    a, b = minhash.measure(one)[1], minhash.measure(other)[1]
    assert a is not None and b is not None
    return float((a == b).mean())


def test_exact_and_near_copies_leave_with_partner_and_similarity(tmp_path: Path) -> None:
    other = EN.replace("number 9.", "number nine.")
    texts = [ZH_LONG, EN, "短文，不相干。", swap(ZH_LONG, [40]), EN, other, ZH_LONG]
    made = make(tmp_path, docs(*texts), {"near": {"keep": "first"}}, files=2)
    assert made.reasons == [
        "",
        "",
        "",
        "near_duplicate",
        "exact_duplicate",
        "near_duplicate",
        "exact_duplicate",
    ]
    assert made.partners == [None, None, None, 0, 1, 1, 0]
    for place in (3, 5):
        assert made.rows[place]["similarity"] == pytest.approx(
            alike(texts[place], texts[made.partners[place] or 0])
        )
    assert made.rows[4]["similarity"] == 1 and made.rows[0]["similarity"] is None
    assert not list(made.workspace.path.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("keep", "stays"),
    [
        ("longest", 0),
        ("first", 1),
        ("newest", 3),
        ("oldest", 2),
        ("license", 3),
        ("best", 2),
        ("source_order", 0),
    ],
)
def test_the_policy_says_who_stays(tmp_path: Path, keep: str, stays: int) -> None:
    menu = "\n首页\n新闻\n关于我们"
    columns = {
        "date": ["2020-05-01", "2019年3月4日", "2024-02-02T10:00:00Z"],
        "license": [None, "CC BY-SA 4.0", "CC0-1.0"],
    }
    # the recipe names 甲 first, the corpus' order is that of names; one copy ends each of its lines as prose does
    sources = {
        "甲": docs(ZH_LONG + menu + "\n联系我们"),
        "丙": docs(ZH_LONG + menu, ZH_LONG + "完。", ZH_LONG + menu, **columns),
    }
    made = make(tmp_path, sources, {"near": {"similarity": 0.7}, "keep": keep, "exact": False}, files=1)
    assert made.kept == [stays]
    assert made.partners == [None if place == stays else stays for place in range(4)]


def test_equals_are_decided_by_the_lower_id(tmp_path: Path) -> None:
    made = make(tmp_path, docs(ZH_LONG, ZH_LONG, ZH_LONG), {"near": {"keep": "longest"}})
    [survivor] = made.kept
    assert made.rows[survivor]["id"] == min(row["id"] for row in made.rows)


def test_ranks_order_dates_licences_and_qualities() -> None:
    assert date_number("2024-05-01T12:30:00Z") > date_number("2024-05-01") > date_number("2024年4月30日") > 0
    assert date_number(None) == date_number("昨天") == 0
    names = [
        "CC0-1.0",
        "MIT",
        "CC BY 4.0",
        "署名-相同方式共享",
        "GPL-3.0-or-later",
        "CC BY-NC-SA 4.0",
        "Odd-1",
        None,
    ]
    assert [license_rank(name) for name in names] == [0, 1, 1, 2, 2, 3, 4, 5]
    spelt = ["Creative Commons Attribution 4.0", "姓名標示", "姓名標示-相同方式分享", "姓名標示-禁止改作"]
    assert [license_rank(name) for name in spelt] == [1, 1, 2, 3]
    quality = np.array([-np.inf, -2.5, -0.0, 1e-9, 0.5, 0.75, np.nan])
    columns = {"quality": quality, "lengths": np.full(7, 10)}
    found = ranks("best", columns, np.arange(7), 0)
    assert found[:6].tolist() == sorted(found[:6].tolist(), reverse=True) and found[6] == found.max()


def test_an_edited_text_is_compared_as_it_is_now(tmp_path: Path) -> None:
    menu = "首页 新闻 论坛 关于"
    texts = [f"{menu}\n{ZH_LONG}", ZH_LONG, f"{menu}\n{EN}", f"{menu}\n{EN}\n{menu}", "短文，不相干。"]
    settings = {"near": None, "keep": "first"}
    made = make(tmp_path, docs(*texts), settings, lines={"repeated": 2, "keep_first": False})
    assert made.reasons == ["", "exact_duplicate", "", "exact_duplicate", ""]
    before = make(tmp_path, docs(*texts), settings, name="before")
    assert before.kept == [0, 1, 2, 3, 4]


def test_a_chain_leads_by_partners_to_the_one_that_stays(tmp_path: Path) -> None:
    texts = [ZH_LONG]  # ten texts, each like the next and the last unlike the first
    for i in range(9):
        texts.append(swap(texts[-1], [8 + 40 * i, 20 + 40 * i]))
    made = make(tmp_path, docs(*texts), {"near": {"keep": "first"}})
    assert made.kept == [0] and alike(texts[0], texts[9]) < 0.8
    for place in range(1, 10):
        at, steps = place, 0
        while at not in made.kept:
            partner = made.partners[at]
            assert partner is not None and steps <= 9
            assert made.rows[at]["similarity"] == pytest.approx(alike(texts[at], texts[partner]))
            assert made.rows[at]["similarity"] >= 0.8  # chains are chains of verified likeness
            at, steps = partner, steps + 1


def test_the_same_survivors_in_any_split_into_shards(tmp_path: Path) -> None:
    bases = [ZH_LONG, EN, ZH_LONG[::-1], EN.replace("river", "lake").replace("spring", "autumn")]
    texts = [
        swap(bases[n % 4], list(range(0, 30 * (n % 5), 30))) + "完" * n  # no two of one length
        for n in range(30)
    ]
    found = []
    for files in (1, 4):
        made = make(tmp_path / str(files), docs(*texts), {"near": {"similarity": 0.7}}, files=files)
        found.append((made.reasons, made.partners))
    assert found[0] == found[1]


def test_a_bucket_of_many_is_compared_with_leaders(tmp_path: Path) -> None:
    texts = [swap(ZH_LONG, [i, i + 40]) for i in range(300)]  # one bucket of several hundred
    assert len(texts) > ALL_PAIRS
    assert len(make(tmp_path, docs(*texts), {}).kept) == 1


def test_one_address_is_one_page_however_it_is_written(tmp_path: Path) -> None:
    pages = [
        (
            "https://www.Example.org:443/泉水/?utm_source=x&b=2&a=1#top",
            "http://example.org/%E6%B3%89%E6%B0%B4?a=1&b=2",
        ),
        ("https://例子.中国/新闻", "http://xn--fsqu00a.xn--fiqs8s/新闻/"),
    ]
    for one, other in pages:
        assert normal_url(one) == normal_url(other) != ""
    assert normal_url("https://example.org/?id=1") != normal_url("https://example.org/?id=2")
    assert normal_url("https://example.org/A") != normal_url("https://example.org/a")
    assert normal_url("https://example.org/?_ga=1&spm_id_from=2") == normal_url("https://example.org")
    assert normal_url(None) == "" and normal_url("http://[broken") == "http://[broken"
    urls = [pages[0][0], pages[0][1], None, None, pages[1][0], pages[1][1]]
    texts = [han(50, 1), han(80, 2), han(60, 3), han(60, 4), words(30), words(40)]
    made = make(tmp_path, docs(*texts, url=urls), {"url": True, "near": None, "keep": "longest"})
    assert made.reasons == ["url_duplicate", "", "", "", "url_duplicate", ""]
    assert made.partners == [1, None, None, None, 5, None]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.cn/so?k=%B4%F3", "http://a.cn/so?k=%BA%FA"),  # 大 and 糊 in GBK
        ("http://a.cn/%B4%F3", "http://a.cn/%BA%FA"),
        ("http://a.cn/so?%B4%F3=1", "http://a.cn/so?%BA%FA=1"),
        ("https://example.org/#!/page/1", "https://example.org/#!/page/2"),
        ("https://example.org/?_gallery=1", "https://example.org/?_gallery=2"),
        ("https://example.org/?scmid=1", "https://example.org/?scmid=2"),
    ],
)
def test_addresses_of_different_pages_stay_apart(one: str, other: str) -> None:
    assert normal_url(one) != normal_url(other)
    assert normal_url(one).isascii()


def test_texts_without_words_and_without_steps(tmp_path: Path) -> None:
    made = make(tmp_path, docs("。。。", "……", ZH_LONG), {"exact": False})
    assert made.kept == [0, 1, 2]
    assert make(
        tmp_path, docs("。。。", "……", ZH_LONG), {"exact": False, "near": None}, name="none"
    ).kept == [0, 1, 2]


def test_two_policies_and_unknown_qualities_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name one policy"):
        Duplicates.model_validate({"keep": "longest", "near": {"keep": "first"}})
    with pytest.raises(RecipeError, match=r"quality: no signal 'lenght.words'.*length.words"):
        make(tmp_path, docs(EN, ZH), {"keep": "best", "quality": "-lenght.words"})


def pairs_of(made: Made, names: list[str]) -> set[frozenset[str]]:
    """Pairs in one cluster."""
    clusters: dict[int, list[str]] = {}
    for place, name in enumerate(names):
        top = place
        while (partner := made.partners[top]) is not None:
            top = partner
        clusters.setdefault(top, []).append(name)
    return {frozenset(pair) for members in clusters.values() for pair in combinations(members, 2)}


def planted(
    folder: Path, translate: Callable[[str], str]
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
    names, texts, truth = planted(real_data / "truth" / "dedup", translate)
    assert len(truth) == 10 and len(names) == 1000
    made = make(tmp_path, docs(*texts), {"near": {"similarity": 0.7}}, files=3)
    pairs = pairs_of(made, names)
    assert len(pairs & truth) / len(truth) == 1  # recall
    assert len(pairs & truth) / len(pairs) == 1  # precision
