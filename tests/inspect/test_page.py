"""A page's preview: every block with its score, what is kept, and nothing hostile reaches the terminal."""

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.inspect.page import NEAR, lines_of_page, preview_page
from headwater.inspect.visible import folded, inert_json, width

STORY = "河水在夜里涨了起来，村里的人都站在堤上看着，谁也没有说话。老人说，这样的水他只见过一次。"
PAGE = f"""<!doctype html><html lang="zh"><head><title>夜里的河</title>
<meta property="article:published_time" content="2024-03-05T18:05:00+08:00"><meta name="author" content="王小明">
<link rel="canonical" href="https://example.org/河"><meta name="robots" content="noai">
<link rel="license" href="https://creativecommons.org/licenses/by/4.0/"></head><body>
<nav><ul><li><a href="/">首页</a></li><li><a href="/b">新闻</a></li><li><a href="/c">体育</a></li></ul></nav>
<article><h1>夜里的河</h1>{"".join(f"<p>第{n}段。{STORY * 2}</p>" for n in range(6))}</article>
<footer><a href="/x">联系我们</a> <a href="/y">版权声明</a></footer></body></html>"""
HOSTILE = (
    "<script>alert(1)</script>&lt;script&gt;alert(2)&lt;/script&gt; &lt;/style&gt; \x1b]0;pwned\x07\x1b[2J\x9b31m "
    "\u202eevil\u202c\u200b &lt;img src=https://evil.example/x&gt; 坏话"
)
COLOUR = re.compile(r"\x1b\[\d{1,3}m")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


def hostile(tmp_path: Path) -> Path:
    path = tmp_path / "hostile.html"
    story = "".join(f"<p>{HOSTILE}，{STORY * 2}</p>" for _ in range(4))
    path.write_text(
        f"<html><head><title>{HOSTILE}</title><meta name=author content='甲\x1b[31m\u202e'></head>"
        f"<body><article>{story}</article></body></html>",
        encoding="utf-8",
    )
    return path


def test_blocks_metadata_and_summary(saved: Path) -> None:
    answer = preview_page(str(saved))
    assert answer.metadata == {
        "title": "夜里的河",
        "date": "2024-03-05T18:05:00+08:00",
        "author": "王小明",
        "language": "zh",
        "url": "https://example.org/河",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "consent": '<meta name="robots" content="noai">',
    }
    state = {block.text: block.state for block in answer.blocks}
    assert state["首页"] == "dropped" and state[f"第3段。{STORY * 2}"] == "kept"
    assert all(block.text in answer.text for block in answer.blocks if block.kept)
    assert all((block.score >= answer.threshold) == block.kept for block in answer.blocks)
    for block in answer.blocks:
        assert block.state.endswith("_near") == (abs(block.score - answer.threshold) < NEAR)
    kept, every = answer.characters
    assert kept == sum(len(block.text) for block in answer.blocks if block.kept) < every
    for columns in (40, 80, 120):
        lines = [COLOUR.sub("", line) for line in lines_of_page(answer, columns)]
        assert all(width(line) <= columns for line in lines)
        assert "".join(line[9:] for line in lines if line.startswith(("+", "         "))).count(STORY) >= 12
    said = " ".join(lines)
    assert f"kept {answer.kept} of {len(answer.blocks)} blocks, {kept:,} of {every:,} characters" in said


def test_nothing_hostile_reaches_a_terminal(tmp_path: Path) -> None:
    path = hostile(tmp_path)
    shown = COLOUR.sub("", "\n".join(lines_of_page(preview_page(str(path)), 80)))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b]", shown)
    assert "␛" in shown and "⟨U+202E⟩" in shown and "坏话" in shown
    done = CliRunner().invoke(cli, ["preview", str(path), "--json"])
    assert done.exit_code == 0
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b]", done.output)
    assert any("\u202eevil" in block["text"] for block in json.loads(done.output)["blocks"])


def test_colours_only_where_wanted(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    answer = preview_page(str(saved))
    assert COLOUR.search("\n".join(lines_of_page(answer)))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search("\n".join(lines_of_page(answer)))


def test_the_command_on_a_page_and_on_what_is_none(saved: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    done = run(cli, ["preview", str(saved)])
    assert (
        done.exit_code == 0
        and "\x1b" not in done.output
        and re.search(r"^\+  [01]\.\d\d  第0段", done.output, re.M)
    )
    out = tmp_path / "new" / "page.html"
    done = run(cli, ["preview", str(saved), "--html", str(out), "--language", "zh"])
    assert done.exit_code == 0 and "丢弃" in out.read_text(encoding="utf-8")
    assert run(cli, ["preview", str(saved), "--limit", "3"]).exit_code == 2
    assert run(cli, ["preview", str(tmp_path / "recipe.yaml"), "--html", str(out)]).exit_code == 2
    empty = tmp_path / "empty.html"
    empty.write_bytes(b"")
    done = run(cli, ["preview", str(empty)])
    assert done.exit_code == 1 and "no visible text" in done.output


def test_folding_counts_columns() -> None:
    assert folded("河水在夜里，涨了。", 10) == ["河水在夜", "里，涨了。"]
    assert folded("the river rose", 9) == ["the river", "rose"]
    assert folded("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]
    assert folded("甲\n\n\t乙", 10) == ["甲", "", "    乙"]
    text = "河水 rose 在夜里，" * 500
    for columns in (8, 33, 80):
        lines = folded(text, columns)
        assert max(map(width, lines)) <= columns and "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert not any(line.startswith("，") for line in lines)


def test_json_for_a_terminal_keeps_its_value() -> None:
    value = {"text": "甲\x1b\x9b\u202e\u200b\U000e0041\ud800\u2028 \n\t乙"}
    shown = inert_json(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(shown) == value and "甲" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b\u2028\ud800\U000e0041]", shown)
    assert click.unstyle(shown) == shown
