"""Reads files through the shard function, as the pipeline does, and gives back what was committed."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from headwater.engine.workspace import Output
from headwater.recipe.sources import SOURCES
from headwater.sources.read import read_shard


@dataclass
class Shard:
    documents: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]
    files: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        return [document["text"] for document in self.documents]

    @property
    def account(self) -> dict[str, Any]:
        """Of the only file."""
        [account] = self.files.values()
        return account


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Shard]:
    def read(
        *paths: Path, kind: str = "files", share: float = 0.1, limit: int | None = None, **settings: Any
    ) -> Shard:
        source = SOURCES[kind](name="texts", kind=kind, paths=["*"], **settings)
        files = [{"path": str(path), "relative": path.name, "bytes": path.stat().st_size} for path in paths]
        out = Output(tmp_path / "stage", "shard")
        holdout = {"share": share, "salt": "headwater-1"}
        result = read_shard(
            out, files=files, source=source.model_dump(mode="json"), holdout=holdout, limit=limit
        )
        documents = pq.read_table(out.path("parquet")).to_pylist()
        quarantine = pq.read_table(out.path("quarantine.parquet")).to_pylist()
        for account in result["files"].values():
            lost = sum(account["quarantined"].values())
            assert account["read"] == account["documents"] + sum(account["gated"].values()) + lost
        assert result["documents"] == len(documents)
        assert result["bytes"] == sum(len(document["text"].encode()) for document in documents)
        out.discard()
        return Shard(documents, quarantine, result["files"])

    return read


def gzip_member(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=31)
    return machine.compress(data) + machine.flush()


def warc_record(
    kind: str, url: str, block: bytes, content_type: str = "application/http; msgtype=response"
) -> bytes:
    """One WARC record, not compressed."""
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Date: 2024-05-06T07:08:09Z\r\n"
        f"WARC-Target-URI: {url}\r\nContent-Type: {content_type}\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def response(
    url: str, body: bytes, content_type: str = "text/html", status: str = "200 OK", more: str = ""
) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{more}\r\n"
    return warc_record("response", url, head.encode() + body)


@pytest.fixture
def web() -> Any:
    """The makers of records, for tests that write archives."""

    class Web:
        member = staticmethod(gzip_member)
        record = staticmethod(warc_record)
        response = staticmethod(response)

    return Web
