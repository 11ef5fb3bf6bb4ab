"""Project Gutenberg's wrapping of a book: cut off, and what its header says of the book as fields.

In fifty years the lines that begin and end a book have had many forms; they are matched in any of them. Older
files have no such lines: there the "Small Print!" ends the header, or stands as a footer. Behind the header come the
names of those who made the file, in front of the footer the transcribers' notes; they go too.
https://www.gutenberg.org/policy/license.html: the text of a book that is not copyrighted in the USA is nobody's;
only the name "Project Gutenberg" and its licence text are not free, and both are gone from what is kept.
"""

import re
from dataclasses import dataclass, field

# The header is in the first of these lines, or the text is not Project Gutenberg's.
HEAD = 80
PUBLIC_DOMAIN = "Public domain in the USA."
COPYRIGHTED = "Copyrighted. Read the copyright notice inside this book for details."

_START = re.compile(
    r"\s*\*{1,5} ?(?:START OF (?:THE |THIS )?(?:COPYRIGHTED )?PROJECT GUTENBERG|"
    r"END ?\*? ?(?:OF )?THE SMALL PRINT|START\*\*THE SMALL PRINT!? ?FOR PUBLIC DOMAIN E(?:TEXT|BOOK)S\*\*END)|"
    r"\s*\*? ?SMALL PRINT! Ver\.|.{0,80}\*END ?THE SMALL PRINT",
    re.I,
)
_SMALL_PRINT = re.compile(r"\s*\*{2,5} ?START ?\*{2,5} ?THE SMALL PRINT", re.I)
_END = re.compile(
    r"\s*\*{0,5} ?(?:this is )?(?:the )?end of (?:the |this )?(?:copyrighted )?project gutenberg|"
    r"\s*\*{0,5} ?(?:ende dieses|ende des|fin (?:de|du)|fine del|einde van) (?:het )?(?:this )?proje[ck]t gutenberg|"
    r"\s*\*{2,5} ?start: full license|\s*the full project gutenberg license",
    re.I,
)
_FIELD = re.compile(
    r"(Title|Author|Editor|Translator|Illustrator|Language|Release Date|Posting Date|Original Publication):\s*+(.*)",
    re.I,
)
_NUMBER = re.compile(r"\[?E-?(?:Book|Text) ?#(\d{1,6})\]?", re.I)
_FIRST_LINE = re.compile(
    r"\W*(?:The )?Project Gutenberg(?:[’']s)?(?: E-?(?:Book|Text))?(?:,| of)? (.+?),? by (.+)$", re.I
)
_MADE_BY = re.compile(
    r"\W*(?:(?:this )?(?:project gutenberg )?(?:html |pdf )?(?:e-?text|e-?book|file|edition|version) (?:was |is )?)?"
    r"(?:originally )?(?:produced|prepared|transcribed|scanned|created|typed|digiti[sz]ed|proof-?read|converted|"
    r"keyed|entered|provided|donated|updated|corrected|edited|html version) (?:and \w+ )?(?:by|from|for project)\b|"
    r"\W*(?:e-?text|e-?book|html version|scanned|proofed|updated editions?|online distributed|images of|"
    r"more information about this book|character set for html|most recently updated|note: (?:project gutenberg|images))"
    r".{0,200}(?:\bby\b|proofread|internet archive|http|gutenberg|pgdp|updated)",
    re.I | re.S,
)
_NOTE = re.compile(r"\W{0,4}(?:original )?(?:transcri(?:ber|ption|ptor)|digiti[sz]er|proofreader)[’']?s?[’']? (?:end)?notes?\b|"
                   r"\W{0,4}(?:a )?notes? (?:by|from) the (?:transcriber|digiti[sz]er)", re.I)  # fmt: skip
_PICTURE = re.compile(r"\s*\[(?:Illustration|Frontispiece|Cover)\]\s*", re.I)
_SURE = re.compile(
    r"project gutenberg|gutenberg(?:-tm|™)? (?:e-?text|e-?book|license)|\bwww\.gutenberg\.", re.I
)
_MONTHS = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
]  # fmt: skip
_LANGUAGES = {
    "english": "en", "chinese": "zh", "french": "fr", "german": "de", "spanish": "es", "italian": "it", "dutch": "nl",
    "portuguese": "pt", "finnish": "fi", "swedish": "sv", "danish": "da", "norwegian": "no", "latin": "la",
    "greek": "el", "japanese": "ja", "russian": "ru", "polish": "pl", "hungarian": "hu", "czech": "cs",
    "catalan": "ca", "esperanto": "eo", "tagalog": "tl", "welsh": "cy", "hebrew": "he", "korean": "ko",
}  # fmt: skip


@dataclass(frozen=True)
class Unwrapped:
    """A book without Project Gutenberg's wrapping."""

    text: str
    fields: dict[str, str] = field(default_factory=dict)
    number: str | None = None


def is_gutenberg(text: str) -> bool:
    head = text[:6000]
    return "gutenberg" in head.lower() and bool(
        _SURE.search(head) or any(_START.match(line) for line in head.split("\n"))
    )


def unwrapped(text: str) -> Unwrapped:
    """The book between header and footer. `text` has line feeds only."""
    lines = text.split("\n")
    start, end = _bounds(lines)
    fields, number = _fields(lines[: start or HEAD], lines[start - 1] if start else "")
    body = _front(_paragraphs(lines[start:end]))
    return Unwrapped("\n".join(_back(body)), fields, number)


def _bounds(lines: list[str]) -> tuple[int, int]:
    """Line numbers: of the first behind the header, and of the footer's first."""
    starts = [number for number, line in enumerate(lines) if _START.match(line)]
    ends = [number for number, line in enumerate(lines) if _END.match(line)]
    footers = [
        number for number, line in enumerate(lines) if _SMALL_PRINT.match(line) and 2 * number > len(lines)
    ]
    end = min([number for number in [*ends, *footers] if 4 * number > len(lines)] or ends or [len(lines)])
    if (before := [number for number in starts if number < end]) and starts:
        start = before[-1] + 1
        if "***" not in lines[start - 1].strip().lstrip("*"):  # a title that goes on in the next lines
            for more in range(start, min(start + 4, end)):
                if lines[more].rstrip().endswith("***"):
                    start = more + 1
                    break
        return start, end
    return 0, end


def _paragraphs(lines: list[str]) -> list[list[str]]:
    """Runs of lines between blank ones; a blank line is a run of its own, so that nothing is lost."""
    runs: list[list[str]] = []
    for line in lines:
        if not line.strip():
            runs.append([])
        elif runs and runs[-1]:
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _front(runs: list[list[str]]) -> list[list[str]]:
    """Without the makers' names, notes and whatever else names Project Gutenberg in the first twelfth."""
    kept: list[list[str]] = []
    seen, limit, note = 0, max(12, sum(map(bool, runs)) // 12), False
    for run in runs:
        if not run:
            kept.append(run)
            continue
        seen += 1
        text = " ".join(line.strip() for line in run)
        if seen <= limit and (note or (seen <= 12 and _MADE_BY.match(text)) or _SURE.search(text)):
            note = False
            continue
        if seen <= limit and _NOTE.match(text):
            note = len(text) <= 60 and not text.rstrip().endswith("]")  # a heading: the note follows it
            continue
        if _PICTURE.fullmatch(text):
            continue
        kept.append(run)
    return kept


def _back(runs: list[list[str]]) -> list[str]:
    """Lines, without notes that end the book and whatever names Project Gutenberg in the last twentieth."""
    total, seen, kept = sum(map(bool, runs)), 0, []
    tail = total - max(3, total // 20)
    for run in runs:
        seen += bool(run)
        text = " ".join(line.strip() for line in run)
        if seen > tail and total > 12 and _NOTE.match(text):
            break
        if seen > tail and (_SURE.search(text) or (seen > total - 3 and total > 6 and _MADE_BY.match(text))):
            continue
        kept.append(run)
    return [line for run in kept for line in (run or [""])]


# ---------------------------------------------------------------- what the header says


def _fields(header: list[str], mark: str) -> tuple[dict[str, str], str | None]:
    said: dict[str, str] = {}
    name = ""
    for line in header:
        if found := _FIELD.match(line.strip()):
            name = found[1].lower()
            said.setdefault(name, found[2].strip())
        elif name and line.startswith((" ", "\t")) and line.strip() and ":" not in line:
            said[name] += " " + line.strip()
        else:
            name = ""
    first = next((line.strip() for line in header if line.strip()), "").lstrip("\ufeff*")
    if (found := _FIRST_LINE.match(first)) is not None:
        said.setdefault("title", found[1].strip())
        said.setdefault("author", found[2].strip(" *"))
    number = next((found[1] for line in header if (found := _NUMBER.search(line))), None)
    when = (
        said.get("release date")
        or said.get("posting date")
        or next((line for line in header if _NUMBER.search(line) and _date(line)), "")
    )
    head = " ".join([*header[:HEAD], mark]).upper()
    language = said.get("language", "").partition(",")[0].strip()
    fields = {
        "title": said.get("title", ""),
        "author": _person(said.get("author", "")),
        "language": _LANGUAGES.get(language.lower(), language),
        "date": _date(when),
        "license": COPYRIGHTED if "COPYRIGHTED PROJECT GUTENBERG" in head else PUBLIC_DOMAIN,
    }
    if number is not None:
        fields |= {"url": f"https://www.gutenberg.org/ebooks/{number}", "source_id": number}
    return {key: value for key, value in fields.items() if value}, number


def _person(name: str) -> str:
    """Without years of birth and death."""
    return re.sub(r",? ?\(?\d{3,4}\??-(?:\d{3,4}\??)?\)?$", "", name).strip()


def _date(text: str) -> str:
    """`June 25, 2008 [EBook #11]` as `2008-06-25`, `March, 1994` as `1994-03`."""
    found = re.search(r"([A-Z][a-z]{2,8})\.?,? (?:(\d{1,2})(?:st|nd|rd|th)?,? )?(\d{4})", text)
    if found is None:
        iso = re.search(r"\d{4}-\d\d-\d\d", text)
        return iso[0] if iso else ""
    month = next((at for at, name in enumerate(_MONTHS, 1) if name.startswith(found[1].lower())), 0)
    if not month:
        return ""
    return f"{found[3]}-{month:02}" + (f"-{int(found[2]):02}" if found[2] else "")
