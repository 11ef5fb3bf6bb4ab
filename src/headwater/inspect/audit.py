"""`headwater audit`: how good a recipe's decisions are, by a person's judgement of documents drawn blind.

Documents are drawn by strata: kept and dropped, and within these by language. Half of the draws are of the kept, half of
the dropped, whatever their shares, so that both get intervals; what is reported is weighted by what each stratum
holds. The draw is by a hash of the ids and the recipe's seed: the same on every machine, and a larger N goes on where
a smaller one ended. Whoever labels sees a text and nothing of the verdict. Labels are appended, a line each, to
`audits/<recipe>.jsonl` in the workspace: stop and go on at any time. A label is of a text (its key), so it holds as
long as that text does, under any later rules. Whoever labels holds the workspace's lease (`labelling`); in a store the
labels are committed with it, every half minute and at the end, as everything else there is.

Precision: the share of kept documents that are good. Recall: the share of good documents that are kept. Intervals
are Wilson's at 95% for the effective sample size of the weighted strata (`intervals.stratified`); recall's is that of a
ratio, by the bootstrap over documents within strata (2,000 resamples, seeded).
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from headwater.engine.store import is_url, local_copy
from headwater.engine.workspace import commit_file
from headwater.inspect.evidence import version_before, versions_of
from headwater.inspect.intervals import stratified
from headwater.inspect.masked import masked
from headwater.inspect.snapshots import open_workspace, row_at, snapshots
from headwater.inspect.visible import folded, one_line, visible
from headwater.recipe import load_recipe

KEYS = {"y": "good", "n": "bad", "u": "unsure"}
SHOWN = 1_600  # characters of a text that are shown at first
RESAMPLES = 2_000


@dataclass(frozen=True)
class Draw:
    """A document to be judged."""

    id: str
    shard: str
    row: int
    stratum: tuple[str, str]  # state, language
    key: str  # of its text


@dataclass(frozen=True)
class Report:
    """What the labels say. Shares are None where nothing was labelled that they are of."""

    recipe: str
    labelled: int
    unsure: int
    drawn: int
    precision: float | None
    precision_interval: tuple[float, float] | None
    recall: float | None
    recall_interval: tuple[float, float] | None
    strata: list[dict[str, Any]]  # state, language, documents, labelled, good

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Audit:
    """A recipe's audit: its draws, its labels so far, and what they say."""

    def __init__(self, recipe_path: Path, number: int, *, workspace: Path | str | None = None) -> None:
        recipe = load_recipe(recipe_path, [])
        where = workspace or recipe.workspace_path
        folder = local_copy(str(where)) if is_url(where) else Path(where)
        self.path = folder / "audits" / f"{recipe.name}.jsonl"
        self._before = self._lines()  # opening a store brings what is newer there
        place = self.workspace = open_workspace(where)
        [self.snapshot] = snapshots(place, recipe.name)
        if not self.snapshot.ledger:
            raise self.snapshot.no_ledger(recipe_path)
        self.name, self.seed = recipe.name, recipe.seed
        self.sizes: dict[tuple[str, str], int] = {}
        self.draws = self._draw(number)
        self.labels = self._labels()

    def _draw(self, number: int) -> list[Draw]:
        """`number` documents, those of the lowest hashes of each stratum; each state gets half, each language of it by
        its size."""
        best: dict[tuple[str, str], list[tuple[int, Draw]]] = {}
        for shard, entry in self.snapshot.ledger.items():
            columns = ["id", "state", "language", "split", "text_key"]
            table = pq.read_table(entry.here(), columns=columns)
            wanted = pc.and_(
                pc.equal(table["split"], "train"),
                pc.is_in(table["state"], value_set=pa.array(["kept", "dropped"])),
            )
            rows = np.flatnonzero(np.asarray(wanted, dtype=bool))
            some = table.take(rows)
            found: dict[tuple[str, str], list[tuple[int, Draw]]] = {}
            for place, row in zip(rows.tolist(), some.to_pylist(), strict=True):
                stratum = (row["state"], row["language"])
                self.sizes[stratum] = self.sizes.get(stratum, 0) + 1
                order = xxhash.xxh3_64_intdigest(f"{self.seed}\0{row['id']}".encode())
                found.setdefault(stratum, []).append(
                    (order, Draw(row["id"], shard, place, stratum, row["text_key"]))
                )
            for stratum, draws in found.items():
                best[stratum] = sorted([*best.get(stratum, []), *draws], key=lambda one: one[0])[:number]
        chosen: list[tuple[int, Draw]] = []
        for state in ("kept", "dropped"):
            strata = {stratum: size for stratum, size in self.sizes.items() if stratum[0] == state}
            for stratum, share in _shared(
                number // 2 if state == "dropped" else number - number // 2, strata
            ).items():
                chosen += best[stratum][:share]
        return [draw for _, draw in sorted(chosen, key=lambda one: one[0])]

    def _labels(self) -> dict[str, str]:
        """Text key -> label; a later line goes before an earlier one."""
        return {said["text_key"]: said["label"] for said in self._lines()}

    def _lines(self) -> list[dict[str, str]]:
        """What is written so far; a line that a killed session had not finished is none."""
        found = []
        for line in self.path.read_text(encoding="utf-8").split("\n") if self.path.is_file() else ():
            try:
                said = json.loads(line) if line.strip() else None
            except ValueError:
                continue
            if isinstance(said, dict) and said.get("label") in KEYS.values() and "text_key" in said:
                found.append(said)
        return found

    @contextmanager
    def labelling(self) -> Iterator[None]:
        """One person at a time. What another machine labelled is there; what this one labelled before it was killed,
        and no store has seen, stays too."""
        with self.workspace.lease():
            there = {said["text_key"] for said in self._lines()}
            for said in self._before:
                if said["text_key"] not in there:
                    self._append(said)
            self.labels = self._labels()
            yield

    @property
    def waiting(self) -> list[Draw]:
        return [draw for draw in self.draws if draw.key not in self.labels]

    def text(self, draw: Draw) -> str:
        """The text as the recipe left it (or dropped it), personal data masked."""
        document = row_at(self.snapshot.shards[draw.shard].here(), draw.row)
        ledger = row_at(self.snapshot.ledger[draw.shard].here(), draw.row, ["step", "state"])
        versions, _ = versions_of(self.snapshot, draw.shard, draw.row, document["text"])
        step = ledger["step"] if ledger["state"] != "kept" and ledger["step"] is not None else -1
        return masked(version_before(versions, step).text)

    def label(self, draw: Draw, label: str) -> None:
        """Appends a label, synced: it is there after a kill."""
        self._append({"id": draw.id, "text_key": draw.key, "label": label})
        self.labels[draw.key] = label

    def _append(self, said: dict[str, str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(said, ensure_ascii=False)
        with self.path.open("a", encoding="utf-8") as file:
            if file.tell() and not self.path.read_bytes().endswith(b"\n"):
                file.write("\n")
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def undo(self) -> Draw | None:
        """Takes back the last label; the document comes again."""
        lines = self._lines()
        if not lines:
            return None
        last = lines[-1]["text_key"]
        rest = "".join(json.dumps(said, ensure_ascii=False) + "\n" for said in lines[:-1])
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(rest, encoding="utf-8")
        commit_file(temporary, self.path)
        self.labels = self._labels()
        return next((draw for draw in self.draws if draw.key == last), None)

    # ---------------------------------------------------------------- what the labels say

    def report(self) -> Report:
        judged = [(draw, self.labels[draw.key]) for draw in self.draws if draw.key in self.labels]
        sure = [(draw, label == "good") for draw, label in judged if label != "unsure"]
        counts = {stratum: [0, 0] for stratum in self.sizes}
        for draw, good in sure:
            counts[draw.stratum][0] += 1
            counts[draw.stratum][1] += good
        kept = [(float(self.sizes[s]), good, of) for s, (of, good) in counts.items() if s[0] == "kept"]
        precision = stratified(kept)
        recall, low, high = self._recall(sure)
        measured = any(of for _, _, of in kept)
        return Report(
            self.name,
            len(judged),
            len(judged) - len(sure),
            len(self.draws),
            precision[0] if measured else None,
            precision[1:] if measured else None,
            recall,
            None if recall is None else (low, high),
            [
                {
                    "state": state,
                    "language": language,
                    "documents": self.sizes[state, language],
                    "labelled": of,
                    "good": good,
                }
                for (state, language), (of, good) in sorted(counts.items())
                if of
            ],
        )

    def _recall(self, sure: list[tuple[Draw, bool]]) -> tuple[float | None, float, float]:
        groups: dict[tuple[str, str], np.ndarray] = {}
        for stratum in {draw.stratum for draw, _ in sure}:
            groups[stratum] = np.array([good for draw, good in sure if draw.stratum == stratum], float)
        # strata without a label stand in for by those of their state
        weights: dict[tuple[str, str], float] = {}
        for state in ("kept", "dropped"):
            of_state = [stratum for stratum in groups if stratum[0] == state]
            if not of_state:
                return None, 0.0, 1.0
            scale = sum(n for s, n in self.sizes.items() if s[0] == state) / sum(
                self.sizes[s] for s in of_state
            )
            weights |= {stratum: self.sizes[stratum] * scale for stratum in of_state}

        def share(means: dict[tuple[str, str], Any]) -> Any:
            good = {s: sum(weights[x] * means[x] for x in groups if x[0] == s) for s in ("kept", "dropped")}
            total = good["kept"] + good["dropped"]
            return np.where(total > 0, good["kept"] / np.where(total > 0, total, 1), np.nan)

        found = float(share({s: values.mean() for s, values in groups.items()}))
        if np.isnan(found):
            return None, 0.0, 1.0
        draw = np.random.default_rng(self.seed)
        # one good and one bad more: a stratum in which all are alike is not known for sure
        means = {
            s: draw.binomial(len(v), np.full(RESAMPLES, (v.sum() + 0.5) / (len(v) + 1))) / len(v)
            for s, v in sorted(groups.items())
        }
        low, high = np.nanquantile(share(means), [0.025, 0.975])
        return found, float(min(low, found)), float(max(high, found))


def _shared(number: int, strata: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """A number shared out by size, by the largest remainders, nothing above a stratum's size."""
    total = sum(strata.values())
    if not total:
        return {}
    exact = {stratum: min(size, number * size / total) for stratum, size in strata.items()}
    shares = {stratum: int(value) for stratum, value in exact.items()}
    for stratum in sorted(strata, key=lambda s: (shares[s] - exact[s], s)):
        if sum(shares.values()) >= min(number, total):
            break
        if shares[stratum] < strata[stratum]:
            shares[stratum] += 1
    return shares


# ---------------------------------------------------------------- in a terminal


def ask(audit: Audit, key: Callable[[], str], say: Callable[[str], None], columns: int = 80) -> bool:
    """Shows what waits, one text at a time, and takes a key for each; False where the person stopped.

    y good, n bad, u unsure, m more of the text, b back, q stop.
    """
    while waiting := audit.waiting:
        draw, done = waiting[0], len(audit.draws) - len(waiting)
        text, shown = audit.text(draw), SHOWN
        say(f"\n── {done + 1} of {len(audit.draws)} " + "─" * 20)
        say("\n".join(_shown(text, shown, columns)))
        while True:
            say("good training text? y yes · n no · u unsure · m more · b back · q stop")
            pressed = key().lower()
            if pressed in KEYS:
                audit.label(draw, KEYS[pressed])
                break
            if pressed == "m":
                say("\n".join(_shown(text[shown:], shown, columns)))
                shown += shown
            elif pressed == "b":
                audit.undo()
                break
            elif pressed in ("q", "\x03", "\x04", ""):
                return False
    return True


def _shown(text: str, characters: int, columns: int) -> Iterator[str]:
    for line in visible(text[:characters]).split("\n"):
        yield from (f"  │ {part}" for part in folded(line, columns - 4))
    if len(text) > characters:
        yield f"  │ … {len(text) - characters:,} characters more (m)"


def lines_of(report: Report) -> list[str]:
    lines = [
        f"{report.recipe}: {report.labelled} of {report.drawn} labelled, {report.unsure} unsure and left out"
    ]
    for name, value, interval, said in (
        ("precision", report.precision, report.precision_interval, "of the kept are good"),
        ("recall", report.recall, report.recall_interval, "of the good are kept"),
    ):
        if value is None or interval is None:
            lines.append(f"{name:<9} not known yet: label documents of both kinds")
        else:
            lines.append(f"{name:<9} {value:.1%} [{interval[0]:.1%}, {interval[1]:.1%}] {said}")
    for row in report.strata:
        lines.append(
            f"{row['state']:<9} {one_line(row['language'], 8):<8} {row['good']} of {row['labelled']} good ({row['documents']:,} documents)"
        )
    lines.append(
        "weighted by what each stratum holds; 95%: Wilson of the effective size, recall by bootstrap"
    )
    return lines
