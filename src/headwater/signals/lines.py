"""The keys of a text's lines, as CCNet hashes paragraphs."""

from headwater.corpus.text import line_key

VERSION = 1
LIBRARIES = ()


def measure(text: str) -> tuple[list[int]]:
    """keys, one a line of `text.split("\\n")`."""
    return ([line_key(line) for line in text.split("\n")],)
