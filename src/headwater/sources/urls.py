"""Addresses of pages: their normal form, their site, and the gate that spares the extraction of those not wanted.

The gate (a source's `urls`) asks, in this order: is the address on a list (`url:list:<name>`), do its words tell
spam (`url:words`), have enough pages of its host (`url:host_limit`) or registered domain (`url:domain_limit`) been
taken? The limits count pages of one input file, in its order: a file is read by one worker from its beginning, so
that 1 and N workers take the same pages. A crawl's files are random shares of it, so that limit is one on its
whole as well; an exact one over several files is for curation.

Normal form: RFC 3986, 6.2.2 and 6.2.3 (case, percent-encoding, dot segments, default ports), IDNA's ASCII form of
a host, no fragment, no user name or password. Sites come from the public-suffix list that ships with publicsuffixlist.
"""

import re
from collections import Counter
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, urlsplit

import idna
from publicsuffixlist import PublicSuffixList

from headwater.recipe.sources import Urls
from headwater.sources import url_words
from headwater.sources.url_lists import UrlList, list_of, read_words

_PORTS = {"http": 80, "https": 443, "ftp": 21}
# An address that is in normal form already; what is rarer is taken apart by the standard library.
_NORMAL = re.compile(
    r"https?://([a-z0-9-]++(?:\.[a-z0-9-]++)*)(/(?:[!$&-;=?-Z_a-z~]++|%(?:[0189A-F][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF]))*)\Z"
)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_KEPT = "/:@!$&'()*+,;=~%-._?[]"
# Parameters that say where a reader came from, and nothing of the page.
_TRACKING = re.compile(
    r"(?:utm_\w+|gclid|gclsrc|dclid|gbraid|wbraid|fbclid|msclkid|yclid|twclid|ttclid|igshid|mc_[ce]id|_ga|_gl|"
    r"_hsenc|_hsmi|mkt_tok|oly_(?:anon|enc)_id|vero_id|wickedid|spm|scm|share_token|vd_source)",
    re.I,
)
_WORDS = re.compile(r"[a-z0-9]+|[^\x00-\x7f]+")


def normalise(url: str, *, tracking: bool = True) -> str:
    """An address in normal form; as it is where it is none. `tracking`: parameters of that kind are kept."""
    url = url.strip()
    if not url.isascii():
        url = url.encode("utf-8", "replace").decode()  # a lone surrogate is no character
    if (tracking or "?" not in url) and _NORMAL.match(url) and "/." not in url:
        return url
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return url
    if not host or not parts.scheme:
        return url
    host = ascii_host(host)
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != _PORTS.get(parts.scheme):
        host = f"{host}:{port}"
    path = _without_dots(_escaped(parts.path)) or "/"
    query = _escaped(parts.query)
    if not tracking:
        query = "&".join(p for p in query.split("&") if not _TRACKING.fullmatch(p.partition("=")[0]))
    return SplitResult(parts.scheme, host, path, query, "").geturl()


def ascii_host(host: str) -> str:
    """A host's name in lower case and ASCII: 新华网.中国 is xn--xkrr14bows.xn--fiqs8s."""
    host = host.rstrip(".")
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return host.lower()


def _escaped(text: str) -> str:
    """Percent-encoding in capitals, of nothing that needs none, and of all that is not ASCII."""
    text = _ESCAPE.sub(_escape, text)
    return text if text.isascii() and " " not in text and '"' not in text else quote(text, _KEPT)


def _escape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else f"%{found[1].upper()}"


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4."""
    if "/." not in path:
        return path
    out: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(out) > 1:
                out.pop()
        elif segment != ".":
            out.append(segment)
    if segments[-1] in (".", "..") and out and out[-1]:
        out.append("")
    return "/".join(out) or "/"


# ---------------------------------------------------------------- sites


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=65536)
def registered_domain(host: str) -> str:
    """`bbc.co.uk` of `news.bbc.co.uk`; the host itself where it has none (an address, `localhost`)."""
    return host if _is_address(host) else _suffixes().privatesuffix(host) or host


def site_of(url: str) -> str | None:
    """The registered domain of a URL's host (`bbc.co.uk`), or the host itself where it has none."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return registered_domain(host.rstrip(".")) if host and host.rstrip(".") else None


def _is_address(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


# ---------------------------------------------------------------- the gate


class UrlGate:
    """What a source's `urls` say of the addresses in one file. Without any, everything passes."""

    def __init__(self, settings: Urls | None) -> None:
        self.settings = settings or Urls()
        self._lists: list[tuple[str, UrlList]] = [
            (f"url:list:{name}", list_of(tuple(files))) for name, files in sorted(self.settings.lists.items())
        ]
        self._words = _Words.of(self.settings)
        self._hosts: Counter[str] = Counter()
        self._domains: Counter[str] = Counter()
        self._last: tuple[int | str, str | None] = (-1, None)

    def address(self, url: str) -> str:
        """The address as documents are to have it."""
        if self.settings.address == "as_found":
            return url
        return normalise(url, tracking=self.settings.address == "normal")

    def listed(self, url: str) -> str | None:
        """The reason for which a page is not wanted whatever it holds; None where it may be."""
        if self._lists:
            found = _NORMAL.match(url)
            if found is None or "/." in url:
                found = _NORMAL.match(address := normalise(url))
                host, path = found.groups() if found else _taken_apart(address)
            else:
                host, path = found.groups()
            for reason, addresses in self._lists:
                if addresses.holds(host, path):
                    return reason
        if self._words is not None and self._words.tell_spam(url):
            return "url:words"
        return None

    def beyond_limit(self, url: str, offset: int | str) -> str | None:
        """The reason for which one more page of that host is too many. Counts the page, once per offset: a record
        may be framed a second time after damage behind it."""
        if self.settings.per_host is None and self.settings.per_domain is None:
            return None
        if self._last[0] == offset:
            return self._last[1]
        host = _taken_apart(normalise(url))[0]
        reason = None
        if host:
            domain = registered_domain(host)
            if self.settings.per_host is not None and self._hosts[host] >= self.settings.per_host:
                reason = "url:host_limit"
            elif self.settings.per_domain is not None and self._domains[domain] >= self.settings.per_domain:
                reason = "url:domain_limit"
            else:
                self._hosts[host] += 1
                self._domains[domain] += 1
        self._last = (offset, reason)
        return reason


def parts_of(url: str) -> tuple[str, str]:
    """(host without its port, path and query) of an address in normal form; ("", "") where it is none."""
    return _taken_apart(normalise(url)) if "://" in url else ("", "")


def _taken_apart(address: str) -> tuple[str, str]:
    """(host without its port, path and query) of an address in normal form."""
    rest = address.partition("://")[2]
    host, slash, path = rest.partition("/")
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host), slash + path


class _Words:
    """RefinedWeb's three kinds of words (url_words.py)."""

    def __init__(
        self, strict: frozenset[str], hard: frozenset[str], soft: frozenset[str], at_least: int
    ) -> None:
        self._strict, self._hard, self._soft, self._at_least = sorted(strict), hard, soft, at_least

    @classmethod
    def of(cls, settings: Urls) -> "_Words | None":
        if settings.words is None:
            return None
        if settings.words == "headwater":
            return cls(url_words.STRICT, url_words.HARD, url_words.SOFT, url_words.SOFT_AT_LEAST)
        files = settings.words
        return cls(
            read_words(tuple(files.strict)), read_words(tuple(files.hard)), read_words(tuple(files.soft)),
            files.at_least,
        )  # fmt: skip

    def tell_spam(self, url: str) -> bool:
        text = url.lower()
        if "xn--" in text:
            text = _shown(text)
        if "%" in text:
            text = unquote(text)
        for word in self._strict:
            if word in text:
                return True
        words = set(_WORDS.findall(text))
        if not words.isdisjoint(self._hard):
            return True
        if len(words & self._soft) >= self._at_least:
            return True
        if text.isascii():
            return False
        # Chinese has no spaces: its words are looked for inside a run of characters.
        runs = [run for run in words if not run.isascii()]
        if any(word in run for word in self._hard if not word.isascii() for run in runs):
            return True
        soft = {
            word
            for word in self._soft
            if word in words or (not word.isascii() and any(word in r for r in runs))
        }
        return len(soft) >= self._at_least


def _shown(text: str) -> str:
    """A host's punycode as its characters."""
    head, slashes, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    try:
        return f"{head}{slashes}{idna.decode(host)}{slash}{path}"
    except (idna.IDNAError, UnicodeError):
        return text
