"""Project Gutenberg: books by number, or the first of a language in its catalogue.

    <catalogue>/cache/epub/feeds/pg_catalog.csv.gz   Text#, Type, Issued, Title, Language, Authors, …; made each week
    <mirror>/cache/epub/2701/pg2701.txt              UTF-8
    <mirror>/2/7/0/2701/2701-0.txt                   the older layout (-0 UTF-8, -8 Latin-1, none ASCII)

The main site is for people: robots take the catalogue there, and the books from a mirror, one every two seconds.
"""

import csv
import hashlib
import io
import re
from email.utils import parsedate_to_datetime
from typing import Any

from headwater.errors import HeadwaterError, RecipeError
from headwater.recipe.quantities import show_size
from headwater.sources.fetch.asking import Client
from headwater.sources.fetch.connection import header_of
from headwater.sources.fetch.download import Piece, Wanted
from headwater.sources.fetch.sample import Plan, Request, left_out
from headwater.sources.streams import unpack

CATALOGUE, MIRROR = "https://www.gutenberg.org", "https://aleph.pglaf.org"
DELAY = 2.0  # seconds, as the site asks of robots
LICENSE = "Project Gutenberg License; public domain in the USA, unless a book's own header says otherwise"
MAX_CATALOGUE = 256 << 20  # bytes, unpacked
KEPT = ("Issued", "Title", "Language", "Authors", "Subjects", "LoCC", "Bookshelves")


def request(
    *,
    ids: tuple[int, ...] = (),
    language: str | None = None,
    first: int | None = None,
    max_bytes: int,
    base_url: str | None = None,
) -> Request:
    """ids: book numbers; or language (`en`, `zh`) with the first N books, by number."""
    if bool(ids) == (language is not None):
        raise RecipeError("fetch gutenberg takes either book numbers or --language")
    if language is not None and not re.fullmatch(r"[a-z]{2,3}", language):
        raise RecipeError(f"--language {language!r}: expected a code such as en or zh")
    if any(number <= 0 for number in ids):
        raise RecipeError("a book's number is 1 or more")
    asked: dict[str, Any] = {
        "kind": "gutenberg", "ids": list(ids), "language": language, "first": first, "max_bytes": max_bytes,
        "base_url": base_url,
    }  # fmt: skip
    catalogue, mirror = (base_url or CATALOGUE).rstrip("/"), (base_url or MIRROR).rstrip("/")
    return Request(asked, lambda client: _plan(client, catalogue, mirror, ids, language, first or 10), DELAY)


def _plan(
    client: Client, catalogue: str, mirror: str, ids: tuple[int, ...], language: str | None, first: int
) -> Plan:
    url = f"{catalogue}/cache/epub/feeds/pg_catalog.csv.gz"
    packed, headers = client.listing(url)
    books = _books(url, packed)
    left: dict[str, Any] = {}
    if ids:
        numbers = list(dict.fromkeys(ids))
        if unknown := [str(n) for n in numbers if n not in books]:
            raise HeadwaterError(
                f"the catalogue of Project Gutenberg has no text {', '.join(unknown[:5])}; audiobooks and numbers "
                "that were withdrawn are not texts"
            )
    else:
        spoken = sorted(n for n, book in books.items() if language in book["Language"].split("; "))
        numbers = spoken[:first]
        if len(spoken) > first:
            left = left_out("not asked for", [str(n) for n in spoken[first:]])
    wanted = tuple(
        Wanted(
            f"pg{number}.txt",
            (Piece(f"{mirror}/cache/epub/{number}/pg{number}.txt"),),
            otherwise=_older(mirror, number),
            optional=True,
            about={
                "id": number,
                "title": " ".join(books[number]["Title"].split()),
                "author": books[number]["Authors"],
                "language": books[number]["Language"],
            },
        )
        for number in numbers
    )
    digest = hashlib.sha256(packed).hexdigest()
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    table.writerow(("Text#", *KEPT))
    table.writerows((number, *(books[number].get(column, "") for column in KEPT)) for number in numbers)
    return Plan(
        source=url,
        version=f"catalogue sha256 {digest[:16]}",
        date=_day(header_of(headers, "Last-Modified")),
        license=LICENSE,
        wanted=wanted,
        read_by={"kind": "books", "paths": ["{out}/*.txt"]},
        left_out=left,
        written={"catalog.csv": rows.getvalue()},
    )


def _day(date: str) -> str | None:
    try:
        return parsedate_to_datetime(date).strftime("%Y-%m-%d")
    except ValueError:
        return None


def _older(mirror: str, number: int) -> tuple[str, ...]:
    digits = str(number)
    folder = "/".join(digits[:-1] or "0")
    return tuple(f"{mirror}/{folder}/{number}/{number}{ending}.txt" for ending in ("-0", "-8", ""))


def _books(url: str, packed: bytes) -> dict[int, dict[str, str]]:
    """The catalogue's texts by number."""
    data, tail = unpack(packed, "gzip", MAX_CATALOGUE)
    if tail is not None or len(data) > MAX_CATALOGUE:
        raise HeadwaterError(
            f"{url}: " + (tail.detail if tail else f"unpacks to more than {show_size(MAX_CATALOGUE)}")
        )
    table = csv.DictReader(io.StringIO(data.decode("utf-8-sig", "replace"), newline=""))
    if not {"Text#", "Type", "Title", "Language", "Authors"} <= set(table.fieldnames or ()):
        raise HeadwaterError(f"{url}: not the catalogue; its columns are {table.fieldnames}")
    try:
        return {
            int(row["Text#"]): {key: value or "" for key, value in row.items() if isinstance(key, str)}
            for row in table
            if row["Type"] == "Text" and (row["Text#"] or "").isdigit()
        }
    except csv.Error as error:
        raise HeadwaterError(f"{url}: not the catalogue ({error})") from error
