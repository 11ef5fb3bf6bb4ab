"""Passages that occur elsewhere, and grams that were seen before: the corpus-wide steps that read texts.

passage-fingerprints/, passage-shared/, passage-windows/, passage-copies/    exchanged through files
editions/                                                                    texts without the later copies
bloom-grams/, bloom/                                                         what a Bloom filter is asked
"""

from typing import Any

from headwater.curate.duplicates.bloom import RANGE_BYTES
from headwater.curate.duplicates.passages import VERSION as PASSAGES
from headwater.curate.duplicates.shared import FINGERPRINT_BYTES, WINDOW_BYTES
from headwater.curate.steps import BloomStep, PassagesStep
from headwater.engine.stages import Task, run_stage
from headwater.engine.workspace import Entry, content_key
from headwater.pipeline.curation_steps import VERSION, CurationRun
from headwater.pipeline.duplicates import PACKAGE, Corpus, spread


def cut_passages(run: CurationRun, number: int, step: PassagesStep) -> str:
    """Makes the edition without later copies; its stage."""
    corpus = spread(run, number, step, [])
    settings = step.settings.model_dump(mode="json")
    said = [PASSAGES, settings]
    size = sum(shard["bytes"] for shard in corpus.shards)
    parts = 1 + size // FINGERPRINT_BYTES
    readings, first = {}, 0
    for name, shard in zip(_names(corpus), corpus.shards, strict=True):
        own = {key: shard[key] for key in ("texts", "decisions", "tracks", "by_language")}
        left = corpus.before["left"] if first < corpus.before["rows"] else []
        readings[name] = {**own, "settings": settings, "left": left, "first": first}
        first += shard["rows"]
    arguments = {name: {**reading, "parts": parts} for name, reading in readings.items()}
    marks = corpus.tasks(corpus.stage("passage-fingerprints"), "shared:fingerprints_shard", "fingerprints of passages",
                         arguments, [*said, parts])  # fmt: skip
    files = [str(entry.path("keys")) for entry in marks]
    arguments = {f"part-{part:05d}": {"files": files, "runs": _runs(marks, part)} for part in range(parts)}
    shared = corpus.tasks(
        corpus.stage("passage-shared"),
        "shared:shared_shard",
        "shared fingerprints",
        arguments,
        [*said, parts],
    )
    window_parts = 1 + size // WINDOW_BYTES
    arguments = {
        name: {key: value for key, value in reading.items() if key not in ("left", "first")}
        | {
            "fingerprints_file": file,
            "runs": entry.result["runs"],
            "shared": [str(one.path("keys")) for one in shared],
            "parts": window_parts,
        }
        for (name, reading), file, entry in zip(readings.items(), files, marks, strict=True)
    }
    made = corpus.tasks(corpus.stage("passage-windows"), "shared:windows_shard", "windows of passages", arguments,
                        [*said, window_parts])  # fmt: skip
    files = [str(entry.path("windows")) for entry in made]
    described = [
        {"keys": one["keys"], "ranks": one["ranks"], "rows": one["rows"], "run": [0, 0]}
        for one in corpus.shards
    ]
    arguments = {
        f"part-{part:05d}": {
            "files": files,
            "runs": _runs(made, part),
            "spreads": described,
            "policy": corpus.settings.policy,
            "earlier": corpus.before,
        }
        for part in range(window_parts)
    }
    copies = corpus.tasks(corpus.stage("passage-copies"), "shared:copies_shard", "copies of passages", arguments,
                          [*said, window_parts])  # fmt: skip
    return _edition(run, number, corpus, copies)


def _edition(run: CurationRun, number: int, corpus: Corpus, copies: list[Entry]) -> str:
    earlier = len(corpus.shards) - len(run.ingested.shards)
    tasks = []
    for place, (entry, shard) in enumerate(
        zip(run.ingested.shards, corpus.shards[earlier:], strict=True), earlier
    ):
        arguments = {
            "texts": shard["texts"],
            "files": [str(part.path("copies")) for part in copies],
            "slices": [part.result["starts"][place : place + 2] for part in copies],
        }
        editions = [edition[entry.shard].fingerprint for edition in run.edition_entries()]
        prints = [place, entry.fingerprint, *editions, *(part.fingerprint for part in copies)]
        tasks.append(
            Task(entry.shard, content_key("cut", VERSION, prints), f"{PACKAGE}.shared:cut_shard", arguments)
        )
    name = corpus.stage("editions")
    run_stage(run.workspace, name, tasks, workers=run.workers, title="cut passages")
    return name


def _names(corpus: Corpus) -> list[str]:
    """Names of the shards' tasks; an earlier corpus may have shards of the same names."""
    earlier = len(corpus.shards) - len(corpus.run.ingested.shards)
    return [
        f"earlier-{n}-{one['shard']}" if n < earlier else one["shard"] for n, one in enumerate(corpus.shards)
    ]


def _runs(entries: list[Entry], part: int) -> list[list[list[int]]]:
    return [[run[part : part + 2] for run in entry.result["runs"]] for entry in entries]


def find_seen(run: CurationRun, number: int, step: BloomStep) -> None:
    """Takes the documents that a Bloom filter knows out of the run's decisions."""
    settings = step.settings.model_dump(mode="json")
    ranges = 1 + sum(entry.result["bytes"] for entry in run.ingested.shards) // RANGE_BYTES
    editions = run.edition_entries()
    tasks = []
    for entry in run.ingested.shards:
        layers = [*(edition[entry.shard] for edition in editions), entry]
        decisions = run.decisions[entry.shard]
        chosen: dict[str, Any] = {
            "tracks": list(step.tracks),
            "by_language": run.by_language(entry.shard),
            "settings": settings,
            "ranges": ranges,
        }
        arguments = {
            "texts": [str(layer.path()) for layer in layers],
            "decisions": str(decisions.path()),
            **chosen,
        }
        key = content_key(
            "grams", VERSION, chosen, decisions.fingerprint, [layer.fingerprint for layer in layers]
        )
        tasks.append(Task(entry.shard, key, f"{PACKAGE}.bloom:grams_shard", arguments))
    made = run_stage(
        run.workspace, run.stage_name("bloom-grams", number + 1), tasks, workers=run.workers, title="grams"
    )
    rows = [entry.result["documents"] for entry in run.ingested.shards]
    shards = [
        {
            "documents": str(entry.path("documents")),
            "grams": str(entry.path("grams")),
            "starts": entry.result["starts"],
            "count": entry.result["grams"],
        }
        for entry in made
    ]
    key = content_key("seen", VERSION, settings, rows, [entry.fingerprint for entry in made])
    task = Task(
        "all", key, f"{PACKAGE}.bloom:seen_shard", {"shards": shards, "settings": settings, "rows": rows}
    )
    found = run_stage(
        run.workspace, run.stage_name("bloom", number + 1), [task], workers=run.workers, title="Bloom filter"
    )
    first, at = {}, 0
    for entry, size in zip(run.ingested.shards, rows, strict=True):
        first[entry.shard] = at
        at += size
    run.leave_as_duplicates(number, {"bloom_duplicate": found}, first)
