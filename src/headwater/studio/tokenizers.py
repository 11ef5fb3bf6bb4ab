"""`headwater tokenizers compare --html`: the tables, and each sentence in the colours of its tokens.

One file without scripts, links or requests, as the other pages; tokens are told apart by borders as well as colours.
"""

import base64
import hashlib
from functools import partial
from pathlib import Path

import jinja2

from headwater.engine.workspace import commit_file
from headwater.errors import HeadwaterError
from headwater.inspect.tokenizers import Comparison
from headwater.studio import words
from headwater.studio.report import LANGUAGES, TEMPLATES

SHADES = 5


def write_tokenizers(comparison: Comparison, out: Path, *, language: str = "en") -> Path:
    """Writes the page to `out`, which it returns."""
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
    style = (TEMPLATES / "tokenizers.css").read_text(encoding="utf-8")
    html = environment.get_template("tokenizers.html.j2").render(
        language=language,
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        comparison=comparison,
        languages=sorted({name for one in comparison.tokenizers for name in one.languages}),
        shades=SHADES,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    temporary.write_bytes(html.encode("utf-8"))
    commit_file(temporary, out)
    return out


def _one_of(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english
