"""Which tokens make up a word, for masking whole words (Devlin's update of 2019; Cui 2019 for Chinese).

Words are those of `corpus.text`: between spaces and punctuation, and for Chinese those of a segmenter, since a text
without spaces would be one word. A token that reaches over the border of two words joins them.
"""

import numpy as np

from headwater.corpus.text import spans_of, words_and_symbols


def word_numbers(tokens: np.ndarray, token_bytes: list[bytes]) -> np.ndarray:
    """tokens (T,) -> (T,): equal and side by side where tokens are of one word, rising; special tokens are alone."""
    pieces = [token_bytes[token] for token in tokens.tolist()]
    ends = np.cumsum([len(piece) for piece in pieces])
    starts = ends - [len(piece) for piece in pieces]
    word_of_byte = _words_of_bytes(b"".join(pieces))
    numbers = np.empty(len(tokens), np.int64)
    number, before = -1, -1
    for place, piece in enumerate(pieces):
        body = piece.lstrip(b" \t\r\n")
        first = word_of_byte[ends[place] - len(body)] if body else -1
        if first < 0 or first != before:  # a special token, white space, or a new word
            number += 1
        before = word_of_byte[starts[place] + len(piece.rstrip(b" \t\r\n")) - 1] if body else -1
        numbers[place] = number
    return numbers


def words_version(definition: str) -> tuple[int, ...]:
    """For the key of what depends on which tokens make up a word, by the tokeniser's JSON: it changed once where tokens
    are characters, whose bytes were mistaken for text (`<0xE6>`)."""
    return () if "ByteLevel" in definition else (2,)


def _words_of_bytes(data: bytes) -> np.ndarray:
    """(bytes,): the number of the word that each byte is in, −1 between words."""
    text = data.decode("utf-8", "surrogateescape")  # a character may be cut at either end of a sequence
    sizes = [1 if "\udc80" <= c <= "\udcff" else len(c.encode("utf-8")) for c in text]
    places = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    found = np.full(len(data), -1, np.int64)
    clean = text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text  # one for one
    for number, (start, end) in enumerate(spans_of(words_and_symbols(clean), clean)):
        found[places[start] : places[end]] = number
    return found
