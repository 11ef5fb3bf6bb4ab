r"""Formulas: kept as LaTeX, with the paper's own macros expanded and labels taken out."""

from headwater.sources.extract import latex_commands as known
from headwater.sources.extract.latex_macros import Macros
from headwater.sources.extract.latex_numbers import Numbers
from headwater.sources.extract.latex_tokens import PAR, Reader

_CLOSING = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_NOT_SHOWN = {"\\nonumber", "\\notag", "\\xspace", "\\protect", "\\displaystyle", "\\par", "\\noindent"}
_DROPPED = {"\\label": "m", "\\vspace": "m", "\\vspace*": "m", "\\intertext*": "", "\\raisetag": "m"}
_TEXTS = frozenset(
    [
        "\\text",
        "\\mbox",
        "\\hbox",
        "\\textrm",
        "\\textbf",
        "\\textit",
        "\\textsf",
        "\\texttt",
        "\\textnormal",
        "\\intertext",
        "\\shortintertext",
        "\\textup",
        "\\fbox",
        "\\tag",
        "\\parbox",
        "\\makebox",
        "\\textsc",
        "\\emph",
        "\\footnote",
        "\\textcolor",
    ]
)
_INSIDE = frozenset(("math", "tikzcd", "CD", "prooftree", "displaymath"))
_DECLARES = {"\\newcommand", "\\renewcommand", "\\def", "\\providecommand", "\\let"}


def formula(reader: Reader, macros: Macros, numbers: Numbers, opening: str, environment: str = "") -> str:
    r"""The formula that begins here, up to where it ends: with its environment, or at a paragraph's end.

    `opening`: `$`, `$$`, `\(`, `\[`, or empty where `environment` (without a star) is open.
    """
    starred = environment.endswith("*")
    plain = environment.rstrip("*")
    closing = _CLOSING.get(opening, "")
    parts: list[str] = []
    deep = nested = rows = 0
    last_word = silenced = text_follows = False
    texts: list[int] = []  # depths of the open groups that hold text, in which $ begins another formula
    numbered = (
        bool(plain) and not starred and plain not in ("displaymath", "math", "tikzcd", "CD", "prooftree")
    )
    per_row = known.DISPLAY.get(plain, False)
    stepped = False
    while (token := reader.next()) is not None:
        first = token[0]
        if token == PAR:
            reader.pending.append(token)
            break
        if first == "$":
            if not texts and token == closing:
                break
            if not texts and closing == "$" and token == "$$":
                reader.pending.append("$")
                break
        elif first == "{":
            deep += 1
            if text_follows:
                texts.append(deep)
        elif first == "}":
            if texts and texts[-1] == deep:
                texts.pop()
            deep -= 1
            if deep < 0 and not environment and not nested:
                reader.pending.append(token)  # the group around the formula ends: it was not closed
                break
        elif first == "\\":
            name = token[1:]
            if token == closing:
                break
            if name.rstrip("*") in known.HEADINGS or name == "item":
                reader.pending.append(token)
                break
            if name == "end":
                ended = reader.word()
                own = macros.environments.get(ended)
                if own is not None and ended not in known.DISPLAY:
                    reader.push(own.end)
                    continue
                if nested:
                    nested -= 1
                    parts.append(f"\\end{{{ended}}}")
                    continue
                if ended != environment:
                    reader.push(["\\end", "{", ended, "}"])
                break
            if name == "begin":
                begun = reader.word()
                if begun.rstrip("*") in known.DISPLAY and not nested and not texts and begun not in _INSIDE:
                    reader.push(["\\begin", "{", begun, "}"])
                    break
                own = macros.environments.get(begun)
                if own is not None:
                    macros.expand(own.begin, reader)
                    continue
                nested += 1
                parts.append(f"\\begin{{{begun}}}")
                last_word = False
                continue
            found = macros.commands.get(name)
            if found is None and name[-1:] == "*" and (found := macros.commands.get(name[:-1])) is not None:
                reader.pending.append("*")
            if found is not None and name not in ("left", "right", "text", "mathrm", "frac"):
                macros.expand(found, reader)
                continue
            if token == "\\label":
                key = reader.word()
                if numbered and not stepped and not silenced:
                    numbers.step("equation")
                    stepped = True
                numbers.label(key)
                continue
            if token in ("\\nonumber", "\\notag"):
                silenced = True
            if token == "\\\\" and not nested:
                if per_row and numbered and not stepped and not silenced:
                    numbers.step("equation")
                if per_row:
                    stepped = silenced = False
                rows += 1
            if token in _NOT_SHOWN:
                continue
            if token == "\\ifmmode":
                continue
            if token == "\\else":
                _skip_to_fi(reader)
                continue
            if token == "\\fi":
                continue
            if token == "\\ensuremath":
                reader.push(reader.argument())
                continue
            if token in _DROPPED:
                reader.argument(to_paragraph=True)
                continue
            if token in _DECLARES:
                macros.newcommand(reader) if "command" in token else macros.definition(reader)
                continue
        text_follows = token in _TEXTS or (text_follows and not token.strip())
        if last_word and token[0].isalpha():
            parts.append(" ")
        last_word = first == "\\" and len(token) > 1 and token[-1].isalpha()
        parts.append(token)
    if numbered and not stepped and not silenced:
        numbers.step("equation")
    body = " ".join("".join(parts).split())
    if deep > 0:
        body += "}" * min(deep, 100)
    if not body:
        return ""
    if opening in ("$", "\\("):
        return f"${body}$"
    if environment == "math":
        return f"${body}$"
    if environment and plain not in known.WITHOUT_WRAP:
        body = f"\\begin{{{environment}}} {body} \\end{{{environment}}}"
    return f"\n\n$${body}$$\n\n"


def _skip_to_fi(reader: Reader) -> None:
    deep = 0
    while (token := reader.next()) is not None and token != PAR:
        if token == "\\fi":
            if not deep:
                return
            deep -= 1
        elif token.startswith("\\if") and token[1:] in known.CONDITIONALS:
            deep += 1
