"""Runs of digits in a group, and what stands around and between them."""

import re
from datetime import date

SPAN = tuple[str, int, int, float]  # type, start, end (half-open, code points), score
Run = tuple[int, int, str]  # start, end, digits

WIDE = str.maketrans("０１２３４５６７８９－‐‑–—―（）", "0123456789------()")
_RUN = re.compile(r"[0-9]+")
_LOOK_BACK = 40  # characters before a number in which a cue counts


def runs_of(text: str, start: int, end: int) -> list[Run]:
    """The runs of digits between `start` and `end`, full-width ones as plain ones."""
    digits = text[start:end].translate(WIDE)
    return [(start + run.start(), start + run.end(), run[0]) for run in _RUN.finditer(digits)]


def ends_word(text: str, end: int) -> bool:
    """Whether a number may end here: no letter, digit or decimals after a point follow."""
    after = text[end : end + 1]
    if after in ("", "\n"):
        return True
    if after == "_" or (after.isascii() and after.isalnum()) or "０" <= after <= "９":
        return False
    return not (after == "." and text[end + 1 : end + 2].isdigit())


def gap_after(text: str, runs: list[Run], number: int) -> str:
    """What stands between a run and the next one."""
    return text[runs[number][1] : runs[number + 1][0]].translate(WIDE)


def has_cue(pattern: re.Pattern[str], text: str, start: int, reach: int = _LOOK_BACK) -> bool:
    return pattern.search(text, max(0, start - reach), start) is not None


def is_date(digits: str) -> bool:
    try:
        return 1850 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).year <= 2099
    except ValueError:
        return False
