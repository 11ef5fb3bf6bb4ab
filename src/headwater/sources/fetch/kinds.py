"""The sources that can be fetched by name, and how: one call for the command line, Python and tests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.errors import RecipeError
from headwater.sources.fetch import (
    USER_AGENT,
    arxiv,
    commoncrawl,
    gutenberg,
    huggingface,
    stackexchange,
    wikipedia,
)
from headwater.sources.fetch.asking import BUSY, MAX_LISTING, Client, Pace
from headwater.sources.fetch.connection import Rules
from headwater.sources.fetch.sample import Plan, Request, make, planned

REQUESTS: dict[str, Any] = {
    "arxiv": arxiv.request,
    "commoncrawl": commoncrawl.request,
    "gutenberg": gutenberg.request,
    "huggingface": huggingface.request,
    "stackexchange": stackexchange.request,
    "wikipedia": wikipedia.request,
}
MAX_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Manners:
    """How a fetch behaves; what it brings does not depend on it."""

    delay: float | None = None  # seconds between two requests; default: what the source asks for
    backoff: float = 2.0  # seconds before a second try, doubled each time
    timeout: float = 30.0  # seconds without a byte
    max_seconds: float = 24 * 3600.0
    contact: str | None = None  # address for the User-Agent, so that a site can write instead of blocking
    allow_loopback: bool = False
    https_only: bool = True


def fetch(kind: str, out: Path, *, manners: Manners | None = None, **settings: Any) -> dict[str, Any]:
    """Fetches a bounded sample into `out` and returns its summary; the settings are those of the source's `request`."""
    request, client, max_bytes = _prepared(kind, out, manners or Manners(), settings)
    return make(request.asked, out, request.resolve, client, max_bytes=max_bytes, one_file=request.one_file)


def plan(kind: str, out: Path, *, manners: Manners | None = None, **settings: Any) -> Plan:
    """What `fetch` would bring. Reads listings, fetches no data."""
    request, client, _ = _prepared(kind, out, manners or Manners(), settings)
    return planned(request.asked, out, request.resolve, client)


def _prepared(
    kind: str, out: Path, manners: Manners, settings: dict[str, Any]
) -> tuple[Request, Client, int]:
    if kind not in REQUESTS:
        raise RecipeError(f"{kind!r} cannot be fetched; there are pages and {', '.join(REQUESTS)}")
    max_bytes = settings.pop("max_bytes", None) or MAX_BYTES
    request: Request = REQUESTS[kind](max_bytes=max_bytes, **settings)
    if request.one_file and not out.name.endswith(".warc.gz"):
        raise RecipeError(f"{out}: the file's name must end in .warc.gz")
    if not request.one_file and out.suffix in (".gz", ".bz2", ".json", ".zip", ".7z"):
        raise RecipeError(f"{out}: --out is a folder here")
    rules = Rules(
        manners.allow_loopback, manners.https_only, MAX_LISTING, manners.timeout, agent(manners.contact)
    )
    pace = Pace(
        request.delay if manners.delay is None else manners.delay, manners.backoff, manners.max_seconds
    )
    return request, Client(rules, pace, busy=BUSY | request.busy, secrets=request.secrets), max_bytes


def agent(contact: str | None) -> str:
    if contact is None:
        return USER_AGENT
    if not contact.isascii() or not contact.isprintable() or "(" in contact or ")" in contact:
        raise RecipeError(f"--contact {contact!r}: expected an e-mail address or a URL")
    return f"{USER_AGENT.removesuffix(')')}; {contact})"
