"""Programs: folders of repositories, archives of them, git's own folders, and rows like The Stack's. A file is a
document, its repository the unit.

In `meta`: `language` (the programming language), `path`, `repository`, `license_from` (`header`, a licence file's
path, or `column`), `commit`, `encoding` where it is not UTF-8, and `generated`, `minified`, `vendored`, `data` where
it is so. These four are gated unless `keep` names them: generated and minified code teaches a model to write what
no one reads, vendored code is counted once for each project that copied it, and data dumps are most of the bytes
of public repositories. Further gates: `binary`, `empty`, `large`, `license_file`, `git_folder`, `link`, `submodule`,
`unknown` (no known language), `language` and `license` (not among those wanted).

A licence in a file's own header goes before that of its repository. Notebooks become Markdown: cells without outputs.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from headwater.engine import guard
from headwater.recipe.sources import CodeSource
from headwater.sources import files
from headwater.sources.archives import Member, is_archive, members
from headwater.sources.encoding import UndecodableError
from headwater.sources.places import Place, open_binary
from headwater.sources.programs.git import GitError, Objects, TooLarge, files_of
from headwater.sources.programs.language import kind_of, language_of
from headwater.sources.programs.licenses import (
    MAX_TEXT,
    allowed,
    is_license_file,
    license_of_columns,
    license_of_files,
    license_of_header,
)
from headwater.sources.programs.marks import is_data, is_generated, is_lock, is_minified, is_vendored
from headwater.sources.programs.repository import Contexts
from headwater.sources.programs.source_text import NotebookError, decode_program, is_binary, notebook
from headwater.sources.records import GIVEN_UP, MAX_RECORD, Found, Gated, Quarantined, Record, quarantine
from headwater.sources.streams import bare_suffix, compression_of

VERSION = 3  # 3: rows whose first is broken are rows; names that stand twice in a tree of git are named
# A tree of git may name itself again and again: ten folders of ten, ten deep.
MAX_FILES = 2_000_000
_TABLES = (".parquet", ".arrow", ".feather", ".jsonl", ".ndjson")
_INSIDE = frozenset((".git", ".hg", ".svn", ".bzr", "CVS"))


def contexts(source: CodeSource) -> Callable[[Place, str], dict[str, str]]:
    return Contexts()


def read(path: Place, source: CodeSource, context: dict[str, str] | None = None) -> Iterator[Record]:
    """The documents of one file, archive or git folder."""
    known = Contexts()(path, path.name) if context is None else context
    about = _About(
        known.get("repository", ""), known.get("license"), known.get("license_file"), known.get("commit")
    )
    if known.get("git") == "head" and isinstance(path, Path):
        yield from _git(path, source, about, known.get("problem", ""))
    elif "git" in known:
        yield Gated(0, "git_folder")
    elif is_archive(path):
        yield from _archive(path, source, about)
    elif _is_table(path, source):
        yield from _rows(path, source)
    else:
        yield _file(path, known.get("path", path.name), source, about)


@dataclass(frozen=True)
class _About:
    """What holds for a file before it is looked into."""

    repository: str
    license: str | None = None
    license_from: str | None = None
    commit: str | None = None
    language: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


# ---------------------------------------------------------------- one file


def _file(path: Place, name: str, source: CodeSource, about: _About) -> Record:
    if (reason := _by_name(name, source)) is not None:
        return Gated(0, reason)
    with open_binary(path) as file:
        data = file.read(source.max_file + 1)
    return _bytes(0, name, data, source, about)


def _by_name(name: str, source: CodeSource) -> str | None:
    """Why a file is gated without a look into it."""
    if not _INSIDE.isdisjoint(PurePosixPath(name).parts):
        return "git_folder"
    if is_license_file(name):
        return "license_file"
    if "vendored" not in source.keep and is_vendored(name):
        return "vendored"
    if "generated" not in source.keep and is_lock(name):
        return "generated"
    return None


def _bytes(offset: int | str, name: str, data: bytes, source: CodeSource, about: _About) -> Record:
    if len(data) > source.max_file:
        return Gated(offset, "large")
    if not data.strip():
        return Gated(offset, "empty")
    if is_binary(data):
        return Gated(offset, "binary")
    try:
        text, encoding = decode_program(data, source.encoding)
    except UndecodableError as error:
        if language_of(name, "") is None and "unknown" not in source.keep:
            return Gated(offset, "unknown")
        return quarantine(offset, "encoding", f"{name}: {error}", data)
    return _document(offset, name, text, source, about, encoding)


def _document(
    offset: int | str, name: str, text: str, source: CodeSource, about: _About, encoding: str = "utf-8"
) -> Record:
    """The document that a file's text makes, or the gate that it meets first."""
    language = about.language or language_of(name, text)
    if language is None and "unknown" not in source.keep:
        return Gated(offset, "unknown")
    kind = kind_of(language) if language is not None else ""
    marks = {
        "vendored": is_vendored(name),
        "generated": is_generated(name, text),
        "minified": is_minified(name, language, text),
        "data": is_data(language, kind, text),
    }
    for mark, holds in marks.items():
        if holds and mark not in source.keep:
            return Gated(offset, mark)
    if source.languages is not None and language not in source.languages:
        return Gated(offset, "language")
    stated = license_of_header(text)
    license_id = stated or about.license or source.license
    if source.licenses is not None and not allowed(license_id, source.licenses):
        return Gated(offset, "license")
    notebook_of = None
    if language == "Jupyter Notebook":
        try:
            text, notebook_of = notebook(text)
        except NotebookError as error:
            return quarantine(offset, "notebook", f"{name}: {error}", text.encode("utf-8", "surrogatepass"))
    fields = {**about.fields, "title": name, "unit": about.repository}
    if license_id is not None:
        fields["license"] = license_id
    meta = {
        "language": language,
        "path": name,
        "repository": about.repository,
        "license_from": "header" if stated else about.license_from,
        "commit": about.commit,
        "encoding": encoding if encoding != "utf-8" else None,
        "notebook_language": notebook_of,
        **{mark: True for mark, holds in marks.items() if holds},
    }
    return Found(
        offset,
        text,
        {key: value for key, value in fields.items() if value},
        {key: value for key, value in meta.items() if value},
    )


# ---------------------------------------------------------------- archives


def _archive(path: Place, source: CodeSource, about: _About) -> Iterator[Record]:
    """Twice through: the licence may stand behind what it governs, and the first pass says what stands above all."""
    texts: dict[str, dict[str, str]] = {}
    tops: set[str] = set()
    for item in members(path, is_license_file, MAX_TEXT):
        name = item.name if isinstance(item, Member) else str(item.offset)
        if isinstance(item, Quarantined) and item.reason != "archive_entry":
            continue
        if len(tops) < 2:
            tops.add(name.partition("/")[0] if "/" in name else "")
        if isinstance(item, Member):
            folder = str(PurePosixPath(name).parent)
            texts.setdefault(folder, {})[PurePosixPath(name).name] = _license_text(item.data)
    top = next(iter(tops)) + "/" if len(tops) == 1 and "" not in tops else ""
    governs = {folder: (license_of_files(found), sorted(found)) for folder, found in texts.items()}
    why = ""

    def wanted(name: str) -> bool:
        nonlocal why
        why = _by_name(name.removeprefix(top), source) or ""
        return not why

    for item in members(path, wanted, source.max_file):
        if isinstance(item, Gated):
            yield Gated(item.offset, why)
        elif isinstance(item, Quarantined):
            if item.reason == "archive_entry" and item.detail.endswith(" link"):
                yield Gated(item.offset, "link")
            elif item.reason == "too_large" and item.detail.endswith(f"at most {source.max_file:,}"):
                yield Gated(item.offset, "large")
            else:
                yield item
        elif (reason := guard.begin(item.name)) is not None:
            yield quarantine(item.name, reason, GIVEN_UP)
        else:
            name = re.sub(r"#\d+\Z", "", item.name).removeprefix(top)
            yield _bytes(item.name, name, item.data, source, _governed(item.name, top, governs, about))


def _license_text(data: bytes) -> str:
    try:
        return decode_program(data)[0]
    except UndecodableError:
        return ""


def _governed(name: str, top: str, governs: dict[str, tuple[str, list[str]]], about: _About) -> _About:
    """With the licence of the nearest folder that has one."""
    for folder in PurePosixPath(name).parents:
        if str(folder) in governs:
            license_id, names = governs[str(folder)]
            place = "" if str(folder) == "." else f"{folder}/".removeprefix(top)
            return _About(about.repository, license_id, place + ", ".join(names), about.commit)
    return about


# ---------------------------------------------------------------- git


def _git(path: Path, source: CodeSource, about: _About, problem: str) -> Iterator[Record]:
    """The files of the commit that HEAD leads to."""
    if problem or about.commit is None:
        yield quarantine(0, "git_head", problem or "HEAD leads to no commit")
        return
    try:
        objects = Objects(path.parent, MAX_RECORD)
        texts: dict[str, dict[str, str]] = {}
        for number, (name, digest, _) in enumerate(files_of(objects, about.commit)):
            if number > MAX_FILES:
                break
            if digest is not None and is_license_file(name):
                try:
                    found = _license_text(objects.read(digest)[1][:MAX_TEXT])
                except (GitError, OSError):
                    continue
                texts.setdefault(str(PurePosixPath(name).parent), {})[PurePosixPath(name).name] = found
        governs = {folder: (license_of_files(found), sorted(found)) for folder, found in texts.items()}
        for number, (name, digest, odd) in enumerate(files_of(objects, about.commit)):
            if number > MAX_FILES:
                yield quarantine("tail", "too_large", f"more than {MAX_FILES:,} files in one commit")
                return
            yield _blob(objects, name, digest, odd, source, _governed(name, "", governs, about))
    except (GitError, OSError) as error:
        yield quarantine("tail", "git_object", str(error))


def _blob(
    objects: Objects, name: str, digest: str | None, odd: str, source: CodeSource, about: _About
) -> Record:
    if digest is None:
        return quarantine(f"{name}.tree", odd, f"{name}: a folder that is not here, or damaged")
    if odd:
        return Gated(name, odd)
    if (reason := _by_name(name, source)) is not None:
        return Gated(name, reason)
    if (reason := guard.begin(name)) is not None:
        return quarantine(name, reason, GIVEN_UP)
    try:
        _, data = objects.read(digest)
    except TooLarge:
        return Gated(name, "large")
    except (GitError, OSError) as error:
        return quarantine(name, "git_object", f"{name}: {error}")
    return _bytes(name, name, data, source, about)


# ---------------------------------------------------------------- rows


def _is_table(path: Place, source: CodeSource) -> bool:
    """Rows of programs, and not a data file of a repository: its columns say so, or the recipe does."""
    suffix = bare_suffix(path)
    if suffix not in _TABLES and not (suffix == ".json" and compression_of(path)):
        return False
    if "text" in source.columns:
        return True
    names = set(files.column_names(path, source.encoding))
    return bool(names & {"content", "code", "text", "whole_func_string"}) and bool(
        names
        & {
            "lang",
            "language",
            "path",
            "ext",
            "repo_name",
            "max_stars_repo_name",
            "max_stars_repo_path",
            "repository_name",
        }
    )


def _rows(path: Place, source: CodeSource) -> Iterator[Record]:
    """As `files` reads them; then each is looked at like a file."""
    for record in files.read(path, source, tables_only=True):
        if not isinstance(record, Found):
            yield record
            continue
        if (reason := guard.begin(f"row {record.offset}")) is not None:
            yield quarantine(record.offset, reason, GIVEN_UP)
            continue
        fields, meta = dict(record.fields), record.meta
        repository, name = meta.get("repository", ""), meta.get("path", "")
        license_id = license_of_columns(fields.pop("license", None))
        fields.pop("language", None)
        if (gate := _by_name(name, source)) is not None:
            yield Gated(record.offset, gate)
            continue
        about = _About(
            repository,
            license_id,
            "column" if license_id else None,
            language=_declared(meta.get("language")),
            fields=fields,
        )
        if len(record.text) > source.max_file:
            yield Gated(record.offset, "large")
        else:
            yield _document(record.offset, name, record.text, source, about)


def _declared(language: str | None) -> str | None:
    from headwater.sources.programs.language import known_name

    return known_name(language) if language else None
