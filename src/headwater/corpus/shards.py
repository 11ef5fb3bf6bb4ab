"""Shards: Parquet files of documents and of what was measured on them, written and read in bounded memory.

zstd, row groups of about 64 MB, no timestamps: the same rows give the same bytes.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_BYTES = 64 << 20
BATCH_BYTES = 16 << 20
BATCH_ROWS = 2000


class ShardWriter:
    """Writes rows (dictionaries) or tables of one schema; a row group ends when it holds `row_group_bytes`."""

    def __init__(self, path: Path, schema: pa.Schema, row_group_bytes: int = ROW_GROUP_BYTES) -> None:
        self.schema, self.rows = schema, 0
        self._limit = row_group_bytes
        self._pending: list[pa.Table] = []
        self._pending_bytes = 0
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=3)

    def write(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.write_table(pa.Table.from_pylist(rows, schema=self.schema))

    def write_table(self, table: pa.Table) -> None:
        self._pending.append(table.cast(self.schema) if table.schema != self.schema else table)
        self._pending_bytes += table.nbytes
        self.rows += table.num_rows
        if self._pending_bytes >= self._limit:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            table = pa.concat_tables(self._pending)
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))
            self._pending, self._pending_bytes = [], 0

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_batches(path: Path | str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """A shard's rows in order, at most 2,000 rows and about 16 MB at a time (one row where it is larger)."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            metadata = file.metadata.row_group(group)
            a_row = max(1, metadata.total_byte_size // max(1, metadata.num_rows))
            rows = max(1, min(BATCH_ROWS, BATCH_BYTES // a_row))
            yield from file.iter_batches(rows, row_groups=[group], columns=columns)


def in_step(streams: list[Iterator[pa.RecordBatch]]) -> Iterator[list[pa.RecordBatch]]:
    """Batches of files with the same rows, cut so that each step has the same rows of every file."""
    held: list[pa.RecordBatch] = []
    for stream in streams:
        held.append(next(stream, None))
    while all(batch is not None for batch in held):
        rows = min(batch.num_rows for batch in held)
        yield [batch.slice(0, rows) for batch in held]
        held = [
            batch.slice(rows) if batch.num_rows > rows else next(stream, None)
            for batch, stream in zip(held, streams, strict=True)
        ]
    if any(batch is not None for batch in held):
        raise AssertionError("files that belong to the same documents have different numbers of rows")


def row_count(path: Path | str) -> int:
    with pq.ParquetFile(path) as file:
        return int(file.metadata.num_rows)
