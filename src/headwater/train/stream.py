"""Training sequences from (seed, step), over a training set of any size, in any order of asking.

The documents of an epoch, in the order of a hash of (seed, epoch, document id), each after a separator token,
are one long text that exists only as an index over the mapped token shards. It is cut every T tokens, and the
pieces are taken in the order of another hash, so that one long book does not fill a batch. A sequence has T + 1
tokens, the last of which is the first of the piece after it: every token is a target exactly once an epoch.

A seed also draws its documents: those whose hash of (seed, id) lies below the share. The hash knows nothing of
the rest of the set, so two training sets that share documents share them in the draw.

Other objectives put other tokens before a document (`between`) and know each sequence by a key of its own, a function
of seed, epoch and its first document: what chance decides about a sequence, it decides by that key.

With a mixture, each source is such a text of its own, and every batch takes from each the share that its weight
says (systematic sampling: never more than one sequence off).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from headwater.corpus.shards import read_batches
from headwater.corpus.tokens import open_tokens
from headwater.errors import HeadwaterError

_DRAW, _DOCUMENTS, _SEQUENCES, _MIXTURE, _OBJECTIVE = range(5)  # what a hash is for


class Stream:
    """`Stream(training_set, context=256, batch_sequences=16, seed=0).batch(step)`.

    `draw` is the share of documents that the seed draws. Raises HeadwaterError where the training set is not whole
    or holds fewer tokens than one batch.
    """

    def __init__(
        self, training_set: Path, *, context: int, batch_sequences: int, seed: int, draw: float = 1.0,
        between: tuple[int, ...] | None = None,
    ) -> None:  # fmt: skip
        self.path, self.context, self.batch_sequences, self.seed = (
            training_set,
            context,
            batch_sequences,
            seed,
        )
        manifest = read_manifest(training_set)
        self.vocabulary, self.separator = int(manifest["vocabulary"]), int(manifest["separator"])
        self._between = np.array([self.separator] if between is None else between, np.int64)
        self._shards = [training_set / shard["path"] for shard in manifest["pool"]]
        self._tokens: dict[int, np.ndarray] = {}
        mixture: dict[str, float] = {s: w for s, w in (manifest["mixture"] or {}).items() if w > 0}
        self.sources = sorted(mixture) or ["all"]
        weights = np.array([mixture.get(source, 1.0) for source in self.sources])
        self._ends = np.cumsum(weights / weights.sum())  # of the sources' intervals in [0, 1]
        names = [shard["shard"] for shard in manifest["pool"]]
        documents = _read_documents(training_set / "documents.parquet", names, sorted(mixture))
        drawn = _hash(documents.keys, seed, _DRAW) <= np.uint64(min(2**64 - 1, int(draw * 2**64)))
        parts = [documents.take(drawn)]
        if mixture:
            parts = [documents.take(drawn & (documents.sources == n)) for n in range(len(mixture))]
        self._texts = [_Text(part, context, seed, len(self._between)) for part in parts]
        self.documents = sum(len(text.documents.keys) for text in self._texts)
        needed = batch_sequences * context
        for source, text in zip(self.sources, self._texts, strict=True):
            if not len(text.documents.keys):
                what = f"of source {source!r} " if mixture else ""
                raise HeadwaterError(
                    f"{training_set}: no document {what}is left to train on (share drawn: {draw:g}); loosen "
                    "the recipe's rules, or add text"
                )
        if self.tokens < needed:
            raise HeadwaterError(
                f"{training_set}: {self.tokens:,} tokens in {self.documents:,} documents are fewer than one batch "
                f"of {needed:,}; lower train.batch, or add text"
            )
        self._counted = (0, np.zeros(len(self._texts), np.int64))

    @property
    def tokens(self) -> int:
        """Tokens of one epoch of everything, separators counted."""
        return sum(text.length for text in self._texts)

    def batch(self, step: int) -> np.ndarray:
        """(batch_sequences, context + 1) int64. Raises HeadwaterError where a token is not in the vocabulary."""
        before, now = self._taken(step), self._taken(step + 1)
        rows = []
        for text, first, end in zip(self._texts, before, now, strict=True):
            for number in range(first, end):
                rows.append(self._read(text, number))
        batch = np.stack(rows)
        if int(batch.max()) >= self.vocabulary:
            raise HeadwaterError(
                f"{self.path}: step {step} has token {int(batch.max()):,}, but the vocabulary has "
                f"{self.vocabulary:,} (0 to {self.vocabulary - 1:,}); the pool belongs to another tokeniser: "
                "delete the workspace's pool and run `headwater curate` again"
            )
        return batch

    def keys(self, step: int) -> np.ndarray:
        """(batch_sequences,) uint64: the key of each sequence of a step."""
        before, now = self._taken(step), self._taken(step + 1)
        numbers = zip(self._texts, before, now, strict=True)
        return np.array([text.key(n) for text, first, end in numbers for n in range(first, end)], np.uint64)

    def epochs(self, step: int) -> dict[str, float]:
        """How often each source's text has been read before this step; "all" where there is no mixture."""
        taken = self._taken(step) * self.context
        return {s: n / t.length for s, n, t in zip(self.sources, taken.tolist(), self._texts, strict=True)}

    def _taken(self, step: int) -> np.ndarray:
        """Sequences of each source in all steps before `step`: (sources,)."""
        from_step, taken = self._counted
        if step < from_step:
            from_step, taken = 0, np.zeros(len(self._texts), np.int64)
        if step > from_step:
            steps = np.arange(from_step, step, dtype=np.uint64)
            # points (b + u) / batch for b = 0, 1, …, one offset u a step: how many lie below each interval's end
            offsets = (_hash(steps, self.seed, _MIXTURE) >> np.uint64(11)).astype(np.float64) / 2**53
            below = np.ceil(self.batch_sequences * self._ends[None] - offsets[:, None])
            below = np.clip(below, 0, self.batch_sequences)
            below[:, -1] = self.batch_sequences
            taken = taken + np.diff(below, axis=1, prepend=0).sum(0).astype(np.int64)
            self._counted = (step, taken)
        return taken

    def _read(self, text: "_Text", number: int) -> np.ndarray:
        """Sequence `number` of a text, (T + 1,)."""
        shards, positions = text.places(number)
        tokens = np.empty(len(positions), np.int64)
        for shard in np.unique(shards):
            if shard < 0:
                tokens[shards < 0] = self._between[positions[shards < 0]]
                continue
            if shard not in self._tokens:
                self._tokens[shard] = open_tokens(self._shards[shard], self.vocabulary)
            here = shards == shard
            tokens[here] = self._tokens[shard][positions[here]]
        return tokens


@dataclass(frozen=True)
class _Documents:
    """Arrays (documents,): hash of the id, source and shard as numbers, first token in the shard, tokens."""

    keys: np.ndarray
    sources: np.ndarray
    shards: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray

    def take(self, chosen: np.ndarray) -> "_Documents":
        return _Documents(
            *(a[chosen] for a in (self.keys, self.sources, self.shards, self.offsets, self.lengths))
        )


class _Text:
    """The endless text of some documents: epoch after epoch, each in its own order."""

    def __init__(self, documents: _Documents, context: int, seed: int, between: int = 1) -> None:
        self.documents, self.context, self.seed, self.between = documents, context, seed, between
        self.length = int(documents.lengths.sum()) + between * len(documents.lengths)  # of an epoch
        self._epochs: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._order: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int64))

    def places(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Shards (T + 1,), −1 for what stands between documents, and positions in them, of the sequence that is
        read as `number`."""
        position = self._piece(number) * self.context + np.arange(self.context + 1)
        shards, positions = np.empty_like(position), np.empty_like(position)
        for epoch in range(int(position[0]) // self.length, int(position[-1]) // self.length + 1):
            here = position // self.length == epoch
            order, starts = self._epoch(epoch)
            within = position[here] - epoch * self.length
            document = np.searchsorted(starts, within, "right") - 1
            token = within - starts[document] - self.between  # below 0: what stands before the document
            document = order[document]
            shards[here] = np.where(token < 0, -1, self.documents.shards[document])
            inside = self.documents.offsets[document] + token
            positions[here] = np.where(token < 0, token + self.between, inside)
        return shards, positions

    def key(self, number: int) -> int:
        """Of the sequence that is read as `number`: mixed from seed, epoch, its first document and the place there."""
        epoch, within = divmod(self._piece(number) * self.context, self.length)
        order, starts = self._epoch(epoch)
        first = int(np.searchsorted(starts, within, "right")) - 1
        document = self.documents.keys[order[first]][None]
        return int(_hash(document, self.seed, _OBJECTIVE, epoch, within - int(starts[first]))[0])

    def _piece(self, number: int) -> int:
        """Which piece of the endless text is read as `number`: those that begin in one epoch, shuffled."""
        # epoch e holds the pieces ceil(e·length/T) … ceil((e+1)·length/T) − 1
        epoch = number * self.context // self.length
        first, end = (-(-(epoch + i) * self.length // self.context) for i in (0, 1))
        if self._order[0] != epoch:
            pieces = np.arange(first, end)
            keys = _hash(pieces.astype(np.uint64), self.seed, _SEQUENCES)
            self._order = (epoch, pieces[np.argsort(keys, kind="stable")])
        return int(self._order[1][number - first])

    def _epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Documents of an epoch in order, and where each one's separator stands in it."""
        if epoch not in self._epochs:
            order = np.argsort(_hash(self.documents.keys, self.seed, _DOCUMENTS, epoch), kind="stable")
            lengths = self.documents.lengths[order] + self.between
            if len(self._epochs) > 1:  # a piece may reach into the next epoch: two are at hand
                del self._epochs[min(self._epochs)]
            self._epochs[epoch] = (order, np.cumsum(lengths) - lengths)
        return self._epochs[epoch]


def _hash(keys: np.ndarray, *salts: int) -> np.ndarray:
    """uint64 keys, mixed with seed and purpose by SplitMix64 (Steele 2014)."""
    mixed = keys
    for salt in salts:
        mixed = mixed ^ np.uint64(xxhash.xxh3_64_intdigest(salt.to_bytes(16, "little")))
        mixed = mixed + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return mixed


def read_manifest(training_set: Path) -> dict[str, Any]:
    """A training set's `manifest.json`. Raises HeadwaterError where there is none, or half of one."""
    path = training_set / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HeadwaterError(
            f"{path}: no whole training set is here ({error}); run `headwater curate` again"
        ) from error
    return manifest


def _read_documents(path: Path, shards: list[str], sources: list[str]) -> _Documents:
    """The index, without its strings; sources that are not named are −1."""
    shard_numbers = {name: number for number, name in enumerate(shards)}
    source_numbers = {name: number for number, name in enumerate(sources)}
    parts: list[list[np.ndarray]] = [[] for _ in range(5)]
    for batch in read_batches(path, ["id", "source", "shard", "offset", "length"]):
        keys = [xxhash.xxh3_64_intdigest(name.encode()) for name in batch["id"].to_pylist()]
        parts[0].append(np.array(keys, np.uint64))
        parts[1].append(np.array([source_numbers.get(s, -1) for s in batch["source"].to_pylist()], np.int32))
        parts[2].append(np.array([shard_numbers[s] for s in batch["shard"].to_pylist()], np.int32))
        parts[3].append(batch["offset"].to_numpy())
        parts[4].append(batch["length"].to_numpy())
    types = (np.uint64, np.int32, np.int32, np.int64, np.int64)
    return _Documents(*(np.concatenate([np.zeros(0, t), *p]) for t, p in zip(types, parts, strict=True)))
