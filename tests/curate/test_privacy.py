"""Personal data out of texts: by token, by mask, by surrogate."""

from pathlib import Path

import pytest

from headwater.curate.privacy import instead, read_key, without_personal_data
from headwater.errors import HeadwaterError, RecipeError
from headwater.recipe.load import parse_recipe
from headwater.signals import privacy

TEXT = "联系zhang@example.com或13812345678，身份证11010519491231002X。IP 93.184.216.34；Call (617) 495-1000."
KINDS = {"email", "mobile", "id_card", "ip", "phone"}


def spans(text: str) -> list[tuple[int, int, str]]:
    return [(start, end, kind) for kind, start, end, _ in privacy.spans(text) if kind in KINDS]


def test_the_three_ways() -> None:
    assert without_personal_data(TEXT, spans(TEXT), "replace") == (
        "联系<EMAIL>或<MOBILE>，身份证<ID_CARD>。IP <IP>；Call <PHONE>."
    )
    masked = without_personal_data(TEXT, spans(TEXT), "mask")
    assert (
        masked
        == "联系•••••@•••••••.•••或•••••••••••，身份证••••••••••••••••••。IP ••.•••.•••.••；Call (•••) •••-••••."
    )
    assert len(masked) == len(TEXT)


def test_surrogates_are_consistent_keyed_and_nobodys() -> None:
    once = without_personal_data(TEXT, spans(TEXT), "surrogate", b"a" * 16)
    assert once == without_personal_data(TEXT, spans(TEXT), "surrogate", b"a" * 16)
    other = without_personal_data(TEXT, spans(TEXT), "surrogate", b"b" * 16)
    assert once != other
    for value in ("zhang@example.com", "13812345678", "11010519491231002X", "93.184.216.34", "495-1000"):
        assert value not in once
    assert instead("ZHANG@EXAMPLE.com", "email", "surrogate") == instead(
        "zhang@example.com", "email", "surrogate"
    )
    # of the same form, and of no type that leads to a person
    assert {kind for kind, *_ in privacy.spans(once)} <= {"email", "ip_private", "phone"}
    assert instead("138-1234-5678", "mobile", "surrogate")[3::5] == "--"
    assert (
        instead("王小明", "name", "surrogate") != "王小明"
        and len(instead("王小明", "name", "surrogate")) == 3
    )
    assert instead("北京市中关村大街27号", "address", "surrogate").startswith("示例市")
    assert instead("2606:2800:220:1::1", "ip", "surrogate").startswith("2001:db8::")


def test_a_key_has_a_file_and_sixteen_bytes(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(HeadwaterError, match="16 at least"):
        read_key(str(tmp_path / "key"))
    with pytest.raises(HeadwaterError, match="cannot read"):
        read_key(str(tmp_path / "none"))
    (tmp_path / "key").write_bytes(b"0123456789abcdef\n")
    assert read_key(str(tmp_path / "key")) != read_key(None)


def test_the_recipe_says_it_in_a_word_or_in_full() -> None:
    base = "sources: [{name: a, kind: files, paths: [a.txt]}]\ncurate: {privacy: %s}"
    for written, how in (("mask", "mask"), ("{how: surrogate, types: [name, email]}", "surrogate")):
        settings = parse_recipe((base % written).encode(), "recipe").curate.privacy
        assert settings is not None and settings.how == how
    assert settings.kinds == ("name", "email")
    whole = parse_recipe((base % "replace").encode(), "recipe").curate.privacy
    assert (
        whole is not None
        and "id_card" in whole.kinds
        and not {"name", "address", "ip_private"} & set(whole.kinds)
    )
    with pytest.raises(RecipeError, match="privacy"):
        parse_recipe((base % "hide").encode(), "recipe")
