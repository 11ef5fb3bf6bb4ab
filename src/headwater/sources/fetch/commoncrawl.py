"""Common Crawl: pages by its URL index, record by record; or the first files of a crawl.

    <index>/collinfo.json                         the crawls, newest first
    <index>/CC-MAIN-2024-33-index?url=…&page=0    captures, a JSON object a line (the CDXJ index served by pywb)
    <data>/crawl-data/CC-MAIN-2024-33/warc.paths.gz   paths of the WARC files (also wet, wat)
    <data>/<filename>                             offset and length of a capture are a gzip member of it

The members are put one after another, as they are, into one .warc.gz; each is unpacked and the SHA-1 of its payload
compared with the index. Languages are ISO 639-3 there, and are in crawls since August 2018.
"""

import gzip
import json
import re
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from headwater.errors import HeadwaterError, RecipeError
from headwater.sources.fetch.asking import Client, GoneError, unpacked_lines
from headwater.sources.fetch.connection import Reply
from headwater.sources.fetch.download import Piece, Wanted
from headwater.sources.fetch.sample import Plan, Request, plain_name

INDEX, DATA = "https://index.commoncrawl.org", "https://data.commoncrawl.org"
DELAY = 1.0  # seconds; the index asks for one request a second at most
TERMS = "Common Crawl terms of use; the pages belong to their authors"
MAX_RECORD = 64 << 20  # bytes of a compressed record; Common Crawl cuts payloads at 1 MiB (5 MiB since 2025)
ISO_639_3 = {
    "ar": "ara", "bg": "bul", "bn": "ben", "bo": "bod", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu",
    "el": "ell", "en": "eng", "es": "spa", "et": "est", "eu": "eus", "fa": "fas", "fi": "fin", "fr": "fra",
    "ga": "gle", "gl": "glg", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun", "hy": "hye", "id": "ind",
    "is": "isl", "it": "ita", "ja": "jpn", "ka": "kat", "kk": "kaz", "km": "khm", "ko": "kor", "la": "lat",
    "lt": "lit", "lv": "lav", "mk": "mkd", "mn": "mon", "ms": "msa", "my": "mya", "ne": "nep", "nl": "nld",
    "no": "nor", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sk": "slk", "sl": "slv", "sq": "sqi",
    "sr": "srp", "sv": "swe", "sw": "swa", "ta": "tam", "te": "tel", "th": "tha", "tr": "tur", "ug": "uig",
    "uk": "ukr", "ur": "urd", "uz": "uzb", "vi": "vie", "zh": "zho",
}  # fmt: skip
_CRAWL = re.compile(r"CC-(MAIN|NEWS)-\d{4}(-\d{2,4}){0,2}")


def request(
    *,
    url: str | None = None,
    paths: str | None = None,
    crawl: str = "latest",
    mime: str | None = None,
    language: str | None = None,
    first: int | None = None,
    max_bytes: int,
    base_url: str | None = None,
) -> Request:
    """url: `example.org/*` or `*.example.org`. paths: `warc.paths.gz`, `wet.paths.gz` of the crawl, or a local list."""
    if (url is None) == (paths is None):
        raise RecipeError("fetch commoncrawl takes either --url PATTERN or --paths LIST")
    if crawl != "latest" and not _CRAWL.fullmatch(crawl):
        raise RecipeError(f"--crawl {crawl!r}: expected latest or a name such as CC-MAIN-2024-33")
    code = None if language is None else ISO_639_3.get(language, language)
    if code is not None and not re.fullmatch(r"[a-z]{3}", code):
        raise RecipeError(f"--language {language!r}: expected ISO 639, such as zh or zho")
    asked: dict[str, Any] = {
        "kind": "commoncrawl", "url": url, "paths": paths, "crawl": crawl, "mime": mime, "language": code,
        "first": first, "max_bytes": max_bytes, "base_url": base_url,
    }  # fmt: skip
    index, data = (base_url or INDEX).rstrip("/"), (base_url or DATA).rstrip("/")

    def resolve(client: Client) -> Plan:
        name, when = _crawl(client, index, crawl)
        if url is None:
            return _files(client, data, name, when, str(paths), first or 1, max_bytes)
        return _records(client, index, data, name, when, url, mime, code, first or 1000, max_bytes)

    # a client that asks too much is answered 403 for a while
    return Request(asked, resolve, DELAY, one_file=url is not None, busy=frozenset({403}))


def _crawl(client: Client, index: str, crawl: str) -> tuple[str, str | None]:
    """The crawl's name and the day on which it ended."""
    try:
        crawls = {str(one["id"]): one for one in client.json(f"{index}/collinfo.json")}
    except (KeyError, TypeError) as error:
        raise HeadwaterError(f"{index}/collinfo.json: not a list of crawls ({error!r})") from error
    name = next(iter(crawls), "") if crawl == "latest" else crawl
    if name not in crawls or not _CRAWL.fullmatch(name):
        raise RecipeError(f"{index} has no crawl {name!r}; its newest are {', '.join(list(crawls)[:3])}")
    ended = str(crawls[name].get("to", ""))[:10]
    return name, ended or None


# ---------------------------------------------------------------- records


def _records(
    client: Client,
    index: str,
    data: str,
    crawl: str,
    when: str | None,
    pattern: str,
    mime: str | None,
    language: str | None,
    first: int,
    max_bytes: int,
) -> Plan:
    query = {"url": pattern, "output": "json", "filter": "=status:200"}
    base = f"{index}/{crawl}-index?"
    try:
        answer = client.json(base + urlencode(query | {"showNumPages": "true"}))
        number = int(answer["pages"] if isinstance(answer, dict) else answer)
    except GoneError:
        number = 0
    except (KeyError, TypeError, ValueError) as error:
        raise HeadwaterError(f"{base}: does not say how many pages the answer has ({error!r})") from error
    pieces: list[Piece] = []
    passed: dict[str, int] = {}
    total, ended = 0, False
    for page in range(number):
        for capture in _captures(client, base + urlencode(query | {"page": page})):
            if why := _unwanted(capture, mime, language):
                passed[why] = passed.get(why, 0) + 1
                continue
            length = int(capture["length"])
            if len(pieces) >= first or total + length > max_bytes:
                ended = True
                break
            total += length
            path = plain_name(str(capture["filename"]))
            pieces.append(Piece(f"{data}/{path}", int(capture["offset"]), length, str(capture["digest"])))
        if ended:
            break
    if not pieces:
        why = "; ".join(f"{count:,} {reason}" for reason, count in sorted(passed.items()))
        raise HeadwaterError(
            f"{crawl} has no page that fits {pattern!r}"
            + (f" ({why})" if why else "")
            + "; try another --crawl"
        )
    return Plan(
        source=f"{index}/{crawl}-index",
        version=crawl,
        date=when,
        license=TERMS,
        wanted=(Wanted("records.warc.gz", tuple(pieces)),),
        read_by={"kind": "warc", "paths": ["{out}"]},
        left_out={reason: {"count": count} for reason, count in sorted(passed.items())},
        about={"records": len(pieces), "ended": "a limit was met" if ended else "nothing left"},
    )


def _captures(client: Client, url: str) -> list[dict[str, Any]]:
    try:
        body = client.read(url)
        return [json.loads(line) for line in body.split(b"\n") if line.strip()]
    except GoneError:
        return []  # this is how the server says that there are none
    except ValueError as error:
        raise HeadwaterError(f"{url}: not a JSON object a line ({error})") from error


def _unwanted(capture: dict[str, Any], mime: str | None, language: str | None) -> str:
    """Why a capture is not fetched, or nothing."""
    try:
        length, offset = int(capture["length"]), int(capture["offset"])
        digest, name = str(capture["digest"]), str(capture["filename"])
    except (KeyError, TypeError, ValueError):
        return "without a place in a file"
    if not 0 < length <= MAX_RECORD or offset < 0 or not re.fullmatch(r"[A-Z2-7]{32}", digest) or not name:
        return "without a place in a file"
    if str(capture.get("status", "200")) != "200":
        return "not status 200"
    if mime is not None and mime not in (capture.get("mime-detected"), capture.get("mime")):
        return f"not {mime}"
    if language is not None and language not in str(capture.get("languages", "")).split(","):
        return f"not in {language}"
    return ""


# ---------------------------------------------------------------- whole files


def _files(
    client: Client, data: str, crawl: str, when: str | None, paths: str, first: int, max_bytes: int
) -> Plan:
    if Path(paths).is_file():
        names = _local(Path(paths), first)
        source = f"{data}/ by {Path(paths).name}"
    else:
        if not re.fullmatch(r"[a-z-]+\.paths\.gz", paths):
            raise RecipeError(f"--paths {paths!r}: no such file, and no list such as warc.paths.gz")
        source = f"{data}/crawl-data/{crawl}/{paths}"

        def use(reply: Reply) -> list[str]:
            found: list[str] = []
            for line in unpacked_lines(client, reply, "gzip"):
                found += [line.strip()] if line.strip() else []
                if len(found) >= first:
                    break
            return found

        names = client.ask(source, use)
    if not names:
        raise HeadwaterError(f"{source}: the list is empty")
    wanted = tuple(
        Wanted(Path(plain_name(name)).name, (Piece(f"{data}/{name}"),), packed=True, optional=number > 0)
        for number, name in enumerate(names)
    )
    if len({one.path for one in wanted}) < len(wanted):
        raise HeadwaterError(f"{source}: two of the files have one name")
    return Plan(
        source=source,
        version=crawl,
        date=when,
        license=TERMS,
        wanted=wanted,
        read_by={"kind": "warc", "paths": ["{out}/*.gz"]},
    )


def _local(path: Path, first: int) -> list[str]:
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise RecipeError(f"{path}: cannot be read ({error})") from error
    return [line.strip() for line in data.decode("utf-8", "replace").split("\n") if line.strip()][:first]
