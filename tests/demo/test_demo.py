"""The demo's material: pages of a real server, docstrings without importing anything, two recipes that load."""

import json
import re
import sys

import pytest

from headwater import demo
from headwater.corpus.document import split_of
from headwater.recipe import load_recipe
from headwater.recipe.settings import Holdout


def test_module_names_are_of_this_python_and_importing_none():
    before = set(sys.modules)
    names = demo.module_names()
    assert set(sys.modules) == before
    assert {"os", "json.decoder", "_io", "math", "xml.etree.ElementTree"} <= set(names)
    tops = {name.partition(".")[0] for name in names}
    assert tops.isdisjoint(("test", "idlelib", "antigravity", "this", "turtledemo", "lib2to3", "__main__"))
    assert not any(part in ("tests", "__main__") for name in names for part in name.split("."))
    assert 200 < len(names) < 500 and names == sorted(names)


@pytest.mark.parametrize(
    ("module", "unit"),
    [("os", "os"), ("_io", "io"), ("_pyio", "io"), ("email.mime.text", "email"), ("_pydecimal", "decimal"),
     ("__future__", "_future__"), ("pyexpat", "pyexpat"), ("pyclbr", "pyclbr")],
)  # fmt: skip
def test_pages_that_share_text_are_one_unit(module, unit):
    assert demo.unit_of_module(module) == unit
    assert re.search(demo.UNIT, f"http://localhost:43567/{module}.html")[1] == unit


def test_docstrings_hold_no_code():
    source = '''
"""模块：说明。"""
import os
class A:
    """A class.

        Indented.
    Not.
    """
    def method(self):
        "一个方法。"
        return "not a docstring"
async def f():
    """Later."""
'''
    assert (
        demo.docstrings(source.encode())
        == "模块：说明。\n\nA class.\n\n    Indented.\nNot.\n\n一个方法。\n\nLater."
    )


def test_prepare_crawls_once_and_writes_recipes_that_load(tmp_path, monkeypatch):
    held = [name for name in demo.module_names() if "." not in name and _heldout(name)]
    few = ["abc", "json", "json.decoder", "_io", "io", *held[:10]]
    monkeypatch.setattr(demo, "module_names", lambda: few)
    paths = demo.prepare(tmp_path)
    summary = json.loads(next((tmp_path / "crawl").glob("*.json")).read_text())
    assert summary["pages"] == len(few) and summary["status"] == {"200": len(few)}
    rows = [json.loads(line) for line in (tmp_path / "reference/docstrings.jsonl").read_text().splitlines()]
    assert rows and all(_heldout(row["id"]) and row["text"] for row in rows)
    recipes = [load_recipe(path) for path in paths]
    assert [recipe.name for recipe in recipes] == ["raw", "curated"]
    assert (
        recipes[0].sources == recipes[1].sources and recipes[0].holdout == recipes[1].holdout == demo.HOLDOUT
    )
    assert recipes[0].curate.duplicates is None and recipes[1].curate.lines is not None
    before = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    monkeypatch.setattr(demo, "documentation_server", lambda: pytest.fail("a second crawl"))
    assert demo.prepare(tmp_path) == paths
    assert {path: path.stat().st_mtime_ns for path in before} == before


def _heldout(module: str) -> bool:
    holdout: Holdout = demo.HOLDOUT
    return split_of(demo.unit_of_module(module), share=holdout.share, salt=holdout.salt) == "heldout"
