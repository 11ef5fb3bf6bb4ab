"""A preview says what a recipe would do, and leaves nothing behind."""

import tempfile
from pathlib import Path

import pytest

from headwater.inspect.preview import lines_of, preview
from headwater.inspect.visible import width


def test_a_preview_judges_a_sample_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    for n in range(12):
        (texts / f"en-{n}.txt").write_text(
            f"Story {n}. " + "The river rose in the night. " * (1 + n), encoding="utf-8"
        )
        (texts / f"zh-{n}.txt").write_text(
            f"第{n}个故事。" + "河水在夜里涨了起来。" * (1 + n), encoding="utf-8"
        )
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "sources:\n  - {name: texts, kind: files, paths: ['texts/*.txt']}\n"
        "curate:\n  rules: {'*': {length: {characters: {min: 60}}}}\n",
        encoding="utf-8",
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with monkeypatch.context() as patch:
        patch.setattr("hashlib.file_digest", lambda *_: pytest.fail("a large corpus was read as a whole"))
        answer = preview(recipe, limit=10)
    assert len(answer.documents) == 10 and [d.id for d in answer.documents] == sorted(
        d.id for d in answer.documents
    )
    dropped = [one for one in answer.documents if one.reason == "length_characters"]
    assert dropped and all(one.failed[0].signal == "length.characters" for one in dropped)
    assert all(width(line) <= 80 for line in lines_of(answer))
    assert not list(scratch.iterdir()) and not (tmp_path / "workspace").exists()
