"""Stands before an S3-compatible server and fails now and then, as stores do under load."""

import http.client
import random
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
# What happens to requests of a method, in turn: the answer 500 or 503, half of a body, an answer that does not come.
FAULTS = {
    "GET": ("half a body", "SlowDown", "InternalError"),
    "PUT": ("lost answer", "SlowDown", "InternalError"),
}


class FaultyProxy:
    """`with FaultyProxy(endpoint, share=0.1) as proxy:` serves at `proxy.url`; `proxy.faults` counts what it did.

    `share` of the requests fail, drawn by `seed`. `before` is called with method and path of each request.
    """

    def __init__(
        self, endpoint: str, *, share: float, seed: int = 0, before: Callable[[str, str], None] | None = None
    ) -> None:
        self.upstream = urlsplit(endpoint).netloc
        self.share, self.before = share, before
        self.faults: Counter[str] = Counter()
        self.requests = 0
        self._turns: Counter[str] = Counter()
        self._draw, self._lock = random.Random(seed), threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "FaultyProxy":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault(self, method: str) -> str:
        """What happens to the next request; "" for nothing."""
        with self._lock:
            self.requests += 1
            if self._draw.random() >= self.share:
                return ""
            kinds = FAULTS.get(method, ("SlowDown", "InternalError"))
            chosen = kinds[self._turns[method] % len(kinds)]
            self._turns[method] += 1
            self.faults[chosen] += 1
            return chosen

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fault = proxy.fault(self.command)
                if fault in ("InternalError", "SlowDown"):
                    text = ERROR.format(code=fault).encode()
                    self.send_response(500 if fault == "InternalError" else 503)
                    self.send_header("Content-Type", "application/xml")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(text)
                    return
                if proxy.before is not None:
                    proxy.before(self.command, self.path)
                upstream = http.client.HTTPConnection(proxy.upstream, timeout=60)
                upstream.request(self.command, self.path, body or None, dict(self.headers))
                response = upstream.getresponse()
                data = response.read()
                upstream.close()
                if fault == "lost answer":
                    self.close_connection = True
                    return
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in (
                        "transfer-encoding",
                        "connection",
                        "content-length",
                        "date",
                        "server",
                    ):
                        self.send_header(name, value)
                length = response.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                if fault == "half a body":
                    data = data[: len(data) // 2]
                    self.close_connection = True
                self.wfile.write(data)

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer

        return Handler
