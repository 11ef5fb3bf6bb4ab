"""What templates show of their arguments: quotations, languages, numbers with their units, dates.

Each function is one kind of template; `wikitext_templates.py` says which names are of it.
"""

import re
from collections.abc import Callable

from headwater.sources.extract.wikitext_arguments import Arguments
from headwater.sources.extract.wikitext_blocks import REMOVED
from headwater.sources.extract.wikitext_languages import COLON, JAPANESE_SHORT, NAMES

Show = Callable[[Arguments], str]  # of a template that carries text; empty where it shows nothing


def text(*places: str | int) -> Show:
    return lambda given: given.first(*places)


def last(given: Arguments) -> str:
    return next((value for value in reversed(given.values) if value.strip(REMOVED)), "")


def every(separator: str) -> Show:
    return lambda given: separator.join(value for value in given.values if value.strip(REMOVED))


def between(before: str, after: str, *places: str | int) -> Show:
    def show(given: Arguments) -> str:
        text = given.first(*(places or (1,)))
        return f"{before}{text}{after}" if text else ""

    return show


def quotation(given: Arguments) -> str:
    text = given.first(
        "text", "quote", "texte", "contenu", "citation", "text1", "content", "zitat", "texto", 1
    )
    return f"\n\n{text}\n\n" if text else ""


def bullets(given: Arguments) -> str:
    return "".join(f"\n* {value}" for value in given.values if value) + "\n" if given.values else ""


def interlanguage(given: Arguments) -> str:
    return given.first("lt", "display", "d", "text", 1)


def language(given: Arguments) -> str:
    text = given.first("text", 1)
    if not text:
        return ""
    code = given.named[""][5:].partition("-")[0].replace("'", "")
    names = NAMES.get(given.page.language, {})
    if given.page.language == "ja" and given.named[""].endswith("-short"):
        names = JAPANESE_SHORT
    name = names.get("el" if given.named[""] == "lang-grc-gre" else code)
    return f"{name}{COLON[given.page.language]}{text}" if name else text


_ZH = (("c", "Chinese"), ("s", "simplified Chinese"), ("t", "traditional Chinese"), ("p", "pinyin"), ("tp", "Tongyong Pinyin"),
       ("w", "Wade–Giles"), ("j", "Jyutping"), ("y", "Cantonese Yale"), ("poj", "Pe̍h-ōe-jī"), ("l", "lit."),
       ("tr", "trans."))  # fmt: skip
_PLAIN = ("s", "t", "c", "p", "w", "j", "y")


def zh(given: Arguments) -> str:
    if given.page.language not in ("en", ""):
        return "; ".join(text for name in _PLAIN if (text := given.named.get(name)))
    parts, labels = [], given.named.get("labels") != "no"
    for name, label in _ZH:
        if text := given.named.get(name):
            quoted = f"'{text}'" if name in ("l", "tr") else text
            parts.append(f"{label}{'' if name in ('l', 'tr') else ':'} {quoted}" if labels else quoted)
    return "; ".join(parts) or given.first(1)


def nihongo(given: Arguments) -> str:
    english, kanji, romaji, extra = (given.first(place) for place in range(1, 5))
    extra = extra or given.first("extra")
    inside = ", ".join(text for text in (kanji, romaji if english else "", extra) if text)
    return f"{english or romaji} ({inside})" if inside else english or romaji


def reading(given: Arguments) -> str:
    base, reading = given.first(1), given.first(2)
    return f"{base}（{reading}）" if base and reading else base


_RANGES = {"to": " to ", "and": " and ", "by": " by ", "x": " × ", "×": " × ", "-": "–", "–": "–", "to(-)": " to ",
           "or": " or ", "+/-": " ± ", "&": " and ", "*": " × ", "a": " à ", "à": " à ", "et": " et "}  # fmt: skip
_UNITS = {"sqkm": "km²", "km2": "km²", "sqmi": "sq mi", "m2": "m²", "cm2": "cm²", "m3": "m³", "km3": "km³", "cm3": "cm³",
          "sqft": "sq ft", "ft2": "sq ft", "cuft": "cu ft", "cuin": "cu in", "c": "°C", "f": "°F", "kph": "km/h", "acre": "acres",
          "sqm": "m²", "mi2": "sq mi", "°c": "°C", "°f": "°F", "foot": "ft", "mile": "mi", "inch": "in", "pd": "lb"}  # fmt: skip
_PLAIN_NUMBER = re.compile(r"\d{4,15}")
_NUMBER = re.compile(r"[+\-−–]?[.,/+⁄\s⁰-⁹½¼¾]*+\d[\d.,/+⁄\s⁰-⁹½¼¾e^]*+|[½¼¾]")


def measure(given: Arguments) -> str:
    """Value and unit as written: numbers, what joins them, and units up to the one that they are converted to."""
    out, at = "", 0
    values = [
        f"{int(v):,}" if given.page.language == "en" and _PLAIN_NUMBER.fullmatch(v) else v
        for v in given.values
    ]
    while at < len(values):
        number = values[at]
        if not _NUMBER.fullmatch(number):
            break
        unit = values[at + 1] if at + 1 < len(values) else ""
        joined = _RANGES.get(unit.lower())
        if out and not unit:
            break
        if joined is not None:
            out += number + joined
        elif unit and not _NUMBER.fullmatch(unit):
            separate = " " if out and not out.endswith((" ", "–")) else ""
            out += f"{separate}{number} {_UNITS.get(unit.lower(), unit)}"
            following = values[at + 2 : at + 4]
            if len(following) < 2 or not _NUMBER.fullmatch(following[0]) or _NUMBER.fullmatch(following[1]):
                break
        else:
            out += number
            break
        at += 2
    return out.strip()


def val(given: Arguments) -> str:
    value = given.first(1)
    if re.fullmatch(r"\d{5,15}", value):
        value = f"{int(value):,}"
    error, power, unit = given.first(2), given.first("e"), given.first("u", "ul")
    value += f" ± {error}" if error else ""
    value += f" × 10{power.translate(RAISE)}" if power else ""
    return f"{value} {unit}".strip()


RAISE = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
LOWER = str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")


def fraction(given: Arguments) -> str:
    values = [value for value in given.values if value]
    if len(values) == 3:
        return f"{values[0]} {values[1]}/{values[2]}"
    return "/".join(values) if len(values) == 2 else f"1/{values[0]}" if values else ""


def chemical(given: Arguments) -> str:
    return "".join(value.translate(LOWER) if value.isdigit() else value for value in given.values)


def power_of_ten(given: Arguments) -> str:
    return f"×10{given.first(1).translate(RAISE)}" if given.first(1) else ""


def century(given: Arguments) -> str:
    words = " ".join(value for value in given.values if value)
    return re.sub(r"\b([IVXLC]+) (er?)\b", r"\1\2 siècle", words)


_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


_DAY_OR_MONTH = re.compile(r"\d{1,2}")


def old_style(given: Arguments) -> str:
    new, year, old = given.first(1), given.first(2), given.first(3)
    return f"{new} [O.S. {old}] {year}" if old else f"{new} {year}"


def as_of(given: Arguments) -> str:
    word = "since" if given.first("since") else "as of"
    if not given.first("lc"):
        word = word.capitalize()
    return given.first("alt") or f"{word} {date(given)}{given.first('post')}"


def date(given: Arguments) -> str:
    values = [value for value in given.values if value][:3]
    if len(values) > 1 and _DAY_OR_MONTH.fullmatch(values[1]) and 1 <= int(values[1]) <= 12:
        month = _MONTHS[int(values[1]) - 1]
        values = [
            *([str(int(values[2]))] if len(values) > 2 and _DAY_OR_MONTH.fullmatch(values[2]) else []),
            month,
            values[0],
        ]
        return " ".join(values)
    return " ".join(reversed(values)) if len(values) > 1 else values[0] if values else ""
