"""One HTTP request to an address that was checked: no second look-up between the check and the connection.

A name may resolve to this machine, to a private network or to a cloud's metadata service; every address of the
name must be public (or loopback, where that is allowed), and the connection goes to the address that was checked.
Redirects are not followed here. Proxies of the environment are not used.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from headwater.errors import HeadwaterError
from headwater.sources.fetch import USER_AGENT

BLOCK = 1 << 16
_PORTS = {"http": 80, "https": 443}


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
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


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


def checked_address(host: str, port: int, rules: Rules) -> str:
    """The address to connect to; RefusedError where any address of the host is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FailedError(f"{host}: no address ({error})") from error
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    for text in addresses:
        address = ipaddress.ip_address(text)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address.is_loopback and rules.allow_loopback:
            continue
        if not address.is_global or address.is_multicast:
            hint = "; pass --allow-loopback to fetch from this machine" if address.is_loopback else ""
            raise RefusedError(f"{host} is {text}, which is no public address{hint}")
    return addresses[0]


def get(url: str, rules: Rules) -> Answer:
    """One GET. Raises RefusedError, or FailedError where no whole answer came."""
    check_scheme(url, rules)
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    address = checked_address(host, port, rules)
    deadline = time.monotonic() + rules.timeout
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    headers = {
        "Host": parts.netloc,
        "User-Agent": rules.user_agent,
        "Accept": "text/html,text/plain;q=0.9,*/*;q=0.1",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    connection = http.client.HTTPConnection(host, port, timeout=rules.timeout)
    try:
        raw = socket.create_connection((address, port), timeout=rules.timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock = raw
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
        connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        body, truncated = _body(response, connection, rules.max_bytes, deadline)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FailedError(f"{url}: {type(error).__name__} {error}".rstrip()) from error
    finally:
        connection.close()
    version = "1.0" if response.version == 10 else "1.1"
    return Answer(
        url,
        request,
        response.status,
        f"HTTP/{version} {response.status} {response.reason}".rstrip(),
        response.getheaders(),
        body,
        truncated,
        address,
    )


def _body(
    response: http.client.HTTPResponse, connection: http.client.HTTPConnection, limit: int, deadline: float
) -> tuple[bytes, bool]:
    """The body up to `limit` bytes; a shorter one than announced raises IncompleteRead."""
    parts: list[bytes] = []
    size = 0
    expected = response.length  # what the header announces; None where nothing is announced
    while size <= limit:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        if connection.sock is not None:
            connection.sock.settimeout(left)
        block = response.read1(BLOCK)
        if not block:
            if expected is not None and size < expected:
                raise http.client.IncompleteRead(b"", expected - size)
            return b"".join(parts), False
        parts.append(block)
        size += len(block)
    return b"".join(parts)[:limit], True
