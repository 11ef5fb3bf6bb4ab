"""The text of a first recipe: groups of files as sources, what was left out as comments, and settings by size."""

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from headwater.corpus.document import split_of
from headwater.errors import RecipeError
from headwater.recipe.quantities import show_size
from headwater.recipe.sources import SOURCES
from headwater.sources.listing import shown
from headwater.sources.peek import Look
from headwater.sources.streams import compression_of

MAX_TOKENS = 5_000_000
EPOCHS = 4
BYTES_A_TOKEN = 4.0  # of a small byte-BPE on English; on Chinese about 3, which offers more tokens
KEPT = 0.6  # share of the text that curation may well leave
FEW = 5  # units of a source that are held out where it has four times as many: what a comparison resamples
BOOK = 100_000  # mean bytes of a text from which it is a book and web rules do not fit


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
    settings: tuple[str, ...] = ()  # further lines of YAML
    root: Path | None = None

    @property
    def size(self) -> int:
        return sum(file.size for file in self.looks)

    @property
    def kind(self) -> str:
        return self.form if self.form in SOURCES else "files"

    @property
    def is_book(self) -> bool:
        return self.form == "books" or (self.form == "text" and self.size >= BOOK * len(self.looks))


def ending(path: Path) -> str:
    """What a glob for such files ends in: `.txt.gz`, `.cor`."""
    if compression_of(path):
        return Path(path.stem).suffix + path.suffix
    return path.suffix


def slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:48] or "texts"


def named(base: str, extra: str) -> str:
    """A source's name, of 64 characters at most."""
    return f"{slug(base)}-{slug(extra)}"[:64].rstrip("-.") if extra else slug(base)


def render(folder: Path, groups: list[Group], left_out: list[Look]) -> str:
    share, salt, divisible = _holdout(groups)
    size = sum(group.size for group in groups)
    tokens = _two_digits(min(MAX_TOKENS, EPOCHS * KEPT * (1 - share) * size / BYTES_A_TOKEN))
    times = tokens / max(1, size / BYTES_A_TOKEN)
    most = (
        f"; at most {EPOCHS}"
        if times <= EPOCHS
        else f": so little text is for a try; a model wants {EPOCHS} at most"
    )
    files = sum(len(group.looks) for group in groups)
    web = all(group.form in ("warc", "html") for group in groups)
    lines = [
        _comment(f"# A first recipe for {shown(folder)}"),
        f"# {_count(files)}, about {show_size(size)} of text. Paths are absolute, so the recipe may stand anywhere.",
        f"name: {json.dumps(slug(folder.name), ensure_ascii=False)}",
        "sources:",
    ]
    for group in groups:
        lines += _source(group)
    if left_out:
        lines += ["# Looked at and left out:", *(f"#{line}" for line in listed(folder, left_out))]
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
    elif 2 * sum(group.size for group in groups if group.is_book) >= size:
        lines.append("  preset: null  # rules made for web pages do not fit books")
    else:
        lines.append(
            "  preset: null  # `headwater presets list` shows the public ones; they were made for web pages"
        )
    lines += [
        "  duplicates: {exact: true, near: {similarity: 0.8, keep: longest}}",
        f"tokenizer: {{vocabulary: {2048 if size < 3e6 else 4096 if size < 3e7 else 8192}}}",
        "model: {family: gpt, preset: modern-nano}",
        f"train: {{tokens: {tokens}}}  # about {times:.1f} times the text{most}",
    ]
    return "\n".join(lines) + "\n"


def _holdout(groups: list[Group]) -> tuple[float, str, bool]:
    """A share and salt that hold out enough of every source and leave more: (share, salt, whether it can be).

    Where units are files or authors there may be few of them: a tenth of eleven books may be none, and a comparison
    needs two held-out units and resamples FEW. A quarter of a source is the most that is taken for that.
    """
    named = [group.units for group in groups if group.units]
    enough = len(named) < len(groups)  # rows or sites, of which there are many
    if not enough and len(frozenset().union(*named)) < 2:
        return 0.1, "headwater-1", False
    several = [units for units in named if len(units) > 1] or ([] if enough else [frozenset().union(*named)])
    for enough_of in (FEW, 1):
        wanted = [
            max(1, min(enough_of, 2, len(units) // 3), min(enough_of, len(units) // 4)) for units in several
        ]
        for share, number in product((0.1, 0.2, 0.3, 0.4, 0.5), range(1, 20)):
            salt = f"headwater-{number}"
            held = [sum(split_of(u, share=share, salt=salt) == "heldout" for u in units) for units in several]
            if all(
                least <= count <= max(least, len(units) // 4)
                for least, count, units in zip(wanted, held, several, strict=True)
            ):
                return share, salt, True
    return 0.3, "headwater-1", True


def _source(group: Group) -> list[str]:
    lines = [f"  # {_count(len(group.looks))}, about {show_size(group.size)} of text; {group.unit_note}"]
    if odd := sorted({ending(file.path) for file in group.looks} - _USUAL) if group.form == "text" else []:
        endings = shown(", ".join(end or "no extension" for end in odd))
        lines.append(f"  # {endings}: not a known extension, but valid text; read as one document a file")
    lines += [
        f"  - name: {json.dumps(group.name, ensure_ascii=False)}",
        f"    kind: {group.kind}",
        "    paths:",
        *(f"      - {json.dumps(path, ensure_ascii=False)}" for path in group.paths),
    ]
    if group.root is not None:
        root = json.dumps(_utf8(group.root), ensure_ascii=False)
        lines.append(f"    root: {root}  # below it no two files have the same path")
    lines += [f"    {line}" for line in group.settings]
    if group.looks[0].column is not None:
        column = json.dumps(group.looks[0].column, ensure_ascii=False)
        lines.append(f"    columns: {{text: {column}}}  # the longest column; say so if it is another")
    if group.unit is not None:
        lines.append(f"    unit: {group.unit}")
    return lines


_USUAL = {f"{suffix}{packed}" for suffix in (".txt", ".md") for packed in ("", ".gz", ".zst", ".bz2", ".xz")}


def listed(folder: Path, left_out: list[Look]) -> list[str]:
    """One line a reason: how many files, and the first of them."""
    by_reason: dict[str, list[Path]] = defaultdict(list)
    for file in left_out:
        by_reason[file.why].append(file.path.relative_to(folder))
    lines = []
    for reason, paths in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        names = ", ".join(shown(path) for path in paths[:3])
        more = ", …" if len(paths) > 3 else ""
        lines.append(_comment(f"   {len(paths):,} × {reason}: {names}{more}"))
    return lines


def _comment(line: str) -> str:
    """What ends a line or is no text of YAML as a question mark."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]", "?", line)


def _utf8(root: Path) -> str:
    """RecipeError where no recipe can hold the name."""
    if shown(root) != str(root):
        raise RecipeError(
            f"two files of the same name need `root: {shown(root)}`, and that name is no UTF-8; rename the folder"
        )
    return str(root)


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files:,} files"


def _two_digits(value: float) -> int:
    """Rounded down to two digits, and at least 10,000: `2100000`."""
    number = max(10_000, int(value))
    unit = int(10 ** (len(str(number)) - 2))
    return number // unit * unit
