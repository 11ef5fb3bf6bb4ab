"""One page of the web, fetched as `headwater fetch pages` would: robots.txt first, redirects followed, all checked."""

from urllib.parse import urlsplit

from headwater.errors import HeadwaterError
from headwater.sources.fetch import USER_AGENT
from headwater.sources.fetch.asking import REDIRECTS, Pace
from headwater.sources.fetch.connection import Answer, FailedError, RefusedError, Rules, check_scheme
from headwater.sources.fetch.pages import Crawl
from headwater.sources.fetch.robots import robots_of
from headwater.sources.fetch.site import clean_link, site_of, start_pages


def fetch_page(
    url: str,
    *,
    max_bytes: int = 16 << 20,
    delay: float = 1.0,
    backoff: float = 2.0,
    timeout: float = 30.0,
    max_seconds: float = 120.0,
    allow_loopback: bool = False,
    https_only: bool = True,
    user_agent: str = USER_AGENT,
) -> Answer:
    """The answer with status 200, cut at `max_bytes`. HeadwaterError where there is none, or it may not be had."""
    [place] = start_pages([url])
    rules = Rules(allow_loopback, https_only, max_bytes, timeout, user_agent)
    crawl = Crawl(rules, Pace(delay, backoff, max_seconds))
    robots, site = None, ""
    for _ in range(REDIRECTS + 1):
        check_scheme(place, rules)
        if robots is None or site_of(place) != site:
            robots, site = robots_of(place, user_agent, crawl.request), site_of(place)
            crawl.pace.delay = max(delay, robots.delay)
        if not robots.allows(place):
            parts = urlsplit(place)
            raise RefusedError(f"{place}: {parts.scheme}://{parts.netloc}/robots.txt does not allow it")
        try:
            answer = crawl.request(place)
        except FailedError as error:
            raise HeadwaterError(f"{error}; try again later") from error
        if answer.status in (301, 302, 303, 307, 308) and answer.header("Location"):
            target = clean_link(place, answer.header("Location"))
            if target is None:
                raise RefusedError(f"{place} redirects to what is no web address")
            place = target
            continue
        if answer.status != 200:
            raise HeadwaterError(f"{place} answers {answer.status}; a 200 was expected")
        return answer
    raise RefusedError(f"{url} redirects more than {REDIRECTS} times")
