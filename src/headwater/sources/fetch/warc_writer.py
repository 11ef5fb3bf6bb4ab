"""Writes WARC 1.1 (ISO 28500), one gzip member a record, so that any reader can go to any record.

A body that came chunked is stored without the chunks, and its header renamed as Common Crawl does
(`X-Crawl-Transfer-Encoding`), with the length that it now has.
"""

import base64
import hashlib
import uuid
import zlib
from datetime import UTC, datetime
from typing import BinaryIO

from headwater.sources.fetch.connection import Answer


class WarcWriter:
    """Appends records to an open file; `bytes` is where it ends."""

    def __init__(self, file: BinaryIO, bytes: int = 0) -> None:
        self._file = file
        self.bytes = bytes

    def flush(self) -> None:
        self._file.flush()

    def info(self, fields: dict[str, str]) -> None:
        block = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
        self._record("warcinfo", "", "application/warc-fields", block, {})

    def exchange(self, answer: Answer) -> None:
        """The request and its response."""
        length = ("content-length", str(len(answer.body)))
        head = [answer.status_line]
        for name, value in answer.headers:
            changed = (
                name.lower() in ("transfer-encoding", "content-length") and (name.lower(), value) != length
            )
            head.append(f"X-Crawl-{name}: {value}" if changed else f"{name}: {value}")
        if length not in ((name.lower(), value) for name, value in answer.headers):
            head.append(f"Content-Length: {length[1]}")
        block = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1", "replace") + answer.body
        extra = {"WARC-IP-Address": answer.address, "WARC-Payload-Digest": _digest(answer.body)}
        if answer.truncated:
            extra["WARC-Truncated"] = "length"
        name = self._record("response", answer.url, "application/http; msgtype=response", block, extra)
        self._record(
            "request",
            answer.url,
            "application/http; msgtype=request",
            answer.request,
            {"WARC-Concurrent-To": name},
        )

    def _record(self, kind: str, url: str, content_type: str, block: bytes, extra: dict[str, str]) -> str:
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        name = f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {url} {date} {_digest(block)}')}>"
        headers = {
            "WARC-Type": kind,
            "WARC-Record-ID": name,
            "WARC-Date": date,
            **({"WARC-Target-URI": url} if url else {}),
            **extra,
            "WARC-Block-Digest": _digest(block),
            "Content-Type": content_type,
            "Content-Length": str(len(block)),
        }
        head = "WARC/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in headers.items()) + "\r\n"
        machine = zlib.compressobj(wbits=31)
        member = machine.compress(head.encode() + block + b"\r\n\r\n") + machine.flush()
        self._file.write(member)
        self.bytes += len(member)
        return name


def _digest(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
