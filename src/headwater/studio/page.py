"""`headwater preview --html`: one page's blocks, coloured by their scores, beside the text that is made of them.

One file without scripts, links or requests: its security policy allows only its own style sheet (by hash), every
text is escaped by the template, and controls and invisible characters are shown.
"""

import base64
import hashlib
from functools import partial
from pathlib import Path

import jinja2

from headwater.engine.workspace import commit_file
from headwater.errors import HeadwaterError
from headwater.inspect.page import NEAR, PagePreview
from headwater.studio import words
from headwater.studio.report import LANGUAGES, TEMPLATES

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
    html = render_page(answer, language)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    temporary.write_bytes(html.encode("utf-8"))
    commit_file(temporary, out)
    return out


def render_page(answer: PagePreview, language: str = "en") -> str:
    if language not in LANGUAGES:
        raise HeadwaterError(f"no language {language!r}; there are {', '.join(LANGUAGES)}")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(t=partial(_one_of, language), safe=words.safe)
    style = (TEMPLATES / "preview.css").read_text(encoding="utf-8")
    kept, every = answer.characters
    return environment.get_template("preview.html.j2").render(
        language=language,
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        page=answer,
        names=NAMES,
        states=STATES,
        kept=kept,
        every=every,
        near=NEAR,
    )


def _one_of(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english
