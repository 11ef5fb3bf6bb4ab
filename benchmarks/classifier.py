"""The quality classifier against fastText's, trained and asked on the same real pages; and its speed.

    ./run bench classifier [--folds 5] [--salt 2]

Good: main text of real pages, as people marked it (English and Chinese articles and forum pages, readability pages).
Bad: what is left of the same pages when the lines of the main text are taken out (menus, footers, lists of links), and
the spam pages of cc-multilingual-a, in pieces. Folds are by page (by record for spam), so that no page is on both
sides, and every page is held out once; scores of all folds are put in order together.

fastText (Joulin et al. 2017; fasttext-numpy2 in an environment of its own) gets the same texts, lower-cased, with
Chinese cut by our segmenter, since it splits at spaces: word pairs and triples, 25 epochs, one thread, its best of
three settings is what counts.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import xxhash
from fastwarc.warc import ArchiveIterator, WarcRecordType
from peers import ask, data_folder, environment, read_text
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import detect_encoding
from resiliparse.parse.html import HTMLTree

from headwater.corpus.text import normalise, words_and_symbols
from headwater.signals import linear

PEER = ["fasttext-numpy2==0.10.4", "numpy"]
SETTINGS = {
    "bigrams": {"wordNgrams": 2, "epoch": 25, "lr": 0.5, "dim": 50, "minCount": 1, "bucket": 200_000},
    "trigrams": {"wordNgrams": 3, "epoch": 25, "lr": 0.5, "dim": 50, "minCount": 1, "bucket": 200_000},
    "characters": {"wordNgrams": 2, "minn": 2, "maxn": 4, "epoch": 25, "lr": 0.3, "dim": 50, "minCount": 1, "bucket": 200_000},
}  # fmt: skip
BAR_SPEED = 10.0
SHORTEST, PIECE = 100, 2000  # characters


def pages() -> list[tuple[str, str, str]]:
    """(page, good or bad, text)."""
    found = []
    for name in ("magic-article", "magic-forum", "aeb"):
        folder = data_folder() / "corpora/web-html" / name
        for key, row in json.loads((folder / "ground-truth.json").read_text(encoding="utf-8")).items():
            path = folder / "html" / f"{key}.html.gz"
            main_text = row.get("articleBody") or row.get("content") or ""
            if path.is_file() and main_text:
                found += of_page(key, normalise(main_text)[0], normalise(read_text(path))[0])
    spam = data_folder() / "corpora/web-warc/cc-multilingual-a.warc.gz"
    with spam.open("rb") as file:
        for number, record in enumerate(ArchiveIterator(file, record_types=WarcRecordType.response)):
            body = record.reader.read()
            text = extract_plain_text(
                HTMLTree.parse_from_bytes(body, detect_encoding(body)), main_content=False
            )
            found += [(f"spam {number}", "bad", piece) for piece in pieces(normalise(str(text))[0])]
    return found


def of_page(name: str, main_text: str, whole: str) -> list[tuple[str, str, str]]:
    kept = {"".join(line.split()) for line in main_text.split("\n")}
    everything = "".join(main_text.split())
    rest = [
        line
        for line in whole.split("\n")
        if (bare := "".join(line.split())) and bare not in kept and bare not in everything
    ]
    good = [(name, "good", piece) for piece in pieces(main_text)]
    return good + [(name, "bad", piece) for piece in pieces("\n".join(rest))]


def pieces(text: str) -> list[str]:
    some = [text[at : at + PIECE] for at in range(0, min(len(text), 5 * PIECE), PIECE)]
    return [piece for piece in some if len(piece) >= SHORTEST]


def fold_of(name: str, folds: int, salt: str) -> int:
    return int(xxhash.xxh3_64_intdigest((salt + name).encode()) % folds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--salt", default="", help="draws other folds")
    options = parser.parse_args()
    found = pages()
    linear.warm()
    every = {"ours": ([], []), **{name: ([], []) for name in SETTINGS}}
    by_fold: dict[str, list[float]] = {name: [] for name in every}
    seconds = size = 0.0
    for fold in range(options.folds):
        held = {name for name, _, _ in found if fold_of(name, options.folds, options.salt) == fold}
        seen = [(kind, text) for name, kind, text in found if name not in held]
        unseen = [(kind, text) for name, kind, text in found if name in held]
        model = linear.train([t for k, t in seen if k == "good"], [t for k, t in seen if k == "bad"])
        texts = [text for _, text in unseen]
        started = time.process_time()
        for _ in range(5):
            ours = [model.score(text) for text in texts]
        seconds += time.process_time() - started
        size += 5 * sum(len(text.encode()) for text in texts) / 1e6

        def spaced(text: str) -> str:
            return " ".join(words_and_symbols(text.lower()))

        question = {"settings": SETTINGS, "train": [(k, spaced(t)) for k, t in seen], "test": [spaced(t) for t in texts]}  # fmt: skip
        answer = ask(
            environment("fasttext", PEER), Path(__file__).parent / "peers" / "fasttext_scores.py", question
        )
        for name, scores in {"ours": ours, **{n: a["scores"] for n, a in answer.items()}}.items():
            good = [s for s, (kind, _) in zip(scores, unseen, strict=True) if kind == "good"]
            bad = [s for s, (kind, _) in zip(scores, unseen, strict=True) if kind == "bad"]
            every[name][0].extend(good)
            every[name][1].extend(bad)
            by_fold[name].append(linear.auc(good, bad))
    counts = {kind: sum(k == kind for _, k, _ in found) for kind in ("good", "bad")}
    print(f"{counts['good']} good and {counts['bad']} bad pieces of {len({n for n, _, _ in found})} pages, {options.folds} folds by page, salt {options.salt!r}")  # fmt: skip
    pooled = {name: linear.auc(*scores) for name, scores in every.items()}
    for name, value in pooled.items():
        label = "ours" if name == "ours" else f"fastText, {name}"
        print(f"  {label:<22} AUC {value:.4f} (mean of folds {statistics.mean(by_fold[name]):.4f})")
    print(f"  ours scores {size / seconds:.1f} MB a CPU second (bar {BAR_SPEED:.0f})")
    best = max(value for name, value in pooled.items() if name != "ours")
    if pooled["ours"] < best or size / seconds < BAR_SPEED:
        raise SystemExit("below the bar")


if __name__ == "__main__":
    main()
