"""datatrove's side of benchmarks/conformance_rules.py: its own filters' verdicts, whole and in the order of the recipes.

C4QualityFilter counts sentences: once as datatrove splits them, once as many as the question says. FineWeb-2's filters are asked with the settings of fineweb-2-pipeline.py and cmn_Hani.yml, once with
datatrove's own words and once with the words that the question brings.
"""

import json
import sys
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import c4_filters
from datatrove.pipeline.filters import fineweb_quality_filter as fineweb
from datatrove.pipeline.filters import gopher_quality_filter as quality
from datatrove.pipeline.filters import gopher_repetition_filter as repetition
from datatrove.utils.text import split_into_sentences, split_into_words


def c4(document, sentences):
    c4_filters.split_into_sentences = sentences
    asked = Document(text=document["text"], id="0")
    answer = c4_filters.C4QualityFilter().filter(asked)
    return {"kept": answer is True, "reason": None if answer is True else answer[1], "text": asked.text}


def fineweb2(document, settings, words):
    for module in (quality, repetition, fineweb):
        module.split_into_words = lambda text, language: words
    language = "cmn_Hani"
    filters = [
        repetition.GopherRepetitionFilter(
            language=language, dup_para_frac=0, dup_line_char_frac=0, dup_para_char_frac=0,
            dup_line_frac=settings["dup_line_frac"], top_n_grams=settings["top_n_grams"],
            dup_n_grams=settings["dup_n_grams"],
        ),
        fineweb.FineWebQualityFilter(
            language=language, short_line_thr=999, char_duplicates_ratio=0.1,
            line_punct_thr=settings["line_punct_thr"], new_line_ratio=settings["new_line_ratio"],
        ),
        quality.GopherQualityFilter(
            language=language, max_avg_word_length=settings["max_avg_word_length"],
            min_avg_word_length=settings["min_avg_word_length"], stop_words=settings["stopwords"],
            max_non_alpha_words_ratio=settings["max_non_alpha_words_ratio"], min_stop_words=2,
        ),
    ]  # fmt: skip
    said = []
    for one in filters:
        answer = one.filter(Document(text=document["text"], id="0"))
        said += [] if answer is True else [answer[1]]
    return said


def main():
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answers = []
    for document in question["documents"]:
        given = {line: [""] * count for line, count in document["sentences"].items()}
        answer = {
            "c4": c4(document, lambda line, language, given=given: given[line]),
            "c4_own": c4(document, split_into_sentences),
        }
        if document["language"] == "zh":
            own = split_into_words(document["text"], "cmn_Hani")
            answer["words"] = own
            answer["own"] = fineweb2(document, question["cmn_Hani"], own)
            answer["given"] = fineweb2(document, question["cmn_Hani"], document["words"])
        answers.append(answer)
    Path(sys.argv[2]).write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
