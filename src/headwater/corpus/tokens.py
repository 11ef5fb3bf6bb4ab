"""Token shards: the ids of many texts, one after another, in one flat little-endian file without a header.

uint16 where the vocabulary fits (up to 65,536), else uint32. Where each text begins and how long it is stands in
the Parquet file beside it; separators between texts are the training stream's business and are not stored.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from headwater.errors import HeadwaterError

BUFFER_TOKENS = 1 << 20


def token_type(vocabulary: int) -> np.dtype[np.unsignedinteger]:
    """uint16 for at most 65,536 tokens, else uint32; little-endian."""
    if not 0 < vocabulary <= 2**32:
        raise HeadwaterError(
            f"a vocabulary of {vocabulary:,} tokens cannot be stored; at most 4,294,967,296 can"
        )
    return np.dtype("<u2") if vocabulary <= 2**16 else np.dtype("<u4")


class TokenWriter:
    """Appends texts' ids to a file: `offset = writer.write(ids, "document id")`.

    A token that is not below `vocabulary` is a hard stop: stored in 16 bits it would wrap round to another one.
    """

    def __init__(self, path: Path, vocabulary: int) -> None:
        self.path, self.vocabulary, self.tokens = path, vocabulary, 0
        self._type = token_type(vocabulary)
        self._pending: list[np.ndarray] = []
        self._pending_tokens = 0
        self._file = path.open("wb")

    def write(self, ids: np.ndarray, name: str) -> int:
        """Appends one text's ids (length,) of any integer type; returns the offset in tokens of its first.

        Raises HeadwaterError, naming the text, where a token is negative or not below the vocabulary.
        """
        offset = self.tokens
        if len(ids):
            low, high = int(ids.min()), int(ids.max())
            if low < 0 or high >= self.vocabulary:
                raise HeadwaterError(
                    f"{self.path.name}: text {name} has token {high if high >= self.vocabulary else low}, but "
                    f"the vocabulary has {self.vocabulary:,} tokens (0 to {self.vocabulary - 1:,}); the tokeniser "
                    "and its settings do not belong together: train it again or name the right tokenizer.json"
                )
            self._pending.append(ids.astype(self._type))
            self._pending_tokens += len(ids)
            self.tokens += len(ids)
            if self._pending_tokens >= BUFFER_TOKENS:
                self._flush()
        return offset

    def _flush(self) -> None:
        for ids in self._pending:
            self._file.write(ids.tobytes())
        self._pending, self._pending_tokens = [], 0

    def close(self) -> None:
        self._flush()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_tokens(path: Path | str, vocabulary: int) -> np.ndarray:
    """A token shard as a read-only mapped array (tokens,); nothing is read before it is used.

    Raises HeadwaterError where the file is missing or does not hold a whole number of tokens.
    """
    path, kind = Path(path), token_type(vocabulary)
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise HeadwaterError(f"{path}: no such token shard; run `headwater curate` again") from error
    if size % kind.itemsize:
        raise HeadwaterError(
            f"{path}: {size} bytes are not a whole number of {kind.name} tokens; the file is damaged"
        )
    if not size:
        return np.zeros(0, kind)  # an empty file cannot be mapped
    return np.memmap(path, kind, "r")
