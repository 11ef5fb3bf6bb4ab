"""Templates to single HTML files without scripts, links or requests.

A page's security policy allows nothing but its own style sheet (by hash), so whatever a document contains, nothing runs
and no request leaves. Every text is escaped by the template; `safe` shows controls and invisible characters. The same
values give the same bytes.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jinja2

from headwater.engine.workspace import commit_file
from headwater.errors import HeadwaterError
from headwater.studio import words

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGES = ("en", "zh")


def filled(
    template: str,
    language: str,
    values: Mapping[str, Any],
    functions: Mapping[str, Any] = MappingProxyType({}),
    *,
    style: str | None = None,
) -> str:
    """The page of `template`.html.j2 with the style of `style`.css, by default `template`.css.

    Templates have `safe(text)` and `t(english, chinese)`, which is the page's language's; `functions` adds to these, or
    replaces them.
    """
    known_language(language)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update({"t": partial(_one_of, language), "safe": words.safe, **functions})
    sheet = (TEMPLATES / f"{style or template}.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return environment.get_template(f"{template}.html.j2").render(
        language=language, style=sheet, style_hash=digest, **values
    )


def known_language(language: str) -> None:
    """HeadwaterError for one that pages are not written in."""
    if language not in LANGUAGES:
        raise HeadwaterError(f"no language {language!r}; there are {', '.join(LANGUAGES)}")


def write(html: str, out: Path) -> Path:
    """Writes the page to `out`, whole or not at all; returns it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    # a lone surrogate cannot be written; words.safe shows it, and nothing else may hold one
    temporary.write_bytes(html.encode("utf-8"))
    commit_file(temporary, out)
    return out


def _one_of(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english
