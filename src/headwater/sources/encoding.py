"""Bytes to text: a byte order mark, then UTF-8, then what is declared, then detection; decoded right or not at all.

The detector is uchardet (in resiliparse): right on 88 of the 91 files of a public set, the other three being
UTF-16 without a mark (found here by its NULs) and a DOS code page that was none. Chinese needs some twenty
characters to be told apart from Latin, so a guess of a legacy Latin code page is believed only where the text
that it gives looks like one. Every legacy name is read as its superset, as browsers do: GB2312 as GB18030.
"""

import codecs
import re
from collections import Counter

import numpy as np
from resiliparse.parse.encoding import detect_encoding

from headwater.sources.east_asian import best_of

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_SUPERSETS = {
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "big5-tw": "big5hkscs",
    "cp950": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
}
_EAST_ASIAN = {"gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "iso2022_jp", "iso2022_kr", "hz"}
_CYRILLIC_OR_GREEK = {"koi8-r", "koi8-u", "cp1251", "iso8859-5", "cp1253", "iso8859-7"}
_LATIN = {
    "cp1252",
    "cp1250",
    "cp1254",
    "cp1257",
    "iso8859-2",
    "iso8859-3",
    "iso8859-4",
    "iso8859-13",
    "iso8859-15",
}
_TYPOGRAPHIC = frozenset("‘’‚“”„–—…£€¥°§©®™«»½¼¾¡¿†‡•·\xa0´`¨×ºª")
_OTHER = {"cp1255", "iso8859-8", "cp1256", "iso8859-6", "cp1258", "cp874"}

SAMPLE = 1 << 17
# So many multi-byte characters that are valid UTF-8 are no accident, whatever a header says.
SURE_UTF8 = 8
# A sample of lines is asked in so many parts where a broken line keeps it from being sound as a whole.
PARTS = 16
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*+[\"']?\s*+([\w:.-]+)", re.I)
_XML = re.compile(rb"\A\s{0,99}<\?xml[^>]{0,200}?\bencoding\s{0,9}=\s{0,9}[\"']([\w:.-]{1,40})")
_WORD = re.compile(r"[^\W\d_]+")


class UndecodableError(ValueError):
    """No encoding was found that gives sound text; the message says what was tried."""


def codec(name: str) -> str | None:
    """Python's name of the superset that a label stands for, or None for a label nobody knows."""
    try:
        known = codecs.lookup(name.strip().strip("\"'")).name
    except (LookupError, ValueError):
        return None
    known = _SUPERSETS.get(known, known)
    return known if _is_text(known) else None


def _is_text(name: str) -> bool:
    try:
        "".encode(name)
        return isinstance(b"".decode(name), str)
    except (LookupError, ValueError):
        return False


def decode(data: bytes, encoding: str = "auto") -> str:
    """A file's text. `encoding` other than "auto" is taken at its word. Raises UndecodableError."""
    if encoding != "auto":
        name = codec(encoding)
        text = None if name is None else _try(data, name)
        if text is None:
            raise UndecodableError(f"not valid {encoding}")
        return text.removeprefix("\ufeff")
    name = encoding_of(data)
    text = _try(data, name)
    if text is None:
        looks = f"the first {SAMPLE:,} bytes look" if len(data) > SAMPLE else "it looks"
        raise UndecodableError(f"not valid {name}, which {looks} like{_first_wrong(data, name)}")
    return text.removeprefix("\ufeff")


def _first_wrong(data: bytes, name: str) -> str:
    """Where it is not: `: unexpected end of data at byte 11 of 13`."""
    try:
        data.decode(name)
    except UnicodeDecodeError as error:
        return f": {error.reason} at byte {error.start:,} of {len(data):,}"
    return ""


def encoding_of(data: bytes) -> str:
    """The encoding of a whole file or of its beginning; UndecodableError where nothing fits."""
    if marked := _marked(data):
        return marked
    if _valid_utf8(data):
        return "utf-8"
    guess = detect_encoding(data, max_len=SAMPLE, html5_compatible=False)
    name = codec(guess) if guess else None
    if name is None or not _plausible(data[:SAMPLE], name):
        raise UndecodableError(
            f"not UTF-8, and no other encoding fits (looks like {guess or 'nothing known'})"
        )
    return name


def encoding_of_lines(sample: bytes) -> str:
    """The encoding of a file of lines, of which some may be broken: UTF-8 if most of its non-ASCII lines are.

    One broken line must not decide for all: a mark of UTF-16 or UTF-32 is believed where there are NULs (JSON and
    CSV have ASCII in every line), and where the whole is sound in no encoding, its parts are asked.
    """
    if b"\0" in sample and (marked := _marked(sample)):
        return marked
    lines = [line for line in sample.split(b"\n")[:-1] or [sample] if not line.isascii()]
    valid = sum(_try(line, "utf-8") is not None for line in lines)
    if 2 * valid >= len(lines):
        return "utf-8"
    try:
        return encoding_of(sample[: sample.rfind(b"\n") + 1] or sample)
    except UndecodableError:
        return _most_parts(lines)


def _most_parts(lines: list[bytes]) -> str:
    """The encoding of more than half of a sample's parts; UTF-8 where there is none, which costs the broken lines."""
    step = max(1, len(lines) // PARTS)
    parts = [b"\n".join(lines[start : start + step]) for start in range(0, len(lines), step)]
    votes: Counter[str] = Counter()
    for part in parts:
        try:
            votes[encoding_of(part)] += 1
        except UndecodableError:
            continue
    return next((name for name, count in votes.items() if 2 * count > len(parts)), "utf-8")


def decode_page(data: bytes, declared: str | None) -> str:
    """A web page's text: see `decoded_page`."""
    return decoded_page(data, declared)[0]


def decoded_page(data: bytes, declared: str | None) -> tuple[str, bytes]:
    """A web page's text, and the same in UTF-8: the very bytes, where that is what they are. `declared` is the charset
    of its HTTP header.

    A declaration goes before any guess, with two exceptions that false declarations have taught: text that is
    surely UTF-8, and a single-byte declaration (servers add it by default) over bytes that are sound Chinese,
    Japanese or Korean. A few broken bytes are replaced, where they are at most one in a thousand.
    """
    if marked := _marked(data):
        text = _try(data, marked)
        if text is not None:
            return _with_bytes(text.removeprefix("\ufeff"))
    inside = _META.search(data[:4096]) or _XML.match(data[:512])
    labels = [declared, inside[1].decode("ascii", "replace") if inside else None]
    names = [name for label in labels if label and (name := codec(label))]
    wide = [name for name in names if name in _EAST_ASIAN]
    utf8 = _try(data, "utf-8")
    if utf8 is not None and _replaced(data, utf8) * 1000 <= len(utf8):
        more = len(data) - len(utf8)  # at least one more byte for each multi-byte character
        # Two characters of GBK may be valid UTF-8 by accident; of a single-byte encoding, hardly ever.
        if more == 0 or more >= SURE_UTF8 or not wide or "utf-8" in names:
            return utf8, data
    guess = detect_encoding(data, max_len=SAMPLE, html5_compatible=False)
    guessed = codec(guess) if guess else None
    fitting = best_of(data, wide)
    order = [fitting] if fitting is not None else []
    order += [*wide, *(name for name in names if name.startswith("utf"))]
    order += [*([guessed] if guessed in _EAST_ASIAN else []), *names]
    if guessed is not None and _plausible(data[:SAMPLE], guessed):
        order.append(guessed)
    for name in order:
        text = _try(data, name)
        if text is not None:
            return _with_bytes(text)
    for name in order or ["utf-8"]:
        text = data.decode(name, "replace")
        if text.count("\ufffd") * 1000 <= len(text):
            return _with_bytes(text)
    raise UndecodableError(
        f"no encoding fits (declared: {', '.join(names) or 'none'}; looks like {guess or 'none'})"
    )


def _marked(data: bytes) -> str | None:
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name
    head = data[:4096]
    if len(head) >= 4 and not head.startswith(b"\0\0"):
        # UTF-16 without a mark: spaces, line ends and Latin letters put a NUL into every other place.
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if odd > len(head) // 50 and even * 10 < odd:
            return "utf-16-le"
        if even > len(head) // 50 and odd * 10 < even:
            return "utf-16-be"
    return None


def _with_bytes(text: str) -> tuple[str, bytes]:
    return text, text.encode("utf-8", "replace")


def _replaced(data: bytes, text: str) -> int:
    """How many replacement characters a text has, which most have none of: `data` is its UTF-8."""
    if not np.count_nonzero(np.frombuffer(data, np.uint8) == 0xEF):
        return 0
    return text.count("\ufffd")


def _try(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, ValueError):
        return None


def _valid_utf8(data: bytes) -> bool:
    """UTF-8, but for a character cut off at the end of a sample."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _plausible(data: bytes, name: str) -> bool:
    """Whether text in that encoding looks like text, so that a wrong guess is quarantined and not trained on."""
    decoder = codecs.getincrementaldecoder(name)()
    try:
        text = decoder.decode(data)
    except (UnicodeError, ValueError):
        return False
    foreign = [character for character in text if character > "\x7f"]
    controls = sum(character < " " and character not in "\t\n\r\f\x1b" for character in text)
    if not foreign or 100 * controls > len(text):
        return False
    if (
        any("\x80" <= c <= "\x9f" or "\ue000" <= c <= "\uf8ff" for c in foreign[:2000])
        and name not in _EAST_ASIAN
    ):
        return False
    if name in _EAST_ASIAN:
        sound = sum(
            "\u3000" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3" or "\uff00" <= c <= "\uffef"
            for c in foreign
        )
        return sound >= 0.8 * len(foreign)
    letters = sum(character.isalpha() for character in foreign)
    if name in _CYRILLIC_OR_GREEK:
        return letters >= 0.8 * len(foreign) and len(foreign) >= 20 and _cased(text)
    if name in _LATIN:
        # Latin text is ASCII with a few accents, curly quotes and dashes; East Asian bytes read so are the reverse.
        typographic = sum(character in _TYPOGRAPHIC for character in foreign)
        return letters + typographic >= 0.9 * len(foreign) and len(foreign) <= 0.2 * len(text)
    return name in _OTHER and letters >= 0.7 * len(foreign) and len(foreign) >= 40


def _cased(text: str) -> bool:
    """Words in lower case or capitalised: a wrong single-byte guess mixes cases inside words."""
    words = [word for word in _WORD.findall(text[:20000]) if len(word) > 2 and not word.isascii()]
    odd = sum(not (word.islower() or word.isupper() or word[1:].islower()) for word in words)
    return bool(words) and odd <= 0.1 * len(words)
