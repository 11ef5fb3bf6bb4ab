"""The sources that can be fetched by name, and how: one call for the command line, Python and tests."""

from dataclasses import dataclass, fields
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
from headwater.sources.fetch.download import size_of
from headwater.sources.fetch.pages import fetch_pages, plan_pages
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


def plan_of(kind: str, out: Path, *, manners: Manners | None = None, **settings: Any) -> Plan:
    """What `fetch` would bring. Reads listings, fetches no data."""
    request, client, _ = _prepared(kind, out, manners or Manners(), settings)
    return planned(request.asked, out, request.resolve, client)


def run(kind: str, out: Path, *, plan: bool, settings: dict[str, Any]) -> dict[str, Any]:
    """`fetch`, `plan` or a crawl, with manners and settings in one; the result as JSON."""
    how = {field.name: settings.pop(field.name) for field in fields(Manners) if field.name in settings}
    manners = Manners(**how)
    if kind == "pages":
        return _pages(out, manners, plan, settings)
    if not plan:
        return fetch(kind, out, manners=manners, **settings)
    made = plan_of(kind, out, manners=manners, **settings)
    files = [{"path": one.path, "bytes": size_of(one)} for one in made.wanted]
    return {
        "kind": kind,
        "planned": files,
        "bytes": made.bytes,
        "source": made.source,
        "version": made.version,
        "date": made.date,
        "license": made.license,
        "left_out": made.left_out,
        **made.about,
    }


def _pages(out: Path, manners: Manners, plan: bool, settings: dict[str, Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {
        "delay": 1.0 if manners.delay is None else manners.delay,
        "backoff": manners.backoff,
        "timeout": manners.timeout,
        "max_seconds": manners.max_seconds,
        "allow_loopback": manners.allow_loopback,
        "https_only": manners.https_only,
        "user_agent": agent(manners.contact),
    }
    if settings.get("max_bytes") is None:
        settings.pop("max_bytes", None)
    start = list(settings.pop("start"))
    if plan:
        return plan_pages(start, out, **settings, **limits)
    return fetch_pages(start, out, **settings, **limits)


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
