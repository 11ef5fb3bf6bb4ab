"""`headwater explain --run RUN --html FILE`: every layer and head as a picture, in one file without scripts or links.

Its security policy allows only its own style sheet (by hash); every text is escaped by the template, and controls
and invisible characters are shown.
"""

from pathlib import Path

from headwater.inspect.attention import chosen
from headwater.inspect.example import NOT_AN_EXPLANATION
from headwater.inspect.visible import one_line
from headwater.model.explain import Explained
from headwater.studio.html import filled, write

CELL, SIDE = 22, 110  # pixels


def write_attention(
    answer: Explained, out: Path, *, language: str = "en", layer: int | None = None, head: int | None = None
) -> Path:
    """Writes the picture to `out`, which it returns."""
    return write(render_attention(answer, language, layer=layer, head=head), out)


def render_attention(
    answer: Explained, language: str = "en", *, layer: int | None = None, head: int | None = None
) -> str:
    shown = {
        "answer": answer,
        "chosen": chosen(answer, layer, head),
        "warning": ("" if language == "zh" else " ").join(NOT_AN_EXPLANATION[language == "zh"]),
        "cell": CELL,
        "side": SIDE,
    }
    return filled("attention", language, shown, {"short": _short})


def _short(text: str) -> str:
    """A piece as a label; the template escapes it."""
    return one_line("␣" + text[1:] if text.startswith(" ") else text, 12)
