"""The day on which a page was published: as it declares it, as it shows it, or as its script has it."""

import html
import re
from typing import Any

from headwater.sources.extract.dates import dates_in, iso_date
from headwater.sources.extract.json_ld import text_of
from headwater.sources.extract.needles import absent
from headwater.sources.extract.page_tags import BODY, HEAD, attributes, tags, without_tags

NEAR = 4_000  # so much behind the title is searched for a visible date first
PUBLISHED, PUBLISH_TIME = 'itemprop="datePublished"', "data-publishtime="
# Variables of a page's script that hold its date; searched as plain strings, since a page may be a megabyte of script.
VARIABLES = {
    "ublish": b"blis",
    "ubtime": b"btim",
    "ubTime": b"bTim",
    "ub_time": b"b_ti",
    "ubdate": b"bdat",
    "ubDate": b"bDat",
    "ewsTime": b"wsTi",
    "ews_time": b"ws_t",
    "ct = ": b"ct =",
    "reateTime": b"teTi",
}
_VALUE = re.compile(r"""[\w ]{0,24}["']?\s{0,3}[:=]\s{0,3}["'](\d[^"'<>]{7,30})["']""")
_DATES = (
    "article:published_time", "og:article:published_time", "og:published_time", "datepublished", "article.published",
    "publishdate", "publish_date", "publish-date", "publishtime", "publish_time", "pubdate", "published",
    "published_time", "published_time_telegram", "article_date_original", "originalpublicationdate", "og:time", "apub:time", "weibo: article:create_at",
    "weibo:article:create_at", "parsely-pub-date", "sailthru.date", "cxenseparse:recs:publishtime", "bt:pubdate",
    "dc.date.issued", "dc.date.created", "dcterms.issued", "dcterms.created", "dcterms.date", "dc.date", "citation_publication_date",
    "citation_date", "datecreated", "date", "article:create_at",
)  # fmt: skip
_MODIFIED = ("dateupdate", "lastmod", "article:modified_time", "datemodified")


def declared_date(
    page: str, body: int, metas: dict[str, str], article: dict[str, Any], missing: set[str]
) -> str:
    """What the page declares in JSON-LD, `<meta>`, `<time>` or microdata. `missing`: what it is sure not to hold."""
    for value in (text_of(article.get("datePublished")), *(metas.get(name, "") for name in _DATES)):
        if value and (when := iso_date(value)):
            return when
    times = [] if {"<time", "<TIME"} <= missing else tags(page, "time", body, body + HEAD, 6)
    for tag in times:
        said = attributes(tag)
        updated = "updated" in said.get("class", "") or said.get("itemprop") == "dateModified"
        if not updated and (when := iso_date(said.get("datetime", ""))):
            return when
    at = -1 if PUBLISHED in missing else page.find(PUBLISHED)
    if at >= 0:
        end = page.find(">", at, at + 1000)
        said = attributes(page[page.rfind("<", 0, at) : end])
        shown = without_tags(page[end + 1 : end + 200], " ")
        if when := iso_date(said.get("content") or said.get("datetime") or shown):
            return when
    at = -1 if PUBLISH_TIME in missing else page.find(PUBLISH_TIME)
    return iso_date(page[at + 18 : at + 50]) if at >= 0 else ""


def near_title(page: str, body: int, title: str) -> str:
    """What stands behind the title where the page shows it, then the beginning of the body."""
    at = page.find(html.escape(title[:16], quote=False), body) if title else -1
    return page[at : at + NEAR] if at >= 0 else page[body : body + NEAR]


def visible_date(page: str, utf8: bytes, body: int, near: str, metas: dict[str, str]) -> str:
    """The first date with a time of day behind the title, else one of the page's script, else any date there."""
    shown = list(dates_in(without_tags(near, "\n")))
    if timed := next((when for when in shown if "T" in when), ""):
        return timed
    if when := _script_date(page, utf8) or next(
        (when for name in _MODIFIED if (when := iso_date(metas.get(name, "")))), ""
    ):
        return when
    if shown:
        return shown[0]
    return next(dates_in(without_tags(page[body : body + BODY], "\n")), "")


def _script_date(page: str, utf8: bytes) -> str:
    missing = absent(utf8, VARIABLES)
    for name in VARIABLES:
        if name in missing:
            continue
        at = page.find(name)
        for _ in range(8):
            if at < 0:
                break
            if (found := _VALUE.match(page, at)) and (when := iso_date(found[1])):
                return when
            at = page.find(name, at + 1)
    return ""
