"""Do our signals, edits and presets say what the packages of the public recipes say, rule by rule?

    ./run bench conformance_rules [--documents 2000]
    ./run bench conformance_rules --golden tests/signals/golden    # snippets.json -> dolma.json, c4.json

On real documents, half English, half Chinese, each package in its own environment:

- dolma's tagger `gopher_v1`: the same words given to both (those between spaces), every value; then with our words,
  which in Chinese are the segmenter's where dolma finds none;
- datatrove's `C4QualityFilter` with its defaults: which pages stay, and with which lines; given our sentences, and
  with its own;
- FineWeb-2's filters with its configuration for Chinese (cmn_Hani), on 500 Chinese documents: the same words given
  to both, then each with its own.

datatrove's gopher and fineweb values to the last bit are conformance_gopher's.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from conformance_gopher import PEER, SIZES, SOURCES, values_of
from peers import ask, environment, real_texts

from headwater.corpus.text import normalise, sentences, spaced_words, words_and_symbols
from headwater.curate.edits import edit
from headwater.curate.line_rules import UNSPACED
from headwater.curate.presets import LineEdits, Rule, load_preset
from headwater.signals import FAMILIES, dolma
from headwater.signals.gopher import STOP_WORDS_ZH

DOLMA = [  # its pins (numpy<2, tokenizers<=0.19.1, s3fs) resolve for an hour; its taggers need these
    "--no-deps", "dolma==1.2.1", "anyascii==0.3.3", "antlr4-python3-runtime==4.9.3", "click==8.5.1",
    "fasttext-wheel==0.9.2", "fsspec==2026.9.0", "joblib==1.6.0", "msgspec==0.22.0", "necessary==0.4.3",
    "nltk==3.10.4", "numpy==2.4.6", "omegaconf==2.4.0", "packaging==26.4", "platformdirs==4.14.8", "PyYAML==6.0.4",
    "regex==2026.11.19", "requirements-parser==0.13.1", "smart_open==9.0.2", "tokenizers==0.23.3", "tqdm==4.70.1",
    "typing_extensions==4.16.0", "uniseg==0.10.1", "urllib3==2.8.0", "wrapt==2.5.2", "zstandard==0.25.0",
]  # fmt: skip
NAMES = {
    "words": "word_count", "median_word_length": "median_word_length", "symbol_words": "symbol_to_word_ratio",
    "alphabetic_words": "fraction_of_words_with_alpha_character", "stop_words": "required_word_count",
    "bullet_lines": "fraction_of_lines_starting_with_bullet_point",
    "ellipsis_lines": "fraction_of_lines_ending_with_ellipsis",
    "duplicate_lines": "fraction_of_duplicate_lines",
    "duplicate_line_characters": "fraction_of_characters_in_duplicate_lines",
    **{f"top_{n}_gram": f"fraction_of_characters_in_most_common_{n}grams" for n in (2, 3, 4)},
    **{f"duplicate_{n}_grams": f"fraction_of_characters_in_duplicate_{n}grams" for n in range(5, 11)},
}  # fmt: skip
# fineweb-2, configs/cmn_Hani.yml
CMN_HANI: dict[str, Any] = {
    "dup_line_frac": 0.287, "top_n_grams": [[2, 0.256], [3, 0.201], [4, 0.171]],
    "dup_n_grams": [[5, 0.198], [6, 0.182], [7, 0.167], [8, 0.154], [9, 0.14], [10, 0.127]],
    "line_punct_thr": 0.106, "new_line_ratio": 0.178, "max_avg_word_length": 5, "min_avg_word_length": 1,
    "max_non_alpha_words_ratio": 0.735, "stopwords": sorted(STOP_WORDS_ZH),
}  # fmt: skip
C4 = LineEdits(c4=load_preset("c4-datatrove").passes[0].lines.c4)  # type: ignore[union-attr]


def documents_of(count: int) -> list[dict[str, Any]]:
    found = []
    for language, texts in real_texts(SOURCES, count // 2, SIZES).items():
        found += [document_of(normalise(raw)[0], language) for raw in texts]
    return found


def document_of(text: str, language: str) -> dict[str, Any]:
    from headwater.curate.line_rules import C4_CITATION

    counted = {
        line: len(sentences(line))
        for raw in text.splitlines()
        for line in (raw.strip(), C4_CITATION.sub("", raw.strip()))
    }
    return {"text": text, "language": language, "words": words_and_symbols(text), "sentences": counted}


def our_dolma(text: str, words: list[str]) -> dict[str, float]:
    return dict(zip([s.name for s in FAMILIES["dolma"]], dolma.measured(text, words), strict=True))


def compare_dolma(documents: list[dict[str, Any]], theirs: list[dict[str, float]]) -> int:
    rules = {r.signal.partition(".")[2]: r for one in load_preset("dolma").passes for r in one.rules or []}
    print("dolma 1.2.1, gopher_v1: the same words (between spaces); then our words: same value, same verdict")
    print(
        f"  {'':<28}{'same words':>12}{'en values':>12}{'en verdicts':>12}{'zh values':>12}{'zh verdicts':>12}"
    )
    wrong = 0
    for name, other in NAMES.items():
        given, own, verdicts, shown = 0, Counter[str](), Counter[str](), Counter[str]()
        for document, answer in zip(documents, theirs, strict=True):
            language, text = document["language"], document["text"]
            if "given" not in document:
                document["given"], document["own"] = (
                    our_dolma(text, text.split()),
                    our_dolma(text, spaced_words(text)),
                )
            said = answer.get(other, 0.0)  # no n-gram, no span
            given += document["given"][name] == said
            shown[language] += 1
            own[language] += document["own"][name] == said
            verdicts[language] += passes(rules[name], document["own"][name]) == passes(rules[name], said)
        wrong += given != len(documents)
        print(f"  {name:<28}{given:>7} of {len(documents)}" + "".join(
            f"{counts[language]:>8} of {shown[language]}" for language in ("en", "zh") for counts in (own, verdicts)
        ))  # fmt: skip
    return wrong


def passes(rule: Rule, value: float) -> bool:
    return (rule.min is None or value >= rule.min) and (rule.max is None or value <= rule.max)


def compare_c4(documents: list[dict[str, Any]], answers: list[dict[str, Any]]) -> int:
    print("datatrove 0.10.1, C4QualityFilter: our edit on the same sentences")
    wrong = 0
    for language in ("en", "zh"):
        causes: Counter[str] = Counter()
        for document, answer in zip(documents, answers, strict=True):
            if document["language"] == language:
                causes[cause_of_c4(document["text"], answer["c4"])] += 1
        print(f"  {language}: " + ", ".join(f"{count} {cause}" for cause, count in causes.most_common()))
        own = sum(
            answer["c4"] == answer["c4_own"]
            for document, answer in zip(documents, answers, strict=True)
            if document["language"] == language
        )
        print(f"      its own sentences change nothing in {own}")
        wrong += causes["DIFFERENT"]
    return wrong


def cause_of_c4(text: str, answer: dict[str, Any]) -> str:
    done = edit(text, C4)
    ours = [line.strip() for line in (done.text or "").split("\n") if line.strip()]
    theirs = [line.strip() for line in answer["text"].split("\n") if line.strip()] if answer["kept"] else []
    if (done.dropped is None) == answer["kept"] and ours == theirs:
        return "the same"
    if any(UNSPACED.search(line) for line in text.split("\n")):
        return "differ by Chinese words and line ends (variant of Headwater)"
    return "DIFFERENT"


def compare_fineweb2(documents: list[dict[str, Any]], answers: list[dict[str, Any]], count: int = 500) -> int:
    rules = [rule for one in load_preset("fineweb2-zh").passes[1:] for rule in one.rules or []]
    plain = [rule.model_copy(update={"signal": rule.signal.replace("_quoted", "")}) for rule in rules]
    chinese = [pair for pair in zip(documents, answers, strict=True) if pair[0]["language"] == "zh"][:count]
    given = own = quoted = 0
    kept: Counter[str] = Counter()
    for document, answer in chinese:
        ours = values_of(document["text"], document["words"])
        theirs = values_of(document["text"], answer["words"])
        given += verdict(plain, ours) == (not answer["given"])
        own += verdict(plain, theirs) == (not answer["own"])
        quoted += verdict(rules, ours) == (not answer["own"])
        kept["theirs"] += not answer["own"]
        kept["ours"] += verdict(rules, ours)
    print(f"FineWeb-2's filters by cmn_Hani.yml, {len(chinese)} Chinese documents: same verdict")
    print(f"  our words given to both           {given} of {len(chinese)}")
    print(f"  their words given to both         {own} of {len(chinese)}")
    print(f"  each its own words, ours reads closing quotes (preset fineweb2-zh) {quoted} of {len(chinese)}")
    print(f"  kept: theirs {kept['theirs']}, ours {kept['ours']}")
    return 2 * len(chinese) - given - own


def verdict(rules: list[Rule], values: dict[str, float]) -> bool:
    return all(passes(rule, values[rule.signal]) for rule in rules)


def write_golden(folder: Path) -> None:
    """Of our own snippets: dolma's values, and the lines that datatrove's C4 filter keeps."""
    snippets = json.loads((folder / "snippets.json").read_text(encoding="utf-8"))
    documents = [document_of(snippet["text"], snippet["language"]) for snippet in snippets]
    values, verdicts = peers_say(documents)
    for name, packages, said in (("dolma", DOLMA, values), ("c4", PEER, [a["c4"] for a in verdicts])):
        rows = [{"text": d["text"], "said": one} for d, one in zip(documents, said, strict=True)]
        content = {"packages": packages, "documents": rows}
        (folder / f"{name}.json").write_text(
            json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )


def peers_say(documents: list[dict[str, Any]]) -> tuple[list[dict[str, float]], list[dict[str, Any]]]:
    scripts = Path(__file__).parent / "peers"
    values = ask(environment("dolma", DOLMA), scripts / "dolma_values.py", [d["text"] for d in documents])
    question = {"documents": documents, "cmn_Hani": CMN_HANI}
    return values, ask(environment("datatrove", PEER), scripts / "datatrove_rules.py", question)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--golden", type=Path)
    options = parser.parse_args()
    if options.golden:
        write_golden(options.golden)
        return
    documents = documents_of(options.documents)
    values, verdicts = peers_say(documents)
    wrong = (
        compare_dolma(documents, values)
        + compare_c4(documents, verdicts)
        + compare_fineweb2(documents, verdicts)
    )
    if wrong:
        raise SystemExit(f"{wrong} differences without a cause")


if __name__ == "__main__":
    main()
