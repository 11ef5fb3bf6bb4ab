"""Tags of a page, found by their names without parsing it: a page of 100 KB takes a fraction of a millisecond."""

import re

from headwater.sources.extract.references import unescape

# So much of a page is looked at for tags of its head, which may stand in its body too.
HEAD, AFTER = 150_000, 4_000
BODY = 60_000  # so much of a body is searched for a visible date
# So much of a page's end is searched for the link to its licence.
FOOT = 40_000

_ATTRIBUTE = re.compile(  # a name is looked at once, from where it begins
    r"""(?<![\w:.-])(?:(?![a-zA-Z])[\w:.-])*([a-zA-Z][\w:.-]*+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))"""
)
_TAG = re.compile(r"<[^>]*+(?:>|\Z)")
_OPT_OUT = re.compile(r"noai|noimageai|tdm-(?:reservation|policy)", re.I)


def tags(page: str, name: str, first: int, limit: int, most: int = 1_000) -> list[str]:
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


def body_of(page: str) -> int:
    """Where the body begins; 0 where no tag says so."""
    for opening in ("<body", "</head", "<BODY", "</HEAD"):
        if (at := page.find(opening, 0, HEAD)) >= 0:
            return at
    return 0


def attributes(tag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(tag):
        found.setdefault(name.lower(), double or single or bare)
    return found


def element_text(page: str, name: str, start: int) -> str:
    """The text of the first such element from `start` on."""
    for opening, closing in ((f"<{name}", f"</{name}"), (f"<{name.upper()}", f"</{name.upper()}")):
        at = page.find(opening, start)
        while at >= 0 and page[at + len(opening) : at + len(opening) + 1].isalnum():
            at = page.find(opening, at + 1)
        if at >= 0 and (begin := page.find(">", at, at + 1000)) >= 0:
            end = page.find(closing, begin, begin + 3000)
            if end >= 0:
                return " ".join(unescape(without_tags(page[begin + 1 : end], " ")).split())
    return ""


def without_tags(part: str, filler: str) -> str:
    """`filler` in the place of every tag."""
    end = part.rfind(">") + 1  # a tag that is not closed stays
    return _TAG.sub(filler, part[:end]) + part[end:]


def metas_of(page: str, body: int) -> tuple[dict[str, str], str]:
    """Content by lower-case name, property or itemprop (the first of each), and the tags that opt out."""
    found: dict[str, str] = {}
    opting_out = []
    for tag in tags(page, "meta", 0, body + AFTER if body else HEAD):
        said = attributes(tag)
        content = said.get("content", "")
        name = (said.get("property") or said.get("name") or said.get("itemprop") or "").strip().lower()
        if not name and said.get("http-equiv", "").lower() == "content-language":
            name = "content-language"
        if name and content.strip():
            found.setdefault(name, unescape(content).strip())
        if (
            ("noai" in tag or "tdm-" in tag or "NOAI" in tag)
            and _OPT_OUT.search(tag)
            and not (name == "tdm-reservation" and content.strip() == "0")
        ):
            opting_out.append(tag + ">")
    return found, " ".join(opting_out)


def links_of(page: str, body: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in tags(page, "link", 0, body + AFTER if body else HEAD):
        if "canonical" in tag or "license" in tag:
            said = attributes(tag)
            for relation in said.get("rel", "").lower().split():
                found.setdefault(relation, unescape(said.get("href", "")).strip())
    if "license" not in found and (at := page.find('rel="license"', max(body, len(page) - FOOT))) >= 0:
        start = page.rfind("<", 0, at)
        found["license"] = attributes(page[start : page.find(">", at, at + 2000)]).get("href", "")
    return found
