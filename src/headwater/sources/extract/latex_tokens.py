r"""TeX's input as a stream of tokens: files inside files, tokens pushed back, arguments.

A token is a string: a run of characters that mean nothing to TeX, a control sequence (`\name`, perhaps with a star),
one of `{ } $ $$ & [ ]`, a parameter (`#1`), a line end (" ") or a paragraph's end (PAR). Comments are none.
Runs keep their spaces; `@` is a letter everywhere. Nothing here looks at a character twice, so reading is linear.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

PAR = "\n\n"
# A comment takes its line's end and the next line's indentation with it; blank lines after it are a paragraph's end.
TOKEN = re.compile(
    r"[^\\{}$&%#\[\]\n]+|\\[A-Za-z@]+\*?|\\(?:[^A-Za-z@]|\Z)|%[^\n]*+(?:\n[ \t\r]*+(?:\n\s*+)?)?|\n\s*+|\$\$?|#+\d?|[{}&\[\]]",
    re.S,
)
_MARKS = re.compile("[\x01-\x03\x1d-\x1f]+")  # the interpreter's own; no file may bring any
INPUTS_DEEP = 30  # files that input files
VERBATIM_LINE = 2000  # characters in which \verb and \url must end


def tokens_of(text: str) -> list[str]:
    """A piece of TeX that is not read from a file: a macro's body, say."""
    return [token for match in TOKEN.finditer(text) if (token := _meaning(match[0])) is not None]


def _meaning(token: str) -> str | None:
    first = token[0]
    if first == "%":
        return PAR if token.count("\n") > 1 else None
    if first == "\n":
        return PAR if token.count("\n") > 1 else " "
    return token


@dataclass
class _File:
    name: str
    text: str
    matches: Iterator[re.Match[str]]
    position: int  # behind the last token
    waiting: list[str]  # tokens that follow the file
    without: set[str] = field(default_factory=set)  # ends that do not come any more


class Reader:
    """The tokens that are still to come."""

    def __init__(self, name: str, text: str) -> None:
        self.pending: list[str] = []  # the next token stands last
        self._files: list[_File] = []
        self.enter(name, text)

    def enter(self, name: str, text: str) -> bool:
        """Goes on with another file, and then where it stood; False for one that is being read, or too deep."""
        if len(self._files) >= INPUTS_DEEP or any(file.name == name for file in self._files):
            return False
        text = _MARKS.sub("", text)
        self._files.append(_File(name, text, TOKEN.finditer(text), 0, self.pending))
        self.pending = []
        return True

    def next(self) -> str | None:
        """The next token; None at the end of everything."""
        while True:
            if self.pending:
                return self.pending.pop()
            if not self._files:
                return None
            file = self._files[-1]
            match = next(file.matches, None)
            if match is None:
                self.leave()
                continue
            file.position = match.end()
            token = match[0]
            if token[0] not in "%\n" or (meaning := _meaning(token)) is not None:
                return token if token[0] not in "%\n" else meaning

    def leave(self) -> None:
        """The rest of the current file is not read (\\endinput)."""
        self.pending = self._files.pop().waiting

    def stop(self) -> None:
        """Nothing is read any more."""
        self.pending, self._files = [], []

    def push(self, tokens: list[str]) -> None:
        self.pending.extend(reversed(tokens))

    def skip_spaces(self) -> str | None:
        """The next token that is no space, without the spaces before it; a paragraph's end is no space."""
        while (token := self.next()) is not None:
            if token is PAR or token == PAR:
                return PAR
            if token[0] in " \t\r" and not (token := token.lstrip(" \t\r")):
                continue
            return token
        return None

    def skip_spaces_after_word(self) -> None:
        if (token := self.skip_spaces()) is not None:
            self.pending.append(token)

    # ------------------------------------------------------------ arguments

    def argument(self, *, to_paragraph: bool = False) -> list[str]:
        """An undelimited argument: a group without its braces, or one token; a run gives its first character.

        A group that is not closed ends with the text, or with its paragraph where `to_paragraph`.
        """
        token = self.skip_spaces()
        if token is None or token in ("}", PAR):
            if token is not None:
                self.pending.append(token)
            return []
        if token != "{":
            if token[0] not in "\\{}$&[]#" and len(token) > 1:
                self.pending.append(token[1:])
                return [token[0]]
            return [token]
        return self.group(to_paragraph=to_paragraph)

    def group(self, *, to_paragraph: bool = False) -> list[str]:
        """The tokens up to the brace that closes a group whose opening brace was read."""
        found: list[str] = []
        deep = 1
        while (token := self.next()) is not None:
            if token == "{":
                deep += 1
            elif token == "}":
                deep -= 1
                if not deep:
                    break
            elif to_paragraph and token == PAR:
                self.pending.append(token)
                break
            found.append(token)
        return found

    def optional(self, longest: int = 150) -> list[str] | None:
        """An argument in brackets, or None where there is none: no bracket, or none that closes soon."""
        token = self.skip_spaces()
        if token != "[":
            if token is not None:
                self.pending.append(token)
            return None
        found: list[str] = []
        deep = 0
        while (token := self.next()) is not None and token != PAR and len(found) < longest:
            if token == "]" and deep <= 0:
                return found
            deep += (token == "{") - (token == "}")
            if deep < 0:
                break
            found.append(token)
        if token is not None:
            self.pending.append(token)
        self.push(found)
        return None

    def word(self) -> str:
        """An argument as a plain name: an environment's, a file's, a counter's."""
        return "".join(self.argument(to_paragraph=True)).strip()

    # ------------------------------------------------------------ raw text

    def raw_to(self, end: str) -> str | None:
        """The file's characters up to `end`, which is skipped; None where it does not come, or inside a macro."""
        if self.pending or not self._files or end in self._files[-1].without:
            return None
        file = self._files[-1]
        found = file.text.find(end, file.position)
        if found < 0:
            file.without.add(end)
            return None
        return self._raw(file, found, len(end))

    def raw_line(self) -> str | None:
        r"""What \verb holds: from a delimiter to the next one, in one line."""
        if self.pending or not self._files:
            return None
        file = self._files[-1]
        delimiter = file.text[file.position : file.position + 1]
        if not delimiter or delimiter.isspace():
            return None
        return self._delimited(file, "}" if delimiter == "{" else delimiter)

    def raw_group(self) -> str | None:
        """A group's characters as they stand, where it has no other group in it: a web address."""
        if self.pending or not self._files:
            return None
        file = self._files[-1]
        return self._delimited(file, "}") if file.text.startswith("{", file.position) else None

    def _delimited(self, file: _File, end: str) -> str | None:
        start = file.position + 1
        found = file.text.find(end, start, start + VERBATIM_LINE)
        if found < 0 or (end != "}" and "\n" in file.text[start:found]):
            return None
        file.position = start
        return self._raw(file, found, len(end))

    def _raw(self, file: _File, found: int, length: int) -> str:
        text = file.text[file.position : found]
        file.position = found + length
        file.matches = TOKEN.finditer(file.text, file.position)
        return text
