"""A polite crawl of one site into a WARC: robots.txt, one request at a time, limits on everything.

The site is the scheme, host and port of the start pages. Links of HTML pages are followed breadth first, in the
order in which they stand, so that the same site gives the same order of records. A redirect is one more link.
The WARC takes its name only when it is whole, and a summary stands beside it (`<name>.json`); a second call with
the same start pages finds both and fetches nothing.
"""

import re
import time
from collections import Counter, deque
from collections.abc import Collection
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from resiliparse.parse.html import HTMLTree

from headwater import __version__
from headwater.engine.progress import Progress
from headwater.engine.workspace import commit_file, read_json, write_json
from headwater.errors import HeadwaterError, RecipeError
from headwater.sources.encoding import UndecodableError, decode_page
from headwater.sources.fetch import USER_AGENT
from headwater.sources.fetch.connection import (
    Answer,
    FailedError,
    RefusedError,
    Rules,
    check_scheme,
    clean_url,
    get,
)
from headwater.sources.fetch.robots import Robots, robots_of
from headwater.sources.fetch.warc_writer import WarcWriter

TRIES = 4
MAX_WAIT = 120.0  # seconds, whatever a server asks for
KNOWN_URLS = 200_000  # bounds the memory of a crawl that meets endless links
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.I)


def fetch_pages(
    start: list[str],
    out: Path,
    *,
    follow: bool = True,
    allow_paths: str | Collection[str] | None = None,
    max_pages: int = 1000,
    max_bytes: int = 256_000_000,
    max_page_bytes: int = 16 << 20,
    max_seconds: float = 6 * 3600,
    delay: float = 1.0,
    backoff: float = 2.0,
    timeout: float = 30.0,
    allow_loopback: bool = False,
    https_only: bool = True,
    user_agent: str = USER_AGENT,
) -> dict[str, Any]:
    """Crawls into `out` (.warc.gz) and returns the summary.

    start: pages of one site. allow_paths: a regular expression searched in a URL's path, or the paths themselves;
    other pages are not fetched. max_bytes: of all bodies together. delay: seconds between two requests (a longer
    Crawl-delay of the site goes before it). backoff: seconds before a second try after 429, 5xx or no answer,
    doubled each time. Raises HeadwaterError where an address is not public, robots.txt cannot be had, or not one
    page was fetched.
    """
    if not out.name.endswith(".warc.gz"):
        raise RecipeError(f"{out}: the file's name must end in .warc.gz")
    queue = list(dict.fromkeys(_start_url(url) for url in start))
    if len(sites := sorted({_site(url) for url in queue})) != 1:
        raise RecipeError(
            f"the start pages are of {len(sites)} sites ({', '.join(sites[:3])}); fetch one at a time"
        )
    if (summary := finished(out)) is not None:
        if summary["start"] == queue:
            return summary
        raise HeadwaterError(
            f"{out} is there already, from {summary['start'][0]}; remove it or choose another name"
        )
    rules = Rules(allow_loopback, https_only, max_page_bytes, timeout, user_agent)
    for url in queue[:1]:
        check_scheme(url, rules)
    crawl = _Crawl(rules, delay, backoff, time.monotonic() + max_seconds)
    robots = robots_of(queue[0], user_agent, crawl.request)
    crawl.delay = max(delay, robots.delay)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.part")
    try:
        with temporary.open("wb") as file:
            writer = WarcWriter(file)
            writer.info(
                {
                    "software": f"Headwater {__version__}",
                    "robots": "RFC 9309",
                    "http-header-user-agent": user_agent,
                }
            )
            ended = crawl.run(queue, writer, robots, follow, _allowed(allow_paths), max_pages, max_bytes)
        if not crawl.counts["pages"]:
            reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(crawl.counts.items()))
            raise HeadwaterError(
                f"no page of {sites[0]} was fetched ({reasons}); first problem: {crawl.problem or 'none'}"
            )
        summary = {
            "start": queue,
            "pages": crawl.counts["pages"],
            "bytes": crawl.bytes,
            "warc_bytes": writer.bytes,
            "ended": ended,
            "not_fetched": {reason: n for reason, n in sorted(crawl.counts.items()) if reason != "pages"},
            "status": {str(status): count for status, count in sorted(crawl.status.items())},
            "seconds": round(time.monotonic() - crawl.began, 1),
            "first_problem": crawl.problem,
        }
        commit_file(temporary, out)
        write_json(_summary_path(out), summary)
    finally:
        temporary.unlink(missing_ok=True)
    return summary


def finished(out: Path) -> dict[str, Any] | None:
    """The summary of a crawl that is whole, or None; HeadwaterError where the file is not a crawl's."""
    if not out.exists():
        return None
    summary: dict[str, Any] | None = read_json(_summary_path(out))
    if summary is None or summary.get("warc_bytes") != out.stat().st_size:
        raise HeadwaterError(
            f"{out} is there, but not as a whole crawl with its summary; remove it or choose another name"
        )
    return summary


class _Crawl:
    """One site, one request at a time."""

    def __init__(self, rules: Rules, delay: float, backoff: float, deadline: float) -> None:
        self.rules, self.delay, self.backoff, self.deadline = rules, delay, backoff, deadline
        self.began = time.monotonic()
        self.counts: Counter[str] = Counter()
        self.status: Counter[int] = Counter()
        self.bytes = 0
        self.problem = ""
        self._next = 0.0  # when the next request may go out

    def request(self, url: str) -> Answer:
        """One page, tried again after 429, 5xx and broken answers; the last answer whatever it is."""
        for attempt in range(TRIES):
            time.sleep(max(0.0, self._next - time.monotonic()))
            wait = self.backoff * 2**attempt
            last = attempt == TRIES - 1 or time.monotonic() + wait > self.deadline
            try:
                answer = get(url, self.rules)
            except FailedError:
                self._next = time.monotonic() + max(self.delay, wait)
                if last:
                    raise
                continue
            self._next = time.monotonic() + self.delay
            if last or (answer.status != 429 and answer.status < 500):
                return answer
            self._next = time.monotonic() + max(self.delay, min(MAX_WAIT, _retry_after(answer) or wait))
        raise AssertionError("the last attempt returns or raises")

    def run(
        self,
        start: list[str],
        writer: WarcWriter,
        robots: Robots,
        follow: bool,
        allowed: Any,
        max_pages: int,
        max_bytes: int,
    ) -> str:
        """Fetches until nothing is left or a limit is met; says which."""
        site = _site(start[0])
        queue, seen = deque(start), set(start)
        with Progress("fetch", min(max_pages, len(queue))) as progress:
            while queue:
                if self.counts["pages"] >= max_pages:
                    return "max_pages"
                if self.bytes >= max_bytes:
                    return "max_bytes"
                if time.monotonic() > self.deadline:
                    return "max_seconds"
                url = queue.popleft()
                if not allowed(urlsplit(url).path):
                    self.counts["outside_allow_paths"] += 1
                    continue
                if not robots.allows(url):
                    self.counts["robots"] += 1
                    continue
                try:
                    answer = self.request(url)
                except (FailedError, RefusedError) as error:
                    self.counts["refused" if isinstance(error, RefusedError) else "failed"] += 1
                    self.problem = self.problem or str(error)
                    continue
                writer.exchange(answer)
                self.bytes += len(answer.body)
                self.status[answer.status] += 1
                self.counts["pages"] += 1
                for link in self._links(answer, site, follow):
                    if link not in seen and len(seen) < KNOWN_URLS:
                        seen.add(link)
                        queue.append(link)
                progress.tasks = min(max_pages, self.counts["pages"] + len(queue))
                progress.advance(documents=1, size=len(answer.body))
        return "nothing left"

    def _links(self, answer: Answer, site: str, follow: bool) -> list[str]:
        """Where a redirect goes, or what an HTML page links to: pages of the same site."""
        if 300 <= answer.status < 400:
            targets = [answer.header("Location")]
        elif follow and answer.status == 200 and "html" in answer.header("Content-Type").lower():
            targets = _hrefs(answer)
        else:
            return []
        links = []
        for target in targets:
            try:
                url = clean_url(urljoin(answer.url, target))
            except (ValueError, UnicodeError):
                continue
            if not target or urlsplit(url).scheme not in ("http", "https"):
                continue
            if _site(url) == site:
                links.append(url)
            elif 300 <= answer.status < 400:
                self.counts["redirect_off_site"] += 1
                self.problem = (
                    self.problem or f"{answer.url} redirects to {url}; start there if that is meant"
                )
        return links


def _hrefs(answer: Answer) -> list[str]:
    charset = _CHARSET.search(answer.header("Content-Type"))
    try:
        page = decode_page(answer.body, charset[1] if charset else None)
    except UndecodableError:
        return []
    document = HTMLTree.parse(page).document
    return (
        [] if document is None else [a.getattr("href") or "" for a in document.query_selector_all("a[href]")]
    )


def _start_url(url: str) -> str:
    try:
        return clean_url(url if "://" in url else f"https://{url}")
    except (ValueError, UnicodeError) as error:
        raise RecipeError(f"{url}: not an address ({error})") from error


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _summary_path(out: Path) -> Path:
    return out.with_name(f"{out.name}.json")


def _allowed(paths: str | Collection[str] | None) -> Any:
    if paths is None:
        return lambda path: True
    if isinstance(paths, str):
        pattern = re.compile(paths)
        return lambda path: pattern.search(path) is not None
    return frozenset(paths).__contains__


def _retry_after(answer: Answer) -> float | None:
    """Seconds that the server asks for (RFC 9110, 10.2.3: a number, or a date)."""
    value = answer.header("Retry-After").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
