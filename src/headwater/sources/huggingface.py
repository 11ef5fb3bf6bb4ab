"""Data sets of a hub: `hf://datasets/org/name[@revision]`, or a local folder in that layout.

A revision is resolved to its commit once, when shards are planned; the commit is part of each shard's key and of
each document's meta, and ids do not depend on it. Which files make the split is what the card's `configs` say, else
what folders and names of files say. Licence and language are those of the card, where a row does not say them.
Only files are read: a data set's own script is never run. Endpoint and token come from HF_ENDPOINT and HF_TOKEN.
"""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from upath import UPath

from headwater.errors import HeadwaterError, RecipeError, of_store
from headwater.recipe.sources import HuggingfaceSource
from headwater.sources import files, listing
from headwater.sources.hub_card import Card, data_files, read_card
from headwater.sources.places import Listed, Place, is_remote, open_binary
from headwater.sources.records import Found, Record
from headwater.sources.saved import saved_to_disk

VERSION = 3
_PREFIX = "hf://datasets/"
_DEPTH = 6  # folders above a file in which its card is looked for
MAX_CARD = 1 << 20


def read(path: Place, source: HuggingfaceSource, context: dict[str, str] | None = None) -> Iterator[Record]:
    """The rows of one file, as kind `files` reads them, with what the card says."""
    known = context or {}
    said = {name: known[name] for name in ("license", "language") if name in known}
    meta = {name: known[name] for name in ("dataset", "commit", "config", "split") if name in known}
    for record in files.read(path, source):
        if isinstance(record, Found):
            record = Found(record.offset, record.text, said | record.fields, meta | record.meta)
        yield record


def expand(pattern: str, folder: Path, source: HuggingfaceSource) -> list[Listed] | None:
    """The files of a data set that is named as a whole, or of a hub's glob; None for a local glob or file."""
    if is_remote(pattern):
        if not pattern.startswith(_PREFIX):
            raise RecipeError(
                f"source {source.name!r}: {pattern} is no data set of a hub; write hf://datasets/org/name[@revision]"
            )
        return _remote(pattern, source)
    given = Path(pattern).expanduser()
    above, parts = listing.fixed(given)
    place = next((one for one in (folder / given, folder / above) if one.is_dir()), None)
    if place is None or (parts and place != folder / given):
        return None
    place = place.resolve()
    names = saved_to_disk(place, source.name, source.split)
    if not names:
        problems: listing.Problems = {}
        inside = [path for _, files in listing.files_below(place, problems) for path in files]
        if problems:
            raise RecipeError(listing.unreadable(source.name, problems))
        below = sorted(path.relative_to(place).as_posix() for path in inside)
        names = _chosen(below, _local_card(place), source, str(place))
    listed = []
    for name in names:
        stat = (place / name).stat()
        listed.append(Listed(place / name, f"{place.name}/{name}", stat.st_size, stat.st_ctime_ns))
    return listed


def _chosen(names: list[str], card: Card, source: HuggingfaceSource, where: str) -> list[str]:
    splits = data_files(names, card, source.config, where)
    if source.split == "all":
        return sorted({name for members in splits.values() for name in members})
    if source.split not in splits:
        raise RecipeError(
            f"source {source.name!r}: {where} has no split {source.split!r}; it has {', '.join(sorted(splits)) or 'none'} "
            "(`split: all` reads every one)"
        )
    return splits[source.split]


# ---------------------------------------------------------------- on a hub


def _remote(pattern: str, source: HuggingfaceSource) -> list[Listed]:
    from huggingface_hub import HfApi  # takes a second to import

    try:
        system = fsspec.filesystem("hf")
        system.invalidate_cache()
        resolved = system.resolve_path(pattern.removeprefix("hf://"))
        info = HfApi().repo_info(resolved.repo_id, revision=resolved.revision, repo_type="dataset")
        top = f"datasets/{resolved.repo_id}@{info.sha}"
        inside = resolved.path_in_repo
        found: dict[str, dict[str, Any]]
        if any(sign in inside for sign in "*?["):
            found = system.glob(f"{top}/{inside}", detail=True)
        else:
            found = system.find(f"{top}/{inside}".rstrip("/"), detail=True)
    except FileNotFoundError as error:
        raise RecipeError(f"source {source.name!r}: there is no {pattern} ({error})") from error
    except HeadwaterError:
        raise
    except Exception as error:
        raise of_store(pattern, error) from error
    entries = {
        name.partition("@")[2].partition("/")[2]: entry
        for name, entry in found.items()
        if entry["type"] == "file"
    }
    if not inside:
        card = _remote_card(UPath(f"hf://{top}/README.md")) if "README.md" in entries else Card()
        entries = {name: entries[name] for name in _chosen(sorted(entries), card, source, pattern)}
    if not entries:
        raise RecipeError(f"source {source.name!r}: nothing matches {pattern!r}")
    return [
        Listed(
            UPath(f"hf://{top}/{name}"), f"{resolved.repo_id}/{name}", entry["size"], version=_version(entry)
        )
        for name, entry in sorted(entries.items())
    ]


def _version(entry: dict[str, Any]) -> str:
    lfs = entry.get("lfs")
    return str(getattr(lfs, "sha256", None) or entry.get("blob_id") or entry.get("xet_hash"))


def _remote_card(place: UPath) -> Card:
    try:
        with open_binary(place) as file:
            return read_card(file.read(MAX_CARD), str(place))
    except FileNotFoundError:
        return Card()
    except HeadwaterError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return Card()
        raise


# ---------------------------------------------------------------- what the card says of a file


def contexts(source: HuggingfaceSource) -> Callable[[Place, str], dict[str, str]]:
    cards: dict[str, tuple[Card, str]] = {}

    def context(path: Place, relative: str) -> dict[str, str]:
        if isinstance(path, UPath) and str(path).startswith(_PREFIX):
            repository, _, rest = str(path).removeprefix(_PREFIX).partition("@")
            commit = rest.partition("/")[0]
            top = f"{_PREFIX}{repository}@{commit}"
            if top not in cards:
                cards[top] = _remote_card(UPath(f"{top}/README.md")), repository
            found = {"commit": commit}
        else:
            above = [path.parents[number] for number in range(min(_DEPTH, len(path.parents)))]
            folder = next((place for place in above if (place / "README.md").is_file()), path.parent)
            top = str(folder)
            if top not in cards:
                cards[top] = _local_card(folder), folder.name
            found = {}
        card, name = cards[top]
        found["dataset"] = name
        if card.license:
            found["license"] = card.license
        if card.language:
            found["language"] = card.language
        if source.config is not None:
            found["config"] = source.config
        if source.split != "all":
            found["split"] = source.split
        return found

    return context


def _local_card(folder: Place) -> Card:
    place = folder / "README.md"
    if not place.is_file():
        return Card()
    with open_binary(place) as file:
        return read_card(file.read(MAX_CARD), str(PurePosixPath(str(place))))
