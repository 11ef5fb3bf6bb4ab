"""Conversations in JSON and JSON lines: lists of turns under their usual names, and instructions with their answers.

Known by their keys, whatever the data set: KdConv and CrossWOZ (`messages`), ShareGPT (`conversations` of `from` and
`value`), OpenAI (`messages` of `role` and `content`), LCCC (lists of strings), MOSS (`chat` of numbered turns), Alpaca
and its like (`instruction`, `input`, `output`). Others are named by `columns: {turns: …, speaker: …, text: …}`.
Turns without text (a tool's call, a picture) are left out and counted in `meta.left_out`.
"""

import re
from collections.abc import Iterator
from typing import Any

from headwater.engine import guard
from headwater.errors import RecipeError
from headwater.recipe.sources import DialogueSource
from headwater.sources.dialogue_turns import Turn, alternating, conversation, role_of
from headwater.sources.files import utf8_lines, values_of_lines
from headwater.sources.json_elements import Element, Elements
from headwater.sources.records import GIVEN_UP, Gated, Record, quarantine
from headwater.sources.streams import Stream

MAX_JSON = 128 << 20  # characters of a file that is one value
_TURNS = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns", "utterances", "chat", "content",
          "对话", "data")  # fmt: skip
_SPEAKER = ("role", "from", "speaker", "name", "user", "sender", "author", "nick", "说话人", "角色")
_TEXT = ("content", "value", "text", "message", "utterance", "msg", "sentence", "内容", "话语")
_PAIRS = (
    ("instruction", "output"), ("instruction", "response"), ("prompt", "completion"), ("prompt", "response"),
    ("question", "answer"), ("query", "response"), ("input", "target"), ("input", "output"), ("问题", "回答"),
    ("问", "答"),
)  # fmt: skip
_CONTEXT = ("input", "context", "输入")
_IDS = ("id", "_id", "conversation_id", "dialogue_id", "dialog_id", "prompt_id", "uuid", "编号")
_WRAPPERS = ("meta", "metadata", "info", "config", "version")
# MOSS: what stands before the text, and what ends it.
_MARKS = re.compile(r"^<\|[^<>|]{1,20}\|>:?\s*|<eo[a-z]>\s*$")


def read(stream: Stream, suffix: str, source: DialogueSource) -> Iterator[Record]:
    """Every conversation of a file. RecipeError, after the last, where none has a column that the recipe names."""
    named = _Named(source)
    if suffix in (".jsonl", ".ndjson"):
        number = 0
        for item in values_of_lines(utf8_lines(stream, source.encoding)):
            if isinstance(item, tuple):
                value, line, data = item
                named.look(value)
                yield from _records(value, line.offset, f"line {line.number}", None, source, data)
            else:
                yield item
            number += 1
        if stream.tail is not None:
            yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)
        elif not number:
            yield Gated(0, "empty")
        else:
            named.end(stream)
        return
    seen = False
    for found in Elements(stream, source.encoding, _is_one, MAX_JSON):
        seen = True
        if isinstance(found, Element):
            where = f"element {found.number}"
            named.look(found.value)
            yield from _records(found.value, found.number, where, found.key, source, b"")
        else:
            yield found
    if not seen:
        yield Gated(0, "empty")
    elif stream.tail is None:
        named.end(stream)


class _Named:
    """Which columns that the recipe names no conversation of a file has had: else a name with a slip in it would leave
    speakers or ids out."""

    def __init__(self, source: DialogueSource) -> None:
        self._source = source.name
        self._missing = {column: role for role, column in source.columns.items()}
        self._met: dict[str, None] = {}  # while one is missing

    def look(self, value: Any) -> None:
        if self._missing:
            self._walk(value, 4)
            self._missing = {name: role for name, role in self._missing.items() if name not in self._met}

    def _walk(self, value: Any, depth: int) -> None:
        if isinstance(value, dict):
            self._met |= dict.fromkeys(value)
            value = list(value.values())
        for part in value if depth and isinstance(value, list) else ():
            self._walk(part, depth - 1)

    def end(self, stream: Stream) -> None:
        for name, role in self._missing.items() if self._met else ():
            known = ", ".join(map(repr, list(self._met)[:20]))
            raise RecipeError(
                f"{stream.path}: no conversation has {name!r} for the {role}; the names there are {known}. Name it in the "
                f"recipe, or leave it out: `columns: {{{role}: …}}` of source {self._source!r}"
            )


def _is_one(key: str, value: Any) -> bool:
    """Whether an object is a value of its own, by its first key and value, and not one of conversations by name."""
    return not isinstance(value, dict) or key.lower() in (*_WRAPPERS, *_TURNS)


def _records(
    value: Any, offset: int | str, where: str, key: str | None, source: DialogueSource, data: bytes
) -> Iterator[Record]:
    """The conversation that a value is, or those that it holds."""
    if (reason := guard.begin(where)) is not None:
        yield quarantine(offset, reason, GIVEN_UP, data)
        return
    turns, left_out = _turns(value, source)
    if turns is not None:
        yield _record(value, turns, left_out, offset, key, source)
        return
    parts = value.values() if isinstance(value, dict) else ()
    inside = [(row, *_turns(row, source)) for part in parts if _is_list_of_rows(part) for row in part]
    if all(turns is None for _, turns, _ in inside):
        columns = ", ".join(map(repr, value)) if isinstance(value, dict) else type(value).__name__
        detail = (
            f"{where}: no conversation in {columns or 'an empty object'}; name them: `columns: {{turns: …}}`"
        )
        yield quarantine(offset, "no_turns", detail, data or _shown(value))
        return
    for number, (row, turns, left_out) in enumerate(inside):
        place = f"{offset}.{number}"
        if turns is None:
            yield quarantine(place, "no_turns", f"{where}, row {number}: no conversation", _shown(row))
        else:
            yield _record(row, turns, left_out, place, None, source)


def _shown(value: Any) -> bytes:
    return repr(value)[:4096].encode("utf-8", "replace")


def _record(
    value: Any, turns: list[Turn], left_out: int, offset: int | str, key: str | None, source: DialogueSource
) -> Record:
    row = value if isinstance(value, dict) else {}
    name = (
        row.get(source.columns["id"])
        if "id" in source.columns
        else next((row[i] for i in _IDS if i in row), key)
    )
    fields = {"source_id": str(name) if isinstance(name, str | int) else ""}
    for field, usual in (
        ("language", ("lang", "language")),
        ("title", ("title", "topic", "标题")),
        ("date", ("date",)),
    ):
        shown = next((row[column] for column in usual if isinstance(row.get(column), str)), "")
        fields[field] = shown
    return conversation(offset, turns, source.speakers, fields, {"left_out": left_out})


def _is_list_of_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict | list)


def _turns(value: Any, source: DialogueSource) -> tuple[list[Turn] | None, int]:
    """A value's turns, and how many were left out; None where it is no conversation."""
    if isinstance(value, list):
        return _of_list(value, source)
    if not isinstance(value, dict):
        return None, 0
    named = source.columns.get("turns")
    for column in (named,) if named else _TURNS:
        held = value.get(column)
        if (
            isinstance(held, str)
            and named is None
            and column not in ("dialogue", "dialog", "conversation", "对话")
        ):
            continue
        turns, left_out = _of_held(held, source)
        if turns is not None:
            system = value.get("system") or value.get("system_prompt")
            if isinstance(system, str) and system.strip() and not any(t.speaker == "System" for t in turns):
                turns = [Turn("System", system), *turns]
            return turns, left_out
    if (pair := _pair(value)) is not None:
        return pair, 0
    return _of_held(value.get("history"), source)


def _of_held(held: Any, source: DialogueSource) -> tuple[list[Turn] | None, int]:
    if isinstance(held, str) and held.strip():  # written out already: `#Person1#: …`
        return [Turn("", line) for line in held.splitlines() if line.strip()], 0
    if isinstance(held, dict) and held and all(isinstance(turn, dict) for turn in held.values()):
        said = [(who, text) for turn in held.values() for who, text in turn.items() if isinstance(text, str)]
        spoken = [(who, _MARKS.sub("", text)) for who, text in said if role_of(who) in ("User", "Assistant")]
        return [Turn(role_of(who), text) for who, text in spoken] or None, len(said) - len(spoken)
    return _of_list(held, source) if isinstance(held, list) else (None, 0)


def _of_list(held: list[Any], source: DialogueSource) -> tuple[list[Turn] | None, int]:
    if not held:
        return None, 0
    if all(isinstance(turn, str) for turn in held):
        return alternating(held), 0
    if all(isinstance(turn, list) and len(turn) == 2 and isinstance(turn[0], str) for turn in held):
        return [
            Turn(who, said)
            for pair in held
            for who, said in zip(("User", "Assistant"), pair, strict=True)
            if isinstance(said, str)
        ], 0
    if not all(isinstance(turn, dict) for turn in held):
        return None, 0
    speakers = (source.columns["speaker"],) if "speaker" in source.columns else _SPEAKER
    texts = (source.columns["text"],) if "text" in source.columns else _TEXT
    turns, left_out, known = [], 0, False
    for number, turn in enumerate(held):
        known = known or any(column in turn for column in texts)
        text = next((said for column in texts if (said := _said(turn.get(column))) is not None), None)
        speaker = next((turn[column] for column in speakers if isinstance(turn.get(column), str | int)), None)
        if text is None:
            left_out += 1
        else:
            turns.append(Turn(role_of(str(speaker)) if speaker is not None else "AB"[number % 2], text))
    return (turns, left_out) if known else (None, 0)


def _said(value: Any) -> str | None:
    """A turn's text: a string, or the texts among the parts of a message that has pictures too."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, list):
        texts = [
            part if isinstance(part, str) else part.get("text")
            for part in value
            if isinstance(part, str | dict)
        ]
        return "\n".join(text for text in texts if isinstance(text, str) and text.strip()) or None
    return None


def _pair(value: dict[str, Any]) -> list[Turn] | None:
    """An instruction and its answer, behind what was said before it."""
    for asked, answered in _PAIRS:
        question, answer = value.get(asked), value.get(answered)
        if isinstance(question, str) and isinstance(answer, str) and question.strip():
            context = next(
                (value[c] for c in _CONTEXT if c not in (asked, answered) and isinstance(value.get(c), str)),
                "",
            )
            history = value.get("history")
            before = [
                Turn(who, said)
                for pair in (history if isinstance(history, list) else [])
                if isinstance(pair, list) and len(pair) == 2
                for who, said in zip(("User", "Assistant"), pair, strict=True)
                if isinstance(said, str)
            ]
            system = value.get("system")
            if isinstance(system, str) and system.strip():
                before.insert(0, Turn("System", system))
            full = f"{question}\n{context}" if context.strip() else question
            return [*before, Turn("User", full), Turn("Assistant", answer)]
    return None
