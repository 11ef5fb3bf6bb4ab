"""One HTTP request to an address that was checked: no second look-up between the check and the connection.

A name may resolve to this machine, to a private network or to a cloud's metadata service; every address of the
name must be public (or loopback, where that is allowed), and the connection goes to an address that was checked.
Redirects are not followed here. Proxies of the environment are not used. No wait has an end of its own only: a
server that sends one byte a minute, in its headers or its body, meets the deadline as one that sends nothing.
"""

import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from headwater.errors import HeadwaterError
from headwater.sources.fetch import USER_AGENT

BLOCK = 1 << 16
_PORTS = {"http": 80, "https": 443}
# IPv6 addresses that lead to an IPv4 address, and where that stands in them (bits from the right): RFC 4291
# (compatible), 6052 (NAT64), 3056 (6to4). What `is_global` says of them is about the outer address.
_LEADS_TO_IPV4 = (
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)


class RefusedError(HeadwaterError):
    """An address or scheme that must not be fetched."""


class FailedError(Exception):
    """A request that got no whole answer; worth another try."""


@dataclass(frozen=True)
class Rules:
    """What may be fetched, and how much of it."""

    allow_loopback: bool
    https_only: bool
    max_bytes: int  # of one answer
    timeout: float  # seconds for one answer as a whole
    user_agent: str = USER_AGENT


@dataclass(frozen=True)
class Answer:
    url: str
    request: bytes  # as sent
    status: int
    status_line: str
    headers: list[tuple[str, str]]
    body: bytes
    truncated: bool  # by max_bytes
    address: str

    def header(self, name: str) -> str:
        return header_of(self.headers, name)


def clean_url(url: str) -> str:
    """Without user names, passwords and fragment; host in lower case; no default port; "/" for an empty path."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = f"[{host}]"
    elif not host.isascii():
        host = host.encode("idna").decode()
    port = parts.port
    place = host if port is None or port == _PORTS.get(parts.scheme) else f"{host}:{port}"
    path = "".join(
        c if "!" <= c <= "~" else "".join(f"%{byte:02X}" for byte in c.encode()) for c in parts.path
    )
    query = "".join(
        c if "!" <= c <= "~" else "".join(f"%{byte:02X}" for byte in c.encode()) for c in parts.query
    )
    return urlunsplit((parts.scheme.lower(), place, path or "/", query, ""))


def check_scheme(url: str, rules: Rules) -> None:
    scheme = urlsplit(url).scheme
    if scheme not in _PORTS or not urlsplit(url).hostname:
        raise RefusedError(f"{url}: not an http or https address")
    if scheme == "http" and rules.https_only:
        raise RefusedError(f"{url}: plain http; pass --allow-http if the site has no https")


def checked_addresses(host: str, port: int, rules: Rules) -> list[str]:
    """The addresses to connect to, in the system's order; RefusedError where any of the host is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FailedError(f"{host}: no address ({error})") from error
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    for text in addresses:
        address = ipaddress.ip_address(text)
        for one in (address, *_ipv4_inside(address)):
            if not _is_public(one) and not (rules.allow_loopback and one.is_loopback):
                if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped and one is address:
                    continue  # what it maps is looked at
                hint = "; pass --allow-loopback to fetch from this machine" if one.is_loopback else ""
                raise RefusedError(f"{host} is {text}, which is no public address{hint}")
    return addresses


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not site_local


def _ipv4_inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    if isinstance(address, ipaddress.IPv4Address) or address.is_loopback:
        return []
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    bits = int(address)
    return [
        ipaddress.IPv4Address(bits >> shift & 0xFFFFFFFF)
        for network, shift in _LEADS_TO_IPV4
        if address in network
    ]


# ---------------------------------------------------------------- one answer


@dataclass
class Reply:
    """An answer whose headers are read and whose body is not yet."""

    url: str
    request: bytes  # as sent
    status: int
    status_line: str
    headers: list[tuple[str, str]]
    address: str
    expected: int | None  # bytes of the body that the headers announce; None where nothing is announced
    _response: http.client.HTTPResponse
    _clock: "_Clock"

    def header(self, name: str) -> str:
        return header_of(self.headers, name)

    def blocks(self, idle: float | None = None) -> Iterator[bytes]:
        """The body as it comes. Raises FailedError where it breaks off or ends before what was announced.

        idle: seconds for each block instead of the deadline of the whole answer.
        """
        size = 0
        while True:
            with _failures_named(self.url):
                if idle is not None:
                    self._clock.ends = time.monotonic() + idle
                block = self._response.read1(BLOCK)
                if not block and self.expected is not None and size < self.expected:
                    raise http.client.IncompleteRead(b"", self.expected - size)
            if not block:
                return
            size += len(block)
            yield block


def header_of(headers: list[tuple[str, str]], name: str) -> str:
    return next((value for key, value in headers if key.lower() == name.lower()), "")


@contextmanager
def _failures_named(url: str) -> Iterator[None]:
    """What goes wrong on the way is a FailedError that names the address."""
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FailedError(f"{url}: {type(error).__name__} {error}".rstrip()) from error


@contextmanager
def ask(url: str, rules: Rules, more: Mapping[str, str] | None = None) -> Iterator[Reply]:
    """One GET, up to its headers, with `more` request headers. Raises RefusedError, or FailedError."""
    check_scheme(url, rules)
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    addresses = checked_addresses(host, port, rules)
    clock = _Clock(time.monotonic() + rules.timeout)
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    headers = {
        "Host": parts.netloc.rpartition("@")[2],
        "User-Agent": rules.user_agent,
        "Accept": "text/html,text/plain;q=0.9,*/*;q=0.1",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **(more or {}),
    }
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    connection = http.client.HTTPConnection(host, port, timeout=rules.timeout)
    raw: socket.socket | None = None
    try:
        with _failures_named(url):
            raw, address = _connected(addresses, port, clock)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if parts.scheme == "https":
                raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
            connection.sock = _Timed(raw, clock)
            connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
        version = "1.0" if response.version == 10 else "1.1"
        yield Reply(
            url,
            request,
            response.status,
            f"HTTP/{version} {response.status} {response.reason}".rstrip(),
            response.getheaders(),
            address,
            response.length,
            response,
            clock,
        )
    finally:
        connection.close()
        if raw is not None:
            raw.close()


def get(url: str, rules: Rules) -> Answer:
    """One GET with its body, cut at `rules.max_bytes`. Raises RefusedError, or FailedError without a whole answer."""
    with ask(url, rules) as reply:
        parts: list[bytes] = []
        size = 0
        for block in reply.blocks():
            parts.append(block)
            size += len(block)
            if size > rules.max_bytes:
                break
        body = b"".join(parts)
    cut = size > rules.max_bytes
    return Answer(
        url,
        reply.request,
        reply.status,
        reply.status_line,
        reply.headers,
        body[: rules.max_bytes] if cut else body,
        cut,
        reply.address,
    )


@dataclass
class _Clock:
    ends: float  # on the monotonic clock

    def left(self) -> float:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        return left


def _connected(addresses: list[str], port: int, clock: _Clock) -> tuple[socket.socket, str]:
    """A connection to the first address that takes one."""
    for number, address in enumerate(addresses, 1):
        try:
            return socket.create_connection((address, port), timeout=clock.left()), address
        except OSError:
            if number == len(addresses):
                raise
    raise OSError("the name has no address")


class _Timed:
    """A socket as http.client uses it, each wait of which ends by one clock."""

    def __init__(self, raw: socket.socket, clock: _Clock) -> None:
        self._raw, self._clock = raw, clock

    def sendall(self, data: bytes) -> None:
        self._raw.settimeout(self._clock.left())
        self._raw.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode  # http.client asks for "rb"
        return io.BufferedReader(_TimedReader(self._raw, self._clock), BLOCK)

    def close(self) -> None:
        """http.client closes it before the body is read where no other answer can follow; `ask` closes it after."""


class _TimedReader(io.RawIOBase):
    def __init__(self, raw: socket.socket, clock: _Clock) -> None:
        self._raw, self._clock = raw, clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._raw.settimeout(self._clock.left())
        return self._raw.recv_into(buffer)
