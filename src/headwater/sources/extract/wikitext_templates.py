"""Templates that carry running text keep it; all others (boxes, notices, citations, navigation) go.

What a template makes of its arguments is written in another page, so the few hundred names that stand inside
sentences are told apart here:

    the text itself    {{nowrap|…}} {{lang|fr|…}} {{abbr|…|…}} {{link-en|甲|A}} {{仮リンク|甲|en|A}} {{ill|…}} {{tsl|en|A|甲}}
    quotations         {{quote|…}} {{blockquote|…}} {{cquote|…}} {{citation bloc|…}} {{quotation|…}} as a paragraph
    languages          {{lang-ru|…}} {{zh|t=…|p=…}} {{nihongo|A|甲|kō}}: with the language's name in English,
                       Chinese and Japanese, else without it
    numbers            {{convert|5|km|mi}} is "5 km": value and unit as they were written, nothing is converted;
                       {{val}}, {{frac}}, {{unité}}, {{formatnum:…}}, {{circa}}, {{as of}}, {{siècle}}, {{date}}
    readings           {{ruby|漢|かん}} and {{読み仮名|漢|かん}} are 漢（かん）
    signs              {{!}} {{=}} {{ndash}} {{·}} …

Pronunciations (IPA, respelling, audio) go: of notation there is nothing to learn from a few odd letters in a bracket,
and what they leave behind is cleaned up.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from headwater.sources.extract.wikitext_blocks import BREAK, PIPE, REMOVED


@dataclass(frozen=True)
class Page:
    title: str
    language: str


@dataclass(frozen=True)
class Arguments:
    values: list[str]  # without a name, stripped
    named: dict[str, str]
    page: Page

    def first(self, *names: str | int) -> str:
        """The first of these arguments that says something; places count from 1."""
        for name in names:
            found = self.named.get(str(name), "")
            if not found and isinstance(name, int) and name <= len(self.values):
                found = self.values[name - 1]
            if found.strip(" \n" + REMOVED):
                return found.strip()
        return ""


_SPLIT = re.compile(r"\[\[|\]\]|\|")
_CENTURY = re.compile(r"([ivxl]+)(er?)(( siècle| millénaire)?( av\. j\.-c\.)?)$")  # {{XIXe siècle}}
_NAMED = re.compile(r"\s*+([^=<>\[\]{}\n]{0,40}?)\s*+=(.*)", re.S)
# A reader sees no more of longer ones than of a page's part; copying them again and again would be work without an end.
_LONGEST = 1 << 16


def expand(content: list[str], page: Page) -> str:
    """What a template shows; `content` is what stands between its braces, other templates done, in pieces."""
    head = content[0] if content else ""
    name, bar, _ = head.partition("|")
    if not bar and len(content) > 1 and ":" not in head:
        return REMOVED
    name = name.strip().replace("_", " ").lower()
    if (sign := _SIGNS.get(name)) is not None:
        return sign
    show = _SHOW.get(name)
    if show is None:
        if ":" in name:
            return _function(head, content, page)
        if name.startswith(("lang-", "link-")):
            show = _language if name.startswith("lang-") else _text(1)
        elif (century := _CENTURY.match(name)) is not None:
            return f"{century[1].upper()}{century[2]}{century[3]}"
        elif name in ("pagename", "fullpagename", "basepagename", "subpagename"):
            return page.title
        else:
            return REMOVED
    whole = "".join(content)
    if len(whole) > _LONGEST:
        return REMOVED
    return show(_arguments(name, whole, page)) or REMOVED


def _function(head: str, content: list[str], page: Page) -> str:
    """Parser functions: those that only change a text's form keep it."""
    name, _, rest = head.strip().partition(":")
    name = name.strip().lower()
    if name in ("formatnum", "lc", "uc", "lcfirst", "ucfirst", "plural", "nse"):
        value = (rest if len(content) == 1 else rest + "".join(content[1:])).partition("|")[0].strip()
        if (
            name == "formatnum"
            and page.language in ("en", "zh", "ja", "")
            and re.fullmatch(r"\d{4,15}", value)
        ):
            return f"{int(value):,}"
        return {"lc": value.lower(), "uc": value.upper()}.get(name, value) if name != "plural" else REMOVED
    return REMOVED


def _arguments(name: str, whole: str, page: Page) -> Arguments:
    parts: list[str] = []
    depth = start = 0
    for found in _SPLIT.finditer(whole):
        if found[0] == "[[":
            depth += 1
        elif found[0] == "]]":
            depth = max(0, depth - 1)
        elif depth == 0:
            parts.append(whole[start : found.start()])
            start = found.end()
    parts.append(whole[start:])
    values, named = [], {"": name}
    for part in parts[1:]:
        found_name = _NAMED.fullmatch(part) if "=" in part else None
        if found_name is not None and found_name[1]:
            named[found_name[1].lower()] = found_name[2].strip()
        else:
            values.append(part.strip())
    return Arguments(values, named, page)


# ---------------------------------------------------------------- what is shown

Show = Callable[[Arguments], str]


def _text(*places: str | int) -> Show:
    return lambda given: given.first(*places)


def _last(given: Arguments) -> str:
    return next((value for value in reversed(given.values) if value.strip(REMOVED)), "")


def _all(separator: str) -> Show:
    return lambda given: separator.join(value for value in given.values if value.strip(REMOVED))


def _between(before: str, after: str, *places: str | int) -> Show:
    def show(given: Arguments) -> str:
        text = given.first(*(places or (1,)))
        return f"{before}{text}{after}" if text else ""

    return show


def _quotation(given: Arguments) -> str:
    text = given.first(
        "text", "quote", "texte", "contenu", "citation", "text1", "content", "zitat", "texto", 1
    )
    return f"\n\n{text}\n\n" if text else ""


def _list(given: Arguments) -> str:
    return "".join(f"\n* {value}" for value in given.values if value) + "\n" if given.values else ""


def _interlanguage(given: Arguments) -> str:
    return given.first("lt", "display", "d", "text", 1)


def _language(given: Arguments) -> str:
    text = given.first("text", 1)
    if not text:
        return ""
    code = given.named[""][5:].partition("-")[0].replace("'", "")
    names = _LANGUAGE_NAMES.get(given.page.language, {})
    if given.page.language == "ja" and given.named[""].endswith("-short"):
        names = _JAPANESE_SHORT
    name = names.get("el" if given.named[""] == "lang-grc-gre" else code)
    return f"{name}{_COLON[given.page.language]}{text}" if name else text


_ZH = (("c", "Chinese"), ("s", "simplified Chinese"), ("t", "traditional Chinese"), ("p", "pinyin"), ("tp", "Tongyong Pinyin"),
       ("w", "Wade–Giles"), ("j", "Jyutping"), ("y", "Cantonese Yale"), ("poj", "Pe̍h-ōe-jī"), ("l", "lit."),
       ("tr", "trans."))  # fmt: skip
_PLAIN = ("s", "t", "c", "p", "w", "j", "y")


def _zh(given: Arguments) -> str:
    if given.page.language not in ("en", ""):
        return "; ".join(text for name in _PLAIN if (text := given.named.get(name)))
    parts, labels = [], given.named.get("labels") != "no"
    for name, label in _ZH:
        if text := given.named.get(name):
            quoted = f"'{text}'" if name in ("l", "tr") else text
            parts.append(f"{label}{'' if name in ('l', 'tr') else ':'} {quoted}" if labels else quoted)
    return "; ".join(parts) or given.first(1)


def _nihongo(given: Arguments) -> str:
    english, kanji, romaji, extra = (given.first(place) for place in range(1, 5))
    extra = extra or given.first("extra")
    inside = ", ".join(text for text in (kanji, romaji if english else "", extra) if text)
    return f"{english or romaji} ({inside})" if inside else english or romaji


def _reading(given: Arguments) -> str:
    base, reading = given.first(1), given.first(2)
    return f"{base}（{reading}）" if base and reading else base


_RANGES = {"to": " to ", "and": " and ", "by": " by ", "x": " × ", "×": " × ", "-": "–", "–": "–", "to(-)": " to ",
           "or": " or ", "+/-": " ± ", "&": " and ", "*": " × ", "a": " à ", "à": " à ", "et": " et "}  # fmt: skip
_UNITS = {"sqkm": "km²", "km2": "km²", "sqmi": "sq mi", "m2": "m²", "cm2": "cm²", "m3": "m³", "km3": "km³", "cm3": "cm³",
          "sqft": "sq ft", "ft2": "sq ft", "cuft": "cu ft", "cuin": "cu in", "c": "°C", "f": "°F", "kph": "km/h", "acre": "acres",
          "sqm": "m²", "mi2": "sq mi", "°c": "°C", "°f": "°F", "foot": "ft", "mile": "mi", "inch": "in", "pd": "lb"}  # fmt: skip
_PLAIN_NUMBER = re.compile(r"\d{4,15}")
_NUMBER = re.compile(r"[+\-−–]?[.,/+⁄\s⁰-⁹½¼¾]*+\d[\d.,/+⁄\s⁰-⁹½¼¾e^]*+|[½¼¾]")


def _measure(given: Arguments) -> str:
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


def _val(given: Arguments) -> str:
    value = given.first(1)
    if re.fullmatch(r"\d{5,}", value):
        value = f"{int(value):,}"
    error, power, unit = given.first(2), given.first("e"), given.first("u", "ul")
    value += f" ± {error}" if error else ""
    value += f" × 10{power.translate(_RAISE)}" if power else ""
    return f"{value} {unit}".strip()


_RAISE = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
_LOWER = str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")


def _fraction(given: Arguments) -> str:
    values = [value for value in given.values if value]
    if len(values) == 3:
        return f"{values[0]} {values[1]}/{values[2]}"
    return "/".join(values) if len(values) == 2 else f"1/{values[0]}" if values else ""


def _chemical(given: Arguments) -> str:
    return "".join(value.translate(_LOWER) if value.isdigit() else value for value in given.values)


def _power_of_ten(given: Arguments) -> str:
    return f"×10{given.first(1).translate(_RAISE)}" if given.first(1) else ""


def _century(given: Arguments) -> str:
    words = " ".join(value for value in given.values if value)
    return re.sub(r"\b([IVXLC]+) (er?)\b", r"\1\2 siècle", words)


_SIGNS = {
    "!": PIPE, "!!": PIPE * 2, "!-": f"{PIPE}-", "!(": "[", ")!": "]", "((": "{", "))": "}", "=": "=", "'": "'", "\"": "\"",
    "'s": "'s", "snd": " – ", "spnd": " – ", "sndash": " – ", "spaced ndash": " – ", "spaced en dash": " – ", "ndash": "–",
    "en dash": "–", "mdash": "—", "em dash": "—", "--": "—", "dash": " – ", "spaced mdash": " — ", "·": " · ", "•": " • ", "dot": " · ",
    "middot": " · ", "bullet": " • ", "bold dot": " · ", "*": " • ", "nbsp": " ", "space": " ", "spaces": " ", "thinsp": " ",
    "hsp": " ", "zwsp": "", "shy": "", "wbr": "", "-": REMOVED, "clear": REMOVED, "pi": "π", "tau": "τ", "minus": "−", "plusmn": "±",
    "times": "×", "deg": "°", "prime": "′", "pound": "#", "euro": "€", "yen": "¥", "gbp": "£", "x mark": "✗", "check mark": "✓",
    "aut": "or", "ya": "✓", "yes": "Yes", "no": "No", "br": BREAK, "break": BREAK, "crlf": BREAK, "own": "own work", "ad": "AD", "bc": "BC",
    "1er": "1er", "1re": "1re", "ier": "Ier", "e": "e", "ème": "e", "colon": ":", "pipe": PIPE, "lb": "[", "rb": "]", "bracket": "[]",
    "av jc": "av. J.-C.", "av. j.-c.": "av. J.-C.", "ap jc": "apr. J.-C.", "—": "—", "–": "–",
}  # fmt: skip

_FIRST = ["nowrap", "nobr", "nobreak", "nobold", "no-wrap", "small", "smaller", "big", "larger", "large", "huge", "strong", "em", "abbr", "abbrv", "abbreviation", "tooltip", "sic", "script", "unicode", "polytonic", "hebrew", "visible-anchor", "vanchor", "va", "mono", "tt", "code", "kbd", "samp", "var", "mvar", "math", "nowr", "nonbreak", "keypress", "key", "title-case", "unbulleted", "iast", "nastaliq", "lang-tt", "zh-cn", "zh-tw-text", "uline", "underline", "strike", "del", "ins", "iw", "hlist-item", "pronunciation-text", "sc", "smallcaps", "small-caps", "bold", "b", "i", "italic", "it", "ital", "nn", "noitalic", "no-italic", "normal", "langnf", "ruby-base", "flagcountry", "flag", "flagu", "flag-country", "noflag", "fb", "nat-fs", "nft", "仮リンク", "link-interwiki", "red-link", "internal-link-helper", "le", "lie", "interlanguage-link-multi", "link-wiki", "trad", "trad-line", "红链", "綠鏈", "内链", "lang-inline", "zhh", "补字", "補字", "僻字", "!僻字", "scinote", "grc-tr", "koi8", "quote-inline", "citation-inline", "citation-courte", "«", "»-text", "guil", '"', '"', "nom", "nobr-text", "romain", "petites-capitales", "pc", "formatnombre", "noml", "lien", "lnobr", "unicode-text", "comment", "нп", "нп2", "нп3", "нп4", "нп5", "не-переведено", "не-переведено-2", "не-переведено-5", "s-text", "нобр", "nobr-ru", "iw2", "iw3", "nobots-text", "shortcut-text", "fachbegriff", "versalitäten", "kapitälchen", "nihongo-text", "färg", "zitat-inline", "sup-text", "keine-auszeichnung", "إنج-text", "عربية", "نص", "قرآن", "آية", "مصطلح", "مطلح", "langue-text", "nwr", "highlight", "hilite", "font-color-text", "zhongwen", "overline", "u"]  # fmt: skip
_QUOTES = ["quote", "blockquote", "bquote", "bq", "cquote", "quotation", "quote-box-text", "rquote", "pull-quote", "pullquote", "centered-pull-quote", "poem-quote", "poemquote", "verse-translation", "citation-bloc", "citation-bloc2", "vers", "zitat", "cita", "bloque-cita", "cita_larga", "цитата", "citazione", "citaat", "cytat", "引用", "引文", "quote-frame", "imagequote", "quotationmark", "اقتباس", "início-citação", "citação", "long-quote", "verse", "block-quote", "centered-quote"]  # fmt: skip
_SECOND = ["lang", "langue", "rtl-lang", "langx-text", "idioma", "язык", "lang2", "color", "colored-text", "font-color", "resize", "size", "fontsize", "farbe", "colour", "wikt", "wiktionary-text", "text-color", "align", "center-align", "sortname-text", "dts-text", "hover-text", "sort", "sorttext", "nts-text", "zh-lang"]  # fmt: skip

# {{إنج|Berlin}} is (بالإنجليزية: Berlin)
_ARABIC = {"إنج": "الإنجليزية", "إنك": "الإنجليزية", "ألمانية": "الألمانية", "فرنسية": "الفرنسية", "لات": "اللاتينية", "يونانية": "اليونانية",
           "روسية": "الروسية", "إسبانية": "الإسبانية", "إيطالية": "الإيطالية", "تركية": "التركية", "لغة-إن": "الإنجليزية", "لغة-أل": "الألمانية", "لغة-فر": "الفرنسية", "لغة-لا": "اللاتينية", "لغة-رو": "الروسية", "فارسية": "الفارسية"}  # fmt: skip

_SHOW: dict[str, Show] = {
    **{name.replace("-", " "): _text(1) for name in _FIRST},
    **{name: _text(1) for name in _FIRST},
    **{name.replace("-", " "): _quotation for name in _QUOTES},
    **dict.fromkeys(_QUOTES, _quotation),
    **{name.replace("-", " "): _text("texte", "text", 2, 1) for name in _SECOND},
    "langx": _text("text", 2),
    "sort": _text(2, 1),
    "sortname": lambda given: " ".join(given.values[:2]),
    "hs": _text(),
    "nts": _text(1),
    "linktext": _all(""),
    "ltext": _all(" "),
    "transl": _last, "transliteration": _last, "tlit": _last, "rtgs": _text(1), "wikispecies": _text(1),
    "ill": _interlanguage, "interlanguage link": _interlanguage, "link-interwiki": _text("zh", 1),
    "internal link helper": _text("d", 2, 1), "tsl": _text(3, 2), "translink": _text(3, 2), "lnk": _text(1), "lpd": _text(1),
    "lien": _text("texte", "trad-text", 1, "fr"), "illm": _interlanguage, "link-multi": _text(1),
    "plainlist": _between("\n", "\n"), "plain list": _between("\n", "\n"), "flatlist": _between("\n", "\n"),
    "unbulleted list": _list, "ubl": _list, "ublist": _list, "bulleted list": _list, "blist": _list, "bullet list": _list,
    "hlist": _all(" · "), "columns-list": _between("\n", "\n", 1), "div col content": _text(1), "colbegin": _text(),
    "zh": _zh, "zh-full": _zh, "nihongo": _nihongo, "nihongo2": _text(1), "nihongo3": _nihongo, "nihongo krt": _nihongo,
    "nihongo foot": _text(1), "korean": _text("hangul", 1), "ko-hhrm": _text("hangul", 1), "linktext zh": _all(""),
    "ruby": _reading, "ruby-ja": _reading, "ruby-zh-p": _reading, "ruby-zh-b": _reading, "読み仮名": _reading, "読み仮名 ruby不使用": _reading,
    "ふりがな": _reading, "kana": _reading, "补充读音": _reading,
    "convert": _measure, "cvt": _measure, "conv": _measure, "unité": _measure, "unidad": _measure, "unit": _measure, "nombre": _measure,
    "число": _measure, "num": _text(1), "nb": _text(1), "formatnum": _text(1), "convinfobox": _measure, "単位": _measure,
    "val": _val, "gaps": _all(" "), "frac": _fraction, "fraction": _fraction, "sfrac": _fraction, "frac2": _fraction, "e": _power_of_ten,
    "e-sp": _power_of_ten, "e-sp2": _power_of_ten, "10^": lambda given: f"10{given.first(1).translate(_RAISE)}", "sup": lambda given: given.first(1).translate(_RAISE),
    "sub": lambda given: given.first(1).translate(_LOWER), "chem": _chemical, "chem2": _text(1), "chemical formula": _chemical,
    "exp": lambda given: given.first(1) + given.first(2).translate(_RAISE), "expo": lambda given: given.first(1).translate(_RAISE), "sqrt": _between("√", ""), "radic": _between("√", ""),
    "abs": _between("|", "|"), "angbr": _between("⟨", "⟩"), "angle bracket": _between("⟨", "⟩"), "angbr ipa": _text(),
    "circa": lambda given: "c. " + given.first(1) if given.first(1) else "c.", "c.": lambda given: "c. " + given.first(1) if given.first(1) else "c.",
    "ca": lambda given: "c. " + given.first(1) if given.first(1) else "c.", "floruit": lambda given: ("fl. " + given.first(1)).strip(),
    "fl.": lambda given: ("fl. " + given.first(1)).strip(), "reign": lambda given: "r. " + "–".join(v for v in given.values if v),
    "as of": lambda given: _as_of(given),
    "oldstyledate": lambda given: _old_style(given),
    "old style date": lambda given: _old_style(given),
    "date": _all(" "), "date-": _all(" "), "date de naissance-": _all(" "), "start date": lambda given: _date(given), "end date": lambda given: _date(given),
    "date rouge": _all(" "), "date de naissance": _all(" "), "date de décès": _all(" "), "naissance": _all(" "), "décès": _all(" "),
    "langi": _text(2), "vol.": _between("vol. ", ""), "mdashb": _text(), "fs player": _text("name"), "flagathlete": _text(1), "player": _text(4),
    **{name: _between(f"(ب{language}: ", ")") for name, language in _ARABIC.items()}, "dts": lambda given: _date(given),
    "siècle": _century, "s": _century, "s-": _century, "-s": _century, "-s-": _century, "sp-": _all(" "), "sp": _all(" "), "siglo": _between("siglo ", ""),
    "us$": _between("US$", ""), "usd": _between("US$", ""), "a$": _between("A$", ""), "aud": _between("A$", ""), "inr": _between("₹", ""), "indian rupee": _between("₹", ""),
    "gbp": _between("£", ""), "£": _between("£", ""), "€": _between("€", ""), "eur": _between("€", ""), "cad": _between("C$", ""), "¥": _between("¥", ""),
    "oclc": _between("OCLC ", ""), "isbn": _between("ISBN ", ""), "unichar": lambda given: f"U+{given.first(1)}", "ship": lambda given: " ".join(given.values[:2]),
    "uss": lambda given: f"USS {given.first(1)}", "hms": lambda given: f"HMS {given.first(1)}", "ss": lambda given: f"SS {given.first(1)}",
    "mathcal": _text(1), "bra": _between("⟨", "|"), "ket": _between("|", "⟩"), "not a typo": _all(""), "as written": _all(""), "music": lambda given: {"flat": "♭", "sharp": "♯", "natural": "♮"}.get(given.first(1), ""),
    "her": _text(1), "mpl": lambda given: given.first(1), "section link": lambda given: " § ".join(v for v in given.values if v), "slink": lambda given: " § ".join(v for v in given.values if v),
    "enS": _text(1), "ens": _between("englisch ", ""), "frs": _between("französisch ", ""), "las": _between("lateinisch ", ""),
    "elS": _text(1), "bōl": _text(1), "langr": _text(2), "citation": lambda given: f"« {given.first(1)} »" if given.page.language == "fr" and given.first(1) else "",
    "guillemets": _between("« ", " »"), "langue": _text("texte", 2), "indice": lambda given: given.first(1).translate(_LOWER),
    "fchim": _chemical, "cs": _text(), "chset-cell": _text(),
}  # fmt: skip


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


def _old_style(given: Arguments) -> str:
    new, year, old = given.first(1), given.first(2), given.first(3)
    return f"{new} [O.S. {old}] {year}" if old else f"{new} {year}"


def _as_of(given: Arguments) -> str:
    word = "since" if given.first("since") else "as of"
    if not given.first("lc"):
        word = word.capitalize()
    return given.first("alt") or f"{word} {_date(given)}{given.first('post')}"


def _date(given: Arguments) -> str:
    values = [value for value in given.values if value][:3]
    if len(values) > 1 and values[1].isdigit() and 1 <= int(values[1]) <= 12:
        month = _MONTHS[int(values[1]) - 1]
        values = [
            *([str(int(values[2]))] if len(values) > 2 and values[2].isdigit() else []),
            month,
            values[0],
        ]
        return " ".join(values)
    return " ".join(reversed(values)) if len(values) > 1 else values[0] if values else ""


_COLON = {"en": ": ", "zh": "：", "ja": ": ", "simple": ": "}
_CODES = ["en", "fr", "de", "es", "it", "pt", "ru", "ja", "ko", "la", "el", "grc", "ar", "he", "fa", "hi", "sa", "nl", "pl", "sv", "da", "no", "fi", "hu", "cs", "sk", "ro", "bg", "sr", "hr", "uk", "be", "lt", "lv", "et", "tr", "vi", "th", "mn", "bo", "ug", "ms", "id", "tl", "cy", "ga", "gd", "eu", "ca", "gl", "sq", "hy", "ka", "az", "kk", "uz", "yi", "ur", "bn", "ta", "te", "ml", "mr", "sl", "mk", "is", "eo", "zh"]  # fmt: skip
_ENGLISH = [
    "English",
    "French",
    "German",
    "Spanish",
    "Italian",
    "Portuguese",
    "Russian",
    "Japanese",
    "Korean",
    "Latin",
    "Greek",
    "Ancient_Greek",
    "Arabic",
    "Hebrew",
    "Persian",
    "Hindi",
    "Sanskrit",
    "Dutch",
    "Polish",
    "Swedish",
    "Danish",
    "Norwegian",
    "Finnish",
    "Hungarian",
    "Czech",
    "Slovak",
    "Romanian",
    "Bulgarian",
    "Serbian",
    "Croatian",
    "Ukrainian",
    "Belarusian",
    "Lithuanian",
    "Latvian",
    "Estonian",
    "Turkish",
    "Vietnamese",
    "Thai",
    "Mongolian",
    "Tibetan",
    "Uyghur",
    "Malay",
    "Indonesian",
    "Tagalog",
    "Welsh",
    "Irish",
    "Scottish_Gaelic",
    "Basque",
    "Catalan",
    "Galician",
    "Albanian",
    "Armenian",
    "Georgian",
    "Azerbaijani",
    "Kazakh",
    "Uzbek",
    "Yiddish",
    "Urdu",
    "Bengali",
    "Tamil",
    "Telugu",
    "Malayalam",
    "Marathi",
    "Slovene",
    "Macedonian",
    "Icelandic",
    "Esperanto",
    "Chinese",
]
_CHINESE = [
    "英语",
    "法语",
    "德语",
    "西班牙语",
    "意大利语",
    "葡萄牙语",
    "俄语",
    "日语",
    "韩语",
    "拉丁语",
    "希腊语",
    "古希腊语",
    "阿拉伯语",
    "希伯来语",
    "波斯语",
    "印地语",
    "梵语",
    "荷兰语",
    "波兰语",
    "瑞典语",
    "丹麦语",
    "挪威语",
    "芬兰语",
    "匈牙利语",
    "捷克语",
    "斯洛伐克语",
    "罗马尼亚语",
    "保加利亚语",
    "塞尔维亚语",
    "克罗地亚语",
    "乌克兰语",
    "白俄罗斯语",
    "立陶宛语",
    "拉脱维亚语",
    "爱沙尼亚语",
    "土耳其语",
    "越南语",
    "泰语",
    "蒙古语",
    "藏语",
    "维吾尔语",
    "马来语",
    "印尼语",
    "他加禄语",
    "威尔士语",
    "爱尔兰语",
    "苏格兰盖尔语",
    "巴斯克语",
    "加泰罗尼亚语",
    "加利西亚语",
    "阿尔巴尼亚语",
    "亚美尼亚语",
    "格鲁吉亚语",
    "阿塞拜疆语",
    "哈萨克语",
    "乌兹别克语",
    "意第绪语",
    "乌尔都语",
    "孟加拉语",
    "泰米尔语",
    "泰卢固语",
    "马拉雅拉姆语",
    "马拉地语",
    "斯洛文尼亚语",
    "马其顿语",
    "冰岛语",
    "世界语",
    "中文",
]
_JAPANESE = [
    "英語",
    "フランス語",
    "ドイツ語",
    "スペイン語",
    "イタリア語",
    "ポルトガル語",
    "ロシア語",
    "日本語",
    "朝鮮語",
    "ラテン語",
    "ギリシア語",
    "古希",
    "アラビア語",
    "ヘブライ語",
    "ペルシア語",
    "ヒンディー語",
    "サンスクリット語",
    "オランダ語",
    "ポーランド語",
    "スウェーデン語",
    "デンマーク語",
    "ノルウェー語",
    "フィンランド語",
    "ハンガリー語",
    "チェコ語",
    "スロバキア語",
    "ルーマニア語",
    "ブルガリア語",
    "セルビア語",
    "クロアチア語",
    "ウクライナ語",
    "ベラルーシ語",
    "リトアニア語",
    "ラトビア語",
    "エストニア語",
    "トルコ語",
    "ベトナム語",
    "タイ語",
    "モンゴル語",
    "チベット語",
    "ウイグル語",
    "マレー語",
    "インドネシア語",
    "タガログ語",
    "ウェールズ語",
    "アイルランド語",
    "スコットランド・ゲール語",
    "バスク語",
    "カタルーニャ語",
    "ガリシア語",
    "アルバニア語",
    "アルメニア語",
    "グルジア語",
    "アゼルバイジャン語",
    "カザフ語",
    "ウズベク語",
    "イディッシュ語",
    "ウルドゥー語",
    "ベンガル語",
    "タミル語",
    "テルグ語",
    "マラヤーラム語",
    "マラーティー語",
    "スロベニア語",
    "マケドニア語",
    "アイスランド語",
    "エスペラント",
    "中国語",
]
_JAPANESE_SHORT = dict(
    zip(
        ["en", "fr", "de", "es", "it", "pt", "ru", "ko", "la", "el", "nl", "zh"],
        "英仏独西伊葡露朝羅希蘭中",
        strict=True,
    )
)
_LANGUAGE_NAMES = {
    "en": dict(zip(_CODES, (name.replace("_", " ") for name in _ENGLISH), strict=True)),
    "zh": dict(zip(_CODES, _CHINESE, strict=True)),
    "ja": dict(zip(_CODES, _JAPANESE, strict=True)),
}
