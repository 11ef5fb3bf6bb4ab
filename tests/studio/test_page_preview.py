"""The preview of a page in HTML: both columns, two languages, and nothing in it that runs, links or asks."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from headwater.errors import HeadwaterError
from headwater.inspect.page import PagePreview, PreviewedBlock
from headwater.studio.page import render_page

HOSTILE = (
    "</style><script>alert(1)</script><img src=x onerror=y> \"'> \x1b[2J \u202eevil https://evil.example/ 坏"
)
ANSWER = PagePreview(
    HOSTILE,
    "https://example.org/甲",
    {"title": HOSTILE, "author": HOSTILE, "url": "https://evil.example/", "consent": HOSTILE},
    0.4,
    (
        PreviewedBlock("首页", 0.01, False, "dropped"),
        PreviewedBlock(HOSTILE, 0.35, False, "dropped_near"),
        PreviewedBlock("河水在夜里涨了起来。", 0.45, True, "kept_near"),
        PreviewedBlock(HOSTILE, 0.99, True, "kept"),
    ),
    f"河水在夜里涨了起来。\n\n{HOSTILE}",
    "",
)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_hostile_text_is_inert(language: str) -> None:
    page = render_page(ANSWER, language)
    tags = _Tags()
    tags.feed(page)
    names = [tag for tag, _ in tags.found]
    assert not {"script", "img", "a", "iframe", "link", "base", "form", "object"} & set(names)
    assert names.count("style") == 1
    loose = [name for _, attributes in tags.found for name in attributes]
    assert not [name for name in loose if name.startswith("on") or name in ("src", "href", "style")]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page) and "⟨U+202E⟩" in page
    [style] = re.findall(r"<style>(.*?)</style>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page
    assert "url(" not in style and "@import" not in style


def test_both_columns_in_the_language_asked_for() -> None:
    english, chinese = render_page(ANSWER, "en"), render_page(ANSWER, "zh")
    assert "dropped, near the threshold" in english and "丢弃，接近阈值" not in english
    assert "丢弃，接近阈值" in chinese and "near the threshold" not in chinese
    for page in (english, chinese):
        assert page.count("河水在夜里涨了起来。") == 2
        assert re.findall(r'class="block (\w+)"', page) == ["dropped", "dropped_near", "kept_near", "kept"]
        assert re.findall(r'class="score"[^>]*>([\d.]+)<', page) == ["0.01", "0.35", "0.45", "0.99"]
    assert "of 4 blocks" in english
    with pytest.raises(HeadwaterError, match="no language"):
        render_page(ANSWER, "fr")
