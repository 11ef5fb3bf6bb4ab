"""Repetition and quality signals a CPU second, ours against datatrove's two Gopher filters.

    ./run bench quality_signals [--documents 300] [--rounds 3]

The same real documents go through `GopherRepetitionFilter` and `GopherQualityFilter` of datatrove's own package, with
its defaults and the word splitter that it has for the language, and through our families `gopher` and `repetition`.
A filter stops at the first rule that a document breaks; ours measures everything of every document. Beside it stands
the time of the same filters with their thresholds opened, so that they too compute all that they can. Both sides are
timed in turn, in CPU seconds, with their models loaded and their kernels compiled.

"Same values" is asked as in `conformance_gopher`: given the same words, each of our values is put to datatrove's
filters as a threshold; it must pass at it and be dropped beyond it.
"""

import argparse
import statistics
import time
from pathlib import Path

from conformance_gopher import LANGUAGES, PEER, SIZES, SOURCES, document_of, probe
from peers import ask, environment, real_texts

from headwater.corpus.text import normalise
from headwater.signals import gopher, repetition

BAR = 15
PROBED = (
    40  # documents a language whose values are compared; benchmarks/conformance_gopher.py compares them all
)


def seconds_of_ours(texts: list[str]) -> float:
    """CPU seconds of one pass, each text going through both families as in `measure`."""
    copies = [text + " " for text in texts]  # new strings: nothing is kept from the last pass
    started = time.process_time()
    for text in copies:
        gopher.measure(text)
        repetition.measure(text)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    drawn = real_texts(SOURCES, options.documents // 2, SIZES)
    texts = {language: [normalise(text)[0] for text in some] for language, some in drawn.items()}
    gopher.warm()
    repetition.warm()

    documents = [document_of(t, LANGUAGES[language]) for language in texts for t in texts[language][:PROBED]]
    said = [same for answer in probe(documents) for same in answer["identical"].values() if same is not None]
    print(f"the same words: {sum(said):,} of {len(said):,} values of {len(documents)} documents are datatrove's, to the last bit")  # fmt: skip

    script = Path(__file__).parent / "peers" / "datatrove_seconds.py"
    ratios: dict[str, list[float]] = {}
    for number in range(options.rounds):
        for language, some in texts.items():
            ours = min(seconds_of_ours(some) for _ in range(3))
            question = {"texts": some, "language": LANGUAGES[language]}
            theirs = ask(environment("datatrove", PEER), script, question)
            size = sum(len(text.encode()) for text in some) / 1e6
            for kind in ("defaults", "open"):
                ratios.setdefault(f"{language} {kind}", []).append(theirs[kind] / ours)
            print(
                f"round {number + 1} {language}: {len(some)} documents of {size / len(some) * 1e3:.1f} kB; ms a document:"
                f" ours {ours / len(some) * 1e3:.3f} ({size / ours:.1f} MB/s), datatrove"
                f" {theirs['defaults'] / len(some) * 1e3:.2f}, all rules {theirs['open'] / len(some) * 1e3:.2f}",
                flush=True,
            )
    middle = {kind: statistics.median(values) for kind, values in ratios.items()}
    for kind, ratio in middle.items():
        print(f"  {kind:<12} {ratio:6.1f} x (median of {options.rounds}; bar {BAR} x)")
    if not all(said) or min(ratio for kind, ratio in middle.items() if kind.endswith("defaults")) < BAR:
        raise SystemExit("below the bar")


if __name__ == "__main__":
    main()
