"""Local files as the harness's tasks read them: `custom_dataset: !function headwater.evaluate.harness.dataset`.

A task file says under `dataset_kwargs`

    files   {split: pattern or patterns}, relative to the folder of data (or its evals/ and datasets/): JSON lines,
            JSON, CSV, TSV, gzipped too, and such files inside a .tar.gz (archive.tar.gz/*.jsonl)
    format  of rows that need more than reading: one of FORMATS
    shots   how many rows of the test split are set aside for examples, where there is no split of its own for them

The folder is `--data` of headwater evaluate, `--metadata data=FOLDER` of lm_eval, or HEADWATER_TASK_DATA.
"""

import csv
import fnmatch
import gzip
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import xxhash

from headwater.errors import HeadwaterError

ROOTS = (".", "evals", "datasets")
LARGEST = 1 << 30  # bytes of one file, unpacked
Row = dict[str, Any]


def rows(
    *, files: dict[str, Any], format: str | None = None, shots: int = 0, data: str | None = None
) -> dict[str, list[Row]]:
    """The splits as lists; `shots` rows of the test split, those of the lowest hashes, become the split `shots`."""
    folder = Path(data or os.environ.get("HEADWATER_TASK_DATA") or ".")
    change: Callable[[list[Row]], Iterator[Row]] = FORMATS[format] if format else iter
    splits = {}
    for split, patterns in files.items():
        found = [
            row
            for pattern in ([patterns] if isinstance(patterns, str) else patterns)
            for place, content in _opened(folder, pattern)
            for row in change(_parsed(place, content))
        ]
        splits[split] = found
    if shots:
        order = sorted(
            splits["test"],
            key=lambda row: xxhash.xxh3_64_intdigest(_canonical(row).encode("utf-8", "surrogatepass")),
        )
        splits["shots"] = order[:shots]
        aside = {_canonical(row) for row in splits["shots"]}
        splits["test"] = [row for row in splits["test"] if _canonical(row) not in aside]
    return splits


def places(folder: Path, patterns: Any) -> list[Path]:
    """The files on disk that patterns name: what a task's numbers depend on. Raises HeadwaterError for none."""
    found = []
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        outer, _, _ = pattern.partition(".tar.gz/")
        name = outer + ".tar.gz" if ".tar.gz/" in pattern else pattern
        here = next((some for root in ROOTS if (some := sorted((folder / root).glob(name)))), [])
        if not here:
            raise HeadwaterError(
                f"no {name} in {folder} (nor in its evals/ or datasets/); name the folder of evaluation data with --data, "
                "or with HEADWATER_TASK_DATA"
            )
        found += here
    return found


def _canonical(row: Row) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False, default=str)


def _opened(folder: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    inner = pattern.partition(".tar.gz/")[2]
    for path in places(folder, pattern):
        if inner:
            with tarfile.open(path, "r:gz") as archive:
                for member in archive:
                    hidden = Path(member.name).name.startswith(".")
                    if member.isfile() and not hidden and fnmatch.fnmatch(member.name, f"*{inner}"):
                        stream = archive.extractfile(member)
                        assert stream is not None
                        yield f"{path}/{member.name}", _bounded(stream, f"{path}/{member.name}")
        elif path.suffix == ".gz":
            with gzip.open(path) as unpacked:
                yield str(path), _bounded(unpacked, str(path))
        else:
            with path.open("rb") as plain:
                yield str(path), _bounded(plain, str(path))


def _bounded(stream: Any, place: str) -> bytes:
    try:
        content: bytes = stream.read(LARGEST + 1)
    except (OSError, EOFError) as error:
        raise HeadwaterError(f"{place}: cannot be unpacked ({error})") from error
    if len(content) > LARGEST:
        raise HeadwaterError(f"{place}: more than {LARGEST:,} bytes; an evaluation set is not that long")
    return content


def _parsed(place: str, content: bytes) -> list[Row]:
    """Rows of a file by its name; each gets `_file`, the name of its file without endings."""
    name = Path(place).name.removesuffix(".gz")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HeadwaterError(f"{place}: not UTF-8 ({error}); convert it first") from error
    kind, stem = name.rpartition(".")[2], name.partition(".")[0]
    if kind in ("csv", "tsv"):
        # quotes in tab-separated text are quotes
        how: Any = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if kind == "tsv" else {}
        found: list[Any] = list(csv.DictReader(io.StringIO(text, newline=""), **how))
    elif kind == "json" and text.lstrip().startswith("["):
        found = _json(text, place, 1)
    elif kind == "txt":
        found = [{"line": line} for line in text.split("\n") if line.strip()]
    else:  # a row a line; a line ends at \n alone: U+2028 in a string is no line's end
        found = [_json(line, place, n) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    bad = next((n for n, row in enumerate(found) if not isinstance(row, dict | list)), None)
    if bad is not None:
        raise HeadwaterError(f"{place}: row {bad + 1} is no object; one JSON object a line was expected")
    return [{"_file": stem, **(row if isinstance(row, dict) else {"row": row})} for row in found]


def _json(text: str, place: str, line: int) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HeadwaterError(f"{place}, line {line}: not JSON ({error})") from error


# ---------------------------------------------------------------- formats: rows to (query, choices, gold)


def _cmmlu(some: list[Row]) -> Iterator[Row]:
    for row in some:
        choices = [row[letter] for letter in "ABCD"]
        yield {
            "subject": row["_file"],
            "query": row["Question"],
            "choices": choices,
            "gold": "ABCD".index(row["Answer"]),
        }


def _xcopa(some: list[Row]) -> Iterator[Row]:
    for row in some:
        joint = "因为" if row["question"] == "cause" else "所以"
        query = row["premise"].rstrip("。.") + "，" + joint
        yield {"query": query, "choices": [row["choice1"], row["choice2"]], "gold": row["label"]}


def _c3(some: list[Row]) -> Iterator[Row]:
    """[[passage lines], [{question, choice, answer}], id]; questions of fewer than four choices are kept as they are."""
    for row in some:
        lines, questions, _ = row["row"]
        for question in questions:
            if question["answer"] in question["choice"]:
                yield {"passage": "\n".join(lines), "query": question["question"], "choices": question["choice"],
                       "gold": question["choice"].index(question["answer"])}  # fmt: skip


def _wsc(some: list[Row]) -> Iterator[Row]:
    for row in some:
        yield {"options": row["context_options"], "continuation": row["continuation"], "gold": row["gold"]}


def _chid(some: list[Row]) -> Iterator[Row]:
    """The gap #idiom# of a sentence, and seven idioms."""
    for row in some:
        before, _, after = row["content"].partition("#idiom#")
        candidates = row["candidates"]
        gold = candidates.index(row["answer"]) if isinstance(row["answer"], str) else int(row["answer"])
        yield {"before": before, "after": after, "choices": candidates, "gold": gold}


_TNEWS = {"news_story": "故事", "news_culture": "文化", "news_entertainment": "娱乐", "news_sports": "体育",
          "news_finance": "财经", "news_house": "房产", "news_car": "汽车", "news_edu": "教育", "news_tech": "科技",
          "news_military": "军事", "news_travel": "旅游", "news_world": "国际", "news_stock": "股票",
          "news_agriculture": "农业", "news_game": "游戏"}  # fmt: skip


def _tnews(some: list[Row]) -> Iterator[Row]:
    for row in some:
        if row["label_desc"] in _TNEWS:
            yield {"sentence": row["sentence"], "gold": list(_TNEWS).index(row["label_desc"])}


def _eprstmt(some: list[Row]) -> Iterator[Row]:
    for row in some:
        yield {"sentence": row["sentence"], "gold": ["Negative", "Positive"].index(row["label"])}


def _pairs(some: list[Row]) -> Iterator[Row]:
    for row in some:
        group = row.get("phenomenon") or row.get("linguistics_term") or row["_file"]
        yield {"good": row["sentence_good"], "bad": row["sentence_bad"], "paradigm": str(row.get("UID", row["_file"])),
               "phenomenon": str(group)}  # fmt: skip


def _sst2(some: list[Row]) -> Iterator[Row]:
    for row in some:
        yield {"sentence": str(row["sentence"]).strip(), "gold": int(row["label"])}


_TATOEBA = re.compile(r"^([^\t]+)\t([^\t]+)")


def _tatoeba(some: list[Row]) -> Iterator[Row]:
    for row in some:
        if found := _TATOEBA.match(row["line"]):
            yield {"english": found[1].strip(), "chinese": found[2].strip()}


FORMATS: dict[str, Callable[[list[Row]], Iterator[Row]]] = {
    "pairs": _pairs, "cmmlu": _cmmlu, "xcopa": _xcopa, "c3": _c3, "wsc": _wsc, "chid": _chid, "tnews": _tnews,
    "eprstmt": _eprstmt, "sst2": _sst2, "tatoeba": _tatoeba,
}  # fmt: skip
