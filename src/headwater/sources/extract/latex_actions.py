r"""What commands do that need more than a table: definitions, front matter, files, literal text."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from headwater.sources.extract import latex_commands as known
from headwater.sources.extract.latex_environments import begin, caption, captionof, end, item
from headwater.sources.extract.latex_tidy import KEPT, authors_of, one_line
from headwater.sources.extract.latex_tokens import PAR

if TYPE_CHECKING:
    from headwater.sources.extract.latex_interpreter import Interpreter

Action = Callable[["Interpreter", str], None]

# ---------------------------------------------------------------- literal text


def verb(tex: "Interpreter", token: str) -> None:
    if token.lstrip("\\").startswith("lstinline"):
        tex.reader.optional()
    raw = tex.reader.raw_line()
    if raw is not None:
        tex.out.append(f"{KEPT}{len(tex.verbatims)}{KEPT}")
        tex.verbatims.append(raw)


def url(tex: "Interpreter", token: str) -> None:
    raw = tex.reader.raw_group()
    tex.out.append("".join(tex.reader.argument(to_paragraph=True)) if raw is None else raw.strip())


def href(tex: "Interpreter", token: str) -> None:
    if tex.reader.raw_group() is None:
        tex.reader.argument(to_paragraph=True)


# ---------------------------------------------------------------- front matter


def title(tex: "Interpreter", token: str) -> None:
    tex.reader.optional()

    def then(text: str) -> None:
        tex.paper.title = tex.paper.title or one_line(text)

    tex.capture(then)


def author(tex: "Interpreter", token: str) -> None:
    tex.reader.optional()
    tex.capture(lambda text: tex.authors.extend(authors_of(text)))


def date(tex: "Interpreter", token: str) -> None:
    def then(text: str) -> None:
        tex.paper.date = tex.paper.date or one_line(text)

    tex.capture(then)


def abstract(tex: "Interpreter", token: str) -> None:
    tex.capture(lambda text: tex.abstract.append(f"## Abstract\n\n{text.strip()}") if text.strip() else None)


def keywords(tex: "Interpreter", token: str) -> None:
    tex.capture(lambda text: tex.out.append(f"\n\nKeywords: {one_line(text.replace(chr(29), ', '))}\n\n"))


def footnote(tex: "Interpreter", token: str) -> None:
    tex.reader.optional()
    tex.capture(lambda text: tex.footnotes.append(one_line(text)))


def appendix(tex: "Interpreter", token: str) -> None:
    tex.numbers.begin_appendix()


def documentclass(tex: "Interpreter", token: str) -> None:
    tex.reader.optional()
    if tex.reader.word().startswith("ctex"):
        tex.paper.language = "zh"


def usepackage(tex: "Interpreter", token: str) -> None:
    options = "".join(tex.reader.optional() or [])
    for name in tex.reader.word().split(","):
        name = name.strip()
        if name in ("ctex", "CJK", "CJKutf8", "xeCJK"):
            tex.paper.language = "zh"
        elif name == "babel":
            named = [known.LANGUAGES[o] for o in options.replace(" ", "").split(",") if o in known.LANGUAGES]
            tex.paper.language = named[-1] if named else tex.paper.language
        elif (found := tex.inputs(f"{name}.sty")) is not None and tex.reader.enter(*found):
            tex.paper.inputs.append(found[0])


def include(tex: "Interpreter", token: str) -> None:
    following = tex.reader.skip_spaces()
    if following is None:
        return
    if following == "{":
        name = "".join(tex.reader.group(to_paragraph=True)).strip()
    else:  # plain TeX: \input name
        name, _, rest = following.partition(" ")
        if rest:
            tex.reader.pending.append(rest)
    if "import" in token:  # \import{folder}{file}
        name = f"{name.rstrip('/')}/{tex.reader.word()}"
    if not name or name[0] in "\\$&[]":
        return
    found = tex.inputs(name)
    if found is None:
        tex.paper.missing.append(name[:200])
        return
    if token.startswith("\\include"):
        tex.paragraph()
        tex.reader.pending.append(PAR)
    if tex.reader.enter(*found):
        tex.paper.inputs.append(found[0])


def if_then_else(tex: "Interpreter", token: str) -> None:
    """Not evaluated: the second of its branches."""
    tex.reader.argument()
    tex.reader.argument()


def first_of_two(tex: "Interpreter", token: str) -> None:
    kept = tex.reader.argument()
    tex.reader.argument()
    tex.macros.budget -= sum(map(len, kept))
    if tex.macros.budget > 0:
        tex.reader.push(kept)


def xspace(tex: "Interpreter", token: str) -> None:
    following = tex.reader.next()
    if following is not None:
        tex.reader.pending.append(following)
        if following[0].isalnum() or (following[0] in "(\\$" and following[:2] not in ("\\\\", "\\/", "\\,")):
            tex.out.append(" ")


def ensuremath(tex: "Interpreter", token: str) -> None:
    tokens = tex.reader.argument()
    tex.macros.budget -= sum(map(len, tokens))
    if tex.macros.budget > 0:
        tex.reader.push(["$", *tokens, "$"])


def label(tex: "Interpreter", token: str) -> None:
    tex.numbers.label(tex.reader.word())


def character(tex: "Interpreter", token: str) -> None:
    r"""\char"41, \symbol{65}"""
    written = tex.reader.word() if token == "\\symbol" else None
    if written is None:
        following = tex.reader.next() or ""
        end = 1
        while end < len(following) and following[end] in "0123456789ABCDEF":
            end += 1
        written = following[:end]
        if following[end:]:
            tex.reader.pending.append(following[end:])
    try:
        code = int(written[1:], 16 if written[0] == '"' else 8) if written[:1] in ("'", '"') else int(written)
        tex.out.append(chr(code) if 32 <= code < 0xD800 else "")
    except (ValueError, OverflowError):
        return


def endinput(tex: "Interpreter", token: str) -> None:
    tex.reader.leave()


def bye(tex: "Interpreter", token: str) -> None:
    tex.reader.stop()


def skip_else(tex: "Interpreter", token: str) -> None:
    tex.skip_branch(to_else=False)


def newif(tex: "Interpreter", token: str) -> None:
    tex.macros.newif(tex.reader)


def ignore(tex: "Interpreter", token: str) -> None:
    tex.reader.skip_spaces_after_word()


def csname(tex: "Interpreter", token: str) -> None:
    r"""\csname name\endcsname: the command of that name."""
    name: list[str] = []
    while (
        (part := tex.reader.next()) is not None and part != "\\endcsname" and part != PAR and len(name) < 20
    ):
        name.append(part)
    if (text := "".join(name).strip()) and text.isalpha() and text != "csname":
        tex.macros.budget -= len(text) + 1
        if tex.macros.budget > 0:
            tex.reader.pending.append("\\" + text)


ACTIONS: dict[str, Action] = {
    "begin": begin, "end": end, "item": item, "caption": caption, "verb": verb, "lstinline": verb, "url": url,
    "path": url, "nolinkurl": url, "href": href, "title": title, "icmltitle": title, "author": author, "date": date,
    "abstract": abstract, "keywords": keywords, "footnote": footnote, "footnotetext": footnote, "appendix": appendix,
    "documentclass": documentclass, "documentstyle": documentclass, "usepackage": usepackage, "input": include,
    "include": include, "subfile": include, "import": include, "subimport": include, "ifthenelse": if_then_else,
    "texorpdfstring": first_of_two, "xspace": xspace, "ensuremath": ensuremath, "label": label, "char": character,
    "symbol": character, "endinput": endinput, "bye": bye, "else": skip_else, "newif": newif, "csname": csname,
    "tcaption": caption, "captionof": captionof,
    "newcommand": lambda tex, token: tex.macros.newcommand(tex.reader),
    "renewcommand": lambda tex, token: tex.macros.newcommand(tex.reader),
    "DeclareRobustCommand": lambda tex, token: tex.macros.newcommand(tex.reader),
    "providecommand": lambda tex, token: tex.macros.newcommand(tex.reader, provide=True),
    "NewDocumentCommand": lambda tex, token: tex.macros.document_command(tex.reader),
    "RenewDocumentCommand": lambda tex, token: tex.macros.document_command(tex.reader),
    "def": lambda tex, token: tex.macros.definition(tex.reader),
    "gdef": lambda tex, token: tex.macros.definition(tex.reader),
    "edef": lambda tex, token: tex.macros.definition(tex.reader),
    "xdef": lambda tex, token: tex.macros.definition(tex.reader),
    "let": lambda tex, token: tex.macros.let(tex.reader),
    "DeclareMathOperator": lambda tex, token: tex.macros.operator(tex.reader, starred=token.endswith("*")),
    "DeclarePairedDelimiter": lambda tex, token: tex.macros.paired_delimiter(tex.reader),
    "newenvironment": lambda tex, token: tex.macros.newenvironment(tex.reader),
    "renewenvironment": lambda tex, token: tex.macros.newenvironment(tex.reader),
    "newtheorem": lambda tex, token: tex.macros.newtheorem(tex.reader, starred=token.endswith("*")),
}  # fmt: skip
# Switches of font and layout: nothing but their names and the space behind them leave.
ACTIONS |= dict.fromkeys(
    [
        "bf",
        "it",
        "rm",
        "sf",
        "tt",
        "sc",
        "em",
        "sl",
        "bfseries",
        "itshape",
        "rmfamily",
        "sffamily",
        "ttfamily",
        "scshape",
        "slshape",
        "upshape",
        "mdseries",
        "normalfont",
        "textbf",
        "textit",
        "textrm",
        "textsf",
        "texttt",
        "textsc",
        "textsl",
        "emph",
        "underline",
        "textmd",
        "textup",
        "uline",
        "sout",
        "tiny",
        "scriptsize",
        "footnotesize",
        "small",
        "normalsize",
        "large",
        "Large",
        "LARGE",
        "huge",
        "Huge",
        "centering",
        "raggedright",
        "raggedleft",
        "noindent",
        "indent",
        "clearpage",
        "newpage",
        "cleardoublepage",
        "protect",
        "relax",
        "global",
        "long",
        "outer",
        "begingroup",
        "endgroup",
        "bgroup",
        "egroup",
        "mbox",
        "hbox",
        "vbox",
        "vtop",
        "fbox",
        "makeatletter",
        "makeatother",
        "fi",
        "expandafter",
        "noexpand",
        "leavevmode",
        "hline",
        "topline",
        "frontmatter",
        "mainmatter",
        "backmatter",
        "onecolumn",
        "twocolumn",
        "flushbottom",
        "raggedbottom",
        "unskip",
        "ignorespaces",
        "null",
        "strut",
        "allowbreak",
        "samepage",
        "singlespacing",
        "doublespacing",
        "onehalfspacing",
        "sloppy",
        "fussy",
        "nobreak",
        "boldmath",
        "unboldmath",
        "selectfont",
        "MakeUppercase",
        "MakeLowercase",
        "nohyphens",
        "textlatin",
        "footnotemark",
        "vfill",
        "vfil",
        "hss",
        "vss",
        "vfilneg",
        "smallbreak",
        "medbreak",
        "bigbreak",
        "goodbreak",
        "filbreak",
        "eject",
        "noalign",
        "frenchspacing",
        "nonfrenchspacing",
        "nofiles",
        "today",
        "balance",
        "printindex",
        "makeindex",
        "tableofcontents",
        "listoffigures",
        "listoftables",
        "linenumbers",
        "endfirsthead",
        "endhead",
        "endfoot",
        "endlastfoot",
        "nolinenumbers",
        "EndIf",
        "ENDIF",
        "EndFor",
        "ENDFOR",
        "EndWhile",
        "ENDWHILE",
        "EndProcedure",
        "EndFunction",
        "frenchb",
        "centerline",
        "leftline",
        "rightline",
        "llap",
        "rlap",
        "smash",
        "subsectionmark",
        "sectionmark",
    ],
    ignore,
)
