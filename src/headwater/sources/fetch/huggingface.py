"""Files of a Hugging Face repository, at one commit.

    <base>/api/datasets/org/name/revision/main          sha of the commit, licence, whether access is gated
    <base>/api/datasets/org/name/tree/<sha>?recursive=true   paths, sizes, git ids, SHA-256 of what is in LFS
    <base>/datasets/org/name/resolve/<sha>/<path>       the file, often by a redirect to a content network

Every file is checked: by its SHA-256 where it is in LFS, else by its git id. A token in HF_TOKEN is sent to the hub,
and not to where it redirects.
"""

import fnmatch
import json
import os
import re
from typing import Any
from urllib.parse import quote, urlsplit

from headwater.errors import HeadwaterError, RecipeError
from headwater.sources.fetch.asking import Client
from headwater.sources.fetch.connection import header_of
from headwater.sources.fetch.download import Piece, Wanted
from headwater.sources.fetch.sample import Plan, Request, left_out, plain_name, within

BASE = "https://huggingface.co"
DELAY = 0.2
TEXTS = ("parquet", "jsonl", "jsonl.gz", "jsonl.zst", "json", "csv", "tsv", "txt", "txt.gz", "md")
PAGES = 1000  # of a listing, 1,000 files each
_NEXT = re.compile(r'<([^<>]{1,2000})>\s*;\s*rel="?next"?')


def request(
    *,
    repository: str,
    revision: str = "main",
    allow: tuple[str, ...] = (),
    repository_type: str = "dataset",
    max_bytes: int,
    base_url: str | None = None,
) -> Request:
    """repository: `org/name`. allow: glob patterns of paths (`zh/*.parquet`); `*` goes over folders too."""
    if not re.fullmatch(r"[\w.-]{1,96}/[\w.-]{1,96}", repository, re.ASCII) or ".." in repository:
        raise RecipeError(f"{repository!r}: expected a repository as org/name")
    if not re.fullmatch(r"[\w./-]{1,200}", revision, re.ASCII):
        raise RecipeError(f"--revision {revision!r}: expected a branch, a tag or a commit")
    asked: dict[str, Any] = {
        "kind": "huggingface", "repository": repository, "type": repository_type, "revision": revision,
        "allow": list(allow), "max_bytes": max_bytes, "base_url": base_url,
    }  # fmt: skip
    base = (base_url or BASE).rstrip("/")
    token = os.environ.get("HF_TOKEN", "").strip()
    secrets = {urlsplit(base).netloc: {"Authorization": f"Bearer {token}"}} if token else {}
    return Request(
        asked,
        lambda client: _plan(client, base, repository, revision, allow, repository_type, max_bytes),
        DELAY,
        secrets=secrets,
    )


def _plan(
    client: Client, base: str, name: str, revision: str, allow: tuple[str, ...], kind: str, max_bytes: int
) -> Plan:
    place = f"{base}/api/{kind}s/{name}"
    about = client.json(f"{place}/revision/{quote(revision, safe='')}")
    try:
        commit = str(about["sha"])
        if not re.fullmatch(r"[0-9a-f]{40}", commit):
            raise ValueError(f"sha {commit!r}")
        card = about.get("cardData") or {}
        changed = str(about.get("lastModified") or "")[:10]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HeadwaterError(f"{place}: not as expected ({error!r})") from error
    files = [
        file for file in _tree(client, f"{place}/tree/{commit}?recursive=true") if file.get("type") == "file"
    ]
    chosen: list[dict[str, Any]] = []
    passed: list[dict[str, Any]] = []
    for file in sorted(files, key=lambda file: str(file["path"])):
        path = str(file["path"])
        fits = any(fnmatch.fnmatchcase(path, pattern) for pattern in allow) if allow else _is_text(path)
        (chosen if fits else passed).append(file)
    prefix = "" if kind == "model" else f"{kind}s/"
    try:
        wanted = [
            Wanted(
                plain_name(str(file["path"])),
                (Piece(f"{base}/{prefix}{name}/resolve/{commit}/{quote(str(file['path']))}"),),
                int(file["size"]),
                {"sha256": file["lfs"]["oid"]} if file.get("lfs") else {"git": str(file["oid"])},
            )
            for file in chosen
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise HeadwaterError(f"{place}/tree/{commit}: not as expected ({error!r})") from error
    if not wanted:
        raise HeadwaterError(
            f"{name} has no file that fits ({', '.join(allow) or 'texts and tables'}); it has "
            f"{', '.join(str(file['path']) for file in files[:8])}"
        )
    kept, rest = within(wanted, max_bytes)
    if passed:
        rest |= left_out("does not fit --allow" if allow else "no text or table", [f["path"] for f in passed])
    licenses = card.get("license") if isinstance(card, dict) else None
    return Plan(
        source=f"{base}/{prefix}{name}/tree/{commit}",
        version=commit,
        date=changed or None,
        license=", ".join(licenses) if isinstance(licenses, list) else str(licenses or "not declared"),
        wanted=kept,
        read_by={"kind": "files", "paths": sorted({_glob(one.path) for one in kept})},
        left_out=rest,
        about={"gated": True} if about.get("gated") else {},
    )


def _tree(client: Client, url: str) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = []
    host = urlsplit(url).netloc
    for _ in range(PAGES):
        body, headers = client.listing(url)
        files += _entries(url, body)
        following = _NEXT.search(header_of(headers, "Link")[:4000])
        if following is None:
            return files
        url = following[1]
        if urlsplit(url).netloc != host:
            raise HeadwaterError(f"{url}: the list of files goes on at another server than {host}")
    raise HeadwaterError(f"{url}: more than {PAGES} pages of files; choose some with --allow")


def _entries(url: str, body: bytes) -> list[dict[str, Any]]:
    try:
        entries = json.loads(body)
        return [{**entry, "path": str(entry["path"])} for entry in entries]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise HeadwaterError(f"{url}: not a list of files ({error!r})") from error


def _is_text(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    named = name in ("readme.md", "dataset_infos.json", "config.json", "license.md", "license.txt")
    return not named and not name.startswith(".") and name.endswith(tuple(f".{ending}" for ending in TEXTS))


def _glob(path: str) -> str:
    name = path.rpartition("/")[2]
    ending = name[name.index(".", 1) :] if "." in name[1:] else ""
    for known in TEXTS:
        if name.endswith(f".{known}"):
            ending = f".{known}"
    return "{out}/" + ("**/" if "/" in path else "") + f"*{ending}"
