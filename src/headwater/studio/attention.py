"""`headwater explain --run RUN --html FILE`: every layer and head as a picture, in one file without scripts or links.

Its security policy allows only its own style sheet (by hash); every text is escaped by the template, and controls
and invisible characters are shown.
"""

import base64
import hashlib
from functools import partial
from pathlib import Path

import jinja2

from headwater.engine.workspace import commit_file
from headwater.errors import HeadwaterError
from headwater.inspect.attention import chosen
from headwater.inspect.example import NOT_AN_EXPLANATION
from headwater.inspect.visible import one_line
from headwater.model.explain import Explained
from headwater.studio import words
from headwater.studio.report import LANGUAGES, TEMPLATES

CELL, SIDE = 22, 110  # pixels


def write_attention(
    answer: Explained, out: Path, *, language: str = "en", layer: int | None = None, head: int | None = None
) -> Path:
    """Writes the picture to `out`, which it returns."""
    html = render_attention(answer, language, layer=layer, head=head)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    temporary.write_bytes(html.encode("utf-8"))
    commit_file(temporary, out)
    return out


def render_attention(
    answer: Explained, language: str = "en", *, layer: int | None = None, head: int | None = None
) -> str:
    if language not in LANGUAGES:
        raise HeadwaterError(f"no language {language!r}; there are {', '.join(LANGUAGES)}")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(t=partial(_one_of, language), safe=words.safe, short=_short)
    style = (TEMPLATES / "attention.css").read_text(encoding="utf-8")
    return environment.get_template("attention.html.j2").render(
        language=language,
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        answer=answer,
        chosen=chosen(answer, layer, head),
        warning=("" if language == "zh" else " ").join(NOT_AN_EXPLANATION[language == "zh"]),
        cell=CELL,
        side=SIDE,
    )


def _short(text: str) -> str:
    """A piece as a label; the template escapes it."""
    return one_line("␣" + text[1:] if text.startswith(" ") else text, 12)


def _one_of(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english
