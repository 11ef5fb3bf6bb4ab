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

from headwater.sources.extract import wikitext_shown as shown
from headwater.sources.extract.wikitext_arguments import Page, arguments_of
from headwater.sources.extract.wikitext_blocks import BREAK, PIPE, REMOVED
from headwater.sources.extract.wikitext_shown import Show

_CENTURY = re.compile(r"([ivxl]+)(er?)(( siècle| millénaire)?( av\. j\.-c\.)?)$")  # {{XIXe siècle}}
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
            show = shown.language if name.startswith("lang-") else shown.text(1)
        elif (century := _CENTURY.match(name)) is not None:
            return f"{century[1].upper()}{century[2]}{century[3]}"
        elif name in ("pagename", "fullpagename", "basepagename", "subpagename"):
            return page.title
        else:
            return REMOVED
    whole = "".join(content)
    if len(whole) > _LONGEST:
        return REMOVED
    return show(arguments_of(name, whole, page)) or REMOVED


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


# ---------------------------------------------------------------- which names are of which kind

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
    **{name.replace("-", " "): shown.text(1) for name in _FIRST},
    **{name: shown.text(1) for name in _FIRST},
    **{name.replace("-", " "): shown.quotation for name in _QUOTES},
    **dict.fromkeys(_QUOTES, shown.quotation),
    **{name.replace("-", " "): shown.text("texte", "text", 2, 1) for name in _SECOND},
    "langx": shown.text("text", 2),
    "sort": shown.text(2, 1),
    "sortname": lambda given: " ".join(given.values[:2]),
    "hs": shown.text(),
    "nts": shown.text(1),
    "linktext": shown.every(""),
    "ltext": shown.every(" "),
    "transl": shown.last, "transliteration": shown.last, "tlit": shown.last, "rtgs": shown.text(1), "wikispecies": shown.text(1),
    "ill": shown.interlanguage, "interlanguage link": shown.interlanguage, "link-interwiki": shown.text("zh", 1),
    "internal link helper": shown.text("d", 2, 1), "tsl": shown.text(3, 2), "translink": shown.text(3, 2), "lnk": shown.text(1), "lpd": shown.text(1),
    "lien": shown.text("texte", "trad-text", 1, "fr"), "illm": shown.interlanguage, "link-multi": shown.text(1),
    "plainlist": shown.between("\n", "\n"), "plain list": shown.between("\n", "\n"), "flatlist": shown.between("\n", "\n"),
    "unbulleted list": shown.bullets, "ubl": shown.bullets, "ublist": shown.bullets, "bulleted list": shown.bullets, "blist": shown.bullets, "bullet list": shown.bullets,
    "hlist": shown.every(" · "), "columns-list": shown.between("\n", "\n", 1), "div col content": shown.text(1), "colbegin": shown.text(),
    "zh": shown.zh, "zh-full": shown.zh, "nihongo": shown.nihongo, "nihongo2": shown.text(1), "nihongo3": shown.nihongo, "nihongo krt": shown.nihongo,
    "nihongo foot": shown.text(1), "korean": shown.text("hangul", 1), "ko-hhrm": shown.text("hangul", 1), "linktext zh": shown.every(""),
    "ruby": shown.reading, "ruby-ja": shown.reading, "ruby-zh-p": shown.reading, "ruby-zh-b": shown.reading, "読み仮名": shown.reading, "読み仮名 ruby不使用": shown.reading,
    "ふりがな": shown.reading, "kana": shown.reading, "补充读音": shown.reading,
    "convert": shown.measure, "cvt": shown.measure, "conv": shown.measure, "unité": shown.measure, "unidad": shown.measure, "unit": shown.measure, "nombre": shown.measure,
    "число": shown.measure, "num": shown.text(1), "nb": shown.text(1), "formatnum": shown.text(1), "convinfobox": shown.measure, "単位": shown.measure,
    "val": shown.val, "gaps": shown.every(" "), "frac": shown.fraction, "fraction": shown.fraction, "sfrac": shown.fraction, "frac2": shown.fraction, "e": shown.power_of_ten,
    "e-sp": shown.power_of_ten, "e-sp2": shown.power_of_ten, "10^": lambda given: f"10{given.first(1).translate(shown.RAISE)}", "sup": lambda given: given.first(1).translate(shown.RAISE),
    "sub": lambda given: given.first(1).translate(shown.LOWER), "chem": shown.chemical, "chem2": shown.text(1), "chemical formula": shown.chemical,
    "exp": lambda given: given.first(1) + given.first(2).translate(shown.RAISE), "expo": lambda given: given.first(1).translate(shown.RAISE), "sqrt": shown.between("√", ""), "radic": shown.between("√", ""),
    "abs": shown.between("|", "|"), "angbr": shown.between("⟨", "⟩"), "angle bracket": shown.between("⟨", "⟩"), "angbr ipa": shown.text(),
    "circa": lambda given: "c. " + given.first(1) if given.first(1) else "c.", "c.": lambda given: "c. " + given.first(1) if given.first(1) else "c.",
    "ca": lambda given: "c. " + given.first(1) if given.first(1) else "c.", "floruit": lambda given: ("fl. " + given.first(1)).strip(),
    "fl.": lambda given: ("fl. " + given.first(1)).strip(), "reign": lambda given: "r. " + "–".join(v for v in given.values if v),
    "as of": lambda given: shown.as_of(given),
    "oldstyledate": lambda given: shown.old_style(given),
    "old style date": lambda given: shown.old_style(given),
    "date": shown.every(" "), "date-": shown.every(" "), "date de naissance-": shown.every(" "), "start date": lambda given: shown.date(given), "end date": lambda given: shown.date(given),
    "date rouge": shown.every(" "), "date de naissance": shown.every(" "), "date de décès": shown.every(" "), "naissance": shown.every(" "), "décès": shown.every(" "),
    "langi": shown.text(2), "vol.": shown.between("vol. ", ""), "mdashb": shown.text(), "fs player": shown.text("name"), "flagathlete": shown.text(1), "player": shown.text(4),
    **{name: shown.between(f"(ب{language}: ", ")") for name, language in _ARABIC.items()}, "dts": lambda given: shown.date(given),
    "siècle": shown.century, "s": shown.century, "s-": shown.century, "-s": shown.century, "-s-": shown.century, "sp-": shown.every(" "), "sp": shown.every(" "), "siglo": shown.between("siglo ", ""),
    "us$": shown.between("US$", ""), "usd": shown.between("US$", ""), "a$": shown.between("A$", ""), "aud": shown.between("A$", ""), "inr": shown.between("₹", ""), "indian rupee": shown.between("₹", ""),
    "gbp": shown.between("£", ""), "£": shown.between("£", ""), "€": shown.between("€", ""), "eur": shown.between("€", ""), "cad": shown.between("C$", ""), "¥": shown.between("¥", ""),
    "oclc": shown.between("OCLC ", ""), "isbn": shown.between("ISBN ", ""), "unichar": lambda given: f"U+{given.first(1)}", "ship": lambda given: " ".join(given.values[:2]),
    "uss": lambda given: f"USS {given.first(1)}", "hms": lambda given: f"HMS {given.first(1)}", "ss": lambda given: f"SS {given.first(1)}",
    "mathcal": shown.text(1), "bra": shown.between("⟨", "|"), "ket": shown.between("|", "⟩"), "not a typo": shown.every(""), "as written": shown.every(""), "music": lambda given: {"flat": "♭", "sharp": "♯", "natural": "♮"}.get(given.first(1), ""),
    "her": shown.text(1), "mpl": lambda given: given.first(1), "section link": lambda given: " § ".join(v for v in given.values if v), "slink": lambda given: " § ".join(v for v in given.values if v),
    "enS": shown.text(1), "ens": shown.between("englisch ", ""), "frs": shown.between("französisch ", ""), "las": shown.between("lateinisch ", ""),
    "elS": shown.text(1), "bōl": shown.text(1), "langr": shown.text(2), "citation": lambda given: f"« {given.first(1)} »" if given.page.language == "fr" and given.first(1) else "",
    "guillemets": shown.between("« ", " »"), "langue": shown.text("texte", 2), "indice": lambda given: given.first(1).translate(shown.LOWER),
    "fchim": shown.chemical, "cs": shown.text(), "chset-cell": shown.text(),
}  # fmt: skip
