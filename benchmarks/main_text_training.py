"""Trains the main-text model on the training half of the labelled pages and writes its numbers into the package.

    ./run bench main_text_training [--folds 5] [--write]

Labels: human main text laid along the blocks (aeb, magic, readability); of the pages that have only snippets
(trafilatura-eval), trafilatura's own output, corrected by the snippets, at a lower weight; a few pages of Python's
documentation, whose text is known (pages/reference.py). Beside each page stand two variants of it (pages/variants.py).
LightGBM, on one thread, in an environment of its own; two forests, of which the mean counts. `--folds` prints F1 by set
on pages of sites that were not trained on, within the training half (0: not); the test half is never read here.
`--write` writes src/headwater/sources/extract/main_text.npz.
"""

import argparse
import random
import tempfile
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from main_text import PEERS
from pages import SETS, Page, pages, score
from pages.labels import aligned, corrected, texts_of, weights
from pages.reference import reference_pages
from pages.variants import variants
from peers import ask, data_folder, environment

from headwater.sources.extract.blocks import Blocks, blocks_of
from headwater.sources.extract.features import NAMES, features_of
from headwater.sources.extract.forest import FILE
from headwater.sources.extract.main_text import assembled, threshold_of

LIGHTGBM = ["lightgbm==4.7.0", f"numpy=={version('numpy')}"]
HERE = Path(__file__).parent
PACKAGE = HERE.parent / "src" / "headwater" / "sources" / "extract"
PARAMETERS = {
    "objective": "binary", "learning_rate": 0.12, "num_leaves": 15, "min_data_in_leaf": 30, "feature_fraction": 0.4,
    "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 5, "extra_trees": True, "max_bin": 63,
    "num_threads": 1, "deterministic": True, "verbose": -1,
}  # fmt: skip
TREES, KEEP_FROM = 220, 0.4
SEEDS = (0, 1)  # of forests, of which the mean counts
# Weights: of a page whose labels are another extractor's, of a page of reference documentation; of a page's variants
# without some of its boilerplate, and cut short besides, as shares of the page's own.
TAUGHT, REFERENCE = 0.6, 0.3
LESS, SHORT = 0.7, 0.3


class Labelled:
    """A page's blocks with what is known of them. `weight`: of the page."""

    def __init__(self, page: Page, labels: np.ndarray, blocks: Blocks, weight: float) -> None:
        self.page, self.blocks, self.labels, self.weight = page, blocks, labels, weight
        self.matrix = features_of(blocks)

    def text(self, scores: np.ndarray, keep_from: float) -> str:
        threshold = threshold_of(scores, self.blocks, keep_from)
        return assembled(self.blocks, np.flatnonzero(scores >= threshold))


def labelled(page: Page, taught: str) -> Labelled:
    blocks = blocks_of(page.html)
    texts = texts_of(blocks)
    if page.truth is not None:
        labels = aligned(texts, page.truth)
    else:
        labels = corrected(texts, aligned(texts, taught), page)
    weight = 1.0 if page.truth is not None else TAUGHT
    return Labelled(
        page, labels, blocks, weight if labels.any() else 0.0
    )  # 0: its truth stands nowhere in it


def labelled_pages() -> list[Labelled]:
    found = [page for page in pages(data_folder() / "corpora" / "web-html") if not page.test]
    without = [page for page in found if page.truth is None]
    answer = ask(
        environment("main_text", PEERS),
        HERE / "peers" / "main_text_peers.py",
        {"pages": [page.html for page in without], "extractors": ["trafilatura fast"]},
    )
    taught = dict(zip((page.name for page in without), answer["trafilatura fast"]["texts"], strict=True))
    reference = [
        Labelled(page, labels, blocks_of(page.html), REFERENCE) for page, labels in reference_pages()
    ]
    return [labelled(page, taught.get(page.name, "")) for page in found] + reference


def write_rows(examples: list[Labelled], path: Path) -> int:
    """Every block of every page and of its variants as a row; how many there are."""
    columns: dict[str, list[np.ndarray]] = defaultdict(list)

    def add(number: int, made: bool, matrix: np.ndarray, labels: np.ndarray, weight: np.ndarray) -> None:
        columns["matrix"].append(matrix)
        columns["labels"].append(labels)
        columns["weights"].append(weight)
        columns["pages"].append(np.full(len(labels), number))
        columns["made"].append(np.full(len(labels), made))

    for number, example in enumerate(examples):
        add(number, False, example.matrix, example.labels, weights(example.blocks, example.weight))
        if example.weight:
            for short, blocks, labels, matrix in variants(example.blocks, example.labels, number):
                share = SHORT if short else LESS
                add(number, True, matrix, labels, weights(blocks, example.weight * share))
    np.savez(path, **{name: np.concatenate(parts) for name, parts in columns.items()})
    return sum(map(len, columns["labels"]))


def fit(data: Path, held: list[int]) -> dict[str, Any]:
    question = {"data": str(data), "parameters": PARAMETERS, "trees": TREES, "seeds": SEEDS, "held": held}
    answer: dict[str, Any] = ask(
        environment("lightgbm", LIGHTGBM), HERE / "peers" / "lightgbm_fit.py", question
    )
    return answer


def cross_validated(examples: list[Labelled], data: Path, folds: int) -> None:
    sites = sorted({example.page.site for example in examples})
    random.Random(7).shuffle(sites)
    fold = {site: number % folds for number, site in enumerate(sites)}
    scores: dict[int, np.ndarray] = {}
    for number in range(folds):
        held = [n for n, example in enumerate(examples) if fold[example.page.site] == number]
        predicted = iter(fit(data, held)["held"])
        for n in held:
            scores[n] = np.array([next(predicted) for _ in examples[n].labels], np.float32)
    print("blocks kept from", *(f"{kind:>17}" for kind in SETS))
    for keep_from in (0.3, 0.35, 0.4, 0.45, 0.5):
        row = []
        for kind in SETS:
            chosen = [n for n, example in enumerate(examples) if example.page.kind == kind]
            row.append(score([(examples[n].page, examples[n].text(scores[n], keep_from)) for n in chosen]))
        print(f"{keep_from:<16}", *(f"{value:>17.3f}" for value in row), flush=True)


def flattened(forests: list[list[dict[str, Any]]]) -> dict[str, np.ndarray]:
    """Forests as the arrays of one whose sum is the mean of theirs, each's first trees first; forest.py says what they
    hold."""
    nodes: list[list[float]] = []  # feature, threshold or value, left, right
    roots = []

    def add(node: dict[str, Any]) -> int:
        place = len(nodes)
        if "leaf_value" in node:
            nodes.append([-1, node["leaf_value"] / len(forests), 0, 0])
        else:
            assert node["decision_type"] == "<=", node["decision_type"]
            nodes.append([node["split_feature"], node["threshold"], 0, 0])
            nodes[place][2:] = [add(node["left_child"]), add(node["right_child"])]
        return place

    for trees in zip(*forests, strict=True):
        roots += map(add, trees)
    feature, threshold, left, right = (np.array(column) for column in zip(*nodes, strict=True))
    return {
        "feature": feature.astype(np.int16),
        "threshold": threshold.astype(np.float64),
        "left": left.astype(np.int32),
        "right": right.astype(np.int32),
        "roots": np.array(roots, np.int32),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    examples = labelled_pages()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "blocks.npz"
        rows = write_rows(examples, data)
        print(f"{len(examples)} pages, {rows:,} rows with their variants, {len(NAMES)} features", flush=True)
        if options.folds:
            cross_validated(examples, data, options.folds)
        if options.write:
            numbers = flattened(fit(data, [])["forests"])
            np.savez_compressed(
                PACKAGE / FILE, names=np.array(NAMES), keep_from=np.float64(KEEP_FROM), **numbers
            )
            size = (PACKAGE / FILE).stat().st_size
            print(
                f"wrote {PACKAGE / FILE}: {len(numbers['roots'])} trees, {len(numbers['feature']):,} nodes, {size:,} bytes"
            )


if __name__ == "__main__":
    main()
