"""The site that is crawled: its scheme, host and port, its pages, and what its sitemaps name."""

from collections import deque
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from headwater.errors import RecipeError
from headwater.sources.fetch.connection import Answer, FailedError, clean_url
from headwater.sources.fetch.markup import sitemap_of
from headwater.sources.fetch.robots import Robots

KNOWN_URLS = 200_000  # bounds the memory of a crawl that meets endless links
SITEMAPS = 50  # files of them that are read


def sitemap_pages(start: str, robots: Robots, request: Callable[[str], Answer]) -> list[str]:
    """The pages of the site that its sitemaps name: those that robots.txt lists, else /sitemap.xml."""
    site = site_of(start)
    files = deque(same_site(start, robots.sitemaps or [f"{site}/sitemap.xml"], site))
    seen, pages = set(files), dict[str, None]()
    for _ in range(SITEMAPS):
        if not files or len(pages) >= KNOWN_URLS:
            break
        url = files.popleft()
        if not robots.allows(url):
            continue
        try:
            answer = request(url)
        except FailedError:
            continue
        if answer.status != 200:
            continue
        below, found = sitemap_of(answer)
        pages |= dict.fromkeys(same_site(url, found, site)[: KNOWN_URLS - len(pages)])
        for other in same_site(url, below, site):
            if other not in seen:
                seen.add(other)
                files.append(other)
    return list(pages)


def same_site(base: str, links: list[str], site: str) -> list[str]:
    found = (clean_link(base, link) for link in links)
    return list(dict.fromkeys(url for url in found if url is not None and site_of(url) == site))


def clean_link(base: str, link: str) -> str | None:
    """A link as an address, or None where it is none of http."""
    try:
        url = clean_url(urljoin(base, link))
    except (ValueError, UnicodeError):
        return None
    return url if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname else None


def start_pages(start: list[str]) -> list[str]:
    queue = list(dict.fromkeys(_start_url(url) for url in start))
    if len(sites := sorted({site_of(url) for url in queue})) != 1:
        raise RecipeError(
            f"the start pages are of {len(sites)} sites ({', '.join(sites[:3])}); fetch one at a time"
        )
    return queue


def _start_url(url: str) -> str:
    try:
        return clean_url(url if "://" in url else f"https://{url}")
    except (ValueError, UnicodeError) as error:
        raise RecipeError(f"{url}: not an address ({error})") from error


def site_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
