"""A polite crawl of one site into a WARC: robots.txt, one request at a time, limits on everything.

The site is the scheme, host and port of the start pages. Links of HTML pages are followed breadth first, in the
order in which they stand, so that the same site gives the same order of records. A redirect is one more link.
While it runs, the records and a journal of what became of each page stand in `.<name>.part`; a later call with the
same request goes on after the last page that is whole in both. The WARC takes its name only when it is whole, and a
summary stands beside it (`<name>.json`); a call after that finds both and fetches nothing.
"""

import hashlib
import re
import shutil
import time
from collections import Counter, deque
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from headwater import __version__
from headwater.engine.lease import hold_lease
from headwater.engine.progress import Progress
from headwater.engine.workspace import commit_file, read_json, write_json
from headwater.errors import HeadwaterError, RecipeError
from headwater.sources.fetch import USER_AGENT
from headwater.sources.fetch.asking import MAX_WAIT, Pace, retry_after
from headwater.sources.fetch.connection import (
    Answer,
    FailedError,
    RefusedError,
    Rules,
    check_scheme,
    get,
)
from headwater.sources.fetch.journal import Journal
from headwater.sources.fetch.markup import links_of
from headwater.sources.fetch.robots import Robots, robots_of
from headwater.sources.fetch.sample import finished as finished_request
from headwater.sources.fetch.sample import recipe_line, summary_path, work_folder
from headwater.sources.fetch.site import (
    KNOWN_URLS,
    clean_link,
    same_site,
    site_of,
    sitemap_pages,
    start_pages,
)

TRIES = 4
IN_A_ROW = 5  # pages that a site is too busy for, or does not answer, until it is left alone


def fetch_pages(
    start: list[str],
    out: Path,
    *,
    follow: bool = True,
    sitemap: bool = False,
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

    start: pages of one site. sitemap: start from its sitemaps too. allow_paths: a regular expression searched in a
    URL's path, or the paths themselves; other pages are not fetched. max_bytes: of all bodies together. delay:
    seconds between two requests (a longer Crawl-delay of the site goes before it). backoff: seconds before a second
    try after 429, 5xx or no answer, doubled each time. Raises HeadwaterError where an address is not public,
    robots.txt cannot be had, the site is busy, or not one page was fetched.
    """
    if not out.name.endswith(".warc.gz"):
        raise RecipeError(f"{out}: the file's name must end in .warc.gz")
    queue = start_pages(start)
    request = {
        "kind": "pages",
        "start": queue,
        "follow": follow,
        "sitemap": sitemap,
        "allow_paths": allow_paths if isinstance(allow_paths, str | None) else _digest(allow_paths),
        "max_pages": max_pages,
        "max_bytes": max_bytes,
        "max_page_bytes": max_page_bytes,
    }
    if (summary := finished_request(out, request)) is not None:
        return summary
    rules = Rules(allow_loopback, https_only, max_page_bytes, timeout, user_agent)
    check_scheme(queue[0], rules)
    crawl = Crawl(rules, Pace(delay, backoff, max_seconds))
    work = work_folder(out)
    robots = Robots("", user_agent)
    if Journal(work).ended is None:
        robots = robots_of(queue[0], user_agent, crawl.request)
        crawl.pace.delay = max(delay, robots.delay)
    work.mkdir(parents=True, exist_ok=True)
    with hold_lease(work / "lease.json"):
        journal = Journal(work)
        if journal.begun is None:
            journal.begin(
                {
                    "request": request,
                    "sitemap": sitemap_pages(queue[0], robots, crawl.request) if sitemap else [],
                    "began": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                }
            )
        elif journal.begun["request"] != request:
            raise HeadwaterError(
                f"{work} holds the beginning of another crawl, from {journal.begun['request']['start'][0]}; end that "
                "with its own command, remove the folder, or choose another --out"
            )
        assert journal.begun is not None
        queue = list(dict.fromkeys([*queue, *journal.begun["sitemap"]]))
        with Progress("fetch", min(max_pages, len(queue))) as progress:
            if journal.ended is None:
                paths = _allowed(allow_paths)
                ended = crawl.run(queue, journal, robots, follow, paths, max_pages, max_bytes, progress)
                journal.end(ended)
            else:
                crawl.count(journal.lines)
        if not crawl.counts["pages"]:
            shutil.rmtree(work)
            reasons = ", ".join(
                f"{count} {reason}" for reason, count in sorted(crawl.counts.items()) if count
            )
            raise HeadwaterError(
                f"no page of {site_of(queue[0])} was fetched ({reasons}); first problem: {crawl.problem or 'none'}"
            )
        if journal.warc.exists():
            commit_file(journal.warc, out)
        summary = crawl.summary(request, journal.begun["began"], str(journal.ended), out)
        write_json(summary_path(out), summary)
    shutil.rmtree(work, ignore_errors=True)
    return summary


def plan_pages(start: list[str], out: Path, **settings: Any) -> dict[str, Any]:
    """What a crawl would begin with: the start pages and those of the sitemaps that robots.txt allows."""
    del out
    queue = start_pages(start)
    rules = Rules(
        settings["allow_loopback"],
        settings["https_only"],
        16 << 20,
        settings["timeout"],
        settings["user_agent"],
    )
    check_scheme(queue[0], rules)
    crawl = Crawl(rules, Pace(settings["delay"], settings["backoff"], settings["max_seconds"]))
    robots = robots_of(queue[0], settings["user_agent"], crawl.request)
    crawl.pace.delay = max(settings["delay"], robots.delay)
    if settings.get("sitemap"):
        queue = list(dict.fromkeys([*queue, *sitemap_pages(queue[0], robots, crawl.request)]))
    fits = _allowed(settings.get("allow_paths"))
    allowed = [url for url in queue if robots.allows(url) and fits(urlsplit(url).path)]
    refused = [url for url in queue if not robots.allows(url)]
    return {
        "kind": "pages",
        "planned": [{"path": url, "bytes": None} for url in allowed],
        "bytes": None,
        "source": site_of(queue[0]),
        "version": f"now, {crawl.pace.delay:g} s between two requests",
        "date": None,
        "license": "as each page says",
        "left_out": {"robots": {"count": len(refused), "first": refused[:50]}} if refused else {},
    }


def finished(out: Path) -> dict[str, Any] | None:
    """The summary of a crawl that is whole, or None; HeadwaterError where the file is not a crawl's."""
    if not out.exists():
        return None
    summary: dict[str, Any] | None = read_json(summary_path(out))
    if summary is None and work_folder(out).is_dir():
        return None
    if summary is None or summary.get("warc_bytes") != out.stat().st_size:
        raise HeadwaterError(
            f"{out} is there, but not as a whole crawl with its summary; remove it or choose another name"
        )
    return summary


def discard_unfinished(out: Path) -> None:
    """Removes what a crawl left that was never finished."""
    if finished(out) is None:
        shutil.rmtree(work_folder(out), ignore_errors=True)
        out.unlink(missing_ok=True)


class Crawl:
    """One site, one request at a time."""

    def __init__(self, rules: Rules, pace: Pace) -> None:
        self.rules, self.pace = rules, pace
        self.began = time.monotonic()
        self.counts: Counter[str] = Counter()
        self.status: Counter[str] = Counter()
        self.licenses: Counter[str] = Counter()
        self.bytes = 0
        self.problem = ""

    def request(self, url: str) -> Answer:
        """One page, tried again after 429, 5xx and broken answers; the last answer whatever it is."""
        for attempt in range(1, TRIES + 1):
            self.pace.wait()
            try:
                answer = get(url, self.rules)
            except FailedError:
                if not self.pace.back_off(url, attempt) or attempt == TRIES:
                    raise
                continue
            self.pace.asked()
            if answer.status != 429 and answer.status < 500:
                return answer
            if (
                not self.pace.back_off(url, attempt, retry_after(answer.header("Retry-After")))
                or attempt == TRIES
            ):
                return answer
        raise AssertionError("the last attempt returns or raises")

    def run(
        self,
        start: list[str],
        journal: Journal,
        robots: Robots,
        follow: bool,
        allowed: Any,
        max_pages: int,
        max_bytes: int,
        progress: Progress,
    ) -> str:
        """Goes on after the journal's last line until nothing is left or a limit is met; says which."""
        site = site_of(start[0])
        queue, seen = deque(start), set(start)
        waiting: list[dict[str, Any]] = []  # pages without an answer that may yet be one

        def take(line: dict[str, Any]) -> None:
            self.count([line])
            for link in line.get("links", ()):
                if link not in seen and len(seen) < KNOWN_URLS:
                    seen.add(link)
                    queue.append(link)
            progress.tasks = min(max_pages, self.counts["pages"] + len(queue))
            progress.advance(documents=1, size=line.get("bytes", 0))

        for line in journal.lines:
            if queue.popleft() != line["url"]:
                raise HeadwaterError(f"{journal.folder} is damaged; remove it and start the crawl anew")
            take(line)
        with journal.writing({"http-header-user-agent": self.rules.user_agent}) as writer:
            while queue:
                if self.counts["pages"] + len(waiting) >= max_pages:
                    break
                if self.bytes >= max_bytes or time.monotonic() > self.pace.deadline:
                    break
                url = queue.popleft()
                line, answer = self._visit(url, robots, allowed, site, follow)
                if line.pop("again", False):
                    waiting.append({"line": line, "answer": answer})
                    if len(waiting) == IN_A_ROW:
                        raise HeadwaterError(
                            f"{site}: {IN_A_ROW} pages one after another had no answer ({line['problem']}); what came "
                            "is kept: run the same command again later, perhaps with a longer --delay"
                        )
                    continue
                for one in (*waiting, {"line": line, "answer": answer}):
                    take(journal.add(writer, one["line"], one["answer"]))
                waiting = []
            for one in waiting:
                take(journal.add(writer, one["line"], one["answer"]))
        if self.counts["pages"] >= max_pages and queue:
            return "max_pages"
        if self.bytes >= max_bytes and queue:
            return "max_bytes"
        return "max_seconds" if queue else "nothing left"

    def _visit(
        self, url: str, robots: Robots, allowed: Any, site: str, follow: bool
    ) -> tuple[dict[str, Any], Answer | None]:
        """What became of a page, as a line of the journal, and its answer."""
        if not allowed(urlsplit(url).path):
            return {"url": url, "outcome": "outside_allow_paths"}, None
        if not robots.allows(url):
            return {"url": url, "outcome": "robots"}, None
        try:
            answer = self.request(url)
        except RefusedError as error:
            return {"url": url, "outcome": "refused", "problem": str(error)}, None
        except FailedError as error:
            return {"url": url, "outcome": "failed", "problem": str(error), "again": True}, None
        line: dict[str, Any] = {
            "url": url,
            "outcome": "pages",
            "status": answer.status,
            "bytes": len(answer.body),
        }
        if answer.status in (429, 503):
            line |= {"problem": f"{url} answers {answer.status}", "again": True}
            if (wanted := retry_after(answer.header("Retry-After")) or 0.0) > MAX_WAIT:
                raise HeadwaterError(
                    f"{url} answers {answer.status} and asks to come back in {wanted:.0f} s; what came is kept: run "
                    "the same command again then"
                )
        if 300 <= answer.status < 400:
            return line | self._redirect(answer, site), answer
        links, license = links_of(answer, self.rules.max_bytes) if answer.status == 200 else ([], "")
        line["links"] = same_site(answer.url, links, site) if follow else []
        return line | ({"license": license} if license else {}), answer

    def _redirect(self, answer: Answer, site: str) -> dict[str, Any]:
        target = answer.header("Location")
        found = clean_link(answer.url, target)
        if not target or found is None:
            return {}
        if site_of(found) == site:
            return {"links": [found]}
        problem = f"{answer.url} redirects to {found}; start there if that is meant"
        return {"off_site": True, "problem": problem}

    def count(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            self.counts[line["outcome"]] += 1
            self.problem = self.problem or line.get("problem", "")
            self.counts["redirect_off_site"] += line.get("off_site", False)
            if line["outcome"] == "pages":
                self.status[str(line["status"])] += 1
                self.bytes += line["bytes"]
                self.licenses[line.get("license", "")] += line["status"] == 200

    def summary(self, request: dict[str, Any], began: str, ended: str, out: Path) -> dict[str, Any]:
        with out.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = out.stat().st_size
        named = {license: count for license, count in self.licenses.most_common() if license and count}
        silent = self.licenses[""]
        shown = ", ".join(f"{license} ({_pages(count)})" for license, count in named.items())
        return {
            "kind": "pages",
            "source": site_of(request["start"][0]),
            "start": request["start"],
            "version": f"crawl begun {began}",
            "date": began[:10],
            "license": (shown + (f", none named ({_pages(silent)})" if silent else ""))
            if named
            else "none named",
            "licenses": named,
            "retrieved": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "pages": self.counts["pages"],
            "bytes": self.bytes,
            "warc_bytes": size,
            "files": [{"path": out.name, "bytes": size, "sha256": sha256}],
            "ended": ended,
            "not_fetched": {
                reason: n for reason, n in sorted(self.counts.items()) if n and reason != "pages"
            },
            "status": dict(sorted(self.status.items())),
            "seconds": round(time.monotonic() - self.began, 1),
            "first_problem": self.problem,
            "recipe": recipe_line({"kind": "warc", "paths": ["{out}"]}, out),
            "request": request,
            "software": f"Headwater {__version__}",
        }


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"


def _allowed(paths: str | Collection[str] | None) -> Any:
    if paths is None:
        return lambda path: True
    if isinstance(paths, str):
        pattern = re.compile(paths)
        return lambda path: pattern.search(path) is not None
    return frozenset(paths).__contains__


def _digest(paths: Collection[str]) -> str:
    return "sha256:" + hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()
