"""Which passages of a text make a signal what it is: what `why` marks."""

import re
from collections import Counter
from collections.abc import Iterator

from headwater.corpus.text import HAN, spans_of, words_and_symbols
from headwater.signals.fineweb import SHORT_LINE
from headwater.signals.gopher import STOP_WORDS, STOP_WORDS_ZH
from headwater.signals.punctuation import ENDS_SENTENCE, ENDS_SENTENCE_QUOTED

Span = tuple[int, int]  # half-open, code points

_PATTERNS = {
    "gopher.hash_word_ratio": "#",
    "gopher.ellipsis_word_ratio": r"\.\.\.|…",
    "gopher.bullet_lines": r"(?m)^[^\S\n]*[•-]",
    "gopher.ellipsis_lines": r"(?m)(?:\.\.\.|…)(?=[^\S\n]*$)",
    "han.share": f"[{HAN}]+",
    "chinesewebtext.han_characters": "[\u4e00-\u9fa5]+",
    "dolma.symbol_words": r"(?<!\S)\S*[#…]\S*",
    "dolma.bullet_lines": r"(?m)^[*-]",
    "dolma.ellipsis_lines": r"(?m)…$",
    "dclm.symbol_words": r"#|\.\.\.|\. \. \.|…",
    "dclm.bullet_lines": r"(?m)^[^\S\n]*[●•*-]",
    "dclm.ellipsis_lines": r"(?m)(?:\.\.\.|\. \. \.|…)(?=[^\S\n]*$)",
}
_DUPLICATE_GRAMS = re.compile(r"(?:repetition|dolma|dclm)\.(?:duplicate|repeated)_(\d+)_grams")
_TOP_GRAM = re.compile(r"(?:repetition|dolma|dclm)\.(?:repeated_)?top_(\d)_gram")
_PARAGRAPH = re.compile(r"(?s)(?!\n).+?(?=\n\n|\Z)")
_DUPLICATE_PIECES = re.compile(r"(repetition|fineweb|dolma|dclm)\.(duplicate|repeated)_(line|paragraph)")


def spans(signal: str, text: str) -> list[Span]:
    """Half-open spans in code points, ascending, not overlapping; none for a signal of the whole text."""
    return sorted(set(_spans(signal, text)))


def _spans(signal: str, text: str) -> Iterator[Span] | list[Span]:
    if match := _DUPLICATE_PIECES.match(signal):
        first_too = match[2] == "repeated" or match[1] in ("dolma", "dclm")
        return _copies(_pieces(text, paragraphs=match[3] == "paragraph"), text, first_too=first_too)
    if match := _DUPLICATE_GRAMS.match(signal):
        return _duplicate_grams(text, int(match[1]))
    if match := _TOP_GRAM.match(signal):
        return _top_gram(text, int(match[1]))
    if signal == "code.longest_line":
        return [max(_pieces(text), key=lambda span: span[1] - span[0])] if text.strip() else []
    if signal in ("gopher.alphabetic_words", "dolma.alphabetic_words", "dclm.alphabetic_words"):
        words = words_and_symbols(text)
        places = spans_of(words, text)
        return [span for word, span in zip(words, places, strict=True) if not any(map(str.isalpha, word))]
    if signal.endswith((".stop_words", ".stop_words_zh")):
        wanted = STOP_WORDS_ZH if signal.endswith("_zh") else STOP_WORDS
        words = words_and_symbols(text)
        counted = [word.lower() for word in words] if signal.startswith("dclm.") else words  # in any case
        return [span for word, span in zip(counted, spans_of(words, text), strict=True) if word in wanted]
    if signal.startswith("fineweb.line_punctuation"):
        ends = ENDS_SENTENCE_QUOTED if signal.endswith("quoted") else ENDS_SENTENCE
        return [(start, end) for start, end in _pieces(text) if not ends.search(text[start:end])]
    if signal == "fineweb.short_lines":
        return [(start, end) for start, end in _pieces(text) if end - start <= SHORT_LINE]
    if pattern := _PATTERNS.get(signal):
        return [match.span() for match in re.finditer(pattern, text)]
    return []


def _pieces(text: str, *, paragraphs: bool = False) -> list[Span]:
    """Lines that are not blank, or paragraphs as `repetition` cuts them: no white space around the whole text."""
    if not paragraphs:
        return [match.span() for match in re.finditer(r"(?m)^[^\n]*\S[^\n]*", text)]
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return [match.span() for match in _PARAGRAPH.finditer(text, start, end)]


def _copies(pieces: list[Span], text: str, *, first_too: bool) -> list[Span]:
    counts = Counter(text[start:end] for start, end in pieces)
    seen: set[str] = set()
    found = []
    for start, end in pieces:
        piece = text[start:end]
        if piece in seen or (first_too and counts[piece] > 1):
            found.append((start, end))
        seen.add(piece)
    return found


def _duplicate_grams(text: str, n: int) -> list[Span]:
    words = words_and_symbols(text)
    places = spans_of(words, text)
    seen: set[str] = set()
    found, at = [], 0
    while at <= len(words) - n:
        gram = "".join(words[at : at + n])
        if gram in seen:
            found.append((places[at][0], places[at + n - 1][1]))
            at += n
        else:
            seen.add(gram)
            at += 1
    return found


def _top_gram(text: str, n: int) -> list[Span]:
    words = words_and_symbols(text)
    places = spans_of(words, text)
    grams = [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]
    if not grams:
        return []
    best, count = Counter(grams).most_common(1)[0]
    found: list[Span] = []
    for at, gram in enumerate(grams):
        start, end = places[at][0], places[at + n - 1][1]
        if count > 1 and gram == best and (not found or start >= found[-1][1]):
            found.append((start, end))
    return found
