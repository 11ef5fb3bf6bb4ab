"""What a page says of itself: title, date, author, language, canonical URL, licence, and whether it may be used.

In order of trust: JSON-LD, `<meta>` (Open Graph, Dublin Core and what Chinese portals use), `<link>`, `<time>`; where
a page has none of these, the date that stands visibly nearest to its title (2024年3月5日 18:05), a name behind 作者, or
the variables of the page's own script. The page is not parsed: tags are found by their names, so that a page of 100 KB
takes a fraction of a millisecond.
"""

import html
import json
import re
from typing import Any

from headwater.sources.extract.dates import NUMERIC, dates_in, iso_date
from headwater.sources.extract.needles import absent

# So much of a page is looked at for tags of its head, which may stand in its body too.
HEAD, AFTER = 150_000, 4_000
# So much of a page's end is searched for the link to its licence.
FOOT = 40_000
# So much of a body is searched for a visible date, around the title and at the beginning.
NEAR, BODY = 4_000, 60_000
MAX_JSON_LD = 200_000

_ATTRIBUTE = re.compile(  # a name is looked at once, from where it begins
    r"""(?<![\w:.-])(?:(?![a-zA-Z])[\w:.-])*+([a-zA-Z][\w:.-]*+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))"""
)
_TAG = re.compile(r"<[^>]*+(?:>|\Z)")
_HTML_LANG = re.compile(
    r"<html\b[^>]{0,600}?\slang\s*+=\s*+[\"']?([a-zA-Z]{2,3}(?:[-_][a-zA-Z0-9]{1,8}){0,3})", re.I
)
_OPT_OUT = re.compile(r"noai|noimageai|tdm-(?:reservation|policy)", re.I)
_JSON_LD, _PUBLISHED, _PUBLISH_TIME = "application/ld+json", 'itemprop="datePublished"', "data-publishtime="
# What is searched in a whole page, with the four bytes of it that are looked for first.
_ANYWHERE = {
    _JSON_LD: b"ld+j",
    _PUBLISHED: b'p="d',
    _PUBLISH_TIME: b"shti",
    "<time": b"<tim",
    "<TIME": b"<TIM",
}
# Variables of a page's script that hold its date; searched as plain strings, since a page may be a megabyte of script.
_VARIABLES = {
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
_BYLINE = re.compile(r"""[^<>]{0,300}>\s{0,20}(?:<[^>]{1,300}>\s{0,20}){0,3}(?:[Bb]y\s)?([^<>{}]{2,60})<""")
_BYLINES = (
    'rel="author"',
    'itemprop="author"',
    "author-name",
    "author_name",
    "byline-name",
    'class="byline',
    'class="author',
)
_ZUOZHE = re.compile(
    r"(?:作者\s?[:：/]|(?<![\u3400-\u9fff])文\s?[/丨｜])\s{0,3}(?:<[^>]{0,200}>\s{0,5}){0,2}"
    r"([^\W\d_]{2,20}(?:[·. ][^\W\d_]{1,20}){0,3})"
)
_JIZHE = re.compile(
    r">\s{0,10}[\u3400-\u9fff]{0,10}记者\s{1,3}([\u3400-\u9fff·]{2,4}(?:[ 　、][\u3400-\u9fff·]{2,4}){0,3})\s{0,10}<"
)
_SHOWN = re.compile(r"[^<\"]{4,300}")
_NO_LETTERS = re.compile(r"[\W_]+")
_BY = re.compile(r"^by:?\s+", re.I)
_NO_NAME = re.compile(
    r"https?:|//|@|^(?:admin|administrator|author|unknown|null|undefined|none|by|posted(?: by)?)$|编辑|編輯|责编",
    re.I,
)
_DATES = (
    "article:published_time", "og:article:published_time", "og:published_time", "datepublished", "article.published",
    "publishdate", "publish_date", "publish-date", "publishtime", "publish_time", "pubdate", "published",
    "published_time", "published_time_telegram", "article_date_original", "originalpublicationdate", "og:time", "apub:time", "weibo: article:create_at",
    "weibo:article:create_at", "parsely-pub-date", "sailthru.date", "cxenseparse:recs:publishtime", "bt:pubdate",
    "dc.date.issued", "dc.date.created", "dcterms.issued", "dcterms.created", "dcterms.date", "dc.date", "citation_publication_date",
    "citation_date", "datecreated", "date", "article:create_at",
)  # fmt: skip
_MODIFIED = ("dateupdate", "lastmod", "article:modified_time", "datemodified")
_AUTHORS = ("author", "article:author", "og:article:author", "byl", "parsely-author", "sailthru.author",
            "article_author", "dc.creator", "dcterms.creator", "citation_author", "mediaid", "og:author")  # fmt: skip
_LICENSES = ("dc.rights.license", "dcterms.license", "dc.license", "license", "licence")
_ARTICLES = re.compile(r"article|posting|report|page|work|book", re.I)
_LISTS = re.compile(r"(?:item)?list|organization|breadcrumb|website|person|image|video", re.I)


def metadata_of(page: str, utf8: bytes | None = None) -> dict[str, str]:
    """`title`, `date` (ISO 8601), `author`, `language`, `url` (canonical), `license`, `consent`: those that it has.

    `consent`: the tags as found that keep a page from being trained on (noai, noimageai, tdm-reservation). `utf8`: the
    page in UTF-8, where that is at hand.
    """
    utf8 = page.encode("utf-8", "replace") if utf8 is None else utf8
    missing = absent(utf8, _ANYWHERE)
    body = _body(page)
    metas, consent = _metas(page, body)
    links = _links(page, body)
    article = {} if _JSON_LD in missing else _json_ld(page)
    said = {
        "title": _title(page, body, metas, article),
        "language": _language(page, metas, article),
        "url": _first_url(links.get("canonical"), metas.get("og:url"), article.get("url")),
        "license": links.get("license") or _first(metas, _LICENSES) or _text(article.get("license")),
        "consent": consent,
    }
    said["date"] = _declared_date(page, body, metas, article, missing)
    said["author"] = _author(metas, article)
    if not (said["date"] and said["author"]):
        near = _near(page, body, said["title"])
        said["date"] = said["date"] or _visible_date(page, utf8, body, near, metas)
        said["author"] = said["author"] or _visible_author(near)
    return {name: value for name, value in said.items() if value}


# ---------------------------------------------------------------- tags


def _tags(page: str, name: str, first: int, limit: int, most: int = 1_000) -> list[str]:
    """The first `most` tags of that name between `first` and `limit`, as they stand; in lower case, or else in upper case."""
    found: list[str] = []
    for opening in (f"<{name}", f"<{name.upper()}"):
        start = page.find(opening, first, limit)
        while start >= 0 and len(found) < most:
            end = page.find(">", start, start + 5000)
            if end < 0:
                break
            if not page[start + len(opening)].isalnum():
                tag = page[start:end]
                if tag.count('"') % 2 and (closing := page.find('"', end, end + 2000)) >= 0:
                    end = page.find(">", closing, closing + 1000)  # a bracket inside quotation marks
                    tag = page[start : end if end >= 0 else closing]
                found.append(tag)
            start = page.find(opening, max(end, start + 1), limit)
        if found:
            break
    return found


def _body(page: str) -> int:
    """Where the body begins; 0 where no tag says so."""
    for opening in ("<body", "</head", "<BODY", "</HEAD"):
        if (at := page.find(opening, 0, HEAD)) >= 0:
            return at
    return 0


def _attributes(tag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(tag):
        found.setdefault(name.lower(), double or single or bare)
    return found


def _metas(page: str, body: int) -> tuple[dict[str, str], str]:
    """Content by lower-case name, property or itemprop (the first of each), and the tags that opt out."""
    found: dict[str, str] = {}
    opting_out = []
    for tag in _tags(page, "meta", 0, body + AFTER if body else HEAD):
        attributes = _attributes(tag)
        content = attributes.get("content", "")
        name = (
            (attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or "")
            .strip()
            .lower()
        )
        if not name and attributes.get("http-equiv", "").lower() == "content-language":
            name = "content-language"
        if name and content.strip():
            found.setdefault(name, html.unescape(content).strip())
        if (
            ("noai" in tag or "tdm-" in tag or "NOAI" in tag)
            and _OPT_OUT.search(tag)
            and not (name == "tdm-reservation" and content.strip() == "0")
        ):
            opting_out.append(tag + ">")
    return found, " ".join(opting_out)


def _links(page: str, body: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in _tags(page, "link", 0, body + AFTER if body else HEAD):
        if "canonical" in tag or "license" in tag:
            attributes = _attributes(tag)
            for relation in attributes.get("rel", "").lower().split():
                found.setdefault(relation, html.unescape(attributes.get("href", "")).strip())
    if "license" not in found and (at := page.find('rel="license"', max(body, len(page) - FOOT))) >= 0:
        start = page.rfind("<", 0, at)
        found["license"] = _attributes(page[start : page.find(">", at, at + 2000)]).get("href", "")
    return found


def _json_ld(page: str) -> dict[str, Any]:
    """The most telling JSON-LD object: one with a date and a headline."""
    best: dict[str, Any] = {}
    start = page.find(_JSON_LD)
    while start >= 0:
        start = page.find(">", start) + 1
        end = page.find("</script", start)
        if start <= 0 or end < 0:
            break
        if end - start <= MAX_JSON_LD:
            best = _better(best, page[start:end])
        start = page.find(_JSON_LD, end)
    return best


def _better(best: dict[str, Any], script: str) -> dict[str, Any]:
    if '"datePublished"' not in script and '"author"' not in script and '"headline"' not in script:
        return best
    script = (
        script.strip()
        .removeprefix("<!--")
        .removeprefix("//<![CDATA[")
        .removesuffix("-->")
        .strip()
        .removesuffix(";")
    )
    try:
        value: Any = json.loads(script, strict=False)
    except (ValueError, RecursionError):
        return best
    waiting, people = [value], dict[str, Any]()
    for _ in range(200):
        if not waiting:
            break
        value = waiting.pop(0)
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if isinstance(graph := value.get("@graph"), list):
                waiting += graph
            if "@id" in value and "name" in value:
                people[str(value["@id"])] = value
            if _weight(value) > _weight(best):
                best = value
    author = best.get("author")
    if isinstance(author, dict) and "name" not in author and str(author.get("@id")) in people:
        best = {**best, "author": people[str(author["@id"])]}
    return best


def _weight(value: dict[str, Any]) -> int:
    kind = str(value.get("@type", ""))
    if _LISTS.search(kind) and not _ARTICLES.search(kind):
        return 0
    return 4 * ("datePublished" in value) + 2 * ("headline" in value) + ("author" in value) + bool(_ARTICLES.search(kind)) * (
        "datePublished" in value
    )  # fmt: skip


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("name") or value.get("@id") or value.get("url")
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(part for item in value if (part := _text(item))))
    return html.unescape(value).strip() if isinstance(value, str) else ""


def _first(metas: dict[str, str], names: tuple[str, ...]) -> str:
    return next((metas[name] for name in names if name in metas), "")


def _first_url(*candidates: Any) -> str:
    return next((url for url in map(_text, candidates) if url.startswith(("http://", "https://"))), "")


# ---------------------------------------------------------------- title and language


def _title(page: str, body: int, metas: dict[str, str], article: dict[str, Any]) -> str:
    """A headline that is part of `<title>`, which has the site's name behind it; else what the page declares."""
    whole = _element(page, "title", 0)
    declared = [
        metas.get("og:title", ""),
        _text(article.get("headline")),
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
        text = " ".join(html.unescape(found[0]).split()) if found else ""
        known = _bare(whole).startswith(_bare(text)) and len(text) < len(whole)
        if known and 10 * len(_bare(text)) >= 4 * len(_bare(whole)):
            return text
        return ""
    if any(letter > "\u2e7f" for letter in whole) and (date := NUMERIC.search(page, body, body + BODY)):
        start = max(page.rfind(f"<h{level}", body, date.start()) for level in range(1, 7))
        if start >= 0 and date.start() - start < 600:
            return _element(page, page[start + 1 : start + 3], start)
    return ""


def _headlines(page: str, body: int) -> list[str]:
    found, start = [], body
    for _ in range(3):
        start = page.find("<h1", start, HEAD)
        if start < 0:
            break
        found.append(_element(page, "h1", start))
        start += 3
    return found


def _without_tags(part: str, filler: str) -> str:
    """`filler` in the place of every tag."""
    end = part.rfind(">") + 1  # a tag that is not closed stays
    return _TAG.sub(filler, part[:end]) + part[end:]


def _element(page: str, name: str, start: int) -> str:
    """The text of the first such element from `start` on."""
    for opening, closing in ((f"<{name}", f"</{name}"), (f"<{name.upper()}", f"</{name.upper()}")):
        at = page.find(opening, start)
        while at >= 0 and page[at + len(opening) : at + len(opening) + 1].isalnum():
            at = page.find(opening, at + 1)
        if at >= 0 and (begin := page.find(">", at, at + 1000)) >= 0:
            end = page.find(closing, begin, begin + 3000)
            if end >= 0:
                return " ".join(html.unescape(_without_tags(page[begin + 1 : end], " ")).split())
    return ""


def _bare(text: str) -> str:
    return _NO_LETTERS.sub("", text).lower()


def _without_site(title: str, metas: dict[str, str]) -> str:
    """Without the site's name behind the last `_`, `|` or dash."""
    site = _bare(metas.get("og:site_name", ""))
    for mark in ("_", "|", " – ", " — ", " - ", " :: ", " « ", " : ", "--", "-"):
        head, found, tail = title.rpartition(mark)
        known = site and _bare(tail) == site
        wide = any(letter > "\u2e7f" for letter in title)
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


def _language(page: str, metas: dict[str, str], article: dict[str, Any]) -> str:
    if found := _HTML_LANG.search(page, 0, 3000):
        return found[1].replace("_", "-")
    declared = metas.get("content-language") or metas.get("og:locale") or _text(article.get("inLanguage"))
    return declared.partition(",")[0].strip().replace("_", "-") if declared else ""


# ---------------------------------------------------------------- date and author


def _declared_date(
    page: str, body: int, metas: dict[str, str], article: dict[str, Any], missing: set[str]
) -> str:
    for value in (_text(article.get("datePublished")), *(metas.get(name, "") for name in _DATES)):
        if value and (when := iso_date(value)):
            return when
    times = [] if {"<time", "<TIME"} <= missing else _tags(page, "time", body, body + HEAD, 6)
    for tag in times:
        attributes = _attributes(tag)
        updated = "updated" in attributes.get("class", "") or attributes.get("itemprop") == "dateModified"
        if not updated and (when := iso_date(attributes.get("datetime", ""))):
            return when
    at = -1 if _PUBLISHED in missing else page.find(_PUBLISHED)
    if at >= 0:
        end = page.find(">", at, at + 1000)
        attributes = _attributes(page[page.rfind("<", 0, at) : end])
        said = (
            attributes.get("content")
            or attributes.get("datetime")
            or _without_tags(page[end + 1 : end + 200], " ")
        )
        if when := iso_date(said):
            return when
    at = -1 if _PUBLISH_TIME in missing else page.find(_PUBLISH_TIME)
    return iso_date(page[at + 18 : at + 50]) if at >= 0 else ""


def _near(page: str, body: int, title: str) -> str:
    """What stands behind the title where the page shows it, then the beginning of the body."""
    at = page.find(html.escape(title[:16], quote=False), body) if title else -1
    return page[at : at + NEAR] if at >= 0 else page[body : body + NEAR]


def _visible_date(page: str, utf8: bytes, body: int, near: str, metas: dict[str, str]) -> str:
    """The first date with a time of day behind the title, else one of the page's script, else any date there."""
    shown = list(dates_in(_without_tags(near, "\n")))
    if timed := next((when for when in shown if "T" in when), ""):
        return timed
    if when := _script_date(page, utf8) or next(
        (when for name in _MODIFIED if (when := iso_date(metas.get(name, "")))), ""
    ):
        return when
    if shown:
        return shown[0]
    return next(dates_in(_without_tags(page[body : body + BODY], "\n")), "")


def _script_date(page: str, utf8: bytes) -> str:
    missing = absent(utf8, _VARIABLES)
    for name in _VARIABLES:
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


def _author(metas: dict[str, str], article: dict[str, Any]) -> str:
    for name in (_text(article.get("author")), *(metas.get(name, "") for name in _AUTHORS)):
        if name and len(name) <= 120 and not _NO_NAME.search(name):
            return _BY.sub("", name)
    return ""


def _visible_author(near: str) -> str:
    marks = (_BYLINE.match(near, at) for mark in _BYLINES if (at := near.find(mark)) >= 0)
    zuozhe = _ZUOZHE.search(near) if "作者" in near or "文" in near else None
    for found in (zuozhe, _JIZHE.search(near) if "记者" in near else None, *marks):
        if found:
            name = " ".join(html.unescape(found[1]).split())
            if name and not _NO_NAME.search(name) and not name.isdigit():
                return name
    return ""
