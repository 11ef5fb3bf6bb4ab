"""The title of a page: its headline, without the site's name that `<title>` has behind it."""

import html
import re
from typing import Any

from headwater.sources.extract.dates import NUMERIC
from headwater.sources.extract.json_ld import text_of
from headwater.sources.extract.page_tags import BODY, HEAD, element_text
from headwater.sources.extract.references import unescape

_SHOWN = re.compile(r"[^<\"]{4,300}")
_WIDE = re.compile("[\u2e80-\U0010ffff]")  # Chinese, Japanese, Korean and their punctuation
_NO_LETTERS = re.compile(r"[\W_]+")


def title_of(page: str, body: int, metas: dict[str, str], article: dict[str, Any]) -> str:
    """A headline that is part of `<title>`, which has the site's name behind it; else what the page declares."""
    whole = element_text(page, "title", 0)
    declared = [
        metas.get("og:title", ""),
        text_of(article.get("headline")),
        metas.get("articletitle", ""),
        metas.get("twitter:title", ""),
    ]
    all_of_it = _bare(whole)
    candidates = [(text, _bare(text)) for text in (*_headlines(page, body), *declared) if len(text) >= 4]
    shorter = [text for text, bare in candidates if bare in all_of_it and len(bare) < len(all_of_it)]
    if shorter and len(_bare(best := max(shorter, key=len))) * 10 >= 3 * len(all_of_it):
        return _without_site(best, metas) if best in declared else best
    if shown := _shown(page, body, whole):
        return shown
    return _without_site(next((text for text in declared if text), "") or whole, metas)


def _shown(page: str, body: int, whole: str) -> str:
    """What the body shows of `<title>`; where that names no article, the heading in front of the page's date."""
    at = page.find(html.escape(whole[:12], quote=False), body) if len(whole) >= 12 else -1
    if at >= 0:
        found = _SHOWN.match(page, at)
        text = " ".join(unescape(found[0]).split()) if found else ""
        known = _bare(whole).startswith(_bare(text)) and len(text) < len(whole)
        if known and 10 * len(_bare(text)) >= 4 * len(_bare(whole)):
            return text
        return ""
    if _WIDE.search(whole) and (date := NUMERIC.search(page, body, body + BODY)):
        start = max(page.rfind(f"<h{level}", body, date.start()) for level in range(1, 7))
        if start >= 0 and date.start() - start < 600:
            return element_text(page, page[start + 1 : start + 3], start)
    return ""


def _headlines(page: str, body: int) -> list[str]:
    found, start = [], body
    for _ in range(3):
        start = page.find("<h1", start, HEAD)
        if start < 0:
            break
        found.append(element_text(page, "h1", start))
        start += 3
    return found


def _bare(text: str) -> str:
    return _NO_LETTERS.sub("", text).lower()


def _without_site(title: str, metas: dict[str, str]) -> str:
    """Without the site's name behind the last `_`, `|` or dash."""
    site = _bare(metas.get("og:site_name", ""))
    wide = _WIDE.search(title) is not None
    for mark in ("_", "|", " – ", " — ", " - ", " :: ", " « ", " : ", "--", "-"):
        head, found, tail = title.rpartition(mark)
        known = site and _bare(tail) == site
        short = mark in ("_", "|") or (
            len(tail) <= 20 and (wide or mark not in ("-", " : ")) and len(tail.split()) <= 4
        )
        if (
            found
            and len(head.strip()) >= (6 if wide else 15)
            and (known or (short and len(tail) < len(head)))
        ):
            head = head.strip()
            if mark == "_" or (mark == "|" and wide):
                return _without_site(head, metas)
            return head
    return title.strip()
