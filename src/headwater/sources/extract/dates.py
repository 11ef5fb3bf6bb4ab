"""Dates as people, feeds and pages write them, to ISO 8601: `2024-03-05`, `2024-03-05T18:05:00+08:00`.

ISO 8601 itself, RFC 822 (feeds), English months, 2024年3月5日 18:05, 二〇二四年三月五日, 民國113年3月5日, seconds since 1970.
A zone is kept where one is written and never guessed. What is no date gives an empty string. Numbers alone whose order
is unknown (05/06/2024) are none.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

_CLOCK = r"(?:[T\s,，]*+(?P<hour>\d{1,2})[:：时時点](?P<minute>\d{1,2})(?:[:：分](?P<second>\d{1,2})(?:\.\d+)?)?秒?\s*+(?P<half>[ap]\.?m\.?)?)?"
_ZONE = r"(?:\s*+(?P<zone>Z\b|UTC\b|GMT\b|[ECMP][SD]T\b|[+-]\d\d:?\d\d))?"
NUMERIC = re.compile(
    r"(?P<year>(?:19|20)\d\d)(?<![\d./=_-]\d{4})\s?(?P<mark>[-/.年])\s?(?P<month>\d{1,2})\s?[-/.月]\s?(?P<day>\d{1,2})(?!\d)日?"
    + _CLOCK
    + _ZONE,
    re.I,
)
_MONTH = r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
WORDS = (
    re.compile(rf"\b{_MONTH}\s++(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s++(?P<year>\d{{4}})(?:,?\s*+(?:at|\|)?)?{_CLOCK}{_ZONE}", re.I),
    re.compile(rf"(?P<day>[0-9](?<!\d\d)[0-9]?)(?:st|nd|rd|th)?[\s-]++{_MONTH}[\s,-]*+(?P<year>\d{{4}}|\d\d(?!\d)){_CLOCK}{_ZONE}", re.I),
)  # fmt: skip
# Digits are rarer than words, and a pattern that begins with one is searched fast: behind a month and white space stands this.
_DAY_AND_YEAR = re.compile(r"[0-9][0-9]?(?:st|nd|rd|th)?,?\s++[0-9][0-9][0-9][0-9]", re.I)
_MONTH_BEFORE = re.compile(rf"\b{_MONTH}\s++\Z", re.I)
_LONGEST = 60  # characters of a month and the white space behind it
_CHINESE = re.compile(
    r"([〇零○一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})日"
)
_REPUBLIC = re.compile(r"(?:民國|民国)(\d{2,3})年(\d{1,2})月(\d{1,2})日")
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)?(Z)?)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {"z": "Z", "utc": "Z", "gmt": "Z", "est": "-05:00", "edt": "-04:00", "cst": "-06:00", "cdt": "-05:00",
          "mst": "-07:00", "mdt": "-06:00", "pst": "-08:00", "pdt": "-07:00"}  # fmt: skip
_FIRST, _LAST = 1970, 2100
_DIGITS = {digit: value for value, digits in enumerate(("〇零○", *"一二三四五六七八九")) for digit in digits}


def iso_date(text: str) -> str:
    """The first date in a short text; empty where there is none."""
    text = text.strip()[:120]
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return datetime.fromtimestamp(int(text[:10]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if found := NUMERIC.search(text):
        return of_match(found)
    for pattern in WORDS:
        if found := pattern.search(text):
            return of_match(found)
    if found := _CHINESE.search(text):
        year = "".join(str(_DIGITS[digit]) for digit in found[1])
        return _day(int(year), _number(found[2]), _number(found[3]))
    if found := _REPUBLIC.search(text):
        return _day(int(found[1]) + 1911, int(found[2]), int(found[3]))
    if found := _COMPACT.fullmatch(text):
        day = _day(int(found[1]), int(found[2]), int(found[3]))
        clock = f"T{found[4]}:{found[5]}:{found[6] or '00'}{found[7] or ''}" if found[4] else ""
        return day + clock if day else ""
    if re.fullmatch(r"(?:19|20)\d\d(?:-(?:0[1-9]|1[0-2]))?", text):
        return text
    return ""


def dates_in(text: str) -> Iterator[str]:
    """The dates in a long text that are written in numbers, in order; where there is none, the first in words."""
    none = True
    for found in NUMERIC.finditer(text):
        if when := of_match(found):
            none = False
            yield when
    if none:
        for match in (_month_first(text), WORDS[1].search(text)):
            if match and (when := of_match(match)):
                yield when


def _month_first(text: str) -> re.Match[str] | None:
    """WORDS[0].search."""
    for found in _DAY_AND_YEAR.finditer(text):
        at = found.start()
        if month := _MONTH_BEFORE.search(text[max(0, at - _LONGEST) : at]):
            return WORDS[0].match(text, max(0, at - _LONGEST) + month.start())
    return None


def of_match(found: re.Match[str]) -> str:
    """ISO 8601 of a match of NUMERIC or of a date in words; empty where no calendar has such a day."""
    parts = found.groupdict()
    month = _MONTHS.index(parts["name"][:3].lower()) + 1 if parts.get("name") else int(parts["month"])
    year = int(parts["year"])
    year += (2000 if year < 70 else 1900) if year < 100 else 0
    day = _day(year, month, int(parts["day"]))
    if not day or parts["hour"] is None:
        return day
    hour, minute, second = int(parts["hour"]), int(parts["minute"]), int(parts["second"] or 0)
    if half := (parts["half"] or "").replace(".", "").lower():
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59 or second > 60:
        return day
    zone = parts["zone"] or ""
    zone = _ZONES.get(zone.lower()) or (zone if ":" in zone or not zone else f"{zone[:3]}:{zone[3:]}")
    return f"{day}T{hour:02}:{minute:02}:{second:02}{zone}"


def _day(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat() if _FIRST - 100 < year < _LAST else ""
    except ValueError:
        return ""


def _number(text: str) -> int:
    """一 to 三十一."""
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return _DIGITS.get(text, 0) if len(text) == 1 else 0
    return (_DIGITS.get(tens, 0) if tens else 1) * 10 + (_DIGITS.get(ones, 0) if ones else 0)
