"""arXiv: sources of papers by their identifiers, with metadata and licence.

    <api>/api/query?id_list=…      Atom: title, authors, abstract, categories, and the version that is newest
    <oai>/oai?verb=GetRecord&…     OAI-PMH: the licence, which Atom has not
    <api>/e-print/2101.00001v2     what the authors sent: gzip of a tar or of one TeX file, or a PDF

One request every three seconds, as arXiv asks. `metadata.jsonl` stands beside the sources, a line for each paper.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

from headwater.errors import HeadwaterError, RecipeError
from headwater.sources.fetch.asking import Client, GoneError
from headwater.sources.fetch.download import Piece, Wanted
from headwater.sources.fetch.markup import parse_xml
from headwater.sources.fetch.sample import Plan, Request, left_out

API, OAI = "https://export.arxiv.org", "https://oaipmh.arxiv.org"
DELAY = 3.0
A_QUERY = 100  # identifiers in one
DEFAULT_LICENSE = "arXiv.org non-exclusive license to distribute, or none that is known"
_ID = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(v\d{1,3})?")
_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_OPEN = ("://creativecommons.org/licenses/", "://creativecommons.org/publicdomain/")


def request(
    *,
    ids: tuple[str, ...] = (),
    ids_from: Path | None = None,
    open_only: bool = False,
    max_bytes: int,
    base_url: str | None = None,
) -> Request:
    """ids: `2101.00001`, `2101.00001v2`, `hep-th/9901001`. open_only: leave out what is under no Creative Commons
    licence."""
    if ids_from is not None:
        try:
            ids += tuple(ids_from.read_text(encoding="utf-8").split())
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{ids_from}: cannot be read ({error})") from error
    ids = tuple(dict.fromkeys(one.removeprefix("arXiv:") for one in ids))
    if wrong := [one for one in ids if not _ID.fullmatch(one)]:
        raise RecipeError(f"{wrong[0]!r}: no arXiv identifier; they look like 2101.00001 or hep-th/9901001v2")
    if not ids:
        raise RecipeError("fetch arxiv takes identifiers, or --ids-from FILE")
    asked: dict[str, Any] = {
        "kind": "arxiv", "ids": list(ids), "open_only": open_only, "max_bytes": max_bytes, "base_url": base_url,
    }  # fmt: skip
    api, oai = (base_url or API).rstrip("/"), (base_url or OAI).rstrip("/")
    return Request(asked, lambda client: _plan(client, api, oai, ids, open_only), DELAY)


def _plan(client: Client, api: str, oai: str, ids: tuple[str, ...], open_only: bool) -> Plan:
    papers: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), A_QUERY):
        some = ids[start : start + A_QUERY]
        papers |= _metadata(
            client, f"{api}/api/query?" + urlencode({"id_list": ",".join(some), "max_results": len(some)})
        )
    missing = [one for one in ids if one not in papers]
    if missing:
        raise HeadwaterError(f"arXiv knows no paper {', '.join(missing[:5])}; are the identifiers right?")
    chosen, closed = [], []
    for one in ids:
        paper = papers[one]
        paper["license"] = _license(client, oai, paper["id"])
        if open_only and not any(place in paper["license"] for place in _OPEN):
            closed.append(one)
        else:
            chosen.append(paper)
    wanted = tuple(
        Wanted(
            f"{paper['id'].replace('/', '_')}{paper['version']}",
            (Piece(f"{api}/e-print/{paper['id']}{paper['version']}"),),
            typed=True,
            optional=True,
            about={key: paper[key] for key in ("id", "version", "title", "license")},
        )
        for paper in chosen
    )
    licenses = sorted({paper["license"] for paper in chosen})
    return Plan(
        source=f"{api}/",
        version=", ".join(f"{paper['id']}{paper['version']}" for paper in chosen[:20])
        + (", …" if len(chosen) > 20 else ""),
        date=max((paper["updated"][:10] for paper in chosen), default=None),
        license="; ".join(licenses),
        wanted=wanted,
        read_by={"kind": "papers", "paths": ["{out}/*.gz"]},
        left_out=left_out("not under a Creative Commons licence", closed) if closed else {},
        written={"metadata.jsonl": "".join(json.dumps(paper, ensure_ascii=False) + "\n" for paper in chosen)},
    )


def _metadata(client: Client, url: str) -> dict[str, dict[str, Any]]:
    """Papers of an Atom answer, by identifier with and without version."""
    try:
        feed = parse_xml(client.read(url))
    except ValueError as error:
        raise HeadwaterError(f"{url}: not Atom ({error}); arXiv may be asking for a pause") from error
    found: dict[str, dict[str, Any]] = {}
    for entry in feed.iter(f"{_ATOM}entry"):
        name = _text(entry, f"{_ATOM}id").rpartition("/abs/")[2]
        if (match := _ID.fullmatch(name)) is None:
            raise HeadwaterError(
                f"{url}: arXiv answers {_text(entry, f'{_ATOM}title')}: {_text(entry, f'{_ATOM}summary')[:200]}"
            )
        paper = {
            "id": match[1],
            "version": match[2] or "v1",
            "title": _text(entry, f"{_ATOM}title"),
            "authors": [_text(one, f"{_ATOM}name") for one in entry.iter(f"{_ATOM}author")],
            "abstract": _text(entry, f"{_ATOM}summary"),
            "categories": [one.get("term", "") for one in entry.iter(f"{_ATOM}category")],
            "published": _text(entry, f"{_ATOM}published"),
            "updated": _text(entry, f"{_ATOM}updated"),
            "doi": _text(entry, f"{_ARXIV}doi"),
        }
        found[match[1]] = found[f"{match[1]}{paper['version']}"] = paper
    return found


def _license(client: Client, oai: str, paper: str) -> str:
    query = urlencode(
        {"verb": "GetRecord", "identifier": f"oai:arXiv.org:{paper}", "metadataPrefix": "arXiv"}
    )
    try:
        record = parse_xml(client.read(f"{oai}/oai?{query}"))
    except GoneError:
        return DEFAULT_LICENSE
    except ValueError as error:
        raise HeadwaterError(f"{oai}/oai?{query}: not OAI-PMH ({error})") from error
    return next(
        (one.text.strip() for one in record.iter() if one.tag.endswith("}license") and one.text),
        DEFAULT_LICENSE,
    )


def _text(element: ElementTree.Element, tag: str) -> str:
    return " ".join((element.findtext(tag) or "").split())
