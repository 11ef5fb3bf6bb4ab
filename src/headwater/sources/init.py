"""A first recipe from whatever text is in a folder, as YAML with comments.

Files are grouped by subfolder and form; each group becomes a source. What cannot be read yet, and what was looked
at and left out, is listed with its count: nothing is passed over in silence. Paths are absolute, so that the
recipe works from any folder. Books named `Author_Title_Year` are split by author, versions of one article
(`Banksy-adv`, `Banksy-ele`) by article, rows without an author one by one, other files by file.
"""

import glob
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from headwater.corpus.document import split_of
from headwater.errors import RecipeError
from headwater.recipe.quantities import show_size
from headwater.recipe.sources import FilesSource
from headwater.sources.peek import Look, look
from headwater.sources.shards import input_files
from headwater.sources.streams import compression_of

MAX_TOKENS = 5_000_000
EPOCHS = 4
BYTES_A_TOKEN = 4.0  # of a small byte-BPE on English; on Chinese about 3, which offers more tokens
KEPT = 0.6  # share of the text that curation may well leave
BOOK = 100_000  # mean bytes of a text from which it is a book and web rules do not fit
LISTED = 40  # files that are named one by one where a glob would take others with them
_AUTHOR_TITLE_YEAR = re.compile(r"^[^_]+_.+_\d{3,4}$")
_VERSION = re.compile(r"^(.+)[-_]([^-_]{1,12})$")


@dataclass(frozen=True)
class Group:
    """Files that make one source."""

    name: str
    form: str
    looks: tuple[Look, ...]
    paths: tuple[str, ...]
    unit: str | None  # YAML, or None for the kind's default
    unit_note: str
    units: frozenset[str]  # what is split, as far as it is known from names

    @property
    def size(self) -> int:
        return sum(file.size for file in self.looks)


def init(folder: Path) -> str:
    """The recipe's text. RecipeError where the folder is missing, empty, or holds nothing that can be read."""
    folder = folder.expanduser()
    if not folder.is_dir():
        raise RecipeError(
            f"{folder} is {'a file' if folder.exists() else 'not there'}; init takes a folder of texts"
        )
    folder = folder.resolve()
    files = _files(folder)
    if not files:
        raise RecipeError(f"the folder {folder} is empty; put texts there first")
    looks = [look(path) for path in files]
    left_out = [file for file in looks if not file.form]
    groups = _groups(folder, [file for file in looks if file.form], left_out)
    if not groups:
        raise RecipeError("\n".join([f"nothing in {folder} can be read yet:", *_listed(folder, left_out)]))
    return _render(folder, groups, left_out)


def _files(folder: Path) -> list[Path]:
    """Every file but hidden ones and what Headwater itself made."""
    workspaces = {log.parent for log in folder.rglob("events.jsonl")}
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and workspaces.isdisjoint(path.parents)
    ]


# ---------------------------------------------------------------- groups


def _groups(folder: Path, looks: list[Look], left_out: list[Look]) -> list[Group]:
    by_key: dict[tuple[str, str, str | None], list[Look]] = defaultdict(list)
    for file in looks:
        parts = file.path.relative_to(folder).parts
        by_key[parts[0] if len(parts) > 1 else "", file.form, file.column].append(file)
    groups: list[Group] = []
    names: set[str] = set()
    for (subfolder, form, column), members in sorted(by_key.items(), key=lambda item: str(item[0])):
        name = _slug(subfolder or folder.name)
        for extra in (form, column or "", *map(str, range(2, 1000))):
            if name not in names:
                break
            name = f"{_slug(subfolder or folder.name)}-{_slug(extra)}"
        names.add(name)
        others = [file for file in (*looks, *left_out) if file not in members]
        paths = _paths(folder, subfolder, members, others)
        unit, note, units = _unit(form, members)
        if form == "text" and unit is None:
            source = FilesSource(name=name, kind="files", paths=list(paths))
            units = frozenset(file.relative for file in input_files(source, folder))
        groups.append(Group(name, form, tuple(members), paths, unit, note, units))
    return groups


def _paths(folder: Path, subfolder: str, members: list[Look], others: list[Look]) -> tuple[str, ...]:
    """A glob for each extension; or the files themselves where a glob would take in files of another source."""
    base = folder / subfolder
    globs = []
    for ending in sorted({_ending(file.path) for file in members}):
        same = [file.path for file in members if _ending(file.path) == ending]
        deep = any(path.parent != base for path in same)
        taken = [
            file.path for file in others if _ending(file.path) == ending and _below(file.path, base, deep)
        ]
        if ending and not (taken and len(same) <= LISTED):
            globs.append(glob.escape(str(base)) + ("/**/*" if deep else "/*") + glob.escape(ending))
        else:
            globs += [str(path) for path in same]
    return tuple(globs)


def _below(path: Path, base: Path, deep: bool) -> bool:
    return path.is_relative_to(base) if deep else path.parent == base


def _ending(path: Path) -> str:
    """What a glob for such files ends in: `.txt.gz`, `.cor`."""
    if compression_of(path):
        return Path(path.stem).suffix + path.suffix
    return path.suffix


def _stem(path: Path) -> str:
    return path.name.removesuffix(_ending(path)) if _ending(path) else path.name


def _unit(form: str, members: list[Look]) -> tuple[str | None, str, frozenset[str]]:
    """The source's `unit`, why, and the units that it gives, where names tell."""
    if form == "warc":
        return None, "the unit that is held out is the site (registered domain)", frozenset()
    if form != "text":
        if any(file.author for file in members):
            return None, "the unit that is held out is the author", frozenset()
        return "{by: document}", "no author is named, so each row is a unit of its own", frozenset()
    stems = [_stem(file.path) for file in members]
    if len(stems) > 1 and sum(_AUTHOR_TITLE_YEAR.match(stem) is not None for stem in stems) >= 0.8 * len(
        stems
    ):
        units = frozenset(stem.partition("_")[0] for stem in stems)
        return (
            "{by: path, pattern: '([^/_]+)_[^/]*$'}",
            "names are Author_Title_Year: split by author, not by book",
            units,
        )
    matches = [match for stem in stems if (match := _VERSION.match(stem))]
    texts = Counter(match[1] for match in matches)
    endings = {match[2].lower() for match in matches}
    if len(endings) <= 8 and sum(n for n in texts.values() if n > 1) >= 0.8 * len(stems) > 2:
        note = f"versions of one text ({', '.join(sorted(endings))}) stay together"
        return "{by: path, pattern: '([^/]+)[-_][^-_/]+$'}", note, frozenset(texts)
    return None, "the unit that is held out is the file", frozenset()


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:48] or "texts"


# ---------------------------------------------------------------- the recipe's text


def _holdout(groups: list[Group]) -> tuple[float, str, bool]:
    """A share and salt that hold out something of every source and leave more: (share, salt, whether it can be).

    Where units are files or authors there may be few of them, and a tenth of eleven books may be none.
    """
    named = [group.units for group in groups if group.units]
    enough = len(named) < len(groups)  # rows or sites, of which there are many
    if not enough and len(frozenset().union(*named)) < 2:
        return 0.1, "headwater-1", False
    several = [units for units in named if len(units) > 1] or ([] if enough else [frozenset().union(*named)])
    for share in (0.1, 0.2, 0.3):
        for number in range(1, 20):
            salt = f"headwater-{number}"
            held = [sum(split_of(u, share=share, salt=salt) == "heldout" for u in units) for units in several]
            if all(1 <= count <= max(1, len(units) // 3) for count, units in zip(held, several, strict=True)):
                return share, salt, True
    return 0.3, "headwater-1", True


def _render(folder: Path, groups: list[Group], left_out: list[Look]) -> str:
    share, salt, divisible = _holdout(groups)
    size = sum(group.size for group in groups)
    tokens = _two_digits(min(MAX_TOKENS, EPOCHS * KEPT * (1 - share) * size / BYTES_A_TOKEN))
    files = sum(len(group.looks) for group in groups)
    web = all(group.form == "warc" for group in groups)
    lines = [
        f"# A first recipe for {folder}",
        f"# {_count(files)}, about {show_size(size)} of text. Paths are absolute, so the recipe may stand anywhere.",
        f"name: {json.dumps(_slug(folder.name), ensure_ascii=False)}",
        "sources:",
    ]
    for group in groups:
        lines += _source(group)
    if left_out:
        lines += ["# Looked at and left out:", *(f"#{line}" for line in _listed(folder, left_out))]
    lines.append(f"holdout: {{share: {share}, salt: {salt}}}  # of all units, by a hash of their names")
    if not divisible:
        lines.append(
            "# There is one unit only: nothing can be both trained on and held out. Split the file, or add more."
        )
    lines.append("curate:")
    if web:
        lines.append(
            "  preset: {en: fineweb, zh: fineweb2-zh}  # the public rules for web pages, by language"
        )
    elif (
        2
        * sum(
            group.size for group in groups if group.form == "text" and group.size >= BOOK * len(group.looks)
        )
        >= size
    ):
        lines.append("  preset: null  # rules made for web pages do not fit books")
    else:
        lines.append(
            "  preset: null  # `headwater presets list` shows the public ones; they were made for web pages"
        )
    lines += [
        "  duplicates: {exact: true, near: {similarity: 0.8, keep: longest}}",
        f"tokenizer: {{vocabulary: {2048 if size < 3e6 else 4096 if size < 3e7 else 8192}}}",
        "model: {family: gpt, preset: modern-nano}",
        f"train: {{tokens: {tokens}}}  # about {tokens / max(1, size / BYTES_A_TOKEN):.1f} times the text; at most {EPOCHS}",
    ]
    return "\n".join(lines) + "\n"


def _source(group: Group) -> list[str]:
    lines = [f"  # {_count(len(group.looks))}, about {show_size(group.size)} of text; {group.unit_note}"]
    if odd := sorted({_ending(file.path) for file in group.looks} - _USUAL) if group.form == "text" else []:
        shown = ", ".join(ending or "no extension" for ending in odd)
        lines.append(f"  # {shown}: not a known extension, but valid text; read as one document a file")
    lines += [
        f"  - name: {json.dumps(group.name, ensure_ascii=False)}",
        f"    kind: {'warc' if group.form == 'warc' else 'files'}",
        "    paths:",
        *(f"      - {json.dumps(path, ensure_ascii=False)}" for path in group.paths),
    ]
    if group.looks[0].column is not None:
        column = json.dumps(group.looks[0].column, ensure_ascii=False)
        lines.append(f"    columns: {{text: {column}}}  # the longest column; say so if it is another")
    if group.unit is not None:
        lines.append(f"    unit: {group.unit}")
    return lines


_USUAL = {f"{suffix}{packed}" for suffix in (".txt", ".md") for packed in ("", ".gz", ".zst", ".bz2")}


def _listed(folder: Path, left_out: list[Look]) -> list[str]:
    """One line a reason: how many files, and the first of them."""
    by_reason: dict[str, list[Path]] = defaultdict(list)
    for file in left_out:
        by_reason[file.why].append(file.path.relative_to(folder))
    lines = []
    for reason, paths in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        shown = ", ".join(str(path) for path in paths[:3])
        more = ", …" if len(paths) > 3 else ""
        lines.append(
            re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", "?", f"   {len(paths):,} × {reason}: {shown}{more}")
        )
    return lines


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files:,} files"


def _two_digits(value: float) -> int:
    """Rounded down to two digits, and at least 10,000: `2100000`."""
    number = max(10_000, int(value))
    unit = int(10 ** (len(str(number)) - 2))
    return number // unit * unit
