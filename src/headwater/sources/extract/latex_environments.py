r"""Environments: what begins and ends with them, and what stands in lists, floats and literal text."""

from typing import TYPE_CHECKING

from headwater.sources.extract import latex_commands as known
from headwater.sources.extract.latex_tidy import KEPT, one_line, rows_of

if TYPE_CHECKING:
    from headwater.sources.extract.latex_interpreter import Interpreter


def begin(tex: "Interpreter", token: str) -> None:
    name = tex.reader.word()
    plain = name.rstrip("*")
    own = tex.macros.environments.get(name)
    if own is not None and name not in ("document", "abstract") and plain not in known.FLOATS:
        tex.environments.append(name)
        tex.macros.expand(own.begin, tex.reader)
    elif name == "document":
        if not tex.body:
            tex.body, tex.out = True, []
            tex.captures, tex.groups, tex.tables, tex.footnotes = [], [], [], []
    elif plain in known.DISPLAY:
        if plain in ("alignat", "xalignat", "xxalignat", "IEEEeqnarray", "empheq"):
            tex.drop("om")
        tex.math("", name)
    elif name in known.VERBATIM:
        tex.drop({"lstlisting": "o", "minted": "om", "Verbatim": "o"}.get(name, ""))
        literal(tex, tex.reader.raw_to(f"\\end{{{name}}}"))
    elif name in known.PICTURES:
        skip(tex, name)
    else:
        tex.environments.append(name)
        begin_plain(tex, name, plain)


def begin_plain(tex: "Interpreter", name: str, plain: str) -> None:
    if name in known.TABLES:
        tex.drop(known.TABLES[name])
        tex.tables.append(len(tex.captures))
        if tex.may_capture():
            tex.begin_capture(lambda text: tex.out.append(f"\n\n{rows_of(text)}\n\n"))
        return
    theorem = tex.macros.theorems.get(name)
    if theorem is not None or plain in known.THEOREMS:
        title = theorem.title if theorem is not None else known.THEOREMS[plain]
        note = tex.reader.optional()
        number = ""
        if theorem is not None and theorem.counter is not None:
            shared = tex.macros.theorems.get(theorem.counter)
            within = theorem.within or (shared.within if shared is not None else None)
            number = tex.numbers.step(theorem.counter, within)
        head = f"{title} {number}".strip()
        tex.out.append(f"\n\n{head}")
        tex.reader.push([*([" (", *note, ")"] if note else []), ". "])
        return
    if name in ("abstract", "Abstract", "onecolabstract"):
        tex.reader.optional()
        tex.out.append("\n\n## Abstract\n\n" if tex.body else "")
        if not tex.body:
            tex.begin_capture(lambda text: tex.abstract.append(f"## Abstract\n\n{text}"))
        return
    if name in known.LISTS:
        tex.lists.append((name, 0))
    tex.drop(known.ENVIRONMENTS.get(name, ""))
    if name == "keyword" or name == "keywords":
        tex.out.append("\n\nKeywords: ")
    elif plain not in ("CJK", "small", "center", "document", "subequations"):
        tex.out.append("\n\n" if name in known.LISTS or plain in known.FLOATS else " ")


def end(tex: "Interpreter", token: str) -> None:
    name = tex.reader.word()
    if name == "document":
        while tex.captures:
            tex.end_capture()
        tex.reader.stop()
        return
    if name not in tex.environments[-200:]:
        return
    while tex.environments:
        last = tex.environments.pop()
        finish(tex, last)
        if last == name:
            return


def finish(tex: "Interpreter", name: str) -> None:
    own = tex.macros.environments.get(name)
    if own is not None and name != "abstract":
        tex.reader.push(own.end)
        return
    if name in known.TABLES and tex.tables:
        below = tex.tables.pop()
        while len(tex.captures) > below:
            tex.end_capture()
            if tex.groups and True in tex.groups and len(tex.captures) > below:
                tex.groups.pop()
    elif name == "abstract" and not tex.body:
        if tex.captures:
            tex.end_capture()
    elif name in known.LISTS:
        if tex.lists:
            tex.lists.pop()
        tex.out.append("\n\n")
    elif (
        name in tex.macros.theorems
        or name.rstrip("*") in known.FLOATS
        or name in ("abstract", "proof", "center", "minipage", "quote")
    ):
        tex.paragraph()


def skip(tex: "Interpreter", name: str) -> None:
    """An environment without text: what stands up to its end leaves, others of its name inside it too."""
    raw = tex.reader.raw_to(f"\\end{{{name}}}") if name in ("comment", "filecontents", "CCSXML") else None
    if raw is not None:
        return
    deep = 1
    while (token := tex.reader.next()) is not None:
        if token == "\\end":
            ended = tex.reader.word()
            deep -= ended == name
            if not deep:
                return
            if ended == "document":
                tex.reader.push(["\\end", "{", "document", "}"])
                return
        elif token == "\\begin":
            deep += tex.reader.word() == name


def item(tex: "Interpreter", token: str) -> None:
    label = tex.reader.optional()
    name, number = tex.lists[-1] if tex.lists else ("itemize", 0)
    if tex.lists:
        tex.lists[-1] = (name, number + 1)
    if label is not None and "".join(label).strip():
        tex.out.append("\n- ")
        tex.reader.push([*label, " "])
    elif name in known.NUMBERED_LISTS:
        tex.numbers.current = str(number + 1)
        tex.out.append(f"\n{number + 1}. ")
    else:
        tex.out.append("\n- ")


def caption(tex: "Interpreter", token: str) -> None:
    tex.reader.optional()
    kind = next((known.FLOATS[name] for name in reversed(tex.environments[-20:]) if name in known.FLOATS), "")
    number = tex.numbers.step(kind) if kind and not token.endswith("*") else ""
    head = f"{kind} {number}".strip() if kind else ""
    tex.capture(lambda text: tex.out.append(f"\n\n{head + ': ' if head else ''}{one_line(text)}\n\n"))


def captionof(tex: "Interpreter", token: str) -> None:
    tex.reader.word()
    caption(tex, token)


def literal(tex: "Interpreter", raw: str | None) -> None:
    """Text that is shown as it stands, kept from the last tidying."""
    if raw is None:
        return
    raw = raw.strip("\n").rstrip()
    if raw.strip():
        tex.out.append(f"\n\n{KEPT}{len(tex.verbatims)}{KEPT}\n\n")
        tex.verbatims.append(f"```\n{raw}\n```")
