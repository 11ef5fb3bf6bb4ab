"""Our n-gram models: bits per byte against KenLM's on the same units, smoothings and units compared, speed, memory.

    ./run bench ngrams [--megabytes 4] [--lmplz PATH] [--large 100]

- *KenLM* (Heafield 2013): its lmplz trains a 5-gram on the same subwords of the same lines, written as numbers; its
  query module scores the same held-out lines. lmplz is built from the source package `kenlm` by cmake (needs boost's
  headers); with neither --lmplz nor a build on the path this part is left out, and says so.
- *Which smoothing, which unit*: bits per byte of held-out text, and how well perplexity ranks: AUC of held-out main
  text of real pages (people marked it) against raw text of the same pages.
- *Speed*: MB of text a CPU second, cutting into units included. *Memory*: peak of a training on --large MB.
"""

import argparse
import json
import math
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from peers import ask, data_folder, environment, read_text

from headwater.corpus.text import normalise
from headwater.model.ngrams import SMOOTHINGS, UNITS, NgramModel, train
from headwater.signals.linear import auc

PEER = ["kenlm==0.3.0"]
BOOKS = {"en": "corpora/books/novels-en/*.txt.gz", "zh": "corpora/books/books-zh/*.txt.gz"}
BAR_SPEED, BAR_MEMORY = 5.0, 4.0
PIECE = 4000  # characters of a text


def texts_of(language: str, megabytes: float) -> tuple[list[str], list[str]]:
    """Pieces of books to train on, and the last tenth of each book."""
    training, heldout, files = [], [], sorted(data_folder().glob(BOOKS[language]))
    for file in files:
        text = normalise(read_text(file))[0]
        text = text[: int(megabytes * 1e6 / len(files) / (1 if language == "en" else 2.9))]
        pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
        cut = max(1, len(pieces) * 9 // 10)
        training += pieces[:cut]
        heldout += pieces[cut:]
    return training, heldout


def pages() -> tuple[list[str], list[str]]:
    """Main text as people marked it, and the whole text of the same pages, menus and all; Chinese and English."""
    good, raw = [], []
    for name in ("magic-article", "aeb"):
        folder = data_folder() / "corpora/web-html" / name
        truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
        for key, row in truth.items() if isinstance(truth, dict) else enumerate(truth):
            text = (
                row.get("articleBody") or row.get("content") or row.get("text")
                if isinstance(row, dict)
                else row
            )
            path = next((p for p in (folder / "html").glob(f"{key}.html*")), None)
            if path is not None and text:
                good.append(normalise(str(text))[0])
                raw.append(normalise(read_text(path))[0])
    return good, raw


def kenlm_bits(model: NgramModel, lmplz: str, training: list[str], heldout: list[str]) -> tuple[float, float]:
    """Bits per byte of KenLM's 5-gram on our subwords: as it says, and with its unknown units told apart.

    KenLM gives all subwords that it has not seen one probability together, that of <unk>; ours gives each its own. To
    be a code for the text, KenLM's needs log2 of their number for each of them, too.
    """

    def lines(texts: list[str]) -> list[str]:
        found = [line.strip() for text in texts for line in text.split("\n") if line.strip()]
        return [" ".join(map(str, model.vocabulary.ids(line)[0].tolist())) for line in found]

    with tempfile.TemporaryDirectory() as folder:
        text, arpa = Path(folder) / "text", Path(folder) / "arpa"
        text.write_text("\n".join(lines(training)) + "\n", encoding="utf-8")
        command = [lmplz, "-o", "5", "--text", str(text), "--arpa", str(arpa), "-S", "1G", "-T", folder, "--discount_fallback"]  # fmt: skip
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        answer = ask(environment("kenlm", PEER), Path(__file__).parent / "peers" / "kenlm_scores.py", {"arpa": str(arpa), "lines": lines(heldout)})  # fmt: skip
    size = sum(len(line.strip().encode()) + 1 for t in heldout for line in t.split("\n") if line.strip())
    seen = {unit for line in lines(training) for unit in line.split()}
    unseen = sum(unit not in seen for line in lines(heldout) for unit in line.split())
    bits = -sum(answer["log10"]) * math.log2(10)
    return bits / size, (bits + unseen * math.log2(model.vocabulary.size - len(seen))) / size


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=4)
    parser.add_argument("--lmplz", default=shutil.which("lmplz"))
    parser.add_argument("--large", type=float, default=0, help="MB of a training whose memory is looked at")
    options = parser.parse_args()
    below = []
    if options.large:
        below += large(options.large)
    good, raw = pages()
    for language in BOOKS:
        training, heldout = texts_of(language, options.megabytes)
        size = sum(len(t.encode()) for t in training) / 1e6
        print(f"{language}: {size:.1f} MB of books, {len(heldout)} held-out pieces", flush=True)
        model = train(lambda some=training: some, vocabulary=16_000)
        model.lines(heldout[0])
        started = time.process_time()
        ours = model.bits_per_byte(heldout)
        seconds = time.process_time() - started
        speed = sum(len(t.encode()) for t in heldout) / 1e6 / seconds
        below += [f"{language}: {speed:.1f} MB/s"] if speed < BAR_SPEED else []
        print(f"  scoring {speed:.1f} MB a CPU second (bar {BAR_SPEED:.0f})")
        if options.lmplz:
            said, theirs = kenlm_bits(model, options.lmplz, training, heldout)
            below += [f"{language}: KenLM is better"] if ours > said else []
            print(
                f"  bits per byte: ours {ours:.4f}, KenLM {said:.4f} (5-gram, the same subwords; for information:"
                f" {theirs:.4f} with its unseen subwords told apart)",
                flush=True,
            )
        else:
            print("  no lmplz: KenLM was not compared (--lmplz)")
        for unit in UNITS:
            for smoothing in SMOOTHINGS:
                some = model if (unit, smoothing) == ("subword", "kneser-ney") else train(
                    lambda some=training: some, unit=unit, smoothing=smoothing, vocabulary=16_000)  # fmt: skip
                mine = [
                    (g, r) for g, r in zip(good, raw, strict=True) if (han(g) > 0.3) == (language == "zh")
                ]
                scores = [[some.perplexity(t) for t in texts] for texts in zip(*mine, strict=True)]
                ranks = auc(scores[1], scores[0])  # raw pages perplex more
                print(f"  {unit:<10} {smoothing:<15} {some.bits_per_byte(heldout):.4f} bits per byte; AUC of main text against raw page {ranks:.4f} ({len(mine)} pages)", flush=True)  # fmt: skip
    if below:
        raise SystemExit(f"below the bar: {'; '.join(below)}")


def large(megabytes: float) -> list[str]:
    """Peak memory of a training on so much text (books, with a number in each line so that n-grams are new)."""
    books = [t for language in BOOKS for t in texts_of(language, 8)[0]]

    def texts():
        size = number = 0
        while size < megabytes * 1e6:
            text = books[number % len(books)]
            if number >= len(
                books
            ):  # a second copy with its words in another order, so that its n-grams differ
                words = text.split(" ")
                text = " ".join(words[:: 1 + number // len(books)] + words[1 :: 1 + number // len(books)])
            size += len(text.encode())
            number += 1
            yield text

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    started = time.process_time()
    model = train(texts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"training on {model.about['text_bytes'] / 1e6:.0f} MB: {time.process_time() - started:.0f} CPU s, peak {peak:.2f} GiB ({before:.2f} before), n-grams {model.about['ngrams']}", flush=True)  # fmt: skip
    return [f"{peak:.2f} GiB"] if peak > BAR_MEMORY else []


def han(text: str) -> float:
    return sum("\u4e00" <= c <= "\u9fff" for c in text) / max(1, len(text))


if __name__ == "__main__":
    main()
