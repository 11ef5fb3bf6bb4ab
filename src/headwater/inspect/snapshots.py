"""What belongs to a recipe in a workspace: where every question starts.

`recipes/<name>.json` (written by the pipeline) names the stages that a recipe has made; only their committed
shards are read. What was made of other documents than are there now, since the input changed and not all was made
anew, is not read: signals shard by shard, the ledger as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.engine.store import is_url
from headwater.engine.workspace import Entry, Workspace, read_json
from headwater.errors import HeadwaterError
from headwater.pipeline.snapshot import files_of, shards_key, signals_key
from headwater.pipeline.source_profile import thinned
from headwater.signals.quantiles import rank


@dataclass(frozen=True)
class Snapshot:
    """One recipe's stages."""

    workspace: Workspace
    record: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.record["name"])

    @property
    def recipe(self) -> dict[str, Any]:
        recipe: dict[str, Any] = self.record["recipe"]
        return recipe

    @cached_property
    def documents(self) -> dict[str, dict[str, Entry]]:
        """Stage -> shard -> entry, in the recipe's order of sources; a source that documents were taken down from has
        two stages."""
        found: dict[str, dict[str, Entry]] = {}
        for source, name in self.record["documents"].items():
            changed = self.takedown["less"].get(source)
            instead = self.entries(changed) if changed else {}
            read = self.entries(name)
            found[name] = {shard: entry for shard, entry in read.items() if shard not in instead}
            if changed:
                found[changed] = instead
        return found

    @property
    def takedown(self) -> dict[str, Any]:
        """`less`: source -> stage of the shards that documents were taken down from; `taken`: the stage that names
        these documents, or None."""
        known: dict[str, Any] = self.record.get("takedown") or {"less": {}, "taken": None}
        return known

    def of_source(self, source: str) -> list[Entry]:
        """The documents' shards of one source."""
        return [entry for name in self.stages_of(source) for entry in self.documents[name].values()]

    def stages_of(self, source: str) -> list[str]:
        """The stages that hold the documents of one source: one, or two where some were taken down."""
        names = (self.record["documents"][source], self.takedown["less"].get(source))
        return [name for name in names if name]

    @cached_property
    def shards(self) -> dict[str, Entry]:
        """The documents' shards over all sources, by name."""
        return {shard: entry for entries in self.documents.values() for shard, entry in entries.items()}

    @cached_property
    def ledger(self) -> dict[str, Entry]:
        """None where it was made of other documents than are there now."""
        made = self._ledger
        return made if self._are("key", self.shards) and self._are("ledger_key", made) else {}

    @property
    def older(self) -> bool:
        """Whether there is a ledger, but of documents that have changed since."""
        return bool(self._ledger) and not self.ledger

    @cached_property
    def _ledger(self) -> dict[str, Entry]:
        name = self.record.get("ledger")
        return self.workspace.stage(name).entries() if name else {}

    def _are(self, name: str, shards: dict[str, Entry]) -> bool:
        """Whether these shards hold what they held when the recipe's file was written; files of before have no keys."""
        return name not in self.record or self.record[name] == shards_key(shards)

    def no_ledger(self, recipe_path: Path) -> HeadwaterError:
        why = "'s ledger is older than its documents" if self.older else " has no ledger yet"
        return HeadwaterError(f"{self.name}{why}: headwater curate {recipe_path}")

    @property
    def exact(self) -> bool:
        """Whether the recipe's file says by which key each family measured: one that an earlier version wrote does not."""
        return "families" in self.record

    @property
    def families(self) -> list[str]:
        return list(self.record.get("signals", {}))

    def signals(self, texts_stage: str) -> dict[str, dict[str, Entry]]:
        """Family -> shard -> entry, of the texts of one stage: documents, or an edition of them."""
        return {family: self.of_family(family, texts_stage) for family in self.families}

    def of_family(self, family: str, texts_stage: str) -> dict[str, Entry]:
        """The same of one family; none where it did not measure these texts, as they are now."""
        names = self.record.get("signals", {}).get(family)
        if not names:
            return {}
        stage = f"{Path(names[0]).parent}/{texts_stage.replace('/', '-')}"
        if stage not in self._measured:
            found, key = self.entries(stage), self.record.get("families", {}).get(family)
            if key is not None:
                texts = self.entries(texts_stage)
                found = {
                    shard: entry
                    for shard, entry in found.items()
                    if shard in texts and entry.key == signals_key(family, key, texts[shard])
                }
            self._measured[stage] = found
        return self._measured[stage]

    def measured(self, family: str, source: str) -> list[Entry]:
        """The same of the documents of one source, as they were read."""
        found = []
        for stage in self.stages_of(source):
            entries = self.of_family(family, stage)
            found += [entries[shard] for shard in self.documents[stage] if shard in entries]
        return found

    def entries(self, stage: str) -> dict[str, Entry]:
        """A stage's shards by name, read once."""
        if stage not in self._read:
            self._read[stage] = self.workspace.stage(stage).entries()
        return self._read[stage]

    @cached_property
    def _read(self) -> dict[str, dict[str, Entry]]:
        return {}

    @cached_property
    def _measured(self) -> dict[str, dict[str, Entry]]:
        return {}

    def sketches(self, signal: str, source: str | None = None) -> list[dict[str, Any]]:
        """The quantiles of a signal that were kept with its shards (of one source, or of all), of texts as read.

        Of very many shards some are taken (`thinned`).
        """
        family = signal.partition(".")[0]
        entries: list[Entry] = []
        for name in self.record["documents"]:
            if source in (None, name):
                entries += self.measured(family, name)
        found = [entry.result.get("quantiles", {}).get(signal) for entry in thinned(entries)]
        return [sketch for sketch in found if sketch is not None]

    def percentile(self, signal: str, value: Any) -> float | None:
        """The share of the recipe's documents, as read, with a smaller value."""
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            return None
        if signal not in self._sketches:
            self._sketches[signal] = self.sketches(signal)
        return rank(float(value), self._sketches[signal])

    @cached_property
    def _sketches(self) -> dict[str, list[dict[str, Any]]]:
        return {}

    @cached_property
    def plan(self) -> dict[str, Any]:
        """The compiled plan as the ledger holds it: tracks, presets, reasons by number, steps."""
        entry = next(iter(self.ledger.values()), None)
        plan: dict[str, Any] = (
            entry.result["plan"] if entry else {"tracks": [], "presets": {}, "reasons": [], "steps": []}
        )
        return plan

    @cached_property
    def editions(self) -> list[tuple[int, str]]:
        """(step of the plan, stage) of every edit, oldest first."""
        entry = next(iter(self.ledger.values()), None)
        return [(edition["step"], edition["stage"]) for edition in entry.result["editions"]] if entry else []

    @cached_property
    def stage_of(self) -> dict[str, str]:
        """Shard -> documents stage."""
        return {shard: stage for stage, entries in self.documents.items() for shard in entries}

    @cached_property
    def source_of(self) -> dict[str, str]:
        """Shard -> source."""
        return {
            shard: source
            for source in self.record["documents"]
            for stage in self.stages_of(source)
            for shard in self.documents[stage]
        }

    def indexed_texts(self) -> Iterator[list[Path]]:
        """The text files of each shard that duplicates were looked for in, an earlier corpus included: editions, the
        newest first, and the documents."""
        for stage in self.record.get("duplicates", []):
            index = self.workspace.stage(stage).entry("index")
            for shard in index.result["shards"] if index is not None else []:
                paths = [self.workspace.path / name for name in shard["texts"]]
                if all(path.is_file() for path in paths):
                    yield paths

    @property
    def training_set(self) -> Path | None:
        name = self.record.get("training_set")
        return self.workspace.path / name if name else None


def open_workspace(workspace: Workspace | Path | str) -> Workspace:
    """The workspace at that path; raises HeadwaterError where there is none (a question makes no folder)."""
    if isinstance(workspace, Workspace):
        return workspace
    if not is_url(workspace) and not Path(workspace).is_dir():
        raise HeadwaterError(
            f"no workspace at {workspace}; name one with --workspace, or make one: headwater run recipe.yaml"
        )
    place = Workspace(workspace)
    if place.store is not None and not place.store.latest()[0]:
        raise HeadwaterError(f"no workspace at {workspace}; make one: headwater run recipe.yaml")
    return place


def snapshots(workspace: Workspace, recipe: str | None = None) -> list[Snapshot]:
    """The recipes that the workspace knows, by name; raises HeadwaterError where there is none (of that name)."""
    found = [
        Snapshot(workspace, record)
        for path in files_of(workspace.path)
        if (record := read_json(path)) is not None
    ]
    if not found:
        raise HeadwaterError(
            f"{workspace.path} holds nothing that was made from a recipe yet; start with: headwater run recipe.yaml"
        )
    if recipe is not None:
        chosen = [snapshot for snapshot in found if snapshot.name == recipe]
        if not chosen:
            names = ", ".join(snapshot.name for snapshot in found)
            raise HeadwaterError(f"{workspace.path} has no recipe {recipe!r}; it has {names}")
        return chosen
    return found


def row_at(path: Path, row: int, columns: list[str] | None = None) -> dict[str, Any]:
    """One row of a shard; only its row group is read."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row < rows:
                table = file.read_row_group(group, columns=columns).slice(row, 1)
                found: dict[str, Any] = table.to_pylist()[0]
                return found
            row -= rows
    raise HeadwaterError(f"{path} has no such row; `headwater verify` says whether the file has changed")


def find_ids(path: Path, prefix: str) -> Iterator[tuple[int, str]]:
    """(row, id) of the documents in a shard whose id begins so."""
    with pq.ParquetFile(path) as file:
        position = 0
        for group in range(file.num_row_groups):
            ids = file.read_row_group(group, columns=["id"])["id"]
            for row in pc.indices_nonzero(pc.starts_with(ids, prefix)).to_pylist():
                yield position + row, ids[row].as_py()
            position += len(ids)
