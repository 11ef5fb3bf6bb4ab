"""Wikipedia and its sisters from dumps.wikimedia.org: whole dumps, or whole streams of them.

    <base>/zhwiki/                              lists the dates
    <base>/zhwiki/20260101/dumpstatus.json      jobs, their state, files with size, SHA-1 and MD5
    …-pages-articles-multistream.xml.bz2        bzip2 streams of 100 pages each, after one with the header
    …-pages-articles-multistream-index.txt.bz2  offset of the stream : page id : title

Large wikis come in parts (`multistream1.xml-p1p187712.bz2`), each with its own index. A sample of N pages is the
beginning of the first part, up to the end of a stream, and a last stream that closes the XML; the index is read no
further than needed.
"""

import base64
import bz2
import re
from typing import Any

from headwater.errors import HeadwaterError, RecipeError
from headwater.sources.fetch.asking import Client, GoneError, unpacked_lines
from headwater.sources.fetch.connection import Reply
from headwater.sources.fetch.download import Piece, Wanted
from headwater.sources.fetch.sample import Plan, Request, left_out, plain_name

BASE = "https://dumps.wikimedia.org"
DELAY = 1.0  # seconds; the site asks for no more than three connections at a time
JOB = "articlesmultistreamdump"
LOOKED_AT = 6  # dates, from the newest on, for one whose dump is complete
# Since June 2023; older dumps are under CC BY-SA 3.0. (Wikinews: CC BY 2.5 until then; Wikidata is CC0.)
LICENSES = {True: "CC BY-SA 4.0 and GFDL", False: "CC BY-SA 3.0 and GFDL"}
PROJECTS = {
    "wikipedia": "wiki",
    "wiktionary": "wiktionary",
    "wikisource": "wikisource",
    "wikibooks": "wikibooks",
    "wikiquote": "wikiquote",
    "wikivoyage": "wikivoyage",
    "wikiversity": "wikiversity",
    "wikinews": "wikinews",
}
_DATE = re.compile(r'href="(?:[^"<>]{0,99}/)?(\d{8})/?"')
_DUMP = re.compile(r"-pages-articles-multistream(\d*)\.xml(-p\d+p\d+)?\.bz2$")
_CLOSING = base64.b64encode(bz2.compress(b"</mediawiki>\n")).decode()


def request(
    *,
    language: str,
    date: str = "latest",
    project: str = "wikipedia",
    pages: int | None = None,
    max_bytes: int,
    base_url: str | None = None,
) -> Request:
    """language: as in the site's name (`zh`, `zh-classical`). pages: whole streams that hold at least so many."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,30}", language):
        raise RecipeError(f"--language {language!r}: expected one as in the site's name, such as zh or en")
    if date != "latest" and not re.fullmatch(r"\d{8}", date):
        raise RecipeError(f"--date {date!r}: expected latest or YYYYMMDD")
    asked: dict[str, Any] = {
        "kind": "wikipedia", "project": project, "language": language, "date": date, "pages": pages,
        "max_bytes": max_bytes, "base_url": base_url,
    }  # fmt: skip
    base = (base_url or BASE).rstrip("/")
    wiki = language.replace("-", "_") + PROJECTS[project]
    return Request(asked, lambda client: _plan(client, base, wiki, language, date, pages, max_bytes), DELAY)


def _plan(
    client: Client, base: str, wiki: str, language: str, date: str, pages: int | None, max_bytes: int
) -> Plan:
    date, files = _dump(client, base, wiki, date)
    parts = sorted((int(match[1] or 0), name) for name in files if (match := _DUMP.search(plain_name(name))))
    if len(parts) > 1:
        parts = [part for part in parts if part[0]]  # without the one that holds all of them
    if not parts:
        raise HeadwaterError(f"{base}/{wiki}/{date}/ lists no multistream dump of its articles")
    wanted: list[Wanted] = []
    left, pages_left, sampled = max_bytes, pages, 0
    for _, name in parts:
        file = files[name]
        url = f"{base}/{wiki}/{date}/{name}"
        size = int(file["size"])
        whole = Wanted(
            name, (Piece(url),), size, {k: file[k] for k in ("sha1", "md5") if file.get(k)}, packed=True
        )
        if pages is None and size <= left:
            wanted.append(whole)
            left -= size
            continue
        index = url.replace("-multistream", "-multistream-index").replace(".xml", ".txt")
        end, found, complete = _streams(client, index, pages_left, left)
        if complete and size <= left:
            wanted.append(whole)
            left -= size
        elif end:
            number = f"-{len(wanted) + 1}" if wanted else ""
            wanted.append(
                Wanted(
                    f"{wiki}-{date}-first{number}.xml.bz2",
                    (Piece(url, 0, end),),
                    tail=_CLOSING,
                    packed=True,
                    about={"pages": found},
                )
            )
            left = 0
        sampled += found
        pages_left = None if pages_left is None else pages_left - found
        if left <= 0 or (pages_left is not None and pages_left <= 0) or not end:
            break
    if not wanted:
        raise HeadwaterError(
            f"{parts[0][1]}: its first stream alone is more than --max-bytes ({max_bytes:,}); raise it"
        )
    taken = {piece.url.rpartition("/")[2] for one in wanted for piece in one.pieces}
    rest = [name for _, name in parts if name not in taken]
    return Plan(
        source=f"{base}/{wiki}/{date}/",
        version=date,
        date=f"{date[:4]}-{date[4:6]}-{date[6:]}",
        license=LICENSES[date >= "20230608"],
        wanted=tuple(wanted),
        read_by={"kind": "wikipedia", "paths": ["{out}/*.bz2"], "language": language},
        left_out=left_out("not asked for" if pages is not None else "max_bytes", rest) if rest else {},
    )


def _dump(client: Client, base: str, wiki: str, date: str) -> tuple[str, dict[str, Any]]:
    """The date of a complete dump, and its files."""
    if date != "latest":
        files = _files(client, base, wiki, date)
        if files is None:
            raise HeadwaterError(
                f"{base}/{wiki}/{date}/: its articles are not dumped completely; take an earlier date, or latest"
            )
        return date, files
    try:
        listing = client.read(f"{base}/{wiki}/").decode("utf-8", "replace")
    except GoneError as error:
        raise RecipeError(f"{base} has no wiki {wiki}; is the language's code right?") from error
    for date in sorted(set(_DATE.findall(listing)), reverse=True)[:LOOKED_AT]:
        if (files := _files(client, base, wiki, date)) is not None:
            return date, files
    raise HeadwaterError(f"{base}/{wiki}/: no complete dump among the newest {LOOKED_AT}; name a --date")


def _files(client: Client, base: str, wiki: str, date: str) -> dict[str, Any] | None:
    try:
        status = client.json(f"{base}/{wiki}/{date}/dumpstatus.json")
        job = status["jobs"][JOB]
        return dict(job["files"]) if job["status"] == "done" else None
    except GoneError:
        return None
    except (KeyError, TypeError) as error:
        raise HeadwaterError(f"{base}/{wiki}/{date}/dumpstatus.json: not as expected ({error!r})") from error


def _streams(client: Client, index: str, pages: int | None, limit: int) -> tuple[int, int, bool]:
    """How many bytes of a dump hold `pages` pages in whole streams, within `limit` bytes; how many pages those
    are; and whether the index ended before."""

    def use(reply: Reply) -> tuple[int, int, bool]:
        ends: list[int] = []  # where streams begin, which is where those before them end
        counts: list[int] = []  # pages before that
        seen = -1
        for seen, line in enumerate(unpacked_lines(client, reply, "bzip2")):
            offset = int(line.partition(":")[0])
            if not ends or offset > ends[-1]:
                ends.append(offset)
                counts.append(seen)
                if offset > limit - 64 or (pages is not None and seen >= pages):
                    break
        else:
            return ends[-1] if ends else 0, seen + 1, True
        fitting = [
            (end, count) for end, count in zip(ends, counts, strict=True) if end <= limit - 64 and count
        ]
        return (*fitting[-1], False) if fitting else (0, 0, False)

    try:
        return client.ask(index, use)
    except ValueError as error:
        raise HeadwaterError(f"{index}: not lines of offset:id:title ({error})") from error
