"""`headwater tokenizers compare --html`: the tables, and each sentence in the colours of its tokens.

One file without scripts, links or requests, as the other pages; tokens are told apart by borders as well as colours.
"""

from pathlib import Path

from headwater.inspect.tokenizers import Comparison
from headwater.studio.html import filled, write

SHADES = 5


def write_tokenizers(comparison: Comparison, out: Path, *, language: str = "en") -> Path:
    """Writes the page to `out`, which it returns."""
    languages = sorted({name for one in comparison.tokenizers for name in one.languages})
    shown = {"comparison": comparison, "languages": languages, "shades": SHADES}
    return write(filled("tokenizers", language, shown), out)
