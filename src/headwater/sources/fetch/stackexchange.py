"""Stack Exchange's data dump from the Internet Archive: a site's archives, by name.

    <base>/metadata/stackexchange               JSON: metadata, and files with name, size, md5, sha1, mtime
    <base>/download/stackexchange/<name>        redirects to the server that has it

A site is one archive (`chinese.stackexchange.com.7z`) or, where it is large, one for each table
(`stackoverflow.com-Posts.7z`). Dumps since 2024 are items of their own: `--item stackexchange_20240630`.
"""

import re
from datetime import UTC, datetime
from urllib.parse import quote

from headwater.errors import HeadwaterError, RecipeError
from headwater.sources.fetch.asking import Client
from headwater.sources.fetch.download import Piece, Wanted
from headwater.sources.fetch.sample import Plan, Request, plain_name, within

BASE = "https://archive.org"
DELAY = 1.0
NAMED = 8  # sites in a message


def request(
    *, site: str, item: str = "stackexchange", max_bytes: int, base_url: str | None = None
) -> Request:
    """site: `chinese`, `chinese.stackexchange.com`, `stackoverflow.com`, `meta.superuser.com`."""
    if not re.fullmatch(r"[a-z0-9.-]{2,80}", site):
        raise RecipeError(f"{site!r}: expected a site such as chinese or stackoverflow.com")
    if not re.fullmatch(r"[\w.-]{2,100}", item, re.ASCII):
        raise RecipeError(f"--item {item!r}: expected an item of archive.org such as stackexchange_20240630")
    asked = {
        "kind": "stackexchange",
        "site": site,
        "item": item,
        "max_bytes": max_bytes,
        "base_url": base_url,
    }
    base = (base_url or BASE).rstrip("/")
    return Request(asked, lambda client: _plan(client, base, site, item, max_bytes), DELAY)


def _plan(client: Client, base: str, site: str, item: str, max_bytes: int) -> Plan:
    record = client.json(f"{base}/metadata/{item}")
    if not isinstance(record, dict) or not record.get("files"):
        raise HeadwaterError(f"{base} has no item {item!r} with files in it; is --item right?")
    try:
        files = {str(file["name"]): file for file in record["files"] if str(file["name"]).endswith(".7z")}
        names = _archives(site, list(files))
        if not names:
            raise RecipeError(
                f"{item} has no site {site!r}; it has {', '.join(_sites(list(files), site)[:NAMED])}, …"
            )
        wanted = [
            Wanted(
                plain_name(name).rpartition("/")[2],
                (Piece(f"{base}/download/{item}/{quote(name)}"),),
                int(files[name]["size"]),
                {kind: files[name][kind] for kind in ("md5", "sha1") if files[name].get(kind)},
            )
            for name in names
        ]
        changed = max(int(files[name].get("mtime", 0)) for name in names)
    except (KeyError, TypeError, ValueError) as error:
        raise HeadwaterError(f"{base}/metadata/{item}: not as expected ({error!r})") from error
    kept, rest = within(wanted, max_bytes)
    day = datetime.fromtimestamp(changed, UTC).strftime("%Y-%m-%d")
    about = record.get("metadata")
    return Plan(
        source=f"{base}/details/{item}",
        version=f"{item} of {day}",
        date=day,
        license=str((about or {}).get("licenseurl") or "CC BY-SA (see the archive's own licence file)"),
        wanted=kept,
        read_by={"kind": "forum", "paths": ["{out}/*.7z"]},
        left_out=rest,
    )


def _archives(site: str, names: list[str]) -> list[str]:
    """The archives of a site, of all its tables."""
    for full in (site, f"{site}.stackexchange.com", f"{site}.com"):
        bare = {name: name.rpartition("/")[2] for name in names}
        if found := sorted(n for n, b in bare.items() if b == f"{full}.7z" or b.startswith(f"{full}-")):
            return found
    return []


def _sites(names: list[str], like: str) -> list[str]:
    """The item's sites, those that are spelt alike first."""
    sites = {name.rpartition("/")[2].removesuffix(".7z").partition("-")[0] for name in names}
    return sorted(sites, key=lambda site: (like[:3] not in site, site))
