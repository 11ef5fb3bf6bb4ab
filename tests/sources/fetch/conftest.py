"""A server on loopback with the manners and the faults of real ones: ranges, ETags, busy, short, slow, endless."""

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from headwater.sources.fetch.asking import Client, Pace
from headwater.sources.fetch.connection import Rules
from headwater.sources.fetch.kinds import Manners

MANNERS = Manners(delay=0.0, backoff=0.01, timeout=5.0, allow_loopback=True, https_only=False)


@dataclass
class Served:
    """One file; `faults` are used up one a request, in order: a status, or the name of a fault."""

    body: bytes
    etag: str | None = ""  # "": made from the body; None: none
    modified: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    faults: list[Any] = field(default_factory=list)
    pause: float = 0.0  # seconds between blocks of 16 KiB

    @property
    def tag(self) -> str | None:
        return f'"{hashlib.md5(self.body).hexdigest()}"' if self.etag == "" else self.etag


@dataclass
class Mirror:
    url: str = ""
    files: dict[str, Served] = field(default_factory=dict)
    routes: dict[str, Callable[[dict[str, str]], tuple[int, dict[str, str], bytes]]] = field(
        default_factory=dict
    )
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def put(self, path: str, body: bytes | str, **more: Any) -> Served:
        self.files[path] = Served(body.encode() if isinstance(body, str) else body, **more)
        return self.files[path]

    def asked(self, path: str) -> list[dict[str, str]]:
        """The headers of the requests for a path."""
        return [headers for at, headers in self.seen if urlsplit(at).path == path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mirror: Mirror

    def do_GET(self) -> None:
        self.close_connection = True
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        self.mirror.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.mirror.times.append(time.monotonic())
        if (route := self.mirror.routes.get(path)) is not None:
            return self._send(*route(dict(parse_qsl(parts.query))))
        file = self.mirror.files.get(path)
        if file is None:
            return self._send(404, {}, b"no such file")
        fault = file.faults.pop(0) if file.faults else None
        if isinstance(fault, int):
            return self._send(fault, {"Retry-After": "0"}, b"busy")
        if isinstance(fault, dict):
            return self._send(fault.pop("status"), fault, b"")
        headers = dict(file.headers)
        if file.tag:
            headers["ETag"] = file.tag
        if file.modified:
            headers["Last-Modified"] = file.modified
        body, status = file.body, 200
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        same = self.headers.get("If-Range") in (None, file.tag, file.modified)
        if wanted and file.ranges and same:
            start, end = int(wanted[1]), min(int(wanted[2] or len(body) - 1), len(body) - 1)
            if start >= len(body):
                return self._send(416, {"Content-Range": f"bytes */{len(body)}"}, b"")
            headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
            if fault == "other range":
                headers["Content-Range"] = f"bytes {start + 1}-{end}/{len(body)}"
            body, status = body[start : end + 1], 206
        if fault == "flipped":
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        self._send(status, headers, body, fault, file.pause)

    def _send(
        self, status: int, headers: dict[str, str], body: bytes, fault: Any = None, pause: float = 0.0
    ) -> None:
        if fault == "slow headers":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            return self._dribble(b"X-Slow: yes\r\n" * 1000)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if fault != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            if fault == "short":
                self.wfile.write(body[: len(body) // 2])
            elif fault == "dribble":
                self._dribble(body)
            elif fault == "endless":
                while True:
                    self.wfile.write(b"x" * 65536)
            elif pause:
                for at in range(0, len(body), 16384):
                    self.wfile.write(body[at : at + 16384])
                    self.wfile.flush()
                    time.sleep(pause)
            else:
                self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _dribble(self, body: bytes) -> None:
        try:
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.02)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    mirror = Mirror()
    handler = type("Handler", (Handler,), {"mirror": mirror})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    mirror.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield mirror
    server.shutdown()
    server.server_close()


@pytest.fixture
def manners() -> Manners:
    return MANNERS


@pytest.fixture
def client() -> Client:
    rules = Rules(allow_loopback=True, https_only=False, max_bytes=1 << 20, timeout=2.0)
    return Client(rules, Pace(0.0, 0.01, 60.0))


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder and the SHA-256 of what is in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(name="tree")
def _tree() -> Callable[[Path], dict[str, str]]:
    return tree
