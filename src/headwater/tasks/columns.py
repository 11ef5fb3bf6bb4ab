"""Which column of a file is what, and what stands in it.

A file of a table without a line of names has columns 1 and 2. Whether its first line is an item cannot be seen for
certain: nothing of it becomes a label that is not said to be one.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from headwater.errors import RecipeError
from headwater.tasks.names import ANSWERS, LABELS, MESSAGES, TAGS, TARGETS
from headwater.tasks.records import Records, Row, harmless

# of each kind: what --columns may name
ROLES = {
    "classification": ("text", "label", "pair", "id"),
    "tagging": ("words", "tags", "id"),
    "reading": (),
    "choice": ("answer", "options", "passage", "question", "id"),
    "generation": ("source", "target", "id"),
}
LETTERS = "ABCDEFGH"  # columns of options: A, B, C, D


def refuse_unknown_roles(columns: Mapping[str, str], kind: str | None = None) -> None:
    """RecipeError where a role is none of the kind's, or of any kind: it would be passed over."""
    known = (
        ROLES[kind] if kind is not None else tuple(dict.fromkeys(r for some in ROLES.values() for r in some))
    )
    for role in columns:
        if role not in known:
            of = "a task" if kind is None else f"a task of {kind}"
            near = difflib.get_close_matches(role, known, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else f"its roles are {', '.join(known) or 'none'}"
            raise RecipeError(f"--columns {role}={columns[role]}: {role!r} is no role of {of}; {hint}")


def column(
    records: Records, columns: Mapping[str, str], role: str, usual: tuple[str, ...], place: str = ""
) -> str:
    """The file's name for a role. `place`: where it stands in a file of two columns without names."""
    if role in columns:
        if columns[role] not in records.columns:
            raise RecipeError(f"{records.path}: has no column {columns[role]!r}; it has {records.named}")
        return columns[role]
    lower = {name.lower(): name for name in records.columns}
    found = next((lower[name] for name in usual if name in lower), _at(records, place))
    if found is None:
        raise RecipeError(
            f"{records.path}: no column for the {role} among {records.named}; say which it is: "
            f"--columns {role}=NAME"
        )
    return found


def optional(records: Records, columns: Mapping[str, str], role: str, usual: tuple[str, ...]) -> str | None:
    """None where the file has no such column, or `columns` names none for the role: --columns pair="""
    if columns.get(role) == "":
        return None
    try:
        return column(records, columns, role, usual)
    except RecipeError:
        if role in columns:
            raise
        return None


def letters(records: Records) -> tuple[str, ...]:
    """A, B, C, D where the file has these columns, of one option each."""
    count = next((n for n, letter in enumerate(LETTERS) if letter not in records.columns), len(LETTERS))
    return tuple(LETTERS[:count]) if count > 1 else ()


def plain(value: Any) -> str:
    """A cell as text; "" where there is none."""
    if isinstance(value, list):
        value = " ".join(str(one) for one in value)
    return "" if value is None else str(value).strip()


def string(records: Records, row: Row, column: str) -> str:
    """Raises RecipeError where it is empty."""
    text = plain(row.values.get(column))
    if not text:
        raise RecipeError(f"{records.where(row)}: column {column!r} is empty; fill it, or take the line out")
    return text


# ---------------------------------------------------------------- the column that is to be learnt

# of each kind: role, usual names, place without names
_LEARNT = {
    "classification": ("label", LABELS, "2"),
    "tagging": ("tags", TAGS, ""),
    "choice": ("answer", ANSWERS, ""),
    "generation": ("target", TARGETS, "2"),
}


def has_targets(records: Records, kind: str, columns: Mapping[str, str]) -> bool:
    """Whether a file has the column that is to be learnt. The test file of a leaderboard has none."""
    return _is_whole(records, kind) or _learnt(records, kind, columns) is not None


def with_targets(
    split: str, read: Mapping[str, list[Records]], kind: str, columns: Mapping[str, str]
) -> tuple[list[Records], int]:
    """The files of a split that have that column, and how many rows the others have, which are left out: where another
    split has it, and this is not train (CLUE, Kaggle)."""
    has = {name: [has_targets(one, kind, columns) for one in some] for name, some in read.items()}
    if split == "train" or not any(any(some) for some in has.values()):
        return read[split], 0
    both = list(zip(read[split], has[split], strict=True))
    return [one for one, there in both if there], sum(len(one.rows) for one, there in both if not there)


def without_targets(records: Records, kind: str, columns: Mapping[str, str]) -> bool:
    """Whether it has that column, and nothing stands in it."""
    name = None if _is_whole(records, kind) else _learnt(records, kind, columns)
    return name is not None and not any(plain(row.values.get(name)) for row in records.rows)


def _is_whole(records: Records, kind: str) -> bool:
    """Questions and answers are in one value, or one column: SQuAD, C3, chats."""
    return kind == "reading" or records.whole is not None or MESSAGES in records.columns


def _learnt(records: Records, kind: str, columns: Mapping[str, str]) -> str | None:
    role, usual, place = _LEARNT[kind]
    if role in columns:
        return columns[role] if columns[role] in records.columns else None
    return optional(records, columns, role, usual) or _at(records, place)


def _at(records: Records, place: str) -> str | None:
    return place if records.columns == ("1", "2") and place else None


# ---------------------------------------------------------------- a first line that may be names


def doubtful_heads(files: Sequence[Records], kind: str, columns: Mapping[str, str]) -> list[str]:
    """Notes on files without a line of names whose first line may be one, and is read as an item.

    Raises RecipeError where its label stands nowhere else, is no number, and `columns` does not name the label.
    """
    files = [one for one in files if has_targets(one, kind, columns)]
    if kind == "generation":
        return [
            f"{one.path.name}: no name of a column is known in its first line ({one.head}), so it is an item; if it is "
            "names, --columns source=NAME,target=NAME says so"
            for one in files if one.by_place and not {"source", "target"} & set(columns)
        ]  # fmt: skip
    if kind != "classification":
        return []
    labels = {
        id(one): [plain(row.values.get(column(one, columns, "label", LABELS, "2"))) for row in one.rows]
        for one in files
    }
    known = {label for one in files for label in labels[id(one)][1 if one.by_place else 0 :]}
    notes = []
    for one in files:
        first = labels[id(one)][0] if one.by_place and one.rows else ""
        if not first or first in known or _number(first):
            continue
        if "label" not in columns:
            raise RecipeError(
                f"{one.path}: its first line ({one.head}) looks like names of columns: no item has the label "
                f"'{harmless(first)}'; name them, --columns text=NAME,label=NAME, or say that it is an item, "
                "--columns text=1,label=2"
            )
        notes.append(f"{one.path.name}: its first line ({one.head}) is an item, as --columns says by number")
    return notes


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
