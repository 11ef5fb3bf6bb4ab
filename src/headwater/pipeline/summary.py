"""What a person reads after a command, and what `--plan` says before one: lines for an 80-column terminal."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headwater.engine.store import is_url
from headwater.engine.workspace import Workspace, content_key, read_json
from headwater.evaluate.curve import sentence
from headwater.pipeline.run import STAGES, Outcome, check_until
from headwater.recipe import Recipe, load_recipe
from headwater.recipe.quantities import show_count, show_size
from headwater.sources.shards import plan

# Bytes of input a core reads and measures in a second, and tokens a one-thread training sees in a second, on a
# slow laptop core; a plan is an upper estimate.
READ_RATE = 2e6
TRAIN_RATE = 15_000
_EXCHANGED = (
    "duplicate",
    "passage-",
    "bloom",
    "line-keys",
)  # stages of corpus-wide steps, which say what they "spilled"


def lines_of(outcome: Outcome) -> list[str]:
    """The accounts of a run, one subject a line."""
    totals: Counter[str] = Counter()
    why: Counter[str] = Counter()
    for shard in outcome.ingested.shards:
        for counts in shard.result["files"].values():
            totals["read"] += counts["read"]
            totals["documents"] += counts["documents"]
            for state in ("gated", "quarantined"):
                totals[state] += sum(counts[state].values())
                why.update({f"{state} {reason}": count for reason, count in counts[state].items()})
            totals["files"] += 1
    size = sum(shard.result["bytes"] for shard in outcome.ingested.shards)
    lines = [
        f"read      {totals['read']:,} records in {totals['files']:,} files: {totals['documents']:,} documents "
        f"({show_size(size)}), {totals['gated']:,} gated, {totals['quarantined']:,} quarantined"
    ]
    lines += _most(why.most_common(), 5)
    if outcome.measured is not None:
        lines.append(f"measured  {', '.join(outcome.measured.entries)}")
    if outcome.curated is not None:
        counts = outcome.curated.counts
        lines.append(
            "curated   "
            + ", ".join(
                f"{counts[state]:,} {state}"
                for state in ("kept", "dropped", "gated", "quarantined")
                if counts[state] or state != "gated"
            )
            + f"; {show_size(counts['bytes_kept'])} of text to train on"
        )
        lines += _most(counts["reasons"], 8)
        lines += [f"note      {warning}" for warning in outcome.curated.warnings]
        if spilled := _spilled(outcome):
            lines.append(f"disk      {show_size(spilled)} exchanged through files to find duplicates")
    if outcome.training_set is not None:
        lines.append(f"training  {outcome.training_set}")
        lines += _mixture_lines(read_json(outcome.training_set / "manifest.json") or {})
    for run in outcome.runs:
        lines.append(f"run       {run.folder} ({show_count(run.result['tokens'])} tokens)")
        lines.append(f"          {_trained(run.result)}")
    for scores in outcome.scores:
        for domain, bits in scores["domains"].items():
            lines.append(f"score     {bits:.3f} {scores['measure']} on {domain}")
    for asked in outcome.tasks:
        for result in asked.results:
            lines += [
                f"task      {row['score']:.3f} ± {row['standard_error']:.3f} {result['task']}, {row['shots']} examples: "
                + sentence(row, kind=result["kind"])
                for row in result["rows"]
            ]
    return lines


def _trained(result: dict[str, Any]) -> str:
    """Loss, what held-out text says of it, and how much of the machine was used."""
    said = f"loss {result['loss']:.3f} nats a token"
    if result.get("validation_loss") is not None:
        said += f", {result['validation_loss']:.3f} on held-out text"
    if result.get("mfu") is not None:
        said += f"; {result['tokens_per_second']:,} tokens/s, MFU {result['mfu']:.0%}"
    return said


def _most(reasons: list[tuple[str, int]], shown: int) -> list[str]:
    """The most frequent, and the rest as one line, so that they add up."""
    lines = [f"          {count:>9,}  {reason}" for reason, count in reasons[:shown]]
    if rest := [count for _, count in reasons[shown:]]:
        lines.append(f"          {sum(rest):>9,}  for {len(rest)} more reason{'s' if len(rest) > 1 else ''}")
    return lines


def _mixture_lines(manifest: dict[str, Any]) -> list[str]:
    """How often each source is seen, and which of them run out."""
    limited = manifest.get("limited") or []
    return [
        f"mixture   {source}: {manifest['mixture'][source]:.1%} of the tokens, {epochs:.2g} epochs"
        + (
            f" (held at the limit of {manifest['max_epochs']:g}: it has no more text)"
            if source in limited
            else ""
        )
        for source, epochs in sorted((manifest.get("epochs") or {}).items())
    ]


def _spilled(outcome: Outcome) -> int:
    """Bytes that corpus-wide steps wrote to disk instead of holding them."""
    stages = [name for name in outcome.workspace.used if name.startswith(_EXCHANGED)]
    entries = [entry for name in stages for entry in outcome.workspace.stage(name).entries().values()]
    return sum(entry.result.get("spilled", 0) for entry in entries)


def plan_lines(
    recipe_path: Path,
    stage: str,
    *,
    overrides: tuple[str, ...] = (),
    workspace: Path | str | None = None,
    limit: int | None = None,
) -> list[str]:
    """What is in the workspace already and what would be made, with the time on one core and the disk."""
    recipe = load_recipe(recipe_path, overrides)
    check_until(recipe, stage)
    where = workspace or recipe.workspace_path
    with _looked_at(where) as place:
        return [f"workspace {place.path if _is_there(where) else Path(where).resolve()}",
                *_plan_lines(recipe, place, stage, limit)]  # fmt: skip


def _is_there(where: Path | str) -> bool:
    return is_url(where) or Path(where).exists()


@contextmanager
def _looked_at(where: Path | str) -> Iterator[Workspace]:
    """The workspace; one that is not there is not made, and an empty one stands for it."""
    if _is_there(where):
        yield Workspace(where)
    else:
        with tempfile.TemporaryDirectory(prefix="headwater-plan-") as folder:
            yield Workspace(folder)


def _plan_lines(recipe: Recipe, place: Workspace, stage: str, limit: int | None) -> list[str]:
    lines = []
    todo_bytes = 0
    for source in recipe.sources:
        tasks = plan(source, recipe.folder, place, holdout=recipe.holdout, limit=limit)
        sizes = {task.shard: sum(file["bytes"] for file in task.arguments["files"]) for task in tasks}
        key = content_key(source.model_dump(mode="json"), recipe.holdout.model_dump(), limit)[:12]
        done = place.stage(f"documents/{source.name}-{key}")
        fresh = [
            t.shard
            for t in tasks
            if (entry := done.entry(f"{source.name}-{t.shard}")) is None or entry.key != t.key
        ]
        todo = sum(sizes[shard] for shard in fresh)
        todo_bytes += todo
        lines.append(
            f"source    {source.name}: {show_size(sum(sizes.values()))} in {len(tasks)} shards, "
            f"{len(fresh)} to read ({show_size(todo)})"
        )
    seconds = todo_bytes / READ_RATE
    if STAGES.index(stage) >= STAGES.index("train"):
        seconds += recipe.train.tokens / TRAIN_RATE
        lines.append(f"train     {show_count(recipe.train.tokens)} tokens, {_model(recipe)}")
    lines.append(
        f"at most   about {max(1, round(seconds / 60))} min on one core, {show_size(6 * todo_bytes)} of disk"
    )
    return lines


def _model(recipe: Recipe) -> str:
    return f"{recipe.model.family} {recipe.model.preset}"
