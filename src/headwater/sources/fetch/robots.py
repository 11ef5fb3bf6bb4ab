"""robots.txt as RFC 9309 has it: what a site lets a crawler fetch.

Rules by protego. An answer 2xx is read (its first 500 KiB, section 2.5), unless it is an HTML page, which some
servers give for every address and which holds no rules; up to five redirects are followed (2.3.1.2); "unavailable"
(4xx) allows everything (2.3.1.3); "unreachable" (5xx, no answer) forbids everything (2.3.1.4), and so does 429: who
is asked to come later has not been told that there are no rules.
"""

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from protego import Protego

from headwater.errors import HeadwaterError
from headwater.sources.fetch.connection import Answer, FailedError, clean_url

MAX_BYTES = 500 << 10
REDIRECTS = 5
MAX_DELAY = 60.0


class Robots:
    """The rules of one site for one crawler."""

    def __init__(self, text: str, user_agent: str) -> None:
        self._rules = Protego.parse(text)
        self._agent = user_agent.partition("/")[0]

    def allows(self, url: str) -> bool:
        return bool(self._rules.can_fetch(url, self._agent))

    @property
    def sitemaps(self) -> list[str]:
        return [str(url) for url in self._rules.sitemaps]

    @property
    def delay(self) -> float:
        """Crawl-delay in seconds, which is not in the RFC but meant; at most a minute."""
        return min(MAX_DELAY, float(self._rules.crawl_delay(self._agent) or 0))


def robots_of(url: str, user_agent: str, get: Callable[[str], Answer]) -> Robots:
    """The rules for the site of `url`; HeadwaterError where the site cannot say whether it may be fetched."""
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc}/robots.txt"
    for _ in range(REDIRECTS + 1):
        try:
            answer = get(place)
        except FailedError as error:
            raise HeadwaterError(
                f"{place} cannot be reached ({error}), so nothing may be fetched; try again later"
            ) from error
        if answer.status in (301, 302, 303, 307, 308) and answer.header("Location"):
            place = clean_url(urljoin(place, answer.header("Location")))
            continue
        if answer.status >= 500 or answer.status == 429:
            raise HeadwaterError(
                f"{place} answers {answer.status}, so nothing may be fetched; try again later"
            )
        return Robots(rules_text(answer), user_agent)
    return Robots("", user_agent)


def rules_text(answer: Answer) -> str:
    """The rules in an answer; empty where there are none."""
    body = answer.body[:MAX_BYTES].removeprefix(b"\xef\xbb\xbf")
    is_html = "html" in answer.header("Content-Type").lower() or body.lstrip()[:1] == b"<"
    return body.decode("utf-8", "replace") if answer.status in range(200, 300) and not is_html else ""
