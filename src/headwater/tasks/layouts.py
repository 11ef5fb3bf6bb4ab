"""Rows to items: which columns a kind of task needs, under the names that data sets give them.

classification   text, pair, label        SST-2, ChnSentiCorp, AG News, TNEWS, OCNLI, CSL, CLUEWSC
tagging          words, tags              CoNLL
reading          passage, question        SQuAD JSON: XQuAD, CMRC 2018, DRCD (`is_impossible`: no answer)
choice           passage, question, …     C3, ChID, rows with `options` (or A, B, C, D: C-Eval, CMMLU) and `answer`
generation       source, target           E2E, DialogSum, pairs of sentences; `messages` of chats

Nothing is guessed where a file has neither the usual names nor two columns: an error says which names there are.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from headwater.errors import RecipeError
from headwater.tasks.columns import column, letters, optional, plain, string, without_targets
from headwater.tasks.items import Asked, Choice, Classified, Item, Tagged, Written
from headwater.tasks.names import (
    ANSWERS,
    IDS,
    LABELS,
    MESSAGES,
    OPTIONS,
    PAIRS,
    PASSAGES,
    QUESTIONS,
    SOURCES,
    TAGS,
    TARGETS,
    TEXTS,
    WORDS,
)
from headwater.tasks.records import Records, Row

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NUMBER = re.compile(r"[0-9]{1,9}")
# how a chat is written out for models that have no tokens for it: English, Chinese
ROLES = {
    "system": ("System: ", "系统："), "user": ("User: ", "用户："), "assistant": ("Assistant: ", "助手："),
}  # fmt: skip
NO_CONSENSUS = "-"  # the label of NLI items on which annotators did not agree
UNLABELLED, NO_LABEL, EMPTY = "unlabelled", "no_consensus", "empty_text"


def kind_of(records: Records, columns: Mapping[str, str]) -> str:
    """What kind of task a file is of, by its columns and those that are named. Raises RecipeError where they do not say."""
    if isinstance(records.whole, dict) and "data" in records.whole:
        return "reading"
    if isinstance(records.whole, list):
        return "choice"
    names = {name.lower() for name in records.columns} | {role for role, name in columns.items() if name}
    if "words" in names or ("tokens" in names and names & set(TAGS)):
        return "tagging"
    if (names & set(OPTIONS) or letters(records)) and "answer" in names:
        return "choice"
    if names & set(LABELS) and names & set(TEXTS):
        return "classification"
    if (names & set(SOURCES) and names & set(TARGETS)) or MESSAGES in names:
        return "generation"
    if records.columns == ("1", "2"):
        return "classification" if _few_values(records, "2") else "generation"
    raise RecipeError(
        f"{records.path}: its columns are {records.named or 'none'}, which say no task; name them, "
        "--columns text=…,label=… (or source=…,target=…), and the task, --kind"
    )


def _few_values(records: Records, column: str) -> bool:
    """Beside the first line, which may be names."""
    values = {str(row.values[column]) for row in records.rows[1:]}
    return len(values) <= max(2, len(records.rows) // 10) and len(values) < 500


def items_of(
    records: Records, kind: str, columns: Mapping[str, str], names: tuple[str, ...] = ()
) -> tuple[list[Item], Counter[str]]:
    """The items of a file and what it has beside them, by reason. `columns`: {our name: the file's}; `names`: what
    labels that are numbers stand for. Raises RecipeError naming file and line of what is missing or empty."""
    if kind == "reading":
        return _squad(records)
    if isinstance(records.whole, list):
        return _c3(records)
    if without_targets(records, kind, columns):
        return [], Counter({UNLABELLED: len(records.rows)})
    made: list[Item] = []
    left_out: Counter[str] = Counter()
    row_of = {
        "classification": _classified, "tagging": _tagged, "choice": _choice, "generation": _written,
    }[kind](records, columns)  # fmt: skip
    given = optional(records, columns, "id", IDS)
    seen: dict[str, int] = {}
    for row in records.rows:
        name = str(row.line) if given is None else str(row.values.get(given, row.line))
        item = row_of(row, name)
        if isinstance(item, str):
            left_out[item] += 1
            continue
        if name in seen:
            raise RecipeError(
                f"{records.where(row)}: id {name!r} is that of line {seen[name]} too; make ids different, or name no "
                "column as id: --columns id="
            )
        seen[name] = row.line
        made += item if isinstance(item, list) else [item]
    if kind == "generation":
        made = _joined(made)
    if kind == "classification" and names:
        made = [_named(item, names) for item in made]
    return made, left_out


def _named(item: Item, names: tuple[str, ...]) -> Item:
    assert isinstance(item, Classified)
    number = int(item.label) if _NUMBER.fullmatch(item.label) else -1
    known = names[number] if 0 <= number < len(names) else item.label
    return Classified(item.id, item.text, item.pair, known)


# ---------------------------------------------------------------- kinds


def _classified(records: Records, columns: Mapping[str, str]) -> Any:
    text = column(records, columns, "text", TEXTS, "1")
    label = column(records, columns, "label", LABELS, "2")
    described = next((n for n in ("label_desc", "label_des") if n in records.columns), None)
    pair = optional(records, columns, "pair", PAIRS)
    spans = "target" in records.columns and text == "text" and "pair" not in columns  # CLUEWSC

    def made(row: Row, name: str) -> Item | str:
        value = row.values.get(described) if described and label == "label" else row.values.get(label)
        if not plain(value):
            empty = sum(not plain(one.values.get(label)) for one in records.rows)
            raise RecipeError(
                f"{records.where(row)}: the label is missing (column {label!r}; {empty:,} of {len(records.rows):,} "
                "lines have none); label them, or take them out"
            )
        if pair is not None and str(value) == NO_CONSENSUS:
            return NO_LABEL
        if _lacks(row, text, pair):
            return EMPTY
        second = None if pair is None else string(records, row, pair)
        if spans and isinstance(row.values.get("target"), dict):
            about = row.values["target"]
            second = f"{about.get('span2_text')} = {about.get('span1_text')}"
        return Classified(name, string(records, row, text), second, str(value).strip())

    return made


def _lacks(row: Row, *names: str | None) -> bool:
    """Whether one of these columns, of those that there are, is empty."""
    return not all(plain(row.values.get(name)) for name in names if name is not None)


def _tagged(records: Records, columns: Mapping[str, str]) -> Any:
    words = column(records, columns, "words", WORDS)
    tags = column(records, columns, "tags", TAGS)

    def made(row: Row, name: str) -> Item | str:
        some, theirs = (list(row.values.get(column) or ()) for column in (words, tags))
        if not some and not theirs:
            return EMPTY
        if not some or len(some) != len(theirs):
            raise RecipeError(
                f"{records.where(row)}: {len(some)} words and {len(theirs)} tags; each word needs one"
            )
        return Tagged(name, tuple(map(str, some)), tuple(map(str, theirs)))

    return made


def _choice(records: Records, columns: Mapping[str, str]) -> Any:
    lettered = () if "options" in columns else letters(records)
    options = None if lettered else column(records, columns, "options", OPTIONS)
    answer = column(records, columns, "answer", ANSWERS)
    passage = _used(records, optional(records, columns, "passage", PASSAGES))
    question = _used(records, optional(records, columns, "question", QUESTIONS))

    def made(row: Row, name: str) -> Item | str:
        if _lacks(row, passage, question):
            return EMPTY
        some: tuple[str, ...] = tuple(
            str(one) for one in (row.values.get(options) if options else None) or ()
        )
        right = row.values.get(answer)
        if lettered:
            some = _until_empty(records, row, lettered)
            letter = plain(right).upper()  # before any option whose text is a letter
            right = lettered.index(letter) if letter in lettered else right
        text = "" if passage is None else string(records, row, passage).replace("#idiom#", "____")
        asked = "" if question is None else string(records, row, question)
        return Choice(name, text, asked, some, _answer(records.where(row), right, some))

    return made


def _used(records: Records, name: str | None) -> str | None:
    """The column, unless it is empty in every row."""
    return name if any(not _lacks(row, name) for row in records.rows) else None


def _until_empty(records: Records, row: Row, lettered: tuple[str, ...]) -> tuple[str, ...]:
    """Options of columns A, B, C, D; the last ones may be empty."""
    some = [plain(row.values.get(letter)) for letter in lettered]
    while some and not some[-1]:
        some.pop()
    if not all(some):
        raise RecipeError(
            f"{records.where(row)}: option {lettered[some.index('')]} is empty; fill it, or take the line out"
        )
    return tuple(some)


def _answer(where: str, value: Any, options: tuple[str, ...]) -> int:
    """The place of the right option: given as such, as a letter, or as its text."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(options):
        return value
    if isinstance(value, str):
        if value in options:
            return options.index(value)
        value = value.strip()
        letter = _LETTERS.find(value.upper()) if len(value) == 1 else -1
        if 0 <= letter < len(options):
            return letter
        if _NUMBER.fullmatch(value) and int(value) < len(options):
            return int(value)
    raise RecipeError(f"{where}: the answer {value!r} is none of the {len(options)} options")


def _written(records: Records, columns: Mapping[str, str]) -> Any:
    if MESSAGES in records.columns and not {"source", "target"} & set(columns):
        return lambda row, name: _answers(records, row, name)
    source = column(records, columns, "source", SOURCES, "1")
    target = column(records, columns, "target", TARGETS, "2")

    def made(row: Row, name: str) -> Item | str:
        if _lacks(row, source):
            return EMPTY
        return Written(name, string(records, row, source), (string(records, row, target),))

    return made


def _answers(records: Records, row: Row, name: str) -> list[Item]:
    """Each turn of the assistant is to be written of all turns before it. Raises where there is none, or one is empty."""
    said = ""
    made: list[Item] = []
    messages = row.values.get(MESSAGES)
    for turn in messages if isinstance(messages, list) else ():
        role, text = str(turn.get("role", "")), str(turn.get("content") or "").strip()
        if not text:
            raise RecipeError(
                f"{records.where(row)}: a message of {role or 'nobody'} is empty; fill it, or take it out"
            )
        chinese = any("\u4e00" <= character <= "\u9fff" for character in said + text)
        speaker = ROLES.get(role, (role, role))[chinese]
        if role == "assistant" and said:
            source = f"{said}{speaker}"
            made.append(Written(f"{name}/{len(made) + 1}", source, (text,)))
        said += f"{speaker}{text}\n"
    if not made:
        raise RecipeError(f"{records.where(row)}: no message of an assistant that follows another one")
    return made


def _joined(items: list[Item]) -> list[Item]:
    """Items of one source are one, with several references (E2E)."""
    by_source: dict[str, Written] = {}
    for item in items:
        assert isinstance(item, Written)
        first = by_source.get(item.source)
        references = item.references if first is None else (*first.references, *item.references)
        by_source[item.source] = Written(item.id if first is None else first.id, item.source, references)
    return list(by_source.values())


def _squad(records: Records) -> tuple[list[Item], Counter[str]]:
    if not isinstance(records.whole, dict) or not isinstance(records.whole.get("data"), list):
        raise RecipeError(
            f'{records.path}: no SQuAD JSON, {{"data": [{{"paragraphs": [{{"context", "qas"}}]}}]}}'
        )
    seen: set[str] = set()
    made: list[Item] = []
    left_out: Counter[str] = Counter()
    for article in records.whole["data"]:
        for paragraph in article.get("paragraphs", ()):
            passage = str(paragraph.get("context") or "")
            for asked in paragraph.get("qas", ()):
                name = str(asked.get("id", len(seen)))
                where = f"{records.path} question {name!r}"
                if name in seen:
                    raise RecipeError(f"{where}: this id is there twice; make ids different")
                seen.add(name)
                if not passage or not str(asked.get("question") or "").strip():
                    left_out[EMPTY] += 1
                    continue
                none = bool(asked.get("is_impossible"))
                given = () if none else asked.get("answers", ())
                answers = tuple(dict.fromkeys(_place(where, passage, one) for one in given))
                if not answers and not none:
                    raise RecipeError(
                        f"{where}: has no answer and does not say is_impossible; add one of them"
                    )
                made.append(Asked(name, passage, str(asked["question"]).strip(), answers))
    return made, left_out


def _place(where: str, passage: str, answer: Mapping[str, Any]) -> tuple[str, int]:
    """An answer and where it stands: as it says, or the nearest place where it does stand (CMRC's are off by spaces)."""
    text, start = str(answer.get("text") or ""), answer.get("answer_start", 0)
    if not text.strip():
        raise RecipeError(f"{where}: an answer is empty; give its text, or is_impossible: true")
    start = start if isinstance(start, int) else 0
    if passage[start : start + len(text)] == text:
        return text, start
    start = max(start, 0)
    places = [
        passage.rfind(text, 0, start + len(text)),
        passage.find(text, start),
    ]  # the nearest on either side
    if not (places := [place for place in places if place >= 0]):
        raise RecipeError(f"{where}: the answer {text[:40]!r} does not stand in its passage")
    return text, min(places, key=lambda place: abs(place - start))


def _c3(records: Records) -> tuple[list[Item], Counter[str]]:
    made: list[Item] = []
    left_out: Counter[str] = Counter()
    for number, entry in enumerate(records.whole, 1):
        where = f"{records.path} record {number}"
        if not (isinstance(entry, list) and len(entry) >= 2 and isinstance(entry[0], list)):
            raise RecipeError(f"{where}: expected [[lines], [questions], id] (C3)")
        passage = "\n".join(map(str, entry[0]))
        for place, asked in enumerate(entry[1]):
            question = str(asked.get("question") or "")
            if not passage.strip() and not question.strip():
                left_out[EMPTY] += 1
                continue
            options = tuple(map(str, asked.get("choice", ())))
            if not str(asked.get("answer") or "").strip():
                raise RecipeError(f"{where}: question {place + 1} has no answer")
            answer = _answer(where, asked["answer"], options)
            made.append(Choice(f"{number}-{place + 1}", passage, question, options, answer))
    return made, left_out
