"""Made corpora with planted duplicates, English and Chinese in turn, and a curation of them without a training set."""

import json
import resource
from pathlib import Path
from typing import Any

import numpy as np

from headwater.engine.workspace import Workspace
from headwater.pipeline.curation import Curated, curate
from headwater.pipeline.ingest import ingest
from headwater.pipeline.measure import measure
from headwater.pipeline.run import Outcome, keep_snapshot
from headwater.recipe.load import load_recipe

A_FILE = 64 << 20  # bytes of JSONL


class Vocabulary:
    """Words and characters drawn as text draws them, by Zipf's law."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
        sizes = self.draw.integers(2, 10, 40_000)
        self.english = np.array(["".join(self.draw.choice(letters[:20], size)) for size in sizes], object)
        self.chinese = np.array([chr(0x4E00 + place) for place in self.draw.permutation(6000)[:3500]], object)
        weights = 1 / (np.arange(len(self.english)) + 3.0)
        self._cumulative = {
            "en": np.cumsum(weights) / weights.sum(),
            "zh": np.cumsum(weights[:3500]) / weights[:3500].sum(),
        }

    def words(self, language: str, count: int) -> list[str]:
        pool = self.english if language == "en" else self.chinese
        places = np.searchsorted(self._cumulative[language], self.draw.random(count))
        return list(pool[np.minimum(places, len(pool) - 1)])


def join(language: str, words: list[str]) -> str:
    """A text with a stop after every 15 words or characters, a line end after every 90."""
    space, stop = (" ", ".") if language == "en" else ("", "。")
    sentences = [space.join(words[at : at + 15]) + stop for at in range(0, len(words), 15)]
    lines = [space.join(sentences[at : at + 6]) for at in range(0, len(sentences), 6)]
    return "\n".join(lines)


class JsonLines:
    """Files of some 64 MB in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self.bytes, self.count, self._file, self._size = folder, 0, 0, None, 0

    def add(self, text: str, **more: Any) -> None:
        if self._file is None or self._size > A_FILE:
            self.close()
            self._file = (self.folder / f"{self.count:09d}.jsonl").open("w", encoding="utf-8")
            self._size = 0
        line = json.dumps({"text": text, **more}, ensure_ascii=False) + "\n"
        self._file.write(line)
        size = len(text.encode())
        self._size, self.bytes, self.count = self._size + size, self.bytes + size, self.count + 1

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def cpu_seconds() -> float:
    """Of this process and its children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def curated(
    folder: Path,
    name: str,
    sources: list[str],
    families: list[str],
    settings: dict[str, Any],
    workers: int = 0,
) -> tuple[Curated, Workspace]:
    """Reads, measures by these families and curates, in `folder/workspace-NAME`; what is there is not made again."""
    recipe = {
        "name": name,
        "workspace": f"workspace-{name}",
        "sources": [
            {
                "name": source,
                "kind": "files",
                "paths": [f"{source}/*.jsonl"],
                "root": ".",
                "unit": {"by": "document"},
            }
            for source in sources
        ],
        "holdout": {"share": 0},
        "signals": {"families": families},
        "curate": {"decontaminate": None, **settings},
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(recipe, ensure_ascii=False), encoding="utf-8")
    loaded = load_recipe(path)
    workspace = Workspace(loaded.workspace_path)
    ingested = ingest(loaded, workspace, workers=workers)
    measured = measure(loaded, workspace, ingested, workers=workers)
    made = curate(loaded, workspace, ingested, measured, workers=workers)
    keep_snapshot(Outcome(loaded, workspace, ingested, measured, made))
    return made, workspace
