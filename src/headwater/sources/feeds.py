"""RSS 0.9x to 2.0, RSS 1.0 (RDF) and Atom: items framed in the text, each parsed on its own.

So that damage costs the item that it lies in: the next `<item>` or `<entry>` is found again behind it, and a feed of
any size needs the memory of one item. Document types are not read: an item that uses an entity of the feed's own is
quarantined (`xml_entity`), nothing is expanded and nothing fetched. Bare ampersands and HTML's entities, which many
feeds have, are mended.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.engine import guard
from headwater.sources.encoding import UndecodableError, codec, encoding_of
from headwater.sources.extract import xml
from headwater.sources.feed_items import FEED_ROOT, channel_of, record_of
from headwater.sources.records import GIVEN_UP, KEPT_BYTES, MAX_RECORD, Gated, Record, quarantine
from headwater.sources.streams import SAMPLE

_OPENING = re.compile(r"<((?:[\w.-]+:)?(?:item|entry))(?=[\s>/])")
_INTERESTING = re.compile(r"<!\[CDATA\[|<!--|<(/?)((?:[\w.-]+:)?(?:item|entry))(?=[\s>/])")
_END = re.compile(r"</(?:[\w.-]++:)?(?:item|entry)\s*+>")
_CLOSING = re.compile(r"</(?:[\w.-]+:)?(?:rss|feed|RDF)\s*>")
# A channel says what it is in fewer characters than this.
LONGEST_HEAD = 1 << 20


def is_feed(head: str) -> bool:
    """Whether a text begins as a feed does."""
    return FEED_ROOT.search(head[:4000]) is not None and "<html" not in head[:1000].lower()


def encoding_of_feed(data: bytes) -> str:
    """The encoding of a feed's beginning: a mark, UTF-8 that is sound, what it declares, then detection."""
    sample = data[:SAMPLE]
    try:
        guessed = encoding_of(sample)
    except UndecodableError:
        guessed = ""
    if guessed.startswith("utf"):
        return guessed
    declared = xml.declared_encoding(sample)
    name = codec(declared) if declared else None
    if name and not name.startswith("utf"):
        return name
    if not guessed and not name:
        raise UndecodableError("no encoding is declared and none fits")
    return guessed or name or "utf-8"


def read_feed(chunks: Iterator[bytes], offset: str, where: str, full: bool) -> Iterator[Record]:
    """The items of one feed, numbered in its order; `offset` is put before their numbers. `full`: whole articles only."""
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= SAMPLE:
            break
    try:
        decoder = codecs.getincrementaldecoder(encoding_of_feed(first))("replace")
    except UndecodableError as error:
        yield quarantine(offset or 0, "encoding", f"{where}: {error}", first)
        return
    items = _Items(decoder.decode(first).removeprefix("\ufeff"), chunks, decoder)
    channel = channel_of(items.head())
    number = 0
    for item in items:
        name = f"{offset}{number}"
        if item.problem:
            yield quarantine(name, *item.problem, item.text[:KEPT_BYTES].encode("utf-8", "surrogatepass"))
        elif (reason := guard.begin(f"{where}, item {number}")) is not None:
            yield quarantine(name, reason, GIVEN_UP, item.text[:KEPT_BYTES].encode("utf-8", "surrogatepass"))
        else:
            yield record_of(item.text, channel, name, f"{where}, item {number}", full)
        number += 1
    if items.closed and number == 0:
        yield Gated(f"{offset}feed", "empty")
    elif not items.closed and not items.cut:
        yield quarantine(
            f"{offset}feed",
            "unreadable_tail",
            f"{where}: the feed ends before it is closed",
            first if number == 0 else b"",
        )


# ---------------------------------------------------------------- framing


@dataclass
class _Item:
    text: str
    problem: tuple[str, str] | None = None  # reason and detail


class _Items:
    """The items of a text that is read piece by piece."""

    def __init__(self, text: str, chunks: Iterator[bytes], decoder: Any) -> None:
        self.text, self.at, self.chunks, self.decoder = text, 0, chunks, decoder
        self.ended = self.closed = self.cut = False

    def head(self) -> str:
        """What stands before the first item."""
        while (
            (found := _OPENING.search(self.text)) is None and len(self.text) < LONGEST_HEAD and self._more()
        ):
            pass
        return self.text[: found.start()] if found else self.text[:LONGEST_HEAD]

    def _more(self) -> bool:
        """Reads on, about as much again as is held; False at the end."""
        if self.ended:
            return False
        self.text, self.at = self.text[self.at :], 0
        parts, size, wanted = [self.text], 0, len(self.text)
        while not self.ended and size <= wanted:
            chunk = next(self.chunks, None)
            self.ended = chunk is None
            parts.append(self.decoder.decode(chunk or b"", self.ended))
            size += len(parts[-1])
        self.text = "".join(parts)
        return True

    def __iter__(self) -> Iterator[_Item]:
        while True:
            found = _OPENING.search(self.text, self.at)
            before = found.start() if found else len(self.text)
            while (
                end := _END.search(self.text, self.at, before)
            ) is not None:  # between items, where none ends
                lost = self.text[self.at : end.end()]
                self.at = end.end()
                if len(lost.strip()) > len(end[0]):
                    yield _Item(lost, ("xml_syntax", "an item without its beginning"))
            if found is not None:
                self.at = found.start()
                yield self._item(found[1])
                continue
            self.at = max(self.at, len(self.text) - 200)
            if not self._more():
                self.closed = _CLOSING.search(self.text, self.at) is not None
                return

    def _item(self, name: str) -> _Item:
        """The item at `at`, which moves behind it."""
        end, problem = _end_of_item(self.text, self.at, name)
        while end < 0 and len(self.text) - self.at <= MAX_RECORD and self._more():
            end, problem = _end_of_item(self.text, self.at, name)
        if end < 0:
            return self._lost(name)
        item = _Item(self.text[self.at : end], problem)
        self.at = end
        return item

    def _lost(self, name: str) -> _Item:
        """An item without an end: it goes to where the next one begins, or to the end of the feed."""
        start, held = self.at, self.text[self.at : self.at + KEPT_BYTES]
        following = _OPENING.search(self.text, start + len(name) + 1)
        if following is None and len(self.text) - start > MAX_RECORD:
            while following is None:
                self.at = len(self.text) - 200
                if not self._more():
                    break
                following = _OPENING.search(self.text)
            self.at = following.start() if following else len(self.text)
            return _Item(held, ("too_large", f"an item of more than {MAX_RECORD:,} characters"))
        self.at = following.start() if following else len(self.text)
        if following:
            return _Item(held, ("xml_syntax", "the item is not closed"))
        self.cut = True
        return _Item(held, ("unreadable_tail", "the feed ends in the middle of an item"))


def _end_of_item(text: str, start: int, name: str) -> tuple[int, tuple[str, str] | None]:
    """Where the item ends that begins at `start`, or -1; and what is wrong with it, if its end is not its own.

    Items do not nest, so that one which begins inside another says that the first was never closed.
    """
    position = start + 1
    opened = text.find(">", start, start + 5000)
    if opened > 0 and text[opened - 1] == "/":
        return opened + 1, None
    while (found := _INTERESTING.search(text, position)) is not None:
        if found[0] == "<![CDATA[":
            end = text.find("]]>", found.end())
            following = _next_item(text, found.end(), end if end >= 0 else len(text), name)
            if following >= 0:
                return following, ("xml_syntax", "a CDATA section is not closed within its item")
            if end < 0:
                return -1, None
            position = end + 3
        elif found[0] == "<!--":
            if (end := text.find("-->", found.end())) < 0:
                return -1, None
            position = end + 3
        elif found[2] != name:
            position = found.end()
        elif found[1]:
            end = text.find(">", found.end())
            return (end + 1 if end >= 0 else -1), None
        else:
            return found.start(), ("xml_syntax", "the item is not closed")
    return -1, None


def _next_item(text: str, start: int, end: int, name: str) -> int:
    """Where, between `start` and `end`, one item ends and another begins as tags do; else -1."""
    closing = text.find(f"</{name}>", start, end)
    while closing >= 0:
        following = _OPENING.match(text, _skip_spaces(text, closing + len(name) + 3))
        if following and following.start() < end:
            return following.start()
        closing = text.find(f"</{name}>", closing + 1, end)
    return -1


def _skip_spaces(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position
