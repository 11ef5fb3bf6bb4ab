"""Dialogues: chat logs, mailboxes, subtitles and JSON of conversations, also inside of zip and tar archives.

The format is told by a file's name (.srt, .vtt, .ass, .ssa, .mbox, .eml, .json, .jsonl), else by how it begins, or
named by the source's `format`. What a record is differs: a day of a channel, a message, a film, a conversation.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from headwater.errors import RecipeError
from headwater.recipe.sources import DialogueSource
from headwater.sources import archives, dialogue_chat, dialogue_json, dialogue_mail, dialogue_subtitles
from headwater.sources.encoding import codec
from headwater.sources.places import Place
from headwater.sources.records import Gated, Quarantined, Record
from headwater.sources.streams import Stream, bare_suffix

VERSION = 2  # 2: of a broken element of JSON no more is kept than is its own
MAX_MEMBER = 128 << 20  # bytes of a file in an archive, which is held in memory
_FORMATS = {
    ".srt": "subtitles", ".vtt": "subtitles", ".ass": "subtitles", ".ssa": "subtitles",
    ".mbox": "mbox", ".mbx": "mbox", ".eml": "mbox", ".json": "json", ".jsonl": "json", ".ndjson": "json",
}  # fmt: skip
_MAIL = re.compile(
    rb"From .{1,300}\d{4}|(?:Return-Path|Received|Delivered-To|Message-ID|From|MIME-Version): ", re.I
)
_SUBTITLES = re.compile(rb"WEBVTT|\[Script Info\]|\d{1,5}\s*\r?\n\d{1,2}:\d\d:\d\d[,.]\d", re.I)
_JSON = re.compile(rb"\{\s*[\"}]|\[\s*[\[{\"]\s*[\"\[{\]}]")


def read(path: Place, source: DialogueSource) -> Iterator[Record]:
    """Every conversation of one file."""
    if source.encoding != "auto" and codec(source.encoding) is None:
        raise RecipeError(
            f"source {source.name!r}: encoding {source.encoding!r} is not known; try utf-8, gb18030 or big5"
        )
    if not archives.is_archive(path):
        yield from _file(Stream(path), path.name, source)
        return
    for member in archives.members(path, limit=MAX_MEMBER):
        if not isinstance(member, archives.Member):
            yield member
            continue
        name = PurePosixPath(member.name).name
        for record in _file(_Held(member), name, source):
            yield _inside(record, member.name)


class _Held(Stream):
    """A member of an archive, which may be compressed once more."""

    def __init__(self, member: archives.Member) -> None:
        super().__init__(Path(member.name))
        self._data = member.data

    def blocks(self) -> Iterator[bytes]:
        if self.kind is None:
            yield self._data
        else:
            yield from self.unpacked(io.BytesIO(self._data), self.kind)


def _inside(record: Record, member: str) -> Record:
    offset = f"{member}:{record.offset}"
    if isinstance(record, Gated):
        return Gated(offset, record.reason)
    if isinstance(record, Quarantined):
        return replace(record, offset=offset, detail=f"{member}: {record.detail}")
    fields = record.fields
    if "unit" in fields and fields["unit"] == PurePosixPath(member).name:
        fields = {**fields, "unit": member}
    return replace(record, offset=offset, fields=fields)


def _file(stream: Stream, name: str, source: DialogueSource) -> Iterator[Record]:
    suffix = bare_suffix(stream.path)
    form = source.format if source.format != "auto" else _FORMATS.get(suffix) or _format_of(stream)
    if form == "subtitles":
        return dialogue_subtitles.read(stream, name, source)
    if form == "mbox":
        return dialogue_mail.read(stream, suffix, source)
    if form == "json":
        return dialogue_json.read(stream, suffix, source)
    return dialogue_chat.read(stream, name, source)


def _format_of(stream: Stream) -> str:
    """By a file's first bytes."""
    blocks = stream.blocks()
    head = next(blocks, b"")[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    blocks.close()  # type: ignore[attr-defined]
    stream.tail = None
    if _MAIL.match(head):
        return "mbox"
    if _SUBTITLES.match(head):
        return "subtitles"
    return "json" if _JSON.match(head) else "irc"
