"""How long a text is."""

from headwater.corpus.text import sentences, words

VERSION = 1
LIBRARIES = ("rjieba",)


def measure(text: str) -> tuple[int, ...]:
    """bytes, characters, words, lines, sentences."""
    lines = sum(1 for line in text.split("\n") if line.strip())
    return len(text.encode()), len(text), len(words(text)), lines, len(sentences(text))
