r"""The interpreter: one loop over tokens that writes text, with stacks for groups, environments, tables and lists."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from headwater.sources.extract import latex_commands as known
from headwater.sources.extract.latex_macros import BUDGET, BUDGET_TIMES, Macros
from headwater.sources.extract.latex_math import formula
from headwater.sources.extract.latex_numbers import Numbers
from headwater.sources.extract.latex_tidy import CELL, ROW, one_line, tidy
from headwater.sources.extract.latex_tokens import PAR, Reader

CAPTURES_DEEP = 50
_DIMENSION = re.compile(
    r"\s*=?\s*-?\s*(?:\d*[.,]?\d+\s*(?:true\s*)?(?:[a-zA-Z]{2}\b|fil+\b)?"
    r"(?:\s*(?:plus|minus)\s*-?\d*[.,]?\d*\s*(?:[a-z]{2,5}\b)?){0,2})?"
)
_QUOTES = (("``", "“"), ("''", "”"), ("---", "—"), ("--", "–"), ("`", "'"))


@dataclass
class Paper:
    """A paper's text and what it says of itself."""

    text: str
    title: str = ""
    author: str = ""
    date: str = ""
    language: str = ""
    inputs: list[str] = field(default_factory=list)  # files that were read into it
    missing: list[str] = field(default_factory=list)  # files that were not there
    exhausted: bool = False  # macros were cut off by the budget


Inputs = Callable[[str], tuple[str, str] | None]  # a file's name as written -> its name and text
Action = Callable[["Interpreter", str], None]


class Interpreter:
    def __init__(self, name: str, text: str, inputs: Inputs, actions: "dict[str, Action]") -> None:
        self.reader = Reader(name, text)
        self.inputs, self.actions = inputs, actions
        self.macros = Macros(BUDGET + BUDGET_TIMES * len(text))
        self.numbers = Numbers()
        self.paper = Paper("")
        self.out: list[str] = []
        # A buffer to go back to, and what to do with the text written meanwhile.
        self.captures: list[tuple[list[str], Callable[[str], None]]] = []
        self.groups: list[bool] = []  # of each open brace: whether it ends a capture
        self.environments: list[str] = []
        self.tables: list[int] = []  # of each open table: the captures below it
        self.lists: list[tuple[str, int]] = []
        self.footnotes: list[str] = []
        self.verbatims: list[str] = []
        self.authors: list[str] = []
        self.abstract: list[str] = []
        self.body = not _has_preamble(text)

    # ------------------------------------------------------------ the loop

    def run(self) -> Paper:
        reader, out = self.reader, self.out
        while (token := reader.next()) is not None:
            first = token[0]
            if first == "\\":
                self.command(token)
            elif first == "{":
                self.groups.append(False)
            elif first == "}":
                self.close_group()
            elif first == "$":
                self.math(token)
            elif token == PAR:
                self.paragraph()
            elif first == "&":
                self.out.append(CELL if self.tables else " ")
            elif first != "#":
                out = self.out
                if "-" in token or "'" in token or "`" in token:
                    for written, meant in _QUOTES:
                        token = token.replace(written, meant)
                out.append(token.replace("~", " "))
        while self.captures:
            self.end_capture()
        self.flush_footnotes()
        return self.finish()

    def finish(self) -> Paper:
        paper = self.paper
        front = [f"# {paper.title}"] if paper.title else []
        front += self.abstract
        text = "\n\n".join([*front, "".join(self.out)])
        paper.text = tidy(text, self.numbers.labels, self.verbatims)
        paper.author = "; ".join(dict.fromkeys(self.authors))
        paper.exhausted = self.macros.exhausted
        return paper

    def paragraph(self) -> None:
        self.out.append(PAR)
        if self.footnotes and not self.captures:
            self.flush_footnotes()

    def flush_footnotes(self) -> None:
        notes, self.footnotes = self.footnotes, []
        for note in notes:
            self.out.extend((PAR, note, PAR))

    # ------------------------------------------------------------ groups and captures

    def capture(self, then: Callable[[str], None]) -> None:
        """The coming group's text is handed to `then`; without a group it is the next token's."""
        token = self.reader.skip_spaces()
        if token != "{":
            if token is None or token in (PAR, "}"):
                if token is not None:
                    self.reader.pending.append(token)
                return
            rest = ["}"]
            if token[0] not in "\\{}$&[]#" and len(token) > 1:
                token, rest = token[0], ["}", token[1:]]
            self.reader.push([token, *rest] if token[0] != "\\" else [token, "}"])
        deep = self.may_capture()
        self.groups.append(deep)
        if deep:
            self.begin_capture(then)

    def may_capture(self) -> bool:
        """Captures inside of captures are written again for each, so that their depth is limited."""
        return len(self.captures) < CAPTURES_DEEP

    def begin_capture(self, then: Callable[[str], None]) -> None:
        self.captures.append((self.out, then))
        self.out = []

    def end_capture(self) -> None:
        text = "".join(self.out)
        self.out, then = self.captures.pop()
        then(text)

    def close_group(self) -> None:
        if self.groups and self.groups.pop() and self.captures:
            while self.tables and self.tables[-1] >= len(self.captures):
                self.tables.pop()
            self.end_capture()

    # ------------------------------------------------------------ commands

    def command(self, token: str) -> None:
        reader = self.reader
        if len(token) < 2:
            return
        name = token[1:]
        if not (name[0].isalpha() or name[0] == "@"):
            if name in self.macros.commands:
                self.macros.expand(self.macros.commands[name], reader)
            else:
                self.control_symbol(name)
            return
        if name[-1] == "*" and name not in self.macros.commands:
            name = name[:-1]
            if name in self.macros.commands and name not in known.STRUCTURE:
                reader.pending.append("*")
        own = self.macros.commands.get(name)
        if own is not None and name not in known.STRUCTURE:
            reader.skip_spaces_after_word()
            self.macros.expand(own, reader)
            return
        name = self.macros.aliases.get(name, name)
        if (action := self.actions.get(name)) is not None:
            action(self, token)
            return
        if name in known.SYMBOLS:
            reader.skip_spaces_after_word()
            self.write_symbol(known.SYMBOLS[name])
        elif name in known.ACCENTS and name != "t":
            self.accent(name)
        elif name in known.CITES:
            self.cite(name)
        elif name in known.REFERENCES:
            self.reference(name)
        elif name in known.HEADINGS:
            self.heading(name, starred=token.endswith("*"))
        elif (signature := known.DROPPED.get(name)) is not None:
            self.drop(signature)
        elif name.startswith("if") and self.condition(name):
            pass
        elif name in known.MATH_IN_TEXT:
            self.out.append(known.MATH_IN_TEXT[name])
        elif self.switch(name):
            pass
        else:
            self.unknown()

    def unknown(self) -> None:
        """Its name leaves; what stands in its braces is text."""
        if (token := self.reader.skip_spaces()) is not None:
            self.reader.pending.append(token)
            if token == "[":
                self.reader.optional(longest=40)

    def write_symbol(self, text: str) -> None:
        if text == PAR:
            self.paragraph()
        elif text == ROW and not self.tables:
            self.out.append("\n" if not self.captures else ROW)
        else:
            self.out.append(text)

    def control_symbol(self, name: str) -> None:
        if name in known.CONTROL_SYMBOLS:
            self.out.append(known.CONTROL_SYMBOLS[name])
        elif name == "\\":
            star = self.reader.next()
            if star is not None and star != "*":
                self.reader.pending.append(star[1:] if star[0] == "*" else star)
            if self.reader.pending and self.reader.pending[-1] == "[":
                self.reader.optional(longest=8)
            self.write_symbol(ROW)
        elif name in "([":
            self.math("\\" + name)
        elif name in known.ACCENTS:
            self.accent(name)
        elif ord(name) > 127:
            self.out.append(name)

    def accent(self, name: str) -> None:
        tokens = self.reader.argument(to_paragraph=True)
        while tokens and (tokens[0] in "{}" or not tokens[0].strip()):
            tokens.pop(0)
        if not tokens:
            return
        token = tokens[0]
        if token[0] == "\\":
            letter = known.SYMBOLS.get(token[1:])
            if letter is None or len(letter) > 1:
                self.reader.push(tokens)
                return
            if len(tokens) > 1 and not tokens[1].strip():
                tokens.pop(1)
        else:
            letter = token.strip()[:1]
            tokens[0:1] = [token, *([token.strip()[1:]] if token.strip()[1:] else [])]
        self.out.append(known.accented(name, letter))
        self.reader.push([token for token in tokens[1:] if token not in "{}"])

    def drop(self, signature: str) -> None:
        reader = self.reader
        for kind in signature:
            if kind == "o":
                reader.optional()
            elif kind == "m":
                reader.argument(to_paragraph=True)
            elif kind == "p":
                token = reader.skip_spaces()
                if token is not None:
                    reader.pending.append(token.partition(")")[2] or " " if token[0] == "(" else token)
            elif kind == "d":
                self.dimension()

    def dimension(self) -> None:
        token = self.reader.skip_spaces()
        if token is None:
            return
        if token[0] == "\\" and token[1:2].isalpha():
            return  # \vskip\baselineskip
        if token[0] not in "\\{}$&[]#" and token != PAR:
            match = _DIMENSION.match(token)
            rest = token[match.end() :] if match else token
            if not rest.strip() and match and match.end() and not any(c.isdigit() for c in match[0]):
                self.dimension_word()  # \vskip -\baselineskip, \parindent = \x
                return
            if not rest:
                return
            token = rest
        self.reader.pending.append(token)

    def dimension_word(self) -> None:
        token = self.reader.skip_spaces()
        if token is not None and not (token[0] == "\\" and token[1:2].isalpha()):
            self.reader.pending.append(token)

    # ------------------------------------------------------------ formulas

    def math(self, opening: str, environment: str = "") -> None:
        self.out.append(formula(self.reader, self.macros, self.numbers, opening, environment))

    # ------------------------------------------------------------ headings, citations, references

    def heading(self, name: str, *, starred: bool) -> None:
        self.reader.optional()
        if not starred:
            self.numbers.section(name)

        def then(text: str) -> None:
            if title := one_line(text):
                self.out.append(f"\n\n{'#' * known.HEADINGS[name]} {title}\n\n")

        self.flush_footnotes()
        self.capture(then)

    def cite(self, name: str) -> None:
        self.reader.optional()
        self.reader.optional()
        keys = self.reader.word().split(",")
        marks = [str(self.numbers.cited(key.strip())) for key in keys if key.strip() and key.strip() != "*"]
        if marks and name not in ("citeyear", "citeauthor"):
            self.out.append(f"[{', '.join(marks)}]")
        elif marks:
            self.out.append(f"[{marks[0]}]")

    def reference(self, name: str) -> None:
        keys = self.reader.word().split(",")
        marks = ", ".join(f"\x01{key.strip()}\x01" for key in keys)
        if name in ("cref", "Cref", "autoref", "fref", "Fref", "thmref", "vref"):
            self.out.append(self.numbers.named(marks, capital=name[0].isupper() or name == "autoref"))
        else:
            self.out.append(f"({marks})" if name == "eqref" else marks)

    # ------------------------------------------------------------ conditionals

    def condition(self, name: str) -> bool:
        """True where the command is a conditional; its false branch is skipped."""
        rest = name[2:]
        if rest not in self.macros.switches and name not in known.CONDITIONALS:
            return False
        if not (name == "iftrue" or self.macros.switches.get(rest, False)):
            self.skip_branch(to_else=True)
        return True

    def skip_branch(self, *, to_else: bool) -> None:
        deep = 0
        while (token := self.reader.next()) is not None:
            if token == "\\fi":
                if not deep:
                    return
                deep -= 1
            elif token == "\\else" and not deep and to_else:
                return
            elif token.startswith("\\if") and (
                token[1:] in known.CONDITIONALS or token[3:] in self.macros.switches
            ):
                deep += 1

    def switch(self, name: str) -> bool:
        for ending, value in (("true", True), ("false", False)):
            if name.endswith(ending) and name[: -len(ending)] in self.macros.switches:
                self.macros.switches[name[: -len(ending)]] = value
                return True
        return False


def _has_preamble(text: str) -> bool:
    return re.search(r"\\begin\s*\{document\}", text) is not None
