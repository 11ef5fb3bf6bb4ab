"""The posts of a forum, set aside on disk until its questions have met their answers.

An answer may stand millions of rows behind its question, so that a dump is read once into a private database of
SQLite, sorted there by (question, post), and read again in that order. SQLite spills to a file that is deleted the
moment it is opened: nothing stays behind a killed worker. It lies where SQLITE_TMPDIR or TMPDIR says (else /var/tmp
or /tmp) and takes less than the posts' text, which is compressed there. Memory: CACHE, whatever the size of the dump.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import zstandard

from headwater.errors import HeadwaterError

CACHE = 16 << 20  # bytes that SQLite holds in memory
PAGE = 8192
BATCH = 500  # rows at once
BATCH_BYTES = 4 << 20
COMPRESSED_FROM = 300  # bytes; shorter ones hardly shrink
_WRITE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TABLES = """
CREATE TABLE posts (question INTEGER, answer INTEGER, id INTEGER, data BLOB);
CREATE TABLE comments (post INTEGER, id INTEGER, text TEXT);
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
"""
_ORDER = """
CREATE INDEX by_question ON posts (question, answer, id);
CREATE INDEX by_post ON comments (post, id);
"""
_INSERT = {
    "posts": "INSERT INTO posts VALUES (?, ?, ?, ?)",
    "comments": "INSERT INTO comments VALUES (?, ?, ?)",
    "users": "INSERT OR IGNORE INTO users VALUES (?, ?)",
}


@dataclass(frozen=True)
class Post:
    id: int
    question: int  # its own number, of a question
    is_answer: bool
    text: str
    date: str = ""
    score: int = 0
    license: str = ""
    user: int | None = None
    name: str = ""  # of its author, where the post itself says it
    title: str = ""
    tags: list[str] = field(default_factory=list)
    accepted: int | None = None  # the answer that the asker accepted
    closed: str = ""  # when
    views: int | None = None


class Spool:
    """Rows in, threads out. HeadwaterError where the disk is full. `limit`: bytes that it may take on disk."""

    def __init__(self, limit: int | None = None) -> None:
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in (
            f"page_size={PAGE}",
            f"cache_size=-{CACHE >> 10}",
            "journal_mode=OFF",
            "synchronous=OFF",
        ):
            self._base.execute(f"PRAGMA {setting}")
        if limit is not None:
            self._base.execute(f"PRAGMA max_page_count={max(16, limit // PAGE)}")
        self._base.executescript(_TABLES)
        self._base.execute("BEGIN")
        self._waiting: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _INSERT}
        self._held = 0
        self._squeeze = zstandard.ZstdCompressor(level=1).compress
        self._expand = zstandard.ZstdDecompressor().decompress
        self.comments = False

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def add_post(self, post: Post) -> None:
        shown = {name: value for name, value in vars(post).items() if value}
        data = _WRITE(shown).encode("utf-8", "surrogatepass")
        if len(data) >= COMPRESSED_FROM:
            data = self._squeeze(data)
        self._add("posts", (post.question, int(post.is_answer), post.id, data), len(data))

    def add_comment(self, post: int, number: int, text: str) -> None:
        self.comments = True
        self._add("comments", (post, number, text.encode("utf-8", "replace").decode()), len(text))

    def add_user(self, number: int, name: str) -> None:
        self._add("users", (number, name.encode("utf-8", "replace").decode()), len(name))

    def _add(self, table: str, row: tuple[Any, ...], size: int) -> None:
        rows = self._waiting[table]
        rows.append(row)
        self._held += size
        if len(rows) >= BATCH or self._held >= BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        for table, rows in self._waiting.items():
            if rows:
                with _disk():
                    self._base.executemany(_INSERT[table], rows)
                rows.clear()
        self._held = 0

    def sort(self) -> None:
        """Once all is added."""
        self._flush()
        with _disk():
            for statement in _ORDER.strip().split("\n"):
                self._base.execute(statement)

    def posts(self) -> Iterator[Post]:
        """Every post, a question before its answers, in the order of the questions' numbers."""
        cursor = self._base.cursor()
        with _disk():
            cursor.execute("SELECT data FROM posts ORDER BY question, answer, id")
        while True:
            with _disk():
                row = cursor.fetchone()
            if row is None:
                return
            data = row[0]
            if not data.startswith(b"{"):
                data = self._expand(data)
            yield Post(**{"question": 0, "is_answer": False, "text": "", "id": 0} | json.loads(data))

    def comments_of(self, post: int) -> list[str]:
        if not self.comments:
            return []
        rows = self._base.execute("SELECT text FROM comments WHERE post = ? ORDER BY id LIMIT 1000", (post,))
        return [text for (text,) in rows]

    def name_of(self, user: int) -> str:
        row = self._base.execute("SELECT name FROM users WHERE id = ?", (user,)).fetchone()
        return row[0] if row else ""


class _disk:
    """Says what to do where SQLite finds no room."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.OperationalError):
            raise HeadwaterError(
                f"the temporary database in which questions meet their answers could not grow ({error}); it needs "
                "about as much room as the posts' text: set SQLITE_TMPDIR to a folder on a disk that has it"
            ) from error
