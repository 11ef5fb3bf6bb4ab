"""Text as every room sees it: normalised once on the way in, cut into words and sentences, told apart by script.

Words and sentences are pure functions of the text. Where a script writes no spaces between words, a segmenter
(rjieba) finds them; a sentence ends in 。！？… as well as in . ! ?, together with the closing quotes after it.
"""

import re
import unicodedata
from functools import cache

import numpy as np
import xxhash

VERSION = 1  # of `normalise`: part of the key of every documents' shard

UNDETERMINED = "und"  # ISO 639-2: the language of a text too short or odd to have one
HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # for a character class

# ---------------------------------------------------------------- normalisation

_LINE_ENDS = ("\r\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x0c")
_SPACES = "\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\ufeff\ufff9-\ufffb\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]+"
)


def normalise(text: str) -> tuple[str, dict[str, int]]:
    """The text in NFC with ordinary spaces and line ends, without control characters; and what was changed.

    The counts: `line_ends` (CR LF, CR, NEL, vertical tab, form feed, U+2028 and U+2029 became LF), `spaces`
    (no-break, en, em, thin, ideographic … became a space), `control` (control characters, byte order marks, soft
    hyphens, lone surrogates and non-characters went) and `composed` (texts that were not in NFC). Spaces and line
    ends are kept in number and place.
    """
    changed: dict[str, int] = {}
    for end in _LINE_ENDS:
        if end in text:
            changed["line_ends"] = changed.get("line_ends", 0) + text.count(end)
            text = text.replace(end, "\n")
    if text.isascii() and not _CONTROL.search(text):
        return text, changed
    for space in _SPACES:
        if space in text:
            changed["spaces"] = changed.get("spaces", 0) + text.count(space)
            text = text.replace(space, " ")
    if _CONTROL.search(text):
        before = len(text)
        text = _CONTROL.sub("", text)
        changed["control"] = before - len(text)
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
        changed["composed"] = 1
    return text, changed


def codepoints(text: str) -> np.ndarray:
    """(characters,) uint32, read-only."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


# ---------------------------------------------------------------- words


def _piece(letter: str) -> str:
    """A word with what joins its parts (3.14, 12:30, io.open, O'Brien, don't, U.S.), an ellipsis, dashes, a symbol."""
    joined = r"[.'’,:](?:(?<![,:])|(?<=\d.)(?=\d))"
    return rf"{letter}+(?:{joined}{letter}+)*(?:(?<=[A-Za-z]\.[A-Za-z])\.)?|\.\.\.|-{{2,}}|[^\w\s]"


_PIECE = re.compile(_piece(r"\w"))
_HAN_RUN = re.compile(f"([{HAN}]+)")
_CLITIC = re.compile(r"(?i)(?<=[^\W\d_])(n['’]t|['’](?:s|re|ve|ll|d|m))$")
_FIRST_HAN = re.compile(f"[{HAN}]")
_VISIBLE = re.compile(r"\w")


_last_words: tuple[str, list[str]] = ("", [])


def words_and_symbols(text: str) -> list[str]:
    """The words of a text and, each on its own, the symbols between them; together all that is not white space.

    In the manner of the tokenisers that the public recipes count with: a clitic is a word of its own ("do n't",
    "it 's"), a hyphen parts two words, Han is cut by rjieba (jieba's dictionary and hidden Markov model).

    The last text's words are kept, since one signal after another asks for them: do not change the list.
    """
    global _last_words
    last = _last_words
    if last[0] is not text:
        last = _last_words = (text, _split(text))
    return last[1]


def _split(text: str) -> list[str]:
    clitics = "'" in text or "’" in text
    if not _FIRST_HAN.search(text):
        return _pieces(text, clitics)
    found: list[str] = []
    for number, stretch in enumerate(_HAN_RUN.split(text)):
        if number % 2:  # a run of Han
            found += han_words(stretch)
        elif len(stretch) > 1:
            found += _pieces(stretch, clitics)
        elif stretch and not stretch.isspace():
            found.append(stretch)
    return found


def han_words(text: str, *, hmm: bool = True) -> list[str]:
    """Han cut by rjieba, which loads 30 MB of dictionary: where there is no Han it is not imported.

    `hmm`: words that are not in the dictionary are found by its hidden Markov model.
    """
    import rjieba

    found: list[str] = rjieba.cut(text, hmm)
    return found


def _pieces(text: str, clitics: bool) -> list[str]:
    """Words and symbols of text without Han."""
    pieces: list[str] = _PIECE.findall(text)
    if not clitics:
        return pieces
    found: list[str] = []
    done = 0
    for place in [place for place, piece in enumerate(pieces) if "'" in piece or "’" in piece]:
        if clitic := _CLITIC.search(pieces[place]):
            found += pieces[done:place]
            found += (pieces[place][: clitic.start()], clitic[0])
            done = place + 1
    return found + pieces[done:]


def words(text: str) -> list[str]:
    """The words of a text, without the symbols between them."""
    return [piece for piece in words_and_symbols(text) if _VISIBLE.search(piece)]


def spaced_words(text: str) -> list[str]:
    """What stands between spaces, punctuation with it; a piece that holds Han is cut by the segmenter, and there
    punctuation stays with the word before it."""
    pieces = text.split()
    if _FIRST_HAN.search(text) is None:
        return pieces
    found: list[str] = []
    for piece in pieces:
        if _FIRST_HAN.search(piece) is None:
            found.append(piece)
            continue
        first = len(found)
        for part in words_and_symbols(piece):
            if len(found) > first and not _VISIBLE.search(part):
                found[-1] += part
            else:
                found.append(part)
    return found


def spans_of(pieces: list[str], text: str) -> list[tuple[int, int]]:
    """Where pieces stand that follow each other in the text: half-open, in code points."""
    spans, at = [], 0
    for piece in pieces:
        start = text.index(piece, at)
        at = start + len(piece)
        spans.append((start, at))
    return spans


# ---------------------------------------------------------------- sentences

_CLOSING = "」』”’\"'）)】]》〉›»"
# 。！？ always end a sentence; . ! ? … only where a space, a line end or Han follows, and no lower-case letter.
# All begin with one set of characters, which is what makes looking for them fast.
_SENTENCE_END = re.compile(
    rf"[。！？｡.!?…．\n](?:(?<=[。！？｡])[。！？｡]*[{re.escape(_CLOSING)}]*"
    rf"|(?<=[.!?…．])(?<![.!?…．]{{2}})[.!?…．]*+[{re.escape(_CLOSING)}]*+(?=\s+[^\sa-zà-ÿ]|\s*$|[{HAN}])"
    r"|(?<=\n)\n*)"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|Inc|Ltd|Co|Fig|No|Vol|pp|cf|al|ed|eds|approx)|\b[A-Za-z]\.[A-Za-z])$"
)
_LONGEST_ABBREVIATION = 8  # characters before the dot that are looked at


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of a text, half-open, without the white space around them; a line end ends one."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if match[0] == "." and _ABBREVIATION.search(
            text[max(start, match.start() - _LONGEST_ABBREVIATION) : match.start()]
        ):
            continue
        _add_stripped(spans, text, start, match.end())
        start = match.end()
    _add_stripped(spans, text, start, len(text))
    return spans


def _add_stripped(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        start += len(piece) - len(piece.lstrip())
        spans.append((start, start + len(stripped)))


# ---------------------------------------------------------------- scripts

# ISO 15924 codes and the blocks that hold (nearly only) letters of theirs.
_BLOCKS = {
    "Latn": "A-Z a-z ª º À-Ö Ø-ö ø-ʯ Ḁ-ỿ Ａ-Ｚ ａ-ｚ",
    "Grek": "Ͱ-ͽ Ά-Ͽ ἀ-῾",
    "Cyrl": "Ѐ-ҁ Ҋ-ԯ",
    "Armn": "Ա-Ֆ ՠ-ֈ",
    "Hebr": "א-ײ",
    "Arab": "ؠ-ي ٮ-ۓ ۺ-ۿ ݐ-ݿ ﭐ-ﻼ",
    "Deva": "ऄ-ह क़-ॡ ॲ-ॿ",
    "Beng": "অ-হ ড়-ৡ",
    "Guru": "ਅ-ਹ",
    "Gujr": "અ-હ",
    "Taml": "அ-ஹ",
    "Telu": "అ-హ",
    "Knda": "ಅ-ಹ",
    "Mlym": "അ-ഹ",
    "Sinh": "අ-ෆ",
    "Thai": "ก-ะ เ-ๅ",
    "Laoo": "ກ-ະ ເ-ໄ",
    "Tibt": "ཀ-ཬ",
    "Mymr": "က-ဪ",
    "Geor": "Ⴀ-ჿ",
    "Ethi": "ሀ-ፚ",
    "Khmr": "ក-ឳ",
    "Hang": "ᄀ-ᇿ ㄱ-ㆎ 가-힣",
    "Kana": "ぁ-ゖ ァ-ヺ ㇰ-ㇿ ｦ-ﾝ",
    "Hani": "々 〇 㐀-䶿 一-鿿 豈-龎 \U00020000-\U000323af",
}
SCRIPTS = ("Zyyy", *_BLOCKS)
KANA_SHARE = 0.05  # of Han and kana together: above it, Han is Japanese


@cache
def script_table() -> np.ndarray:
    """(0x110000,) uint8: a character's place in SCRIPTS, 0 for whatever is no letter."""
    table = np.zeros(0x110000, np.uint8)
    for number, blocks in enumerate(_BLOCKS.values(), 1):
        for block in blocks.split():
            table[ord(block[0]) : ord(block[-1]) + 1] = number
    return table


def letters_by_script(text: str) -> dict[str, int]:
    """How many letters of each script a text has, scripts without any left out."""
    counts = np.bincount(script_table()[codepoints(text)], minlength=len(SCRIPTS))
    return {SCRIPTS[place]: int(counts[place]) for place in np.flatnonzero(counts) if place}


def han_share(text: str) -> float:
    """The share of a text's letters that are Han characters; 0 where it has no letter."""
    letters = letters_by_script(text)
    return letters.get("Hani", 0) / max(1, sum(letters.values()))


@cache
def han_variants() -> tuple[frozenset[str], frozenset[str]]:
    """Characters that only Simplified Chinese writes, and those that only Traditional Chinese writes.

    By the two national standards: GB 2312 has the first and not the second, Big5 the other way round.
    """
    standards = []
    for encoding in ("gb2312", "big5"):
        characters = set()
        for lead in range(0xA1, 0xFA):
            for trail in (*range(0x40, 0x7F), *range(0xA1, 0xFF)):
                character = bytes((lead, trail)).decode(encoding, "ignore")
                if len(character) == 1 and "\u4e00" <= character <= "\u9fff":
                    characters.add(character)
        standards.append(characters)
    simplified, traditional = standards
    return frozenset(simplified - traditional), frozenset(traditional - simplified)


def simplified_and_traditional(text: str) -> tuple[int, int]:
    """How many characters of a text only Simplified and only Traditional Chinese writes."""
    counts = np.bincount(_variant_table()[codepoints(text)], minlength=3)
    return int(counts[1]), int(counts[2])


@cache
def _variant_table() -> np.ndarray:
    """(0x110000,) uint8: 1 for what only Simplified Chinese writes, 2 for Traditional."""
    table = np.zeros(0x110000, np.uint8)
    for mark, characters in enumerate(han_variants(), 1):
        table[[ord(character) for character in characters]] = mark
    return table


def script(text: str) -> str:
    """ISO 15924: the script of most letters; Han is told apart as Hans, Hant, Hani (neither) or Jpan. Zyyy: none."""
    letters = letters_by_script(text)
    if not letters:
        return "Zyyy"
    kana, han = letters.get("Kana", 0), letters.get("Hani", 0)
    if kana > KANA_SHARE * (kana + han):
        letters["Jpan"] = letters.pop("Kana") + letters.pop("Hani", 0)
    most = max(letters, key=lambda name: letters[name])
    if most != "Hani":
        return most
    simplified, traditional = simplified_and_traditional(text)
    return "Hani" if simplified == traditional else "Hans" if simplified > traditional else "Hant"


# ---------------------------------------------------------------- lines

_DIGITS = re.compile(r"\d")
_NO_WORD = re.compile(r"[^\w\s]|_")
_ASCII_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))
_ASCII_SYMBOLS = bytes(byte for byte in range(33, 127) if not chr(byte).isalnum())


def line_key(line: str) -> int:
    """CCNet's key of a line or paragraph (Wenzek et al. 2020, section 3.1): xxh3-64 of it in lower case, digits as
    0, without punctuation and accents; 0 where nothing is left."""
    if line.isascii():
        left = line.lower().encode().translate(_ASCII_DIGITS, _ASCII_SYMBOLS).strip()
    else:
        bare = _NO_WORD.sub("", unicodedata.normalize("NFD", line.lower()))
        left = _DIGITS.sub("0", bare).strip().encode("utf-8", "surrogatepass")
    return xxhash.xxh3_64_intdigest(left) if left else 0
