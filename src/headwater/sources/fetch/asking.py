"""Asking a server politely: one request at a time, pauses between them, another try where it is busy.

Redirects are followed, each looked at as the first address is. An answer that breaks off is tried again; how long
to wait doubles each time, and is what the server asks for where it asks.
"""

import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from headwater.errors import HeadwaterError
from headwater.recipe.quantities import show_size
from headwater.sources.fetch.connection import FailedError, RefusedError, Reply, Rules, ask, clean_url
from headwater.sources.payload import undo_codings
from headwater.sources.streams import Stream

TRIES = 6  # one after another that bring nothing new
PROGRESS = 1 << 20  # bytes from which an attempt that broke off has brought something
REDIRECTS = 5
MAX_WAIT = 120.0  # seconds; a server that asks for more is left alone until the next call
SLOW_SECONDS, SLOW_RATE = 60.0, 1000  # slower than so many bytes a second for so long is a failure
MAX_LISTING = 64 << 20  # bytes of a listing or an answer of an API
BUSY = frozenset({429, 500, 502, 503, 504})

T = TypeVar("T")


class GoneError(HeadwaterError):
    """The server has no such file."""


class TooLargeError(HeadwaterError):
    """A file is larger than what may still be fetched."""


class Pace:
    """When the next request may go out: `delay` seconds after the last one, longer after a failure."""

    def __init__(self, delay: float, backoff: float, max_seconds: float) -> None:
        self.delay, self.backoff = delay, backoff
        self.deadline = time.monotonic() + max_seconds
        self._next = 0.0

    def wait(self) -> None:
        time.sleep(max(0.0, self._next - time.monotonic()))

    def asked(self) -> None:
        self._next = time.monotonic() + self.delay

    def back_off(self, url: str, attempt: int, wanted: float | None = None) -> bool:
        """Whether to try again, and no sooner than the server wants. The jitter is a hash: the same each time."""
        jitter = 1 + zlib.crc32(f"{url} {attempt}".encode()) / 2**33
        wait = max(self.backoff * 2 ** (attempt - 1) * jitter, wanted or 0.0)
        self._next = time.monotonic() + max(self.delay, min(wait, MAX_WAIT))
        return wait <= MAX_WAIT and self._next < self.deadline


def retry_after(value: str) -> float | None:
    """Seconds that the server asks for (RFC 9110, 10.2.3: a number, or a date)."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


class Client:
    """Asks one server after another, one request at a time.

    busy: answers that mean "later"; secrets: headers for one host only, never sent to where it redirects.
    """

    def __init__(
        self,
        rules: Rules,
        pace: Pace,
        *,
        busy: frozenset[int] = BUSY,
        secrets: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.rules, self.pace, self.busy, self.secrets = rules, pace, busy, secrets or {}
        self.received = 0

    def ask(self, url: str, use: Callable[[Reply], T], more: Callable[[], dict[str, str]] = dict) -> T:
        """What `use` makes of the answer. Tries again where the server is busy or the answer breaks off.

        Raises HeadwaterError where that does not help, GoneError for 404 and 410.
        """
        attempt = 0
        while True:
            self.pace.wait()
            if time.monotonic() > self.pace.deadline:
                raise HeadwaterError(
                    f"{url}: the time for this fetch is over; what came is kept, the same command goes on"
                )
            before, wanted = self.received, None
            try:
                with self._followed(url, more()) as reply:
                    self.pace.asked()
                    if reply.status not in self.busy:
                        return use(_checked(url, reply))
                    problem = f"answers {reply.status}"
                    wanted = retry_after(reply.header("Retry-After"))
            except FailedError as error:
                problem = str(error)
            attempt = 1 if self.received - before >= PROGRESS else attempt + 1
            if attempt >= TRIES or not self.pace.back_off(url, attempt, wanted):
                asked = f" and asks to come back in {wanted:.0f} s" if wanted else ""
                raise HeadwaterError(
                    f"{url}: {problem.removeprefix(url + ': ')}{asked}; what came is kept: "
                    "run the same command again later, it goes on from there"
                )

    @contextmanager
    def _followed(self, url: str, more: dict[str, str]) -> Iterator[Reply]:
        """The answer after redirects, each of which is looked at as the first address is."""
        place = clean_url(url)
        with ExitStack() as stack:
            for _ in range(REDIRECTS + 1):
                secret = self.secrets.get(urlsplit(place).netloc, {})
                reply = stack.enter_context(ask(place, self.rules, {"Accept": "*/*", **more, **secret}))
                if reply.status not in (301, 302, 303, 307, 308) or not reply.header("Location"):
                    yield reply
                    return
                stack.pop_all().close()
                try:
                    place = clean_url(urljoin(place, reply.header("Location")))
                except ValueError as error:
                    raise RefusedError(f"{place} redirects to what is no address ({error})") from error
            raise RefusedError(f"{url} redirects more than {REDIRECTS} times")

    def blocks(self, reply: Reply) -> Iterator[bytes]:
        """A body as it comes; FailedError where it comes too slowly to end."""
        began, size = time.monotonic(), 0
        for block in reply.blocks(idle=self.rules.timeout):
            self.received += len(block)
            size += len(block)
            if (seconds := time.monotonic() - began) >= SLOW_SECONDS:
                if size < SLOW_RATE * seconds:
                    raise FailedError(f"{reply.url}: slower than {SLOW_RATE} bytes a second")
                began, size = time.monotonic(), 0
            yield block

    def read(self, url: str, limit: int = MAX_LISTING) -> bytes:
        """A small body, without its content codings. HeadwaterError where it is larger than `limit`."""
        return self.listing(url, limit)[0]

    def listing(self, url: str, limit: int = MAX_LISTING) -> tuple[bytes, list[tuple[str, str]]]:
        """A small body and its headers."""

        def use(reply: Reply) -> tuple[bytes, list[tuple[str, str]]]:
            parts, size = [], 0
            for block in self.blocks(reply):
                parts.append(block)
                size += len(block)
                if size > limit:
                    raise TooLargeError(f"{url}: the answer is larger than {show_size(limit)}")
            body, wrong = undo_codings(b"".join(parts), reply.header("Content-Encoding"), limit)
            if wrong:
                raise FailedError(f"{url}: {wrong}")
            if len(body) > limit:
                raise TooLargeError(f"{url}: the answer unpacks to more than {show_size(limit)}")
            return body, reply.headers

        return self.ask(url, use)

    def json(self, url: str) -> Any:
        body = self.read(url)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise HeadwaterError(
                f"{url}: not JSON ({error}); is the address right, and what does a browser show there?"
            ) from error


def _checked(url: str, reply: Reply) -> Reply:
    if reply.status in (404, 410):
        raise GoneError(f"{url}: answers {reply.status}, there is no such file")
    if reply.status in (401, 403, 451):
        raise HeadwaterError(
            f"{url}: answers {reply.status}, access is refused; it may need an account, or block this network"
        )
    if reply.status not in (200, 206, 416):
        raise HeadwaterError(f"{url}: answers {reply.status}; a 200 was expected")
    return reply


def unpacked_lines(client: Client, reply: Reply, kind: str) -> Iterator[str]:
    """The lines of a packed text as it comes: who has enough of them stops, and the rest is not sent."""

    class Incoming:
        blocks = client.blocks(reply)

        def read(self, size: int) -> bytes:
            return next(self.blocks, b"")

    stream, rest = Stream(Path(), kind), b""
    for block in stream.unpacked(Incoming(), kind):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
        if len(rest) > 1 << 20:
            raise HeadwaterError(f"{reply.url}: a line of more than 1 MiB; is it the list that it should be?")
    if stream.tail is not None:
        raise FailedError(f"{reply.url}: {stream.tail.detail}")
    if rest:
        yield rest.decode("utf-8", "replace")
