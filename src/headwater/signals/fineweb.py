"""FineWeb's own measurements (Penedo et al. 2024, section 3.6), as datatrove computes them; blank lines left out.

The line-end share is also given in a variant that reads Chinese (and quoted English) right: a line that ends in
。” or ！』 ends a sentence, and so does one that ends in an ellipsis.
"""

from headwater.corpus.text import words_and_symbols
from headwater.signals.punctuation import ENDS_SENTENCE, ENDS_SENTENCE_QUOTED

VERSION = 1
LIBRARIES = ("rjieba",)

SHORT_LINE = 30  # characters


def measure(text: str) -> tuple[float, ...]:
    """line_punctuation, line_punctuation_quoted, short_lines, duplicate_line_characters, newlines_per_word."""
    return measured(text, words_and_symbols(text))


def measured(text: str, words: list[str]) -> tuple[float, ...]:
    """The same on words that some other tokeniser found."""
    newlines = text.count("\n")
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return 0.0, 0.0, 0.0, 0.0, float(newlines)
    seen: set[str] = set()
    duplicate = 0
    for line in lines:
        if line in seen:
            duplicate += len(line)
        seen.add(line)
    return (
        sum(ENDS_SENTENCE.search(line, len(line) - 1) is not None for line in lines) / len(lines),
        sum(ENDS_SENTENCE_QUOTED.search(line, max(0, len(line) - 16)) is not None for line in lines)
        / len(lines),
        sum(len(line) <= SHORT_LINE for line in lines) / len(lines),
        duplicate / (len(text) - newlines),
        newlines / max(1, len(words)),
    )
