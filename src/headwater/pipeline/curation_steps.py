"""The steps of a curation, each as tasks of the engine: what they read, what they are keyed by.

Keys name contents, never paths; a stage's folder names the documents and the steps up to it.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.curate.plan import Plan
from headwater.curate.privacy import read_key
from headwater.curate.repeats import partitions
from headwater.curate.steps import LinesStep, PrivacyStep, RulesStep, families_of
from headwater.engine.stages import Task, run_stage
from headwater.engine.workspace import Entry, Workspace, content_key
from headwater.pipeline.ingest import Ingested
from headwater.pipeline.measure import Measured, measure_texts

VERSION = 2  # 2: duplicates over the corpus by partitions, passages, personal data


@dataclass
class CurationRun:
    """Where a curation stands: the last decisions of every shard, and the editions so far."""

    workspace: Workspace
    ingested: Ingested
    measured: Measured
    workers: int
    plan: Plan
    base: str
    folder: Path  # of the recipe: what paths in it are relative to
    languages: list[str] | None = None  # those that are not gated; None: all
    decisions: dict[str, Entry] = field(default_factory=dict)
    edited_by: dict[int, str] = field(default_factory=dict)  # step -> stage of its edition, oldest first

    @property
    def editions(self) -> list[str]:
        return list(self.edited_by.values())

    def start(self) -> None:
        gate = {} if self.languages is None else {"languages": self.languages}
        tasks = []
        for entry in self.ingested.shards:
            language = self.measured.of("language", entry.shard)
            key = content_key("start", VERSION, entry.fingerprint, language.fingerprint, *gate.values())
            arguments = {"documents": str(entry.path()), "language": str(language.path()), **gate}
            tasks.append(Task(entry.shard, key, "headwater.curate.decisions:start_shard", arguments))
        self._decide(0, tasks, "start")

    def take_edition(self, number: int, stage: str) -> None:
        """The decisions after an edition, which is from here on what the texts are."""
        editions = self.workspace.stage(stage).entries()
        tasks = []
        for shard, before in self.decisions.items():
            arguments = {"edition": str(editions[shard].path()), "step": number, **self.numbers(number)}
            tasks.append(self._task(shard, "edition_shard", before, arguments, [editions[shard].fingerprint]))
        self._decide(number + 1, tasks, "decide")
        self.edited_by[number] = stage

    def judge(self, number: int, step: RulesStep) -> None:
        families = sorted(families_of(step))
        signals, editions = self.signals(families), self.edition_entries()
        tasks = []
        for shard, before in self.decisions.items():
            files = {family: signals[family, shard] for family in families}
            arguments = {
                "signals": {family: [str(entry.path()) for entry in some] for family, some in files.items()},
                "editions": [str(edition[shard].path()) for edition in editions],
                "rules": step.as_json()["rules"],
                "by_language": self.by_language(shard),
                "step": number,
                **self.numbers(number),
            }
            inputs = [entry.fingerprint for some in files.values() for entry in some]
            inputs += [edition[shard].fingerprint for edition in editions]
            tasks.append(self._task(shard, "judge_shard", before, arguments, inputs, "rules"))
        self._decide(number + 1, tasks, "rules")

    def edit(self, number: int, step: LinesStep) -> str:
        """Makes an edition; its stage name."""
        editions = self.edition_entries()
        repeats = self._repeats(number, step) if step.settings.repeated is not None else None
        tasks = []
        for place, entry in enumerate(self.ingested.shards):
            shard = entry.shard
            arguments: dict[str, Any] = {
                "documents": str(entry.path()),
                "editions": [str(edition[shard].path()) for edition in editions],
                "decisions": str(self.decisions[shard].path()),
                "tracks": list(step.tracks),
                "by_language": self.by_language(shard),
                "settings": step.settings.model_dump(mode="json"),
                "repeats": None,
            }
            inputs = [entry.fingerprint, self.decisions[shard].fingerprint]
            inputs += [edition[shard].fingerprint for edition in editions]
            if repeats is not None:
                slices = [part.result["starts"][place : place + 2] for part in repeats]
                arguments["repeats"] = {
                    "files": [str(part.path("bin")) for part in repeats],
                    "slices": slices,
                }
                inputs += [part.fingerprint for part in repeats]
            settings = [step.as_json(), arguments["by_language"]]
            key = content_key("edit", VERSION, settings, inputs)
            tasks.append(Task(shard, key, "headwater.curate.edits:edit_shard", arguments))
        name = self.stage_name("editions", number + 1)
        run_stage(self.workspace, name, tasks, workers=self.workers, title="edit lines")
        return name

    def take_personal_data_out(self, number: int, step: PrivacyStep, folder: Path) -> str:
        """Makes an edition; its stage name. A key file is relative to the recipe's folder."""
        signals, editions = self.signals(["privacy"]), self.edition_entries()
        key_file = None if step.settings.key_file is None else str(folder / step.settings.key_file)
        tasks = []
        for entry in self.ingested.shards:
            shard = entry.shard
            arguments: dict[str, Any] = {
                "documents": str(entry.path()),
                "editions": [str(edition[shard].path()) for edition in editions],
                "decisions": str(self.decisions[shard].path()),
                "signals": [str(one.path()) for one in signals["privacy", shard]],
                "tracks": list(step.tracks),
                "by_language": self.by_language(shard),
                "settings": step.settings.model_dump(mode="json"),
                "key_file": key_file,
            }
            inputs = [entry.fingerprint, self.decisions[shard].fingerprint]
            inputs += [one.fingerprint for one in signals["privacy", shard]]
            inputs += [edition[shard].fingerprint for edition in editions]
            secret = hashlib.sha256(read_key(key_file)).hexdigest()
            key = content_key("privacy", VERSION, step.as_json(), arguments["by_language"], secret, inputs)
            tasks.append(Task(shard, key, "headwater.curate.privacy:privacy_shard", arguments))
        name = self.stage_name("editions", number + 1)
        run_stage(self.workspace, name, tasks, workers=self.workers, title="personal data")
        return name

    def _repeats(self, number: int, step: LinesStep) -> list[Entry]:
        """Which lines go as repeated: an entry a partition, `starts` by documents' shard."""
        signals, editions = self.signals(["lines"]), self.edition_entries()
        parts = partitions(sum(entry.result["bytes"] for entry in self.ingested.shards))
        tasks = []
        for shard, before in self.decisions.items():
            files = signals["lines", shard]
            arguments = {
                "signals": [str(entry.path()) for entry in files],
                "editions": [str(edition[shard].path()) for edition in editions],
                "tracks": list(step.tracks),
                "by_language": self.by_language(shard),
                "parts": parts,
            }
            inputs = [entry.fingerprint for entry in files]
            inputs += [edition[shard].fingerprint for edition in editions]
            tasks.append(self._task(shard, "spread_shard", before, arguments, inputs, "repeats"))
        spreads = run_stage(
            self.workspace,
            self.stage_name("line-keys", number + 1),
            tasks,
            workers=self.workers,
            title="line keys",
        )
        counted = {"repeated": step.settings.repeated, "keep_first": step.settings.keep_first}
        tasks = []
        for part in range(parts):
            arguments = {
                "spreads": [str(spread.path("bin")) for spread in spreads],
                "slices": [[run[part : part + 2] for run in spread.result["runs"]] for spread in spreads],
                **counted,
            }
            key = content_key(
                "count", VERSION, part, parts, counted, [spread.fingerprint for spread in spreads]
            )
            tasks.append(Task(f"part-{part:05d}", key, "headwater.curate.repeats:count_shard", arguments))
        name = self.stage_name("line-repeats", number + 1)
        return run_stage(self.workspace, name, tasks, workers=self.workers, title="repeated lines")

    def leave_as_duplicates(self, number: int, left: dict[str, list[Entry]], first: dict[str, int]) -> None:
        """The decisions after duplicates: reason -> entries with `.left`; the first position of every shard."""
        said = {reason: [str(entry.path("left")) for entry in entries] for reason, entries in left.items()}
        inputs = [[reason, [entry.fingerprint for entry in entries]] for reason, entries in left.items()]
        tasks = []
        for shard, before in self.decisions.items():
            arguments = {"left": said, "first": first[shard], "step": number, **self.numbers(number)}
            tasks.append(self._task(shard, "duplicates_shard", before, arguments, [*inputs, first[shard]]))
        self._decide(number + 1, tasks, "decide")

    def ledger(self) -> tuple[str, dict[str, Entry]]:
        said = {
            "plan": self.plan.as_json(),
            "editions": [{"step": step, "stage": stage} for step, stage in self.edited_by.items()],
        }
        tasks = []
        for entry in self.ingested.shards:
            before = self.decisions[entry.shard]
            arguments = {"documents": str(entry.path()), **said}
            inputs = [entry.fingerprint, said]
            tasks.append(self._task(entry.shard, "ledger_shard", before, arguments, inputs, "ledger"))
        name = f"ledger/{content_key(self.base, self.plan.key)[:12]}"
        made = run_stage(self.workspace, name, tasks, workers=self.workers, title="ledger")
        return name, {entry.shard: entry for entry in made}

    def _task(
        self,
        shard: str,
        function: str,
        before: Entry,
        arguments: dict[str, Any],
        inputs: list[Any],
        module: str = "decisions",
    ) -> Task:
        """A task on a shard's decisions; paths are no part of its key, what they hold is."""
        settings = {
            name: arguments.get(name)
            for name in ("rules", "by_language", "tracks", "parts", "numbers", "step")
        }
        key = content_key(function, VERSION, settings, before.fingerprint, inputs)
        arguments = {"decisions": str(before.path()), **arguments}
        return Task(shard, key, f"headwater.curate.{module}:{function}", arguments)

    def _decide(self, steps: int, tasks: list[Task], title: str) -> None:
        made = run_stage(
            self.workspace, self.stage_name("decisions", steps), tasks, workers=self.workers, title=title
        )
        self.decisions = {entry.shard: entry for entry in made}

    def stage_name(self, kind: str, steps: int) -> str:
        return f"{kind}/{content_key(self.base, self.plan.prefix_key(steps))[:12]}"

    def by_language(self, shard: str) -> dict[str, str]:
        return self.plan.by_language(self.ingested.source_of[shard])

    def numbers(self, number: int) -> dict[str, dict[str, int]]:
        reasons = self.plan.steps[number].reasons
        return {"numbers": {reason: self.plan.reasons.index(reason) for reason in reasons}}

    def edition_entries(self) -> list[dict[str, Entry]]:
        """The editions so far by shard, the newest first."""
        return [self.workspace.stage(name).entries() for name in reversed(self.editions)]

    def signals(self, families: list[str]) -> dict[tuple[str, str], list[Entry]]:
        """(family, shard) -> signals of the newest edition, …, of the documents. Editions are measured here."""
        found: dict[tuple[str, str], list[Entry]] = {}
        for edition in reversed(self.editions):
            some = [self.measured.families[family] for family in families]
            stages = measure_texts(self.workspace, edition, some, workers=self.workers)
            for family, name in stages.items():
                for shard, entry in self.workspace.stage(name).entries().items():
                    found.setdefault((family, shard), []).append(entry)
        for family in families:
            for document in self.ingested.shards:
                own = self.measured.of(family, document.shard)
                found.setdefault((family, document.shard), []).append(own)
        return found
