"""Lines to paragraphs: books whose sentences are broken by line ends that only a screen's width asked for.

*Words with spaces.* A file is hard-wrapped where almost no line is long and many end at the same width. A line end
is the wrapping's where the next word would not have fitted; how ragged the wrapping is, is measured on line ends that
are certain (the next line begins in lower case). Paragraphs are joined; verse, tables, headings and lists, whose
lines end early or begin with capitals, keep their lines.

*Chinese and Japanese* have no spaces, so a stray one inside a sentence goes, but not the wide ones that part the
halves of a heading, the names of a list or the lines of a couplet. A line that breaks off inside a sentence is joined
with the next one where it is as wide as others that do so, where the next begins with punctuation that cannot begin
a line, or where the segmenter finds a word that lies across the break; else the text was lost, and joining what is
left would invent a sentence.
"""

import itertools
import re
from collections import Counter

from headwater.corpus.text import han_words
from headwater.sources.extract.chapters import is_heading

# A hard-wrapped file: lines of at most so many characters, and at most this share of longer ones.
WIDEST, LONGER = 100, 0.005
# More room than usual at a line's end is no paragraph's end where the next line begins in lower case.
LOOSE = 16
# So many lines must break off at one width before it is believed to be a wrapping's (Chinese).
ENOUGH = 3
# Narrower lines are verse.
NARROWEST = 18
_SAMPLE = 200_000
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u04ff\u1e00-\u1fff\uac00-\ud7af]")
_TABLE = re.compile(r"\S {3,}\S.*\S {3,}\S|\S {6,}\S|\S\t|\.{5,}|^[|+]|(?:\. ){4}")
_ENDED = frozenset(".!?:;\"'”’»)]}*")


def mended(text: str) -> str:
    """A plain text in paragraphs, with at most one blank line between them."""
    lines = [line.rstrip() for line in text.split("\n")]
    if is_east_asian(text):
        lines = _joined_cjk(_without_stray_spaces(lines))
    elif (width := _wrapped_at(lines)) is not None:
        lines = _unwrapped(lines, width)
    return tidy(lines)


def tidy(lines: list[str]) -> str:
    """Lines with at most one blank one in a row, none at the ends."""
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1]):
            kept.append(line if line.strip() else "")
    while kept and not kept[-1]:
        kept.pop()
    return "\n".join(kept)


def is_east_asian(text: str) -> bool:
    sample = text[: _SAMPLE // 2] + text[-_SAMPLE // 2 :]
    return 3 * len(_HAN.findall(sample)) > len(_LATIN.findall(sample))


# ---------------------------------------------------------------- words with spaces


def _wrapped_at(lines: list[str]) -> int | None:
    """The width at which a text was wrapped, or None where its lines are paragraphs."""
    lengths = sorted(len(line) for line in lines if line.strip())
    if len(lengths) < 4 or sum(length > WIDEST for length in lengths) > LONGER * len(lengths):
        return None
    width = lengths[len(lengths) * 95 // 100]
    full = sum(length >= 0.8 * width for length in lengths)
    return width if width >= 40 and full >= 0.2 * len(lengths) else None


def _unwrapped(lines: list[str], width: int) -> list[str]:
    ragged = _raggedness(lines, width)
    words = Counter(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", " ".join(lines).lower()))
    blank = sum(not line for line in lines)
    out: list[str] = []
    run: list[str] = []
    for line in [*lines, ""]:
        if line:
            run.append(line)
            continue
        if run:
            by_line = 10 * blank < len(lines) and len(run) > 12  # paragraphs are not set apart by blank lines
            out += _run_by_line(run, width, ragged, words) if by_line else _run(run, width, ragged, words)
            run = []
        out.append("")
    return out


def _raggedness(lines: list[str], width: int) -> int:
    """How much room the wrapping leaves at a line's end, though the next word would have fitted: 98 in 100."""
    rooms = sorted(
        max(0, _room(above, below, width))
        for above, below in itertools.pairwise(lines)
        if len(above) >= 0.6 * width and below[:1].islower() and above[-1] not in _ENDED
    )
    return rooms[len(rooms) * 98 // 100] if rooms else 4


def _room(above: str, below: str, width: int) -> int:
    """What would be left of the width if the first word of the next line stood on this one."""
    return width - len(above) - 1 - len(below.split(None, 1)[0])


def _run(run: list[str], width: int, ragged: int, words: Counter[str]) -> list[str]:
    """Lines between two blank ones: one paragraph, or verse, a table, a heading."""
    if len(run) == 1:
        return run
    if sum(_TABLE.search(line.strip()) is not None for line in run) > 1:
        return run
    shift = min(len(line) - len(line.lstrip()) for line in run)
    run = [line[shift:] for line in run]
    if any(line.startswith("  ") for line in run[1:]):
        return run  # lines set in and out: verse
    if shift:  # a letter, or verse, wrapped at a width of its own
        width = min(width, max(map(len, run)))
    early = [_room(above, below, width) > ragged for above, below in itertools.pairwise(run)]
    capitals = sum(map(_begins_like_verse, run[1:]))
    verse = capitals == len(run) - 1 if shift else len(run) >= 4 and capitals >= 0.8 * (len(run) - 1)
    if 5 * sum(early) <= len(early) and not verse:
        return [_joined(run, words)]
    return _split(run, width, ragged, words)


def _begins_like_verse(line: str) -> bool:
    first = line.lstrip(" \"'“‘([_*").lstrip()[:1]
    return first.isupper()


def _split(run: list[str], width: int, ragged: int, words: Counter[str]) -> list[str]:
    """Verse or a mixture: joined only where a line is long and the sentence plainly goes on."""
    out = [[run[0]]]
    for above, below in itertools.pairwise(run):
        long = len(above) >= 0.6 * width and _room(above, below, width) <= ragged + LOOSE
        if long and below[:1].islower() and not above.startswith("  "):
            out[-1].append(below)
        else:
            out.append([below])
    return [_joined(part, words) for part in out]


def _run_by_line(run: list[str], width: int, ragged: int, words: Counter[str]) -> list[str]:
    """Many paragraphs, one after the other: a line that ends early, or the next one's quotation mark, ends one."""
    out = [[run[0]]]
    for above, below in itertools.pairwise(run):
        room = _room(above, below, width)
        ended = above[-1] in _ENDED
        new = room > ragged or (ended and room > min(ragged, 3)) or (ended and below.lstrip()[:1] in "\"“'‘")
        if below.lstrip()[:1].islower() and len(above) >= 0.6 * width:
            new = room > ragged + LOOSE
        if new or below.startswith("  "):
            out.append([below])
        else:
            out[-1].append(below)
    return [_joined(part, words) for part in out]


def _joined(lines: list[str], words: Counter[str]) -> str:
    parts = [lines[0]]
    for above, below in itertools.pairwise(lines):
        below = below.strip()
        if (
            above.endswith("-")
            and not above.endswith("--")
            and below[:1].isalpha()
            and above[-2:-1].isalpha()
        ):
            left, right = (
                re.split(r"\W", above[:-1])[-1].lower(),
                re.split(r"\W", below, maxsplit=1)[0].lower(),
            )
            if words[left + right] > words[f"{left}-{right}"]:
                parts[-1] = parts[-1][:-1]  # a word cut in two, not a compound
            parts.append(below)
        elif above.endswith(("--", "—")) or below.startswith(("--", "—")):
            parts.append(below)
        else:
            parts.append(" " + below)
    return "".join(parts)


# ---------------------------------------------------------------- Chinese and Japanese

_WIDE = r"\u2014\u2018-\u201d\u2026\u3001-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff5e\U00020000-\U0003ffff"
_GAP = re.compile(rf"(?<=[{_WIDE}])[ \t\xa0]+(?=[{_WIDE}])")
_LOST_BREAK = re.compile(r"(?<=[。！？”’」』）])\u3000{2,8}(?=\S)")
_PROSE = re.compile(r"[，。！？；：、]")
_OPENERS, _CLOSERS = "“‘「『（《〈【〔", "，。、；：！？…”’」』）》〉】〕"
_STOPS = frozenset("。！？…」』”’）》〉】〕；：.!?;:)\"'—～~*")
# What no sentence begins with: particles, a noun's place ("下的平桥"), the number of a note.
_NEVER_FIRST = re.compile(
    r"[的了着著们們吗嗎呢吧]|[上下里裡中内內外旁间間](?:的|面的)|〔[０-９0-9]{1,3}〕[，。；：]"
)
_COMMAS = frozenset("，、")


def _without_stray_spaces(lines: list[str]) -> list[str]:
    out: list[str] = []
    for line in lines:
        out += _LOST_BREAK.sub("\n", line).split("\n")
    return [_closed_up(line) for line in out]


def _closed_up(line: str) -> str:
    """A line of prose without spaces inside its sentences; its indentation goes too."""
    body = line.strip()
    if not _PROSE.search(body) or is_heading(body) or len(body) < 12:
        return body
    if not _GAP.search(body):
        return body
    pieces = _GAP.split(body)
    if sum(map(len, pieces)) < 3 * len(pieces):  # every character stands apart
        return "".join(pieces)
    out = pieces[0]
    for piece in pieces[1:]:
        left, right = _last_run(out), _first_run(piece)
        couplet = len(left) == len(right) and 3 <= len(left) <= 9 and left[-1:] not in _CLOSERS
        out += (" " if couplet else "") + piece
    return out


def _last_run(text: str) -> str:
    return re.split(rf"[{_CLOSERS}{_OPENERS} ]", text[-24:])[-1]


def _first_run(text: str) -> str:
    return re.split(rf"[{_CLOSERS}{_OPENERS} ]", text[:24], maxsplit=1)[0]


def _joined_cjk(lines: list[str]) -> list[str]:
    widths = _cjk_widths(lines)
    out: list[str] = []
    blanks = last_length = 0
    for line in lines:
        if not line:
            blanks += 1
            continue
        above = out[-1] if out else ""
        if above and _goes_on(above, line, widths, last_length):
            out[-1] = above + line
        else:
            out += [""] * min(blanks, 1) if out else []
            out.append(line)
        blanks, last_length = 0, len(line)
    return out


def _cjk_widths(lines: list[str]) -> frozenset[int]:
    """Lengths at which lines of prose break off in the middle of a sentence, and often enough to be a wrapping's."""
    cut = Counter(len(line) for line in lines if _breaks_off(line) and len(line) >= NARROWEST)
    near = {length: sum(cut[length + d] for d in (-2, -1, 0, 1, 2)) for length in cut}
    return frozenset(
        length + d
        for length, count in near.items()
        if count >= ENOUGH
        for d in (-2, -1, 0, 1, 2)
        if length <= WIDEST
    )


def _breaks_off(line: str) -> bool:
    """A line of prose that ends with no punctuation at all."""
    return bool(line) and (_HAN.match(line[-1]) is not None or line[-1].isalnum()) and (
        _PROSE.search(line) is not None and not is_heading(line)
    )  # fmt: skip


def _goes_on(above: str, below: str, widths: frozenset[int], length: int) -> bool:
    """`length`: of the last line of what `above` was joined from."""
    if is_heading(below) or is_heading(above):
        return False
    if below[0] in "，。、；：！？）》」』" and (_PROSE.search(above) or len(above) >= 12):
        return above[-1] not in "。！？"
    if _NEVER_FIRST.match(below) and _breaks_off(above):
        return True
    if length in widths:
        if _breaks_off(above) or above[-1] in _OPENERS:
            return bool(_PROSE.search(below)) or len(below) < length
        if above[-1] in _COMMAS and length >= 20:
            return bool(_PROSE.search(below))
    if _breaks_off(above) and length >= 20 and _PROSE.search(below):
        return _word_across(above[-8:], below[:8])
    return False


def _word_across(left: str, right: str) -> bool:
    """Whether the segmenter finds a word that begins in one and ends in the other."""
    position = 0
    for word in han_words(left + right, hmm=False):
        if position < len(left) < position + len(word):
            return True
        position += len(word)
    return False
