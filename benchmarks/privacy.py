"""Personal data: recall and precision on labelled text, speed on real text, and presidio's beside ours.

    ./run bench privacy [--megabytes 8]

The labels are presidio-research's (truth/pii); a span counts as found where one of ours overlaps it, and as right the
other way round. Both look at the same 4,000-character pieces of real English, Chinese and web text; presidio runs
its recognisers of patterns alone, without a model of the language.
"""

import argparse
import gzip
import json
import random
import time
from pathlib import Path

from peers import ask, data_folder, environment, read_text

from headwater.signals import privacy

PEER = ["presidio-analyzer==2.2.360", "setuptools<81"]
TYPES = {  # of the labels, ours for it
    "EMAIL_ADDRESS": {"email"},
    "IP_ADDRESS": {"ip", "ip_private"},
    "CREDIT_CARD": {"card", "bank_card"},
    "PHONE_NUMBER": {"phone", "mobile"},
    "IBAN_CODE": {"iban"},
    "US_SSN": {"ssn"},
    "PERSON": {"name"},
    "STREET_ADDRESS": {"address"},
}
PATTERNS = list(TYPES)[:6]
TEXTS = {
    "novels": "corpora/books/novels-en/*.txt.gz",
    "Chinese books": "corpora/books/books-zh/*",
    "pages, all their text": "corpora/web-html/**/*.html.gz",
}
BAR_SPEED, BAR_RECALL, BAR_PRECISION = 20, 0.95, 0.90
PEER_SHARE = 20  # the peer is given a part of the text


def scores(
    truth: list[list[tuple[int, int]]], found: list[list[tuple[int, int]]]
) -> tuple[float, float, int]:
    """Recall, precision, labels."""
    met = right = labels = spans = 0
    for a, b in zip(truth, found, strict=True):
        met += sum(any(s < end and start < e for s, e in b) for start, end in a)
        right += sum(any(s < end and start < e for s, e in a) for start, end in b)
        labels += len(a)
        spans += len(b)
    return met / max(1, labels), right / max(1, spans), labels


def pieces(pattern: str, size: int) -> list[str]:
    files = sorted(data_folder().glob(pattern)) or sorted(data_folder().glob(pattern.removesuffix(".gz")))
    random.Random(0).shuffle(files)
    made: list[str] = []
    for file in files:
        text = read_text(file)
        made += [text[at : at + 4000] for at in range(0, len(text), 4000)]
        if sum(len(piece.encode()) for piece in made) >= size:
            break
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=8, help="of each kind of text")
    options = parser.parse_args()
    labelled = json.loads(
        gzip.decompress((data_folder() / "truth/pii/presidio_synth_v2.json.gz").read_bytes())
    )
    texts = {name: pieces(pattern, int(options.megabytes * 1e6)) for name, pattern in TEXTS.items()}
    sample = [piece for some in texts.values() for piece in some[::PEER_SHARE]]
    question = {"truth": [row["full_text"] for row in labelled], "speed": sample}
    answer = ask(
        environment("presidio", PEER), Path(__file__).parent / "peers" / "presidio_spans.py", question
    )
    ours = [privacy.spans(row["full_text"]) for row in labelled]
    print("labels              number   ours: recall precision   presidio: recall precision")
    for label, kinds in TYPES.items():
        truth = [
            [(s["start_position"], s["end_position"]) for s in row["spans"] if s["entity_type"] == label]
            for row in labelled
        ]
        found = [[(start, end) for kind, start, end, _ in some if kind in kinds] for some in ours]
        theirs = [[(start, end) for kind, start, end in some if kind == label] for some in answer["spans"]]
        recall, precision, number = scores(truth, found)
        line = f"  {label:<17} {number:6,}          {recall:.3f}     {precision:.3f}"
        if label in PATTERNS:
            line += "            {:.3f}     {:.3f}".format(*scores(truth, theirs)[:2])
            line += "" if recall >= BAR_RECALL and precision >= BAR_PRECISION else "   BELOW THE BAR"
        print(line)
    print(f"(bar: recall {BAR_RECALL}, precision {BAR_PRECISION} on the types that a pattern decides)")
    privacy.warm()
    for name, some in texts.items():
        size = sum(len(piece.encode()) for piece in some)
        print(
            f"{name:<24} {size / 1e6:6.1f} MB  {size / best(some) / 1e6:7.1f} MB a CPU second   bar {BAR_SPEED}"
        )
    size = sum(len(piece.encode()) for piece in sample)
    mine, theirs = size / best(sample) / 1e6, size / answer["seconds"] / 1e6
    print(
        f"the same {size / 1e6:.1f} MB: ours {mine:.1f}, presidio {theirs:.2f} MB a CPU second; ratio {mine / theirs:.0f}"
    )


def best(texts: list[str]) -> float:
    """CPU seconds of `measure` on all of them, the least of three times."""
    times = []
    for _ in range(3):
        started = time.process_time()
        for text in texts:
            privacy.measure(text)
        times.append(time.process_time() - started)
    return min(times)


if __name__ == "__main__":
    main()
