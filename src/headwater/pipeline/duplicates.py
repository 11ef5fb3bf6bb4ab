"""Duplicates over a whole corpus, as tasks of the engine; partitions are exchanged through files.

    duplicate-keys/       one a shard: keys by channel and partition, ranks
    duplicates/…-url, …-exact, …-near    what leaves, by position
    duplicate-buckets/    one a partition of a band: documents that share a key
    duplicate-index/      what a later recipe needs of this corpus (`against`)
    earlier/              the files of such an index, where it or this workspace is in a store

Addresses first, then equal texts, then near-duplicates, each among those that the ones before left.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.curate.duplicates.exchange import partitions
from headwater.curate.duplicates.index import Index, open_index
from headwater.curate.duplicates.keys import BAND_CHANNELS
from headwater.curate.duplicates.keys import VERSION as KEYS
from headwater.curate.steps import DuplicatesStep, PassagesStep, families_of
from headwater.engine.stages import Task, run_stage
from headwater.engine.store import is_url
from headwater.engine.workspace import Entry, Workspace, commit_file, content_key, read_json
from headwater.errors import HeadwaterError, redacted
from headwater.pipeline.curation_steps import VERSION, CurationRun
from headwater.pipeline.snapshot import files_of
from headwater.recipe.settings import Duplicates
from headwater.signals.measure import family_key

PACKAGE = "headwater.curate.duplicates"


@dataclass
class Corpus:
    """The shards that are compared: those of an earlier corpus first, then the recipe's own."""

    run: CurationRun
    number: int  # of the plan's step
    settings: Duplicates
    earlier: Index | None
    earlier_key: str
    shards: list[dict[str, Any]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)  # what the shards are, for keys of tasks

    @property
    def before(self) -> dict[str, Any]:
        """What `standings` needs of the earlier corpus."""
        return (
            {"rows": self.earlier.rows, "left": self.earlier.left}
            if self.earlier
            else {"rows": 0, "left": []}
        )

    def first_positions(self) -> dict[str, int]:
        """The position of the first row of each of the recipe's own shards."""
        first, at = {}, 0
        for shard in self.shards:
            first[shard["shard"]] = at  # an earlier shard of that name comes before, and is written over
            at += shard["rows"]
        return first

    def part(self, channel: str, part: int) -> list[dict[str, Any]]:
        """The shards as a partition's task reads them."""
        return [
            {
                "keys": one["keys"],
                "ranks": one["ranks"],
                "rows": one["rows"],
                "run": one["runs"][channel][part : part + 2],
            }
            for one in self.shards
        ]

    def stage(self, kind: str, suffix: str = "") -> str:
        name = self.run.stage_name(kind, self.number + 1)
        # an earlier corpus is no part of the plan's key but as a path
        tail = f"-{self.earlier_key[:6]}" if self.earlier else ""
        return f"{name}{tail}{suffix}"

    def tasks(
        self, kind: str, function: str, title: str, wanted: dict[str, dict[str, Any]], inputs: list[Any]
    ) -> list[Entry]:
        """Runs a task for each of `wanted`: shard -> arguments that its key does not name by content."""
        tasks = [
            Task(
                shard,
                content_key(
                    function, VERSION, shard, self.settings.policy, self.earlier_key, self.inputs, inputs
                ),
                f"{PACKAGE}.{function}",
                arguments,
            )
            for shard, arguments in wanted.items()
        ]
        return run_stage(self.run.workspace, kind, tasks, workers=self.run.workers, title=title)


def find_duplicates(run: CurationRun, number: int, step: DuplicatesStep) -> str:
    """Takes the duplicates of one step out of the run's decisions; the stage of their index."""
    settings, near = step.settings, step.settings.near
    channels = (
        ["url"] * settings.url + ["exact"] * settings.exact + (BAND_CHANNELS if near is not None else [])
    )
    corpus = spread(run, number, step, channels)
    parts = len(corpus.shards[0]["runs"][channels[0]]) - 1
    left: dict[str, list[Entry]] = {}
    for kind in ("url", "exact"):
        if kind in channels:
            arguments = {
                f"part-{part:05d}": {
                    "spreads": corpus.part(kind, part),
                    "left": _files(left),
                    "policy": settings.policy,
                    "earlier": corpus.before,
                }
                for part in range(parts)
            }
            entries = corpus.tasks(corpus.stage("duplicates", f"-{kind}"), "equal:equal_shard", f"{kind} duplicates",
                                   arguments, _prints(left))  # fmt: skip
            left[f"{kind}_duplicate"] = entries
    if near is not None:
        arguments = {
            f"{channel}-{part:05d}": {"spreads": corpus.part(channel, part), "left": _files(left)}
            for channel in BAND_CHANNELS
            for part in range(parts)
        }
        buckets = corpus.tasks(
            corpus.stage("duplicate-buckets"), "near:buckets_shard", "buckets", arguments, _prints(left)
        )
        chosen: dict[str, Any] = {
            "spreads": corpus.part(BAND_CHANNELS[0], 0),
            "signatures": [shard["signatures"] for shard in corpus.shards],
            "buckets": [[str(entry.path("members")), str(entry.path("starts"))] for entry in buckets],
            "similarity": near.similarity,
            "policy": settings.policy,
            "earlier": corpus.before,
        }
        prints = [near.similarity, *(entry.fingerprint for entry in buckets)]
        left["near_duplicate"] = corpus.tasks(
            corpus.stage("duplicates", "-near"),
            "near:cluster_shard",
            "near-duplicates",
            {"all": chosen},
            prints,
        )
    run.leave_as_duplicates(number, left, corpus.first_positions())
    return _index(corpus, step, channels, left)


def spread(run: CurationRun, number: int, step: DuplicatesStep | PassagesStep, channels: list[str]) -> Corpus:
    """Keys and ranks of every document alive, those of the earlier corpus included."""
    settings = step.settings if isinstance(step, DuplicatesStep) else step.duplicates
    header = _header(step, channels)
    earlier, earlier_key = (
        (None, "") if settings.against is None else earlier_index(run, settings.against, header)
    )
    corpus = Corpus(run, number, settings, earlier, earlier_key)
    families = sorted(families_of(step))
    signals, editions = run.signals(families), run.edition_entries()
    parts = partitions(run.ingested.documents)
    if earlier is not None:
        parts = int(earlier.header["parts"])
    order = {source: place for place, source in enumerate(run.ingested.stages)}
    tasks = []
    for entry in run.ingested.shards:
        files = {family: signals[family, entry.shard] for family in families}
        chosen = {
            "tracks": list(step.tracks),
            "by_language": run.by_language(entry.shard),
            "channels": channels,
            "parts": parts,
            "policy": settings.policy,
            "quality": settings.quality if settings.policy == "best" else "",
            "source": order[run.ingested.source_of[entry.shard]],
        }
        decisions = run.decisions[entry.shard]
        prints = [
            entry.fingerprint,
            decisions.fingerprint,
            *(one.fingerprint for some in files.values() for one in some),
        ]
        arguments = {
            "documents": str(entry.path()),
            "decisions": str(decisions.path()),
            "signals": {family: [str(one.path()) for one in some] for family, some in files.items()},
            **chosen,
        }
        tasks.append(
            Task(
                entry.shard,
                content_key("keys", VERSION, KEYS, chosen, prints),
                f"{PACKAGE}.keys:keys_shard",
                arguments,
            )
        )
    made = run_stage(
        run.workspace, corpus.stage("duplicate-keys"), tasks, workers=run.workers, title="keys of documents"
    )
    if earlier is not None:
        corpus.shards += earlier.shards
    for entry, keys in zip(run.ingested.shards, made, strict=True):
        texts = [*(edition[entry.shard] for edition in editions), entry]
        signed = signals.get(("minhash", entry.shard), [])
        corpus.shards.append(
            {
                "shard": entry.shard,
                "documents": keys.result["documents"],
                "rows": keys.result["rows"],
                "bytes": entry.result["bytes"],
                "keys": str(keys.path("keys")),
                "ranks": str(keys.path("ranks")),
                "runs": keys.result["runs"],
                "signatures": [str(one.path()) for one in signed],
                "texts": [str(one.path()) for one in texts],
                "decisions": str(run.decisions[entry.shard].path()),
                "tracks": list(step.tracks),
                "by_language": run.by_language(entry.shard),
            }
        )
        corpus.inputs += [keys.fingerprint, *(one.fingerprint for one in [*signed, *texts])]
    return corpus


def _files(left: dict[str, list[Entry]]) -> list[str]:
    return [str(entry.path("left")) for entries in left.values() for entry in entries]


def _prints(left: dict[str, list[Entry]]) -> list[str]:
    return [entry.fingerprint for entries in left.values() for entry in entries]


# ---------------------------------------------------------------- the index of a corpus


def _header(step: DuplicatesStep | PassagesStep, channels: list[str]) -> dict[str, Any]:
    """What two corpora must agree in to be compared."""
    families = {family: family_key(family) for family in ("hashes", "minhash")}
    return {"version": VERSION, "keys": KEYS, "tracks": list(step.tracks), "channels": channels, **families}


def _index(corpus: Corpus, step: DuplicatesStep, channels: list[str], left: dict[str, list[Entry]]) -> str:
    run = corpus.run
    root = run.workspace.path
    parts = len(corpus.shards[0]["runs"][channels[0]]) - 1
    files: dict[str, list[Any]] = {}
    for entry in _named(corpus, left):
        for suffix, record in entry.files.items():
            files[str(entry.path(suffix))] = [record.bytes, record.xxh3]
    if corpus.earlier is not None:
        files |= corpus.earlier.files
    header = _header(step, channels) | {"parts": parts}
    arguments = {
        "root": str(root),
        "shards": corpus.shards,
        "left": _files(left),
        "header": header,
        "files": dict(sorted(files.items())),
    }
    name = corpus.stage("duplicate-index")
    key = content_key(
        "index", VERSION, header, corpus.earlier_key, corpus.inputs, _prints(left), sorted(files.values())
    )
    task = Task("index", key, f"{PACKAGE}.index:index_shard", arguments)
    run_stage(run.workspace, name, [task], workers=0, title="index of the corpus")
    return name


def _named(corpus: Corpus, left: dict[str, list[Entry]]) -> Iterator[Entry]:
    """The entries whose files a later corpus reads."""
    run = corpus.run
    yield from run.workspace.stage(corpus.stage("duplicate-keys")).entries().values()
    for entries in left.values():
        yield from entries
    # the decisions of the step before this one: who took part
    yield from run.workspace.stage(run.stage_name("decisions", corpus.number)).entries().values()
    if corpus.settings.near is not None:
        yield from (entry for some in run.signals(["minhash"]).values() for entry in some)
    yield from run.ingested.shards
    for edition in run.edition_entries():
        yield from edition.values()


def earlier_index(run: CurationRun, against: str, wanted: dict[str, Any]) -> tuple[Index, str]:
    """The index that `against` names, checked, and what names its content.

    HeadwaterError where there is none, or several: then workspace/recipes/NAME.json names the recipe.
    """
    place = against if is_url(against) else str(run.folder / against)
    whole, _, recipe = place.rpartition("/recipes/") if place.endswith(".json") else (place, "", "")
    if not is_url(whole) and not Path(whole).is_dir():
        raise HeadwaterError(_no_index(place))
    earlier = Workspace(whole, partial=True)
    found = []
    recipes = earlier.path / "recipes"
    for record in [recipes / recipe] if recipe else files_of(earlier.path):
        said = read_json(record) or {}
        for stage in said.get("duplicates", []):
            if (entry := earlier.stage(stage).entry("index")) is not None:
                found.append((record, entry))
    if not found:
        raise HeadwaterError(_no_index(place))
    fitting = [
        one for one in found if one[1].result.get("header", {}).get("tracks") == wanted["tracks"]
    ] or found
    if len(fitting) > 1:
        names = ", ".join(sorted({f"{whole}/recipes/{record.name}" for record, _ in fitting}))
        raise HeadwaterError(f"curate.duplicates.against: {place} holds several indexes; name one of {names}")
    [(_, entry)] = fitting
    key = content_key(entry.key, entry.result)
    root = earlier.path
    if earlier.store is not None or run.workspace.store is not None:
        root = _brought(run.workspace, earlier, entry.result["files"], key)
    return open_index(root, entry.result, wanted), key


def _no_index(place: str) -> str:
    return f"curate.duplicates.against: {redacted(place)} holds no index of duplicates; curate a recipe with duplicates there first"


def _brought(workspace: Workspace, earlier: Workspace, names: Iterable[str], key: str) -> Path:
    """The index's files below `earlier/<key>/` of this workspace: where one of the two is in a store, other machines, and
    later corpora, see no other folder. HeadwaterError where the earlier corpus knows of files that are not its own."""
    folder = workspace.path / "earlier" / key[:12]
    for name in names:
        if Path(name).is_absolute():
            raise HeadwaterError(
                f"curate.duplicates.against: the earlier corpus was itself held against one outside of its workspace ({name}); "
                "put that one into a store, and run its recipe again"
            )
        if (folder / name).is_file():
            continue
        if earlier.store is not None:
            earlier.store.here(name)
        if (earlier.path / name).is_file():  # else the index is not whole, and says so when it is opened
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            temporary = (folder / name).with_name(f".{Path(name).name}.tmp")
            shutil.copyfile(earlier.path / name, temporary)
            commit_file(temporary, folder / name)
    workspace.used.add(str(folder.relative_to(workspace.path)))
    return folder
