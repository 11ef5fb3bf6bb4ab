"""The small workspace, made anew for each test that asks for it; and a recipe that was really curated, made once."""

import json
import sys
from pathlib import Path

import pytest

from headwater import api
from headwater.engine.workspace import Workspace

sys.path.insert(0, str(Path(__file__).parent))
import small_workspace
from two_languages import WORDS, text_of


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return small_workspace.build(tmp_path / "workspace")


@pytest.fixture(scope="session")
def curated(tmp_path_factory):
    """A recipe with an edit, rules in two languages and duplicates, curated."""
    folder = tmp_path_factory.mktemp("whatif")
    rows = [
        {"text": text_of(language, n), "author": f"{language}{n}"} for language in WORDS for n in range(40)
    ]
    rows += [
        {"text": rows[n]["text"].replace("night", "evening"), "author": f"c{n}"} for n in range(0, 40, 5)
    ]
    (folder / "a.jsonl").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8"
    )
    recipe = folder / "r.yaml"
    recipe.write_text(
        "sources: [{name: a, kind: files, paths: [a.jsonl]}]\nholdout: {share: 0.1}\n"
        "curate:\n  rules: {en: {gopher.words: {min: 60}}, zh: {gopher.words: {min: 40}}}\n"
        "  lines: {refinedweb: true}\n  duplicates: {near: {similarity: 0.7}}\n  decontaminate: null\n"
        "signals: {families: [language, length, gopher, han, hashes, minhash]}\n"
        "tokenizer: {vocabulary: 300}\ntrain: {tokens: 1k}\n",
        encoding="utf-8",
    )
    api.curate(recipe, workers=1)
    return recipe
