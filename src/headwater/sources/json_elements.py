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
        self._blocks = self._text(encoding)
        self._buffer, self._at, self._ended = "", 0, False
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
            self._at = 0
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
        number, lead = 0, ""
        while True:
            following = self._skip(_SEPARATED)
            lead = self._lead if number < 2 else lead
            if not following or (closing and following == closing):
                break
            found = self._value(keyed)
            if isinstance(found, tuple):
                key, value, end = found
                raw = self._buffer[self._at : end]
                self._at = end
                if not raw.isascii() and re.search("[\udc80-\udcff]", raw):
                    data = raw.encode("utf-8", "surrogateescape")
                    yield quarantine(number, "encoding", f"element {number}: not valid UTF-8", data)
                else:
                    yield Element(number, key, value)
            else:
                reason, detail = found
                if self._ended and self._stream.tail is not None:
                    yield self._tail(number, self._buffer[self._at :])
                    return
                data = self._buffer[self._at : self._at + KEPT_BYTES].encode("utf-8", "surrogateescape")
                yield quarantine(number, reason, f"element {number}: {detail}", data)
                if not self._resume(lead, self._buffer[self._at]):
                    return
            number += 1
            if self._at > STEP:
                self._buffer, self._at = self._buffer[self._at :], 0
        if self._stream.tail is not None:
            yield self._tail(number, "")
        elif closing and not following:
            yield quarantine(
                "tail", "unreadable_tail", f"after element {number}: the file ends before {closing}"
            )
        elif closing:
            self._at += 1
            if self._skip(_SPACE):
                rest = self._buffer[self._at : self._at + KEPT_BYTES].encode("utf-8", "surrogateescape")
                yield quarantine("tail", "json_syntax", f"text behind the closing {closing}", rest)

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

    def _resume(self, lead: str, first: str) -> bool:
        """Goes to where another element seems to begin."""
        line = "\n" in lead
        mark = lead.lstrip(",").replace("\r", "") + first if line else "," + lead.lstrip(",") + first
        while True:
            place = self._buffer.find(mark, self._at + 1)
            if place >= 0:
                self._at = place
                return True
            self._at = max(self._at, len(self._buffer) - len(mark))
            if not self._more(STEP):
                return False
