r"""A paper's own macros: \newcommand and its kin, \def, \let, \newenvironment, \newtheorem, \newif, and their expansion.

Expansion is bounded: each one costs what it pushes back on the input, and a paper has a budget. Beyond it its macros
stand for nothing. Scope is ignored: a definition holds from where it stands.
"""

from dataclasses import dataclass, field

from headwater.sources.extract.latex_tokens import PAR, Reader

# Characters that expansion may produce: so many, and so many times the paper's own.
BUDGET, BUDGET_TIMES = 2_000_000, 8
MAX_DEFINITIONS = 50_000


@dataclass(frozen=True)
class Macro:
    """`delimiters`: None for what reads plain arguments, else the tokens before the first parameter and after each."""

    body: list[str]
    parameters: int = 0
    default: list[str] | None = None  # of the first parameter, which is optional then
    delimiters: tuple[list[str], ...] | None = None
    cost: int = 0
    hashes: bool = False  # whether anything in the body is to be replaced


@dataclass(frozen=True)
class Environment:
    begin: Macro
    end: list[str]


@dataclass(frozen=True)
class Theorem:
    title: str
    counter: str | None  # None: not numbered
    within: str | None = None


def macro(
    body: list[str],
    parameters: int = 0,
    default: list[str] | None = None,
    delimiters: tuple[list[str], ...] | None = None,
) -> Macro:
    hashes = any(token[0] == "#" for token in body)
    return Macro(body, parameters, default, delimiters, 1 + sum(map(len, body)), hashes)


@dataclass
class Macros:
    """What a paper has defined so far."""

    budget: int
    commands: dict[str, Macro] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    theorems: dict[str, Theorem] = field(default_factory=dict)
    switches: dict[str, bool] = field(default_factory=dict)  # of \newif
    aliases: dict[str, str] = field(default_factory=dict)  # \let to something built in
    exhausted: bool = False

    # ------------------------------------------------------------ expansion

    def expand(self, found: Macro, reader: Reader) -> None:
        """Reads a macro's arguments and puts its body in their place."""
        arguments = self.arguments(found, reader)
        self.insert(found, arguments, reader)

    def insert(self, found: Macro, arguments: list[list[str]], reader: Reader) -> None:
        body = found.body
        if found.hashes:
            body = []
            for token in found.body:
                if token[0] == "#" and len(token) > 1:
                    if token[1] == "#":
                        body.append(token[1:])
                    elif token[1:].isdecimal() and 0 < int(token[1:]) <= len(arguments):
                        body.extend(arguments[int(token[1:]) - 1])
                else:
                    body.append(token)
            cost = 1 + sum(map(len, body))
        else:
            cost = found.cost
        self.budget -= cost
        if self.budget < 0:
            self.exhausted = True
            return
        reader.push(body)

    def arguments(self, found: Macro, reader: Reader) -> list[list[str]]:
        if found.delimiters is not None:
            return _delimited_arguments(found, reader)
        arguments: list[list[str]] = []
        if not found.parameters:
            return arguments
        if found.default is not None:
            given = reader.optional()
            arguments.append(found.default if given is None else given)
        while len(arguments) < found.parameters:
            arguments.append(reader.argument())
        return arguments

    # ------------------------------------------------------------ definitions

    def define(self, name: str, found: Macro) -> None:
        if len(self.commands) < MAX_DEFINITIONS:
            self.commands[name] = found
            self.aliases.pop(name, None)

    def newcommand(self, reader: Reader, *, provide: bool = False) -> None:
        r"""\newcommand{\name}[parameters][default]{body}"""
        name = _name(reader)
        count = reader.optional()
        default = reader.optional() if count is not None else None
        body = reader.argument()
        if name and not (provide and name in self.commands):
            self.define(name, macro(body, _number(count), default))

    def document_command(self, reader: Reader) -> None:
        r"""\NewDocumentCommand{\name}{m o O{default}}{body}: of the optional ones, only a first one."""
        name, kinds, body = _name(reader), "".join(reader.argument()), reader.argument()
        letters = [kind for kind in kinds if kind in "moOsd"]
        if name:
            default: list[str] | None = [] if letters[:1] in (["o"], ["O"]) else None
            self.define(name, macro(body, len(letters), default))

    def definition(self, reader: Reader) -> None:
        r"""\def\name#1<text>#2{body}"""
        name = reader.skip_spaces()
        if name is None or not name.startswith("\\"):
            if name is not None:
                reader.pending.append(name)
            return
        pattern: list[str] = []
        while (token := reader.next()) is not None and token != "{":
            if token == PAR or len(pattern) > 40:
                return
            pattern.append(token)
        body = reader.group()
        count = sum(token[0] == "#" for token in pattern)
        if name.endswith("*") and name[1:-1]:  # \def\name*{...} is delimited by a star
            name, pattern = name[:-1], ["*", *pattern]
        if all(token[0] == "#" for token in pattern):
            self.define(name[1:], macro(body, count))
            return
        delimiters: list[list[str]] = [[]]
        for token in pattern:
            if token[0] == "#":
                delimiters.append([])
            else:
                delimiters[-1].append(token)
        self.define(name[1:], macro(body, count, None, tuple(delimiters)))

    def let(self, reader: Reader) -> None:
        name = reader.skip_spaces()
        value = reader.skip_spaces()
        if value is not None and value.startswith("="):
            if value[1:]:
                reader.pending.append(value[1:])
            value = reader.skip_spaces()
        if name is None or value is None or not name.startswith("\\"):
            return
        if value[1:] in self.commands:
            self.define(name[1:], self.commands[value[1:]])
        elif value.startswith("\\") and name != value:
            self.commands.pop(name[1:], None)
            self.aliases[name[1:]] = self.aliases.get(value[1:], value[1:])

    def operator(self, reader: Reader, *, starred: bool) -> None:
        name, body = _name(reader), reader.argument()
        if name:
            self.define(name, macro(["\\operatorname*" if starred else "\\operatorname", "{", *body, "}"]))

    def paired_delimiter(self, reader: Reader) -> None:
        name, left, right = _name(reader), reader.argument(), reader.argument()
        if name:
            self.define(name, macro([*left, "#1", *right], 1))

    def newenvironment(self, reader: Reader) -> None:
        name = reader.word()
        count = reader.optional()
        default = reader.optional() if count is not None else None
        begin, end = reader.argument(), reader.argument()
        if name and len(self.environments) < MAX_DEFINITIONS:
            self.environments[name] = Environment(macro(begin, _number(count), default), end)

    def newtheorem(self, reader: Reader, *, starred: bool) -> None:
        r"""\newtheorem{name}[shared]{Title}[within]"""
        name = reader.word()
        shared = reader.optional()
        title = "".join(reader.argument())
        within = reader.optional()
        if name and len(self.theorems) < MAX_DEFINITIONS:
            counter = None if starred else "".join(shared).strip() if shared else name
            self.theorems[name] = Theorem(title, counter, "".join(within) if within else None)

    def newif(self, reader: Reader) -> None:
        name = reader.skip_spaces() or ""
        if name.startswith("\\if"):
            self.switches[name[3:]] = False


def _name(reader: Reader) -> str:
    """The control sequence that is defined, in braces or without, without its backslash."""
    found = [token for token in reader.argument() if token.strip()]
    return found[0][1:].rstrip("*") or found[0][1:] if len(found) == 1 and found[0].startswith("\\") else ""


def _number(count: list[str] | None) -> int:
    text = "".join(count or []).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) == 1 else 0


def _delimited_arguments(found: Macro, reader: Reader) -> list[list[str]]:
    assert found.delimiters is not None
    before, *after = found.delimiters
    for token in before:
        _match(token, reader)
    arguments: list[list[str]] = []
    for delimiter in after:
        arguments.append(reader.argument() if not delimiter else _to_delimiter(delimiter, reader))
    return arguments


def _match(expected: str, reader: Reader) -> bool:
    """Takes what a pattern expects, where it is there."""
    token = reader.next()
    if token is None:
        return False
    if token == expected:
        return True
    if expected[0] not in "\\{}$&[]#" and token.startswith(expected):
        reader.pending.append(token[len(expected) :])
        return True
    reader.pending.append(token)
    return False


def _to_delimiter(delimiter: list[str], reader: Reader) -> list[str]:
    """An argument up to the tokens that delimit it, outside of braces; to the paragraph's end where they do not come."""
    first, found, deep = delimiter[0], list[str](), 0
    plain = first[0] not in "\\{}$&[]#"
    while (token := reader.next()) is not None:
        if token == PAR:
            reader.pending.append(token)
            break
        if not deep and (token == first or (plain and token[0] not in "\\{}$&[]#" and first in token)):
            head, _, rest = token.partition(first)
            if head:
                found.append(head)
            if rest:
                reader.pending.append(rest)
            for expected in delimiter[1:]:
                _match(expected, reader)
            break
        deep += (token == "{") - (token == "}")
        if deep < 0:
            reader.pending.append(token)
            break
        found.append(token)
    if found[:1] == ["{"] and found[-1:] == ["}"] and len(found) > 1:
        found = found[1:-1]
    return found
