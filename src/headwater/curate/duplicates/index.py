"""What a later corpus needs of this one: its documents' keys, ranks and signatures, and who left.

`index_shard` names the files, which a curation has left in its workspace, with their sizes and hashes; nothing is
copied. `open_index` checks them all before one is believed: a file that is missing, shorter or other than it was, a
count that does not add up, or keys of another version of the code are refused by name.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.curate.duplicates.exchange import KEY
from headwater.curate.duplicates.survivors import RANK
from headwater.engine.workspace import Output, file_hash
from headwater.errors import HeadwaterError

FORMAT = 1


@dataclass(frozen=True)
class Index:
    """An earlier corpus. `shards` are as `index_shard` was given them, with absolute paths."""

    root: Path
    header: dict[str, Any]
    shards: list[dict[str, Any]]
    left: list[str]
    files: dict[str, list[Any]]  # path -> [bytes, xxh3-128]

    @property
    def rows(self) -> int:
        return sum(shard["rows"] for shard in self.shards)


def index_shard(
    out: Output,
    *,
    root: str,
    shards: list[dict[str, Any]],
    left: list[str],
    header: dict[str, Any],
    files: dict[str, list[Any]],
) -> dict[str, Any]:
    """Shard function: the entry is the index; `.index` is empty. Paths within `root` are written relative to it.

    A shard is {"shard", "documents", "rows", "keys", "ranks", "runs", "signatures": […], "texts": […], "decisions"};
    `left`: files of what left; `files`: path -> [bytes, xxh3-128] of all of these.
    """
    out.path("index").touch()

    def relative(value: Any) -> Any:
        if isinstance(value, str):
            return value.removeprefix(f"{root}/")
        if isinstance(value, list):
            return [relative(one) for one in value]
        return (
            {relative(key): relative(one) for key, one in value.items()} if isinstance(value, dict) else value
        )

    return {
        "format": FORMAT,
        "header": header,
        "documents": sum(shard["documents"] for shard in shards),
        "shards": relative(shards),
        "left": relative(left),
        "files": relative(files),
    }


def open_index(root: Path, result: dict[str, Any], header: dict[str, Any]) -> Index:
    """The index, every file of it checked; HeadwaterError says which one is not as it was, or what differs."""
    advice = "run the recipe of that workspace again, or leave curate.duplicates.against out"
    if result.get("format") != FORMAT or (differ := _differing(result["header"], header)):
        what = f": {differ}" if result.get("format") == FORMAT else ""
        raise HeadwaterError(
            f"the index in {root} is stale, made by other keys than those of today{what}; {advice}"
        )
    for name, (size, said) in result["files"].items():
        path = root / name
        if not path.is_file():
            raise HeadwaterError(f"the index in {root} is not whole: {name} is missing; {advice}")
        if path.stat().st_size != size:
            raise HeadwaterError(
                f"the index in {root} is not whole: {name} has {path.stat().st_size:,} bytes and had {size:,}; {advice}"
            )
        if file_hash(path) != said:
            raise HeadwaterError(
                f"the index in {root} is damaged: {name} is not what it was (checksum); {advice}"
            )
    shards = [
        {key: _absolute(root, key, value) for key, value in shard.items()} for shard in result["shards"]
    ]
    for shard in shards:
        keys = max((run[-1] for run in shard["runs"].values()), default=0)
        sizes = (Path(shard["keys"]).stat().st_size, Path(shard["ranks"]).stat().st_size)
        if sizes != (keys * KEY.itemsize, shard["rows"] * RANK.itemsize):
            raise HeadwaterError(
                f"the index in {root} does not add up: {shard['shard']} should hold {keys:,} keys of "
                f"{shard['rows']:,} documents; {advice}"
            )
    if sum(shard["documents"] for shard in shards) != result["documents"]:
        raise HeadwaterError(
            f"the index in {root} does not add up to {result['documents']:,} documents; {advice}"
        )
    files = {str(root / name): said for name, said in result["files"].items()}
    return Index(root, result["header"], shards, [str(root / name) for name in result["left"]], files)


def _absolute(root: Path, key: str, value: Any) -> Any:
    if key in ("keys", "ranks", "decisions"):
        return str(root / value)
    return [str(root / one) for one in value] if key in ("signatures", "texts") else value


def _differing(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The first thing in which an index differs from what is asked of it."""
    for name, value in new.items():
        if name == "channels":
            if missing := sorted(set(value) - set(old[name])):
                return f"it has no keys of {missing[0]}, made without that part of curate.duplicates"
        elif old.get(name) != value:
            return f"{name} is {old.get(name)} there and {value} here"
    return ""
