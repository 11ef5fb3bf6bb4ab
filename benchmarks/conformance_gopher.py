"""Are our Gopher (and FineWeb) signals those of datatrove's own package?

    ./run bench conformance_gopher [--documents 300]

Two questions on real documents, half English, half Chinese:

- the same words given to both, are the values the same numbers, to the last bit? (The variant "datatrove".)
- with its own words (spaCy; spaCy with jieba) and ours (`corpus.text.words_and_symbols`), how far are they apart,
  and how often do the rules of the presets say the same? (The variant "words of Headwater's splitter".)
"""

import argparse
import statistics
from pathlib import Path

from peers import ask, environment, real_texts

from headwater.corpus.text import normalise, words_and_symbols
from headwater.curate.presets import preset_rules
from headwater.signals import FAMILIES, fineweb, gopher, repetition

PEER = ["datatrove==0.10.1", "spacy==3.8.18", "jieba==0.42.1", "lxml_html_clean", "regex"]
LANGUAGES = {"en": "eng", "zh": "cmn_Hani"}  # datatrove's names
SOURCES = {"en": "corpora/**/*.txt*", "zh": "corpora/books/books-zh/*.txt.gz"}
PRESETS = {"en": "gopher", "zh": "fineweb2-zh"}
SIZES = (400, 6000)


def values_of(text: str, words: list[str]) -> dict[str, float]:
    """Every signal of the three families on these words."""
    measured = {"gopher": gopher.measured(text, words), "repetition": repetition.measured(text, words),
                "fineweb": fineweb.measured(text, words)}  # fmt: skip
    return {
        f"{family}.{signal.name}": value
        for family, values in measured.items()
        for signal, value in zip(FAMILIES[family], values, strict=True)
    }


def passes(values: dict[str, float], rule: dict[str, float]) -> bool:
    value = values[str(rule["signal"])]
    return rule.get("min", value) <= value <= rule.get("max", value)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=300)
    options = parser.parse_args()
    documents = []
    for language, texts in real_texts(SOURCES, options.documents // 2, SIZES).items():
        for raw in texts:
            text = normalise(raw)[0]
            words = words_and_symbols(text)
            documents.append(
                {
                    "text": text,
                    "language": LANGUAGES[language],
                    "words": words,
                    "values": values_of(text, words),
                }
            )
    question = {"documents": documents, "stop_words_zh": sorted(gopher.STOP_WORDS_ZH)}
    answers = ask(
        environment("datatrove", PEER), Path(__file__).parent / "peers" / "datatrove_probe.py", question
    )

    print(
        f"{len(documents)} documents; the same words: documents whose value is datatrove's, to the last bit"
    )
    failed = 0
    for signal in answers[0]["identical"]:
        said = [answer["identical"][signal] for answer in answers]
        hidden = said.count(None)
        failed += said.count(False)
        note = f" ({hidden} not visible in its verdicts)" if hidden else ""
        print(f"  {signal:<43} {said.count(True):>4} of {len(said) - hidden}{note}")
    print("own words: difference of the values, and how often the preset's rule says the same")
    for language, code in LANGUAGES.items():
        rows = [(d, a) for d, a in zip(documents, answers, strict=True) if d["language"] == code]
        theirs = [values_of(d["text"], a["words"]) for d, a in rows]
        ours = [d["values"] for d, _ in rows]
        print(f"  {language} ({PRESETS[language]})" + " " * 30 + "median  95th percentile  same verdict")
        families = ("gopher.", "repetition.", "fineweb.newlines")
        for rule in preset_rules(PRESETS[language]):
            if not str(rule["signal"]).startswith(families):
                continue
            apart = sorted(
                abs(a[rule["signal"]] - b[rule["signal"]]) for a, b in zip(ours, theirs, strict=True)
            )
            same = sum(passes(a, rule) == passes(b, rule) for a, b in zip(ours, theirs, strict=True))
            print(f"    {rule['signal']:<41} {statistics.median(apart):8.4f} {apart[int(0.95 * len(apart))]:12.4f}"
                  f" {same / len(rows):16.3f}")  # fmt: skip
    if failed:
        raise SystemExit(f"{failed} values differ")


if __name__ == "__main__":
    main()
