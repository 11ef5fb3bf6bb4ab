"""Forums: StackExchange dumps (Posts.xml unpacked, compressed, or in the published .7z) and JSON lines of threads.

A document is a thread: a question, with its answers below it. Of a dump, each post is turned into text as it is read
and set aside on disk (forum_spool.py); once the file is through, threads come out in the order of their questions'
numbers, so that memory does not grow with the dump. Users.xml gives the authors' names, Comments.xml (`comments:
true`) what was said below a post; both are found in the archive or beside Posts.xml.

Records: every question (a document, or gated), every answer without its question (`orphan_answer`), every post that is
neither (`post_type`: tag descriptions, elections), every row that is broken. A thread's licence is the newest of its
posts', as CC BY-SA lets later versions take over earlier ones; `meta.licenses` counts them where they differ.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import PurePosixPath

from headwater.engine import guard
from headwater.recipe.sources import ForumSource
from headwater.sources import sevenzip, threads
from headwater.sources.extract.posts import text_of_post
from headwater.sources.forum_spool import Post, Spool
from headwater.sources.places import Place, open_binary
from headwater.sources.records import GIVEN_UP, MAX_RECORD, Gated, Record, quarantine
from headwater.sources.sevenzip import ALWAYS, RATIO, SevenZipError
from headwater.sources.streams import Stream, bare_suffix, compression_of
from headwater.sources.xml_rows import Broken, Row, Rows

VERSION = 1
_TABLES = ("posts", "users", "comments", "badges", "votes", "postlinks", "posthistory", "tags")
_QUESTION, _ANSWER = "1", "2"
_SITE = re.compile(r"(?:[a-z0-9-]+\.)+(?:com|net|org)")
# Sites whose folders are often named without their last part.
_SHORT = {
    "stackoverflow": "com",
    "serverfault": "com",
    "superuser": "com",
    "askubuntu": "com",
    "mathoverflow": "net",
}
_TAG = re.compile(r"<([^<>]+)>|\|([^|]+)(?=\|)")


def read(path: Place, source: ForumSource) -> Iterator[Record]:
    """Every thread of one file. Of an archive, or of a file that a dump has beside its posts, what its name says."""
    if bare_suffix(path) in (".jsonl", ".ndjson"):
        yield from threads.read(path, source)
    elif _table(path.name) not in ("posts", None):
        yield Gated(0, "companion")
    else:
        yield from _dump(path, source)


def beside(path: Place, source: ForumSource) -> list[Place]:
    """Files that are read together with `path`: a dump's users, and its comments if they are wanted."""
    if path.suffix.lower() == ".7z":
        if not path.stem.lower().endswith("-posts"):
            return []
        names = {table: path.name[: -len("Posts.7z")] + f"{table}.7z" for table in ("Users", "Comments")}
    elif _table(path.name) == "posts":
        rest = path.name[len("Posts") :]
        names = {table: table + rest for table in ("Users", "Comments")}
    else:
        return []
    if not source.comments:
        del names["Comments"]
    return [place for name in names.values() if (place := path.parent / name).exists()]


def _table(name: str) -> str | None:
    """Which table of a dump a file or member holds; None where its name does not say."""
    first = PurePosixPath(name).name.lower().partition(".xml")[0]
    if first.endswith(".7z"):
        first = first.removesuffix(".7z").rpartition("-")[2]
    return first if first in _TABLES else None


def _dump(path: Place, source: ForumSource) -> Iterator[Record]:
    with Spool() as spool:
        for place in (path, *beside(path, source)):
            for table, name, blocks in _contents(place, source.comments):
                if place != path:
                    name = place.name + (f"/{name}" if name else "")
                yield from _spooled(table, name, blocks, spool)
        guard.end()
        spool.sort()
        yield from _threads(spool, source, source.site or site_of_dump(path) or "")


class _Blocks:
    """A stream of bytes, and what was wrong with it once it was read: (reason, detail, data)."""

    def __init__(
        self, blocks: Iterator[bytes], stream: Stream | None = None, allowed: int | None = None
    ) -> None:
        self._blocks, self._stream, self._allowed = blocks, stream, allowed
        self.problem: tuple[str, str, bytes] | None = None
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            for block in self._blocks:
                self.bytes += len(block)
                if self._allowed is not None and self.bytes > self._allowed:
                    self.problem = ("bomb", f"the file holds more than {RATIO} times its size", b"")
                    return
                yield block
        except SevenZipError as error:
            self.problem = (error.reason, str(error), b"")
        if self._stream is not None and (tail := self._stream.tail) is not None:
            self.problem = ("unreadable_tail", tail.detail, tail.data)


def _contents(path: Place, comments: bool) -> Iterator[tuple[str, str, _Blocks]]:
    """The tables that a file holds: (table, member's name, its bytes)."""
    with open_binary(path) as file:
        if path.suffix.lower() != ".7z":
            size = file.seek(0, 2)
            stream = Stream(path)
            allowed = max(ALWAYS, RATIO * size) if compression_of(path) else None
            yield _table(path.name) or "posts", "", _Blocks(stream.blocks(), stream, allowed)
            return
        wanted = ("posts", "users", *(("comments",) if comments else ()))
        found = 0
        try:
            for entry, pieces in sevenzip.streams(file, lambda name: _table(name) in wanted):
                found += 1
                yield _table(entry.name) or "", entry.name, _Blocks(pieces)
        except SevenZipError as error:
            blocks = _Blocks(iter(()))
            blocks.problem = (error.reason, str(error), b"")
            yield "posts", "", blocks
            return
        if not found:
            blocks = _Blocks(iter(()))
            blocks.problem = ("no_posts", "no Posts.xml in the archive", b"")
            yield "posts", "", blocks


# ---------------------------------------------------------------- rows to the spool


def _spooled(table: str, name: str, blocks: _Blocks, spool: Spool) -> Iterator[Record]:
    """A table's rows set aside; what cannot be is yielded."""
    prefix = f"{name}:" if name else ""
    rows = Rows(iter(blocks))
    held: Broken | None = None  # the last row, if it is broken: it may be the damaged end
    for row in rows:
        if held is not None:
            yield quarantine(f"{prefix}{held.offset}.row", held.reason, held.detail, held.data)
            held = None
        if isinstance(row, Broken):
            held = row
        elif table == "posts":
            record = _spooled_post(row, f"{prefix}{row.offset}.row", spool)
            if record is not None:
                yield record
        else:
            if row.offset % 64 == 0:
                guard.begin(f"{table}, byte {row.offset}")
            _spool_other(table, row.values, spool)
    problem = blocks.problem
    if problem is None and not rows.closed and blocks.bytes:
        problem = ("unreadable_tail", "it ends before its root is closed", b"")
    if held is not None and (problem is None or problem[0] != "unreadable_tail"):
        yield quarantine(f"{prefix}{held.offset}.row", held.reason, held.detail, held.data)
        held = None
    if problem is not None:
        reason, detail, data = problem
        if held is not None:
            detail, data = f"{detail} ({held.detail})", held.data
        yield quarantine(f"{prefix}tail", reason, f"{name or table}: {detail}", data)
    elif not blocks.bytes:
        yield Gated(f"{prefix}0", "empty")


def _spooled_post(row: Row, offset: str, spool: Spool) -> Record | None:
    values = row.values
    number, kind = _number(values.get("Id")), values.get("PostTypeId")
    if number is None or kind is None:
        return quarantine(
            offset, "xml_syntax", f"byte {row.offset}: a post without Id or PostTypeId", _raw(values)
        )
    if (reason := guard.begin(f"post {number}")) is not None:
        return quarantine(offset, reason, f"post {number}: {GIVEN_UP}", _raw(values))
    if kind not in (_QUESTION, _ANSWER):
        return Gated(number, "post_type")
    if values.get("DeletionDate"):
        return Gated(number, "deleted")
    question = number if kind == _QUESTION else _number(values.get("ParentId"))
    if question is None:
        return quarantine(
            offset, "xml_syntax", f"byte {row.offset}: an answer without ParentId", _raw(values)
        )
    spool.add_post(
        Post(
            id=number,
            question=question,
            is_answer=kind == _ANSWER,
            text=text_of_post(values.get("Body", "")),
            date=_utc(values.get("CreationDate", "")),
            score=_number(values.get("Score")) or 0,
            license=values.get("ContentLicense", ""),
            user=_number(values.get("OwnerUserId")),
            name=values.get("OwnerDisplayName", ""),
            title=values.get("Title", ""),
            tags=[found[1] or found[2] for found in _TAG.finditer(values.get("Tags", ""))],
            accepted=_number(values.get("AcceptedAnswerId")),
            closed=_utc(values.get("ClosedDate", "")),
            views=_number(values.get("ViewCount")),
        )
    )
    return None


def _spool_other(table: str, values: dict[str, str], spool: Spool) -> None:
    """A user or a comment; one without its number says nothing to anyone."""
    number = _number(values.get("Id"))
    if number is None:
        return
    if table == "users":
        if name := values.get("DisplayName"):
            spool.add_user(number, name)
    elif (post := _number(values.get("PostId"))) is not None and (text := values.get("Text")):
        spool.add_comment(post, number, text)


def _number(value: str | None) -> int | None:
    """What SQLite holds: a whole number of 64 bits."""
    if value is None or not value.isascii() or len(value) > 18 or not value.removeprefix("-").isdigit():
        return None
    return int(value)


def _utc(date: str) -> str:
    return f"{date}Z" if date[-1:].isdigit() else date


def _raw(values: dict[str, str]) -> bytes:
    return repr(values)[:4096].encode("utf-8", "replace")


# ---------------------------------------------------------------- threads


def _threads(spool: Spool, source: ForumSource, site: str) -> Iterator[Record]:
    for number, posts in groupby(spool.posts(), key=lambda post: post.question):
        if (reason := guard.begin(f"question {number}")) is not None:
            yield quarantine(number, reason, GIVEN_UP)
            continue
        question: Post | None = None
        answers: list[Post] = []
        size, last = 0, None
        for post in posts:
            if (post.is_answer, post.id) == last:
                yield Gated(f"{post.id}.again", "duplicate_id")
            elif not post.is_answer:
                question = post
            elif question is None:
                yield Gated(post.id, "orphan_answer")
            elif size <= MAX_RECORD:
                answers.append(post)
            size += len(post.text)
            last = (post.is_answer, post.id)
        if question is not None:
            if size > MAX_RECORD:
                detail = f"question {number}: {size:,} characters in one thread"
                yield quarantine(number, "too_large", detail, question.text.encode("utf-8", "replace"))
            else:
                yield _thread(question, answers, source, site, spool)


def _thread(question: Post, answers: list[Post], source: ForumSource, site: str, spool: Spool) -> Record:
    shown = [a for a in answers if source.min_answer_score is None or a.score >= source.min_answer_score]
    if source.min_score is not None and question.score < source.min_score:
        return Gated(question.id, "low_score")
    if len(shown) < source.min_answers:
        return Gated(question.id, "few_answers")
    if question.closed and source.closed == "gate":
        return Gated(question.id, "closed")
    if source.order != "date":
        first = source.order == "accepted"
        shown.sort(
            key=lambda a: (first and a.id != question.accepted, -a.score, a.id != question.accepted, a.id)
        )
    posts = [question, *shown]
    comments = {post.id: spool.comments_of(post.id) for post in posts}
    text = threads.text_of_thread(
        question.title,
        question.text,
        [answer.text for answer in shown],
        [comments[post.id] for post in posts],
    )
    if not text:
        return Gated(question.id, "empty")
    names = [post.name or (spool.name_of(post.user) if post.user is not None else "") for post in posts]
    licenses = Counter(post.license for post in posts if post.license)
    fields = {
        "source_id": str(question.id),
        "url": f"https://{site}/questions/{question.id}" if site else "",
        "title": question.title,
        "date": question.date,
        "license": max(licenses, key=_version) if licenses else "",
        "author": names[0],
    }
    meta = {
        "site": site,
        "score": question.score,
        "views": question.views,
        "tags": question.tags,
        "answers": len(shown),
        "answer_ids": [post.id for post in shown],
        "answer_scores": [post.score for post in shown],
        "accepted": question.accepted if any(post.id == question.accepted for post in shown) else None,
        "left_out": len(answers) - len(shown),
        "comments": sum(map(len, comments.values())),
        "closed": question.closed,
        "licenses": dict(sorted(licenses.items())) if len(licenses) > 1 else None,
        "authors": list(dict.fromkeys(filter(None, names))),
    }
    needed = ("score", "answers")
    return threads.found(question.id, text, fields, {k: v for k, v in meta.items() if v or k in needed})


def _version(license: str) -> tuple[int, ...]:
    found = re.search(r"(\d{1,3})\.(\d{1,3})", license)
    return (int(found[1]), int(found[2])) if found else (0,)


def site_of_dump(path: Place) -> str | None:
    """The site's name out of the archive's or the folder's: `zh.stackexchange.com.7z`, `stackoverflow.com-Posts.7z`."""
    stem = path.name.lower().removesuffix(".7z").removesuffix("-posts")
    for name in (stem, path.parent.name.lower()):
        if _SITE.fullmatch(name):
            return name
        if name in _SHORT:
            return f"{name}.{_SHORT[name]}"
        if name.endswith(".stackexchange"):
            return f"{name}.com"
    return None
