"""A curated corpus in the formats that other tools read: each a writer that takes documents one by one.

    jsonl      data/train-00000.jsonl …     a JSON object a line: id, text, source, url, title, date, license, …
    parquet    data/train-00000.parquet …   the same as columns
    datasets   data/train-00000-of-00007.parquet, README.md with the front matter that `load_dataset` goes by
    megatron   text_document.bin, .idx      Megatron's indexed data set (MMIDIDX, version 1): a sequence a document,
                                            each ending in the separator, which is the end-of-document token
    nanogpt    train.bin, val.bin           uint16, one document after another, the separator after each; val.bin is
                                            the held-out text

A writer holds one batch of texts, or 12 bytes a document for Megatron's index. Files of text end at FILE_BYTES.
"""

import json
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from headwater.corpus.shards import ShardWriter
from headwater.errors import HeadwaterError
from headwater.model.tokenizer import Tokenizer

TEXT_FORMATS = ("jsonl", "parquet", "datasets")
FORMATS = (*TEXT_FORMATS, "megatron", "nanogpt")
FILE_BYTES = 512 << 20  # of text in a file
COLUMNS = (
    "id",
    "text",
    "source",
    "locator",
    "url",
    "title",
    "date",
    "license",
    "language",
    "consent",
    "unit",
    "domain",
)
TEXT_SCHEMA = pa.schema(
    [pa.field(name, pa.string(), nullable=name not in ("id", "text")) for name in COLUMNS]
)

Row = dict[str, Any]


class Writer(Protocol):
    """What a format does with the documents; `close` returns the files of data that it made."""

    def write(self, rows: list[Row]) -> None: ...
    def close(self) -> list[Path]: ...


class TextWriter:
    """JSON lines or Parquet, in files of about FILE_BYTES."""

    def __init__(self, folder: Path, suffix: str, file_bytes: int = FILE_BYTES) -> None:
        self.files: list[Path] = []
        self._folder, self._suffix, self._limit = folder, suffix, file_bytes
        self._size = 0
        self._put: Callable[[list[Row]], Any] | None = None
        self._end: Callable[[], None] = lambda: None
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, rows: list[Row]) -> None:
        if self._put is None or self._size >= self._limit:
            self._next()
        assert self._put is not None
        self._put([{name: row.get(name) for name in COLUMNS} for row in rows])
        self._size += sum(len(row["text"].encode()) for row in rows)

    def _next(self) -> None:
        self._end()
        path = self._folder / f"train-{len(self.files):05d}.{self._suffix}"
        self.files.append(path)
        self._size = 0
        if self._suffix == "parquet":
            shard = ShardWriter(path, TEXT_SCHEMA)
            self._put, self._end = shard.write, shard.close
        else:
            file = path.open("w", encoding="utf-8", newline="\n")
            self._put, self._end = lambda rows: file.writelines(map(_line, rows)), file.close

    def close(self) -> list[Path]:
        self._end()
        return self.files


def _line(row: Row) -> str:
    # U+2028 and NEL end a line for some readers: they are escaped, as every other character may be
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085") + "\n"


def numbered(files: list[Path]) -> list[Path]:
    """The files renamed to `train-00000-of-00007.parquet`."""
    made = []
    for number, path in enumerate(files):
        final = path.with_name(f"train-{number:05d}-of-{len(files):05d}{path.suffix}")
        path.rename(final)
        made.append(final)
    return made


# ---------------------------------------------------------------- tokens

_MAGIC = b"MMIDIDX\x00\x00"
_CODES = {"uint16": 8, "int32": 4}  # Megatron's numbers of the types


class MegatronWriter:
    """`text_document.bin` and `.idx`, as Megatron-LM's IndexedDataset reads them.

    The index: magic, version (uint64), type (uint8), sequences and documents (uint64 each), then a length (int32) and
    a byte offset (int64) a sequence, and where each document begins (int64; one more than there are documents).
    """

    def __init__(self, folder: Path, tokenizer: Tokenizer) -> None:
        self._prefix = folder / "text_document"
        self._tokenizer = tokenizer
        self._type = (
            np.dtype("<u2") if tokenizer.vocabulary < 65_500 else np.dtype("<i4")
        )  # as Megatron chooses
        self._lengths: list[np.ndarray] = []
        self._file = self._prefix.with_suffix(".bin").open("wb")

    def write(self, rows: list[Row]) -> None:
        lengths = []
        for ids in _ended(rows, self._tokenizer):
            self._file.write(ids.astype(self._type).tobytes())
            lengths.append(len(ids))
        self._lengths.append(np.array(lengths, np.int32))

    def close(self) -> list[Path]:
        self._file.close()
        lengths = np.concatenate(self._lengths) if self._lengths else np.empty(0, np.int32)
        sizes = lengths.astype(np.int64) * self._type.itemsize
        with self._prefix.with_suffix(".idx").open("wb") as file:
            file.write(_MAGIC)
            file.write(struct.pack("<QBQQ", 1, _CODES[self._type.name], len(lengths), len(lengths) + 1))
            file.write(lengths.astype("<i4").tobytes())
            file.write((np.cumsum(sizes) - sizes).astype("<i8").tobytes())
            file.write(np.arange(len(lengths) + 1, dtype="<i8").tobytes())
        return [self._prefix.with_suffix(".bin"), self._prefix.with_suffix(".idx")]


class NanogptWriter:
    """`train.bin` or `val.bin` of nanoGPT: uint16 and nothing else."""

    def __init__(self, path: Path, tokenizer: Tokenizer) -> None:
        if tokenizer.vocabulary > 1 << 16:
            raise HeadwaterError(
                f"nanoGPT stores tokens in 16 bits, and this vocabulary has {tokenizer.vocabulary:,} tokens: train one "
                "of 65,536 at most (tokenizer.vocabulary), or export to megatron"
            )
        self._tokenizer, self._path = tokenizer, path
        self._file = path.open("wb")

    def write(self, rows: list[Row]) -> None:
        for ids in _ended(rows, self._tokenizer):
            self._file.write(ids.astype("<u2").tobytes())

    def close(self) -> list[Path]:
        self._file.close()
        return [self._path]


def _ended(rows: list[Row], tokenizer: Tokenizer) -> Iterable[np.ndarray]:
    """Each text's ids with the separator after them."""
    end = np.array([tokenizer.separator], np.int64)
    for row in rows:
        yield np.concatenate([tokenizer.encode(row["text"]).astype(np.int64), end])


def writer_of(format: str, folder: Path, tokenizer: Tokenizer) -> Writer:
    """The writer of a format for the training documents."""
    if format in TEXT_FORMATS:
        return TextWriter(folder / "data", "jsonl" if format == "jsonl" else "parquet")
    if format == "megatron":
        return MegatronWriter(folder, tokenizer)
    if format == "nanogpt":
        return NanogptWriter(folder / "train.bin", tokenizer)
    raise HeadwaterError(f"no format {format!r}; there are {', '.join(FORMATS)}")
