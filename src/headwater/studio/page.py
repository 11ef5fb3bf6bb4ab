"""`headwater preview --html`: one page's blocks, coloured by their scores, beside the text that is made of them.

One file without scripts, links or requests: its security policy allows only its own style sheet (by hash), every
text is escaped by the template, and controls and invisible characters are shown.
"""

from pathlib import Path

from headwater.inspect.page import NEAR, PagePreview
from headwater.studio.html import filled, write

NAMES = {
    "title": ("title", "标题"),
    "date": ("date", "日期"),
    "author": ("author", "作者"),
    "language": ("language", "语言"),
    "url": ("canonical URL", "规范网址"),
    "license": ("licence", "许可"),
    "consent": ("consent", "使用意愿声明"),
}
STATES = {
    "kept": ("kept", "保留"),
    "kept_near": ("kept, near the threshold", "保留，接近阈值"),
    "dropped_near": ("dropped, near the threshold", "丢弃，接近阈值"),
    "dropped": ("dropped", "丢弃"),
}


def write_page(answer: PagePreview, out: Path, *, language: str = "en") -> Path:
    """Writes the preview of a page to `out`, which it returns."""
    return write(render_page(answer, language), out)


def render_page(answer: PagePreview, language: str = "en") -> str:
    kept, every = answer.characters
    shown = {"page": answer, "names": NAMES, "states": STATES, "kept": kept, "every": every, "near": NEAR}
    return filled("preview", language, shown)
