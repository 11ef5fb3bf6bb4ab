"""A JSON file element by element: the members of one large array or object, or values that follow one another.

Only one element is in memory at a time, so that an array of many gigabytes is read like JSON lines are. An element
that is broken costs itself: reading goes on where the next one begins as the one before it did (the same line break
and indentation). Strings are decoded once the element is framed, so a byte that is no UTF-8 costs its element only.
"""

import codecs
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from headwater.sources.encoding import codec, encoding_of_lines
from headwater.sources.records import KEPT_BYTES, MAX_RECORD, Quarantined, quarantine
from headwater.sources.streams import SAMPLE, Stream, as_utf8

_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_SEPARATED = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
_COLON = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")
_OPENING = re.compile(r"\{[ \t\r\n]*(?=\")")
_NAMED_OBJECT = re.compile(r'\{[ \t\r\n]*"([^"\\]{0,200})"[ \t\r\n]*:[ \t\r\n]*\{')
# How an element begins: an object with its first key, a list with its first bracket or quotation mark.
_SIGNATURE = re.compile(r'\{[ \t\r\n]{0,40}"[^"\\]{0,60}"|\[[ \t\r\n]{0,40}.|"')
_KEYED = re.compile(r'"[^"\\\n]{1,100}"[ \t]{0,9}:[ \t]{0,9}[\[{]')
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
LONGEST_SIGNATURE = 400  # characters
# What a decoder says of text that goes on behind the end of what it was given.
_CUT = ("Unterminated string", "Invalid \\escape", "Invalid \\uXXXX escape")
STEP = 1 << 18  # characters; kept before the position that is read


@dataclass(frozen=True)
class Element:
    number: int
    key: str | None  # of an object's member
    value: Any


class Elements:
    """`whole`: of a file that begins with an object, whether it is one value, given its first key and value (else
    its members are the elements). `limit`: characters of such a value; other elements have MAX_RECORD."""

    def __init__(self, stream: Stream, encoding: str, whole: Callable[[str, Any], bool], limit: int) -> None:
        self._stream, self._whole, self._limit_of_one = stream, whole, limit
        self._limit, self._lead = MAX_RECORD, ""
        self._signature, self._line = "", r"[,\n][ \t]*"  # how an element begins, and what stands before it
        self._blocks = self._text(encoding)
        self._buffer, self._at, self._ended = "", 0, False
        self._before = 0  # characters of the file before the buffer's first
        self._decoder = json.JSONDecoder()

    def _text(self, encoding: str) -> Iterator[str]:
        blocks = self._stream.blocks()
        first = next(blocks, b"")
        name = codec(encoding) or encoding_of_lines(first[:SAMPLE])
        blocks = itertools.chain([first], blocks)
        if name != "utf-8":
            blocks = as_utf8(blocks, name)
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        for block in blocks:
            yield decoder.decode(block)
        yield decoder.decode(b"", final=True)

    def _more(self, wanted: int) -> bool:
        """At least so many more characters in the buffer, if the file has them; whether any came."""
        parts, size = [], 0
        while size < wanted and not self._ended:
            block = next(self._blocks, None)
            self._ended = block is None
            parts.append(block or "")
            size += len(block or "")
        if size:
            self._buffer = "".join((self._buffer[self._at :], *parts))
            self._before, self._at = self._before + self._at, 0
        return size > 0

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Passes over what the pattern fits; the character that follows, "" at the end of the file."""
        while True:
            found = pattern.match(self._buffer, self._at)
            end = found.end() if found else self._at
            self._lead = self._buffer[self._at : end]
            self._at = end
            if end < len(self._buffer):
                return self._buffer[end]
            if not self._more(STEP):
                return ""

    def __iter__(self) -> Iterator[Element | Quarantined]:
        opened = self._skip(_SPACE)
        if not opened:
            if self._stream.tail is not None:
                yield self._tail(0, "")
            return
        keyed = opened == "{" and self._is_keyed()
        if opened == "[" or keyed:
            self._at += 1
            yield from self._members(keyed, {"[": "]", "{": "}"}[opened])
        else:
            self._limit = self._limit_of_one
            yield from self._members(False, "")

    def _is_keyed(self) -> bool:
        """Whether the object that begins here is to be read member by member. Nothing is passed over."""
        opening = _OPENING.match(self._buffer, self._at)
        found = self._value(True, opening.end() - self._at) if opening else []
        if isinstance(found, tuple):
            return not self._whole(str(found[0]), found[1])
        # Its first member is broken: what it begins like must do.
        named = _NAMED_OBJECT.match(self._buffer, self._at)
        return named is not None and not self._whole(named[1], {})

    def _members(self, keyed: bool, closing: str) -> Iterator[Element | Quarantined]:
        number = 0
        while True:
            following = self._skip(_SEPARATED)
            if closing and following == closing and not self._closes():
                reason, detail = "json_syntax", f"element {number}: text behind a closing {closing}"
            elif not following or (closing and following == closing):
                break
            else:
                found = self._value(keyed)
                if isinstance(found, tuple):
                    yield self._element(number, *found)
                    number += 1
                    continue
                if self._ended and self._stream.tail is not None:
                    yield self._tail(number, self._buffer[self._at :])
                    return
                if number == 0:
                    self._learn(keyed)
                reason, detail = found[0], f"element {number}: {found[1]}"
            rest, started = self._buffer[self._at : self._at + KEPT_BYTES], self._before + self._at
            resumed = self._resume(keyed)
            own = rest[: self._before + self._at - started] if resumed else rest  # no byte is kept twice
            yield quarantine(number, reason, detail, own.encode("utf-8", "surrogateescape"))
            number += 1
            if not resumed:
                following = ""
                break
        if self._stream.tail is not None:
            yield self._tail(number, "")
        elif closing and not following:
            yield quarantine(
                "tail", "unreadable_tail", f"after element {number}: the file ends before {closing}"
            )

    def _element(self, number: int, key: str | None, value: Any, end: int) -> Element | Quarantined:
        """What was read, and how the next one is told from what it holds."""
        raw = self._buffer[self._at : end]
        if number < 2 and (number == 0 or "," in self._lead):
            self._learn(keyed=key is not None)
        self._at = end
        if self._at > STEP:
            self._before += self._at
            self._buffer, self._at = self._buffer[self._at :], 0
        if not raw.isascii() and _NOT_UTF8.search(raw):
            data = raw.encode("utf-8", "surrogateescape")
            return quarantine(number, "encoding", f"element {number}: not valid UTF-8", data)
        return Element(number, key, value)

    def _learn(self, keyed: bool) -> None:
        """How the element at the position begins, and what stands before it."""
        opening = (_KEYED if keyed else _SIGNATURE).match(self._buffer, self._at)
        if opening:
            self._signature = _KEYED.pattern if keyed else re.escape(opening[0])
        self._line = re.escape(self._lead.lstrip(", \t")) if "\n" in self._lead else r",[ \t]*"

    def _closes(self) -> bool:
        """Whether nothing follows the closing bracket at the position, which is passed over."""
        self._at += 1
        return self._skip(_SPACE) == ""

    def _tail(self, number: int, rest: str) -> Quarantined:
        tail = self._stream.tail
        assert tail is not None
        data = rest[:KEPT_BYTES].encode("utf-8", "surrogateescape") + tail.data
        return quarantine("tail", "unreadable_tail", f"element {number}: {tail.detail}", data)

    def _value(self, keyed: bool, skipped: int = 0) -> tuple[str | None, Any, int] | list[str]:
        """The value so many characters behind the position: (key, value, end), or [reason, detail] of what is wrong with it."""
        step = STEP
        while True:
            try:
                key, at = None, self._at + skipped
                if keyed:
                    key, at = self._decoder.raw_decode(self._buffer, at)
                    if not isinstance(key, str) or (colon := _COLON.match(self._buffer, at)) is None:
                        raise json.JSONDecodeError("Expecting a key and ':'", self._buffer, at)
                    at = colon.end()
                value, end = self._decoder.raw_decode(self._buffer, at)
                if end == len(self._buffer) and not self._ended and isinstance(value, int | float):
                    raise json.JSONDecodeError("a number that may go on", self._buffer, end)
                return key, value, end
            except RecursionError:
                return ["json_depth", "JSON nested too deep"]
            except ValueError as error:
                position = getattr(error, "pos", 0)
                goes_on = str(error).startswith(_CUT) or position >= len(self._buffer) - 8
                if not goes_on or self._ended:
                    return ["json_syntax", str(error)]
                if len(self._buffer) - self._at > self._limit:
                    return ["too_large", f"more than {self._limit:,} characters in one element"]
                self._more(step)
                step *= 2

    def _resume(self, keyed: bool) -> bool:
        """Goes to where another element seems to begin: behind a separator, with the key that others begin with."""
        signature = self._signature or (_KEYED.pattern if keyed else r"[\[{\"]")
        begins = re.compile(f"(?:{self._line})({signature})")
        while True:
            if found := begins.search(self._buffer, self._at):
                self._at = found.start(1)
                return True
            self._at = max(self._at, len(self._buffer) - LONGEST_SIGNATURE)
            if not self._more(STEP):
                return False
