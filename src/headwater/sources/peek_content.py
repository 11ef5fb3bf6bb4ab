"""Which kind of source a file is for, by its first bytes: XML, plain text, rows, and what archives hold."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from headwater.sources import sevenzip
from headwater.sources.archives import Member, members
from headwater.sources.dialogue_chat import chat_line
from headwater.sources.encoding import UndecodableError, decode
from headwater.sources.extract.gutenberg import is_gutenberg
from headwater.sources.extract.latex_project import is_tex
from headwater.sources.feeds import is_feed
from headwater.sources.papers import arxiv_id
from headwater.sources.peek_rows import json_rows, whole_characters
from headwater.sources.programs.language import kind_of
from headwater.sources.programs.table import TABLE
from headwater.sources.streams import SAMPLE

MEMBERS = 300  # of an archive that are looked at
MAX_MEMBER = 128 << 20  # bytes of the one that is looked into
LINES = 200
# Files that say that a folder is a repository.
PROJECTS = frozenset((
    "pyproject.toml", "setup.py", "package.json", "Cargo.toml", "go.mod", "pom.xml", "build.gradle",
    "build.gradle.kts", "CMakeLists.txt", "Makefile", "makefile", "configure.ac", "Gemfile", "composer.json",
))  # fmt: skip
DUMP_TABLES = ("users", "comments", "badges", "votes", "postlinks", "posthistory", "tags")
_WIKI = re.compile(r"<mediawiki\b|<page>\s{0,99}<title>")
_AGENCY = re.compile(r"<(?:[\w.-]{1,40}:)?(?:nitf|newsItem|newsMessage)\b")
_MAILBOX = re.compile(
    r"From \S{1,200}(?: at \S{1,200})? {1,3}[A-Z][a-z]{2} [^\n]{1,60}\d{4}[^\n]{0,40}\n[!-9;-~]{1,99}: "
)
_MAIL = re.compile(r"(?:Return-Path|Received|Delivered-To|Message-ID|MIME-Version): ", re.I)
_SUBTITLES = re.compile(r"WEBVTT|\[Script Info\]|\d{1,5}\s{0,9}\n\d{1,2}:\d\d:\d\d[,.]\d", re.I)
_TURNS = (
    "messages",
    "conversations",
    "conversation",
    "dialogue",
    "dialog",
    "turns",
    "utterances",
    "chat",
    "对话",
)
_ANSWERS = ("answers", "responses", "replies", "回答", "答案")
_ASKED = ("title", "question_title", "subject", "标题", "body", "question_body", "question", "问题")
_POEM = ("title", "rhythmic", "author", "标题", "词牌", "詞牌")
_LINES = ("paragraphs", "para", "content")
_VERSE = 60  # mean characters of a line up to which lines are verses
_PROGRAM_ROWS = ("hexsha", "blob_id", "repo_name", "max_stars_repo_name", "func_code_url")
# What archives hold, by their members' extensions.
_INSIDE = {
    "html": (".html", ".htm", ".xhtml", ".xht", ".shtml", ".mhtml", ".mht"),
    "papers": (".pdf",),
    "books": (".txt", ".text", ".md"),
    "dialogue": (".srt", ".vtt", ".ass", ".ssa", ".mbox", ".mbx", ".eml", ".log"),
    "news": (".xml", ".rss", ".atom", ".rdf", ".nitf"),
    "json": (".json", ".jsonl", ".ndjson"),
}  # fmt: skip
# What a language has for its files, too, but is as a rule something else.
_NO_PROGRAMS = (
    ".tex",
    ".ltx",
    ".sty",
    ".cls",
    ".bib",
    ".txt",
    ".md",
    ".html",
    ".htm",
    ".xml",
    ".json",
    ".csv",
    ".1",
)
_KIND_INSIDE = {suffix: kind for kind, suffixes in _INSIDE.items() for suffix in suffixes}


def kind_of_xml(name: str, head: str) -> str | None:
    """wikipedia, forum, news or html; `companion` for another table of a StackExchange dump. `name`: in lower case."""
    if _WIKI.search(head):
        return "wikipedia"
    table = name.partition(".xml")[0]
    root = re.search(r"<([a-z]{3,12})>", head[:1000])
    if root is not None and root[1] == table and table == "posts":
        return "forum"
    if root is not None and root[1] == table and table in DUMP_TABLES:
        return "companion"
    if is_feed(head) or _AGENCY.search(head[:8192]):
        return "news"
    return "html" if "<html" in head[:4096].lower() else None


def kind_of_text(text: str, suffix: str) -> str | None:
    """books (Project Gutenberg's), dialogue or papers by how a text begins; None for any other."""
    text = text.replace("\r\n", "\n").lstrip("\ufeff \t\n")
    if is_gutenberg(text):
        return "books"
    if _SUBTITLES.match(text) or _MAILBOX.match(text) or (suffix == "" and _MAIL.match(text)):
        return "dialogue"
    if _is_chat(text):
        return "dialogue"
    return "papers" if suffix == "" and "\\documentclass" in text and is_tex(text) else None


def _is_chat(text: str) -> bool:
    """Whether most lines are said by someone: a log of IRC or of its like."""
    lines = [line[:1000] for line in islice(text.split("\n"), LINES) if line.strip()]
    kinds = Counter(chat_line(line).kind for line in lines)
    return kinds["said"] >= 3 and 2 * kinds["said"] + kinds["event"] + kinds["action"] > len(lines) >= 5


def kind_of_rows(rows: list[dict[str, Any]], suffix: str) -> str | None:
    """dialogue, forum, code or books (poems) by the rows' columns; None where they are rows of text."""
    if suffix in (".json", ".jsonl", ".ndjson"):
        if _most(rows, lambda row: any(_is_talk(row.get(name)) for name in _TURNS)):
            return "dialogue"
        if suffix == ".json" and _most(rows, _is_poem):
            return "books"
        if suffix != ".json" and _most(rows, _is_thread):
            return "forum"
    if suffix in (".parquet", ".arrow", ".feather", ".jsonl", ".ndjson"):
        programs = any(name in rows[0] for name in _PROGRAM_ROWS)
        if programs and any(name in rows[0] for name in ("content", "code", "whole_func_string")):
            return "code"
    return None


def _most(rows: list[dict[str, Any]], holds: Callable[[dict[str, Any]], bool]) -> bool:
    return 2 * sum(map(holds, rows)) > len(rows)


def _is_talk(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict | list | str)


def _is_thread(row: dict[str, Any]) -> bool:
    return any(isinstance(row.get(name), list) for name in _ANSWERS) and any(row.get(name) for name in _ASKED)


def _is_poem(row: dict[str, Any]) -> bool:
    lines = next((row[name] for name in _LINES if row.get(name)), None)
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        return False
    return any(name in row for name in _POEM) and sum(map(len, lines)) <= _VERSE * len(lines)


# ---------------------------------------------------------------- archives


def is_program(name: str) -> bool:
    """Whether a file is one of a programming language, by its name."""
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    languages = TABLE.extensions.get(suffix.removeprefix("."), ()) if suffix not in _NO_PROGRAMS else ()
    return bool(languages) and kind_of(languages[0]) == "p"


def kind_of_archive(path: Path) -> tuple[str | None, str]:
    """The kind for a zip or tar, and `.json` where it holds such; or None, and why. Members' names decide, and of text,
    XML and JSON the first member's content."""
    names: list[str] = []

    def listed(name: str) -> bool:
        if not name.endswith("/") and "__MACOSX" not in name:
            names.append(name)
        return False

    for _ in members(path, listed):
        if len(names) >= MEMBERS:
            break
    if not names:
        return None, "it holds no file that can be found"
    suffixes = Counter(PurePosixPath(name).suffix.lower() for name in names)
    if "META-INF/container.xml" in names or suffixes[".opf"]:
        return "books", ""
    programs = sum(map(is_program, names))
    if any(PurePosixPath(name).name in PROJECTS for name in names) and 4 * programs >= len(names):
        return "code", ""
    if any(suffixes[suffix] for suffix in (".tex", ".ltx", ".latex")):
        return "papers", ""
    if 2 * sum(arxiv_id(name) is not None and not name.endswith("/") for name in names) > len(names):
        return "papers", ""
    if 2 * programs > len(names):
        return "code", ""
    if suffixes[".epub"]:
        return None, "EPUBs in an archive: unpack it"
    known = Counter(kind for suffix, n in suffixes.items() for kind in [_KIND_INSIDE.get(suffix)] * n if kind)
    shown = ", ".join(suffix or "no extension" for suffix, _ in suffixes.most_common(3))
    if not known:
        return None, f"an archive of {shown}; unpack it"
    kind = known.most_common(1)[0][0]
    if kind in ("books", "news", "json"):
        first = next(name for name in names if _KIND_INSIDE.get(PurePosixPath(name).suffix.lower()) == kind)
        kind = _by_member(path, first, kind)
    held = ".json" if suffixes[".json"] or suffixes[".jsonl"] else ""
    return (kind, held) if kind else (None, f"an archive of {shown}; unpack it")


def _by_member(path: Path, name: str, kind: str) -> str:
    """The kind by the content of one member; "" where none reads such members in an archive."""
    found_members = members(path, lambda one: one == name, MAX_MEMBER)
    data = next((item.data for item in found_members if isinstance(item, Member)), b"")
    suffix = PurePosixPath(name).suffix.lower()
    if kind == "json":
        if suffix != ".json":
            data = b"\n".join(data[:SAMPLE].split(b"\n")[:-1]) or data
        rows = json_rows(data)
        found = kind_of_rows(rows, suffix) if rows else None
        return found if found in ("dialogue", "books") else ""
    try:
        text = decode(whole_characters(data[:SAMPLE]))
    except UndecodableError:
        return ""
    if kind == "news":
        return "news" if kind_of_xml(PurePosixPath(name).name.lower(), text) == "news" else ""
    return kind_of_text(text, suffix) or kind


def is_dump(path: Path) -> str | None:
    """`forum` for a .7z of a StackExchange site, `companion` for one of another table of it; None for any other."""
    names: list[str] = []

    def listed(name: str) -> bool:
        names.append(PurePosixPath(name).name.lower())
        return False

    with path.open("rb") as file:
        try:
            for _ in sevenzip.streams(file, listed):
                pass
        except sevenzip.SevenZipError:
            return None
    if "posts.xml" in names:
        return "forum"
    return "companion" if any(name.removesuffix(".xml") in DUMP_TABLES for name in names) else None
