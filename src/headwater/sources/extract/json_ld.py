"""What a page says of itself to search engines: JSON-LD."""

import json
import re
from typing import Any

from headwater.sources.extract.references import unescape

JSON_LD = "application/ld+json"
MAX_JSON_LD = 200_000
_ARTICLES = re.compile(r"article|posting|report|page|work|book", re.I)
_LISTS = re.compile(r"(?:item)?list|organization|breadcrumb|website|person|image|video", re.I)


def json_ld_of(page: str) -> dict[str, Any]:
    """The most telling JSON-LD object: one with a date and a headline."""
    best: dict[str, Any] = {}
    start = page.find(JSON_LD)
    while start >= 0:
        start = page.find(">", start) + 1
        end = page.find("</script", start)
        if start <= 0 or end < 0:
            break
        if end - start <= MAX_JSON_LD:
            best = _better(best, page[start:end])
        start = page.find(JSON_LD, end)
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


def text_of(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("name") or value.get("@id") or value.get("url")
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(part for item in value if (part := text_of(item))))
    return unescape(value).strip() if isinstance(value, str) else ""
