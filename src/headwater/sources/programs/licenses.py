"""Licences as SPDX expressions: of a repository from its LICENSE file, of a file from its header.

A licence's text is known by phrases that no other has, in text brought to one form (lower case, words only), so
that copyright lines, wrapping, comment marks and small edits do not matter. A text that adds terms of its own
(Commons Clause, "Good, not Evil", non-commercial) is `NOASSERTION`, and so is one that nobody knows. Of a GNU
licence the text alone grants that version only (`-only`); `-or-later` is what a header says.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

NONE, UNKNOWN = None, "NOASSERTION"
HEADER = 6000  # characters of a program in which its header stands
MAX_TEXT = 1 << 18  # characters of a licence file that are looked at

# SPDX id -> phrases in normal form; all of one row must stand in the text.
_TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("AGPL-3.0-only", ("gnu affero general public license version 3 19 november 2007",)),
    ("LGPL-3.0-only", ("gnu lesser general public license version 3 29 june 2007",)),
    ("GPL-3.0-only", ("gnu general public license version 3 29 june 2007",)),
    ("GPL-2.0-only", ("gnu general public license version 2 june 1991",)),
    ("GPL-1.0-only", ("gnu general public license version 1 february 1989",)),
    ("LGPL-2.1-only", ("gnu lesser general public license version 2 1 february 1999",)),
    ("LGPL-2.0-only", ("gnu library general public license version 2 june 1991",)),
    ("Apache-2.0", ("apache license version 2 0 january 2004", "grant of patent license")),
    ("MPL-2.0", ("mozilla public license version 2 0", "1 1 contributor means each individual")),
    ("MPL-1.1", ("mozilla public license version 1 1", "1 0 1 commercial use")),
    ("EPL-2.0", ("eclipse public license v 2 0", "this eclipse public license")),
    ("EPL-1.0", ("eclipse public license v 1 0", "this eclipse public license")),
    ("CC0-1.0", ("cc0 1 0 universal", "statement of purpose")),
    ("CC-BY-SA-4.0", ("attribution sharealike 4 0 international",)),
    ("CC-BY-NC-SA-4.0", ("attribution noncommercial sharealike 4 0 international",)),
    ("CC-BY-NC-4.0", ("attribution noncommercial 4 0 international",)),
    ("CC-BY-4.0", ("attribution 4 0 international", "by exercising the licensed rights")),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    ("BSL-1.0", ("boost software license version 1 0", "machine executable object code")),
    ("MulanPSL-2.0", ("木兰宽松许可证 第2版",)),
    ("MulanPSL-2.0", ("mulan permissive software license version 2", "grant of copyright license")),
    ("MulanPubL-2.0", ("木兰公共许可证 第2版",)),
    ("WTFPL", ("do what the fuck you want to public license",)),
    ("Artistic-2.0", ("the artistic license 2 0", "this license establishes the terms")),
    ("PSF-2.0", ("python software foundation license version 2", "psf is making python available to licensee")),
    ("PostgreSQL", ("permission to use copy modify and distribute this software and its documentation for any purpose "
                    "without fee and without a written agreement is hereby granted",)),
    ("HPND", ("permission to use copy modify and distribute this software and its documentation for any purpose and "
              "without fee is hereby granted",)),
    ("OFL-1.1", ("sil open font license version 1 1", "reserved font name")),
    ("Zlib", ("this software is provided as is without any express or implied warranty",
              "altered source versions must be plainly marked as such")),
    ("BSD-4-Clause", ("redistribution and use in source and binary forms", "all advertising materials mentioning features")),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "may be used to endorse or promote products")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms", "redistributions in binary form must reproduce")),
    ("ISC", ("permission to use copy modify and or distribute this software for any purpose with or without fee is hereby granted",
             "provided that the above copyright notice and this permission notice")),
    ("ISC", ("permission to use copy modify and distribute this software for any purpose with or without fee is hereby granted",
             "provided that the above copyright notice and this permission notice")),
    ("0BSD", ("permission to use copy modify and or distribute this software for any purpose with or without fee is hereby granted",
              "the software is provided as is")),
    ("MIT-0", ("permission is hereby granted free of charge to any person obtaining a copy",
               "to whom the software is furnished to do so the software is provided as is")),
    ("MIT", ("permission is hereby granted free of charge to any person obtaining a copy",
             "shall be included in all copies or substantial portions")),
)  # fmt: skip
# Of those that share their words the first is meant: what stands behind it is not looked for.
_HIDES = {
    "BSD-4-Clause": ("BSD-3-Clause", "BSD-2-Clause"), "BSD-3-Clause": ("BSD-2-Clause",), "ISC": ("0BSD",),
    "AGPL-3.0-only": ("GPL-3.0-only",), "MIT-0": ("MIT",), "CC-BY-NC-SA-4.0": ("CC-BY-SA-4.0", "CC-BY-NC-4.0"),
}  # fmt: skip
_TERMS = (
    "commons clause", "for good not evil", "non commercial use only", "noncommercial use only", "business source license",
    "server side public license", "elastic license", "for academic use only", "not for commercial use", "may not be used commercially",
    "anti 996 license",
)  # fmt: skip
_BINDING = ("MPL-2.0", "MPL-1.1", "EPL-2.0", "EPL-1.0")
_EITHER = re.compile(r"dual licen|under the terms of either|either of (?:these|the following)|at your option")
# What a program's header says, where it does not repeat the licence itself.
_HEADERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("Apache-2.0", re.compile(r"licensed under the apache license version 2 0|apache org licenses license 2 0|released under (?:the )?apache 2 0 license")),
    ("MPL-2.0", re.compile(r"subject to the terms of the mozilla public license v 2 0|mozilla org mpl 2 0")),
    ("MPL-1.1", re.compile(r"subject to the mozilla public license version 1 1")),
    ("EPL-2.0", re.compile(r"terms of the eclipse public license (?:v |version )?2 0")),
    ("EPL-1.0", re.compile(r"terms of the eclipse public license (?:v |version )?1 0")),
    ("BSL-1.0", re.compile(r"(?:distributed|licensed) under the boost software license version 1 0")),
    ("MulanPSL-2.0", re.compile(r"licensed under mulan psl v2|木兰宽松许可证 ?第2版")),
    ("MIT", re.compile(r"(?:licensed|released|distributed|available) under (?:the )?(?:terms of the )?mit license|opensource org licenses mit\b|mit licensed|本(?:代码|项目|文件)?(?:采用|遵循|使用) ?mit")),
    ("ISC", re.compile(r"(?:licensed|released) under the isc license")),
    ("WTFPL", re.compile(r"licensed under the wtfpl|do what the fuck you want to")),
    ("CC0-1.0", re.compile(r"creativecommons org publicdomain zero 1 0")),
    ("Unlicense", re.compile(r"(?:licensed|released) under the unlicense")),
    ("BSD-3-Clause", re.compile(r"(?:licensed|released|distributed) under (?:the )?(?:terms of the )?(?:bsd 3 clause|3 clause bsd|new bsd|modified bsd)|opensource org licenses bsd 3 clause")),
    ("BSD-2-Clause", re.compile(r"(?:licensed|released|distributed) under (?:the )?(?:terms of the )?(?:bsd 2 clause|2 clause bsd|simplified bsd)|opensource org licenses bsd 2 clause")),
)  # fmt: skip
_GNU = re.compile(
    r"gnu (?P<kind>affero general|lesser general|library general|general) public licen[sc]e\b(?P<rest>.{0,320})"
)
_GNU_VERSION = re.compile(r"\b(?:version|v) ?([123])(?: ([01])\b)?")
_GNU_IDS = {"affero general": "AGPL", "lesser general": "LGPL", "library general": "LGPL", "general": "GPL"}

_SPDX = re.compile(r"SPDX-License-Identifier:[ \t]{0,8}([^\n]{1,200})")
_OPERATORS = re.compile(r"\(|\)|[^\s()]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,60}\Z|LicenseRef-[\w.-]{1,60}\Z|DocumentRef-[\w.:-]{1,80}\Z")
_OLD = {
    **{f"{name}-{version}": f"{name}-{version}-only" for name in ("GPL", "LGPL", "AGPL") for version in ("1.0", "2.0", "2.1", "3.0")},
    **{f"{name}-{version}+": f"{name}-{version}-or-later" for name in ("GPL", "LGPL", "AGPL") for version in ("1.0", "2.0", "2.1", "3.0")},
}  # fmt: skip
PERMISSIVE = frozenset(
    [
        "0BSD",
        "AFL-3.0",
        "Apache-1.1",
        "Apache-2.0",
        "Artistic-2.0",
        "BlueOak-1.0.0",
        "BSD-1-Clause",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSD-3-Clause-Clear",
        "BSD-4-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CC-BY-4.0",
        "curl",
        "HPND",
        "ISC",
        "MIT",
        "MIT-0",
        "MulanPSL-1.0",
        "MulanPSL-2.0",
        "NCSA",
        "OpenSSL",
        "Python-2.0",
        "PSF-2.0",
        "PostgreSQL",
        "Unicode-DFS-2016",
        "Unlicense",
        "UPL-1.0",
        "WTFPL",
        "X11",
        "Zlib",
    ]
)
_BY_LOWER = {name.lower(): name for name in (*PERMISSIVE, *(name for name, _ in _TEXTS))}
_NAMES = re.compile(
    r"(?i)(?:(?:(?:un)?licen[sc]e|copying|copyright)(?:[-_. ][^/]{0,40})?|[\w.+]{1,20}[-_.]licen[sc]e(?:\.(?:txt|md|rst))?|ofl\.txt|许可证(?:\.\w{1,5})?)\Z"
)
_NOT_TEXTS = (".py", ".js", ".ts", ".go", ".java", ".rb", ".c", ".h", ".cc", ".cpp", ".cs", ".php", ".json", ".html", ".xml",
              ".png", ".svg", ".yml", ".yaml", ".sh", ".rs", ".vue", ".css", ".kt", ".scala", ".tmpl", ".spdx", ".pl")  # fmt: skip


def is_license_file(name: str) -> bool:
    """LICENSE, COPYING.LESSER, LICENCE.md, MIT-LICENSE, UNLICENSE, 许可证.txt, … by the last part of a path."""
    base = PurePosixPath(name.replace("\\", "/")).name
    return _NAMES.match(base) is not None and not base.lower().endswith(_NOT_TEXTS)


def normal_form(text: str) -> str:
    """Words in lower case, one space between; comment marks, punctuation and markup are gone."""
    return re.sub(r"[\W_]+", " ", text.lower())


def license_of_text(text: str) -> str:
    """The SPDX id of a licence file's text; of several in one file their conjunction, as they stand there."""
    words = normal_form(text[:MAX_TEXT])
    if any(term in words for term in _TERMS):
        return UNKNOWN
    found = _texts_in(words)
    if not found and (stated := license_of_header(text)) is not None:
        return stated
    if "Apache-2.0" in found and "llvm exceptions to the apache" in words:
        found = ["Apache-2.0 WITH LLVM-exception" if name == "Apache-2.0" else name for name in found]
    # Some only name their licence (`MPL-2.0 … mozilla.org/MPL/2.0`); one that binds must not be missed.
    found += [
        name for name, pattern in _HEADERS if name in _BINDING and name not in found and pattern.search(words)
    ]
    # Each GNU licence names the others somewhere; its title stands first.
    gnu = [name for name in found if "GPL-" in name]
    found = [name for name in found if "GPL-" not in name or name == gnu[0]]
    return " AND ".join(found) if found else UNKNOWN


def _texts_in(words: str) -> list[str]:
    found: dict[str, int] = {}
    for name, phrases in _TEXTS:
        if name not in found and all(phrase in words for phrase in phrases):
            found[name] = words.index(phrases[0])
    for name in list(found):
        for hidden in _HIDES.get(name, ()):
            found.pop(hidden, None)
    return sorted(found, key=lambda name: found[name])


def license_of_files(texts: dict[str, str]) -> str:
    """Of all licence files of one folder (name -> text). `LICENSE-MIT` beside `LICENSE-APACHE` is a choice, as Rust's
    projects mean it; `COPYING` beside `COPYING.LESSER` is the LGPL; of others the one that is known."""
    found = {name: license_of_text(text) for name, text in sorted(texts.items())}
    known = sorted({value for value in found.values() if value != UNKNOWN})
    lesser = [value for value in known if value.startswith("LGPL")]
    if lesser and all("GPL" in value for value in known):
        return lesser[0]
    if not known:
        return UNKNOWN
    if len(known) == 1:
        # A second file in nobody's words may well take something back, but a NOTICE-like COPYRIGHT does not.
        return known[0]
    names = [PurePosixPath(name).name for name in found]
    choice = all(re.match(r"(?i)(?:un)?licen[sc]e[-_.]?\w|\w+-licen[sc]e", name) for name in names) or any(
        value == UNKNOWN and _EITHER.search(normal_form(texts[name])) for name, value in found.items()
    )
    joined = [f"({value})" if " AND " in value or " OR " in value else value for value in known]
    return (" OR " if choice else " AND ").join(joined)


def license_of_header(text: str) -> str | None:
    """What a file's own header says: an SPDX expression, None where it says nothing that is known."""
    head = text[:HEADER]
    if "SPDX-License-Identifier" in head:
        identifiers = [expression(match[1]) for match in _SPDX.finditer(head)]
        said = list(dict.fromkeys(identifier for identifier in identifiers if identifier))
        if said:
            return said[0]
    lower = head.lower()
    if (
        "licen" not in lower
        and "permi" not in lower
        and "public domain" not in lower
        and "redistribution" not in lower
        and "许可" not in lower
        and "wtfpl" not in lower
    ):
        return None
    words = normal_form(head)
    if any(term in words for term in _TERMS):
        return UNKNOWN
    found = _texts_in(words)
    if (gnu := _gnu(words)) is not None:
        found.append(gnu)
    found += [name for name, pattern in _HEADERS if name not in found and pattern.search(words)]
    found = [
        name
        for name in found
        if not ("GPL-" in name and name.endswith("-only") and gnu is not None and name != gnu)
    ]
    if not found:
        return None
    found = list(dict.fromkeys(found))
    # A header that offers two ("dual licensed", "at your option … either") offers a choice.
    choice = len(found) > 1 and re.search(
        r"dual|\beither\b.{0,200}\bor\b|\bat your (?:option|choice)|alternatively", words
    )
    return (" OR " if choice else " AND ").join(found)


def _gnu(words: str) -> str | None:
    for match in _GNU.finditer(words):
        version = _GNU_VERSION.search(match["rest"]) or _GNU_VERSION.search(
            words, max(0, match.start() - 40), match.start()
        )
        if version is None:
            continue
        later = (
            "any later version" in match["rest"] or "or later" in match["rest"] or "or newer" in match["rest"]
        )
        return f"{_GNU_IDS[match['kind']]}-{version[1]}.{version[2] or 0}-{'or-later' if later else 'only'}"
    return None


def expression(written: str) -> str | None:
    """An SPDX expression as it stands behind its tag, with the ids of today; None where it is none."""
    written = re.split(r"\*/|-->|\*\)|#}|\"|'|`|\\n|;|,|=#|-}|]]", written)[0]
    tokens = []
    for token in _OPERATORS.findall(written):
        if token.upper() in ("AND", "OR", "WITH"):
            tokens.append(token.upper())
        elif token in "()":
            tokens.append(token)
        elif _ID.match(token):
            if tokens and (
                tokens[-1] not in ("AND", "OR", "WITH", "(") or (token.isalpha() and token.islower())
            ):
                break  # words behind the expression
            tokens.append(_OLD.get(token, token))
        else:
            break
    while tokens and tokens[-1] in ("AND", "OR", "WITH", "("):
        tokens.pop()
    if not tokens or tokens.count("(") != tokens.count(")"):
        return None
    return " ".join(tokens).replace("( ", "(").replace(" )", ")")


def license_of_columns(written: str | None) -> str | None:
    """Of a table's column: an expression, or ids one after the other (all that were found, so all hold), in any case."""
    if not written:
        return None
    found = []
    for part in re.split(r"[,;]\s{0,8}", written):
        part = _BY_LOWER.get(part.strip().lower(), part.strip())
        if part and part.lower() not in ("none", "null", "[]", "no_license", "unknown"):
            found.append(expression(part) or UNKNOWN)
    return " AND ".join(dict.fromkeys(found)) or None


def allowed(found: str | None, wanted: Iterable[str]) -> bool:
    """Whether an expression may be used where `wanted` ids are (`permissive` names a set of them): of OR one side, of
    AND both. Parentheses are taken for AND."""
    ids = set(wanted)
    if "permissive" in ids:
        ids |= PERMISSIVE
    if not found:
        return False
    if "(" in found:
        return all(
            allowed(part, ids) for part in re.split(r"(?<!\s)\s++(?:AND|OR)\s+", re.sub(r"[()]", "", found))
        )
    return any(
        all(part in ids or part.split(" WITH ")[0] in ids for part in choice.split(" AND "))
        for choice in found.split(" OR ")
    )
