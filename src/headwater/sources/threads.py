"""Threads of questions and answers: how they read as text, and those that come as JSON lines.

The text of a thread is `Q: ` and the title, the question's body, then each answer behind `A: `; comments stand below
their post as `Comment: …`. JSON lines hold a thread each: a title, a body and either a list of answers (strings, or
objects with text and score) or one answer, under their usual names in English and Chinese; a line with only a text is
a thread that someone has written out already. HTML in them is told by its tags.
"""

import re
from collections.abc import Iterator
from typing import Any

from headwater.engine import guard
from headwater.errors import RecipeError
from headwater.recipe.sources import ForumSource
from headwater.sources.columns import Columns, document_of, guess_columns
from headwater.sources.extract.posts import text_of_post
from headwater.sources.files import utf8_lines, values_of_lines
from headwater.sources.places import Place
from headwater.sources.records import GIVEN_UP, Found, Gated, Record, quarantine
from headwater.sources.streams import Stream

_TITLE = ("title", "question_title", "subject", "标题")
_BODY = ("body", "question_body", "question", "desc", "description", "selftext", "问题", "描述", "内容")
_ANSWERS = (
    "answers",
    "responses",
    "replies",
    "answer",
    "best_answer",
    "accepted_answer",
    "response",
    "回答",
    "答案",
)
_TEXT = ("text", "body", "content", "answer", "reply", "内容", "回答")
_SCORE = ("score", "pm_score", "votes", "upvotes", "star", "赞同数", "点赞数")
_ACCEPTED = ("accepted", "is_accepted", "selected", "采纳")
_HTML = re.compile(r"<(?:p|br|pre|code|blockquote|[uo]l|li|div|span|a|strong|em)\b[^<>]*>", re.I)


def text_of_thread(title: str, body: str, answers: list[str], comments: list[list[str]] | None = None) -> str:
    """`comments`: of the question, then of each answer. Empty where nobody says anything."""
    head = "\n\n".join(part for part in (title.strip(), body.strip("\n")) if part.strip())
    parts = [f"Q: {head}" if head else "", *(f"A: {answer}" if answer.strip() else "" for answer in answers)]
    for number, said in enumerate(comments or []):
        parts[number] = "\n\n".join([parts[number], *(f"Comment: {' '.join(text.split())}" for text in said)])
    return "\n\n".join(part for part in parts if part.strip())


def found(offset: int | str, text: str, fields: dict[str, str], meta: dict[str, Any]) -> Found:
    return Found(offset, text, {name: value for name, value in fields.items() if value}, meta)


def read(path: Place, source: ForumSource) -> Iterator[Record]:
    """JSON lines, one thread each. RecipeError where the first row holds neither a question nor a text."""
    stream = Stream(path)
    known = False
    for item in values_of_lines(utf8_lines(stream)):
        if not isinstance(item, tuple):
            yield item
            continue
        row, line, data = item
        if not isinstance(row, dict):
            problem = f"line {line.number}: expected an object, got {type(row).__name__}"
            yield quarantine(line.offset, "json_type", problem, data)
            continue
        if not known and not _is_thread(row) and "text" not in guess_columns(list(row)):
            raise RecipeError(
                f"{path}, line {line.number}: no thread; its columns are {', '.join(map(repr, row)) or 'none'}. "
                "Expected a question (title, body) with answers, or a text"
            )
        known = True
        if (reason := guard.begin(f"line {line.number}")) is not None:
            yield quarantine(line.offset, reason, GIVEN_UP, data)
        elif _is_thread(row):
            yield _thread(row, line.offset, f"line {line.number}", source, data)
        else:
            usual = guess_columns(list(row))
            text = usual.pop("text", "text")
            named = {"source_id" if name == "id" else name: column for name, column in usual.items()}
            yield document_of(row, Columns(text, named, {}), line.offset, f"line {line.number}", data)
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _is_thread(row: dict[str, Any]) -> bool:
    if _first(row, _ANSWERS) is not None or "answer_id" in row:
        return _first(row, (*_TITLE, *_BODY)) is not None
    return False


def _thread(row: dict[str, Any], offset: int, where: str, source: ForumSource, data: bytes) -> Record:
    answers = _first(row, _ANSWERS)
    if answers is None:  # rows of one answer each
        answers = row.get("content")
    listed = answers if isinstance(answers, list) else [answers]
    replies: list[tuple[str, int | float | None, bool]] = []
    for answer in listed:
        of = answer if isinstance(answer, dict) else {"text": answer}
        text, score = _first(of, _TEXT), _first(of, _SCORE)
        if not isinstance(text, str):
            return quarantine(
                offset, "no_text", f"{where}: an answer that is {type(text).__name__} and not text", data
            )
        is_number = isinstance(score, int | float) and not isinstance(score, bool) and score == score
        replies.append((_plain(text), score if is_number else None, bool(_first(of, _ACCEPTED))))
    title, body = _first(row, _TITLE), _first(row, _BODY)
    if not all(part is None or isinstance(part, str) for part in (title, body)):
        return quarantine(offset, "no_text", f"{where}: a question that is not text", data)
    shown = [r for r in replies if source.min_answer_score is None or (r[1] or 0) >= source.min_answer_score]
    score = _first(row, _SCORE)
    if source.min_score is not None and isinstance(score, int | float) and score < source.min_score:
        return Gated(offset, "low_score")
    if len(shown) < source.min_answers:
        return Gated(offset, "few_answers")
    if source.order != "date":
        first = source.order == "accepted"
        shown.sort(key=lambda r: (first and not r[2], -(r[1] or 0), not r[2]))
    body = _plain(body or "")
    text = text_of_thread(title or "", "" if body == title else body, [r[0] for r in shown])
    if not text:
        return Gated(offset, "empty")
    usual = guess_columns(list(row))
    fields = {
        "source_id" if name == "id" else name: str(row[column])
        for name, column in usual.items()
        if name in ("id", "url", "date", "license", "language", "author")
        and isinstance(row[column], str | int)
    }
    fields["title"] = title or ""
    scores = [r[1] for r in shown]
    meta = {"answers": len(shown), "left_out": len(replies) - len(shown)}
    if any(score is not None for score in scores):
        meta["answer_scores"] = scores  # type: ignore[assignment]
    return found(offset, text, fields, {k: v for k, v in meta.items() if v or k == "answers"})


def _plain(text: str) -> str:
    return text_of_post(text) if _HTML.search(text) else text.replace("\r\n", "\n")
