"""Are our Gopher (and FineWeb) signals those of datatrove's own package?

    ./run bench conformance_gopher [--documents 300]
    ./run bench conformance_gopher --golden tests/signals/golden    # snippets.json -> datatrove.json

Two questions on real documents, half English, half Chinese:

- the same words given to both, are the values the same numbers, to the last bit? (The variant "datatrove".)
- with its own words (spaCy; spaCy with jieba) and ours (`corpus.text.words_and_symbols`), how far are they apart,
  and how often do the rules of the presets say the same? (The variant "words of Headwater's splitter".)
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from peers import ask, environment, real_texts

from headwater.corpus.text import normalise, words_and_symbols
from headwater.curate.presets.show import preset_rules
from headwater.signals import FAMILIES, fineweb, gopher, repetition

PEER = ["datatrove==0.10.1", "spacy==3.8.18", "jieba==0.42.1", "lxml_html_clean", "regex"]
LANGUAGES = {"en": "eng", "zh": "cmn_Hani"}  # datatrove's names
# Menus, lists and repeated lines are what the signals are about: pages as they are, besides books, news and talk.
SOURCES = {
    "en": ("corpora/books/novels-en/*.txt.gz", "corpora/news/**/*.txt*", "corpora/chat/ubuntu-irc/*.raw.txt.gz",
           "corpora/lm/wikitext-2.valid.txt.gz", "corpora/web-html/aeb/html/*.html.gz",
           "corpora/web-html/trafilatura-eval/html/*.html.gz"),
    "zh": ("corpora/books/books-zh/*.txt.gz", "corpora/chat/kdconv-zh/*/*.json.gz",
           "corpora/web-html/gne-zh-news/**/*.html.gz", "corpora/web-html/magic-*/html/*.html.gz"),
}  # fmt: skip
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


def document_of(text: str, language: str) -> dict[str, Any]:
    words = words_and_symbols(text)
    return {"text": text, "language": language, "words": words, "values": values_of(text, words)}


def probe(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each document what datatrove says of our values, and its own words."""
    question = {"documents": documents, "stop_words_zh": sorted(gopher.STOP_WORDS_ZH)}
    script = Path(__file__).parent / "peers" / "datatrove_probe.py"
    answers: list[dict[str, Any]] = ask(environment("datatrove", PEER), script, question)
    return answers


def write_golden(folder: Path) -> None:
    """Values of our own snippets that datatrove's package has confirmed, on its words too, for the tests."""
    snippets = json.loads((folder / "snippets.json").read_text(encoding="utf-8"))
    documents = [document_of(snippet["text"], snippet["language"]) for snippet in snippets]
    documents += [
        {**document, "words": answer["words"], "values": values_of(document["text"], answer["words"])}
        for document, answer in zip(documents, probe(documents), strict=True)
    ]
    for document, answer in zip(documents, probe(documents), strict=True):
        if wrong := [signal for signal, same in answer["identical"].items() if same is False]:
            raise SystemExit(f"{document['text']!r}: {wrong} differ")
        document["values"] = {s: document["values"][s] for s, same in answer["identical"].items() if same}
    text = json.dumps({"packages": PEER, "documents": documents}, ensure_ascii=False, indent=1)
    (folder / "datatrove.json").write_text(text + "\n", encoding="utf-8")


def passes(values: dict[str, float], rule: dict[str, float]) -> bool:
    value = values[str(rule["signal"])]
    return rule.get("min", value) <= value <= rule.get("max", value)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--golden", type=Path)
    options = parser.parse_args()
    if options.golden:
        write_golden(options.golden)
        return
    documents = []
    for language, texts in real_texts(SOURCES, options.documents // 2, SIZES).items():
        for raw in texts:
            documents.append(document_of(normalise(raw)[0], LANGUAGES[language]))
    answers = probe(documents)

    print(
        f"{len(documents)} documents; the same words: documents whose value is datatrove's, to the last bit;"
    )
    print("in brackets how many have something to count at all (the value is not 0)")
    failed = 0
    for signal in answers[0]["identical"]:
        said = [answer["identical"][signal] for answer in answers]
        hidden = said.count(None)
        failed += said.count(False)
        note = f", {hidden} more not visible in its verdicts" if hidden else ""
        counts = sum(document["values"][signal] != 0 for document in documents)
        print(f"  {signal:<43} {said.count(True):>4} of {len(said) - hidden} ({counts}){note}")
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
