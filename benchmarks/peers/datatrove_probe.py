"""datatrove's side of benchmarks/conformance_gopher.py: what its own filters say of given values, and its own words.

A filter says keep or drop, not what it measured. So each value is put to it as a threshold: at the value itself the
document must pass, at the next number beyond it must be dropped for just that reason. Then the filter's own value
is that number, to the last bit.
"""

import json
import math
import sys
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import fineweb_quality_filter as fineweb
from datatrove.pipeline.filters import gopher_quality_filter as quality
from datatrove.pipeline.filters import gopher_repetition_filter as repetition
from datatrove.utils.text import split_into_words

INFINITY = math.inf
NO_QUALITY = dict.fromkeys(
    ("min_doc_words", "max_doc_words", "min_avg_word_length", "max_avg_word_length", "max_symbol_word_ratio",
     "max_bullet_lines_ratio", "max_ellipsis_lines_ratio", "max_non_alpha_words_ratio", "min_stop_words")
)  # fmt: skip
NO_REPETITION = dict.fromkeys(("dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac"))
NO_REPETITION |= {"top_n_grams": (), "dup_n_grams": ()}
NO_FINEWEB = {
    "line_punct_thr": -1.0,
    "short_line_thr": 2.0,
    "char_duplicates_ratio": 2.0,
    "new_line_ratio": INFINITY,
}
# signal: (filter, threshold, side on which the threshold is, reason)
QUALITY = {
    "gopher.words": ("min_doc_words", "least", "gopher_short_doc"),
    "gopher.mean_word_length": ("max_avg_word_length", "most", "gopher_above_avg_threshold"),
    "gopher.hash_word_ratio": ("max_symbol_word_ratio", "most", "gopher_too_many_hashes"),
    "gopher.ellipsis_word_ratio": ("max_symbol_word_ratio", "most", "gopher_too_many_ellipsis"),
    "gopher.bullet_lines": ("max_bullet_lines_ratio", "most", "gopher_too_many_bullets"),
    "gopher.ellipsis_lines": ("max_ellipsis_lines_ratio", "most", "gopher_too_many_end_ellipsis"),
    "gopher.alphabetic_words": ("max_non_alpha_words_ratio", "least", "gopher_below_alpha_threshold"),
    "gopher.stop_words": ("min_stop_words", "least", "gopher_enough_stop_words"),
    "gopher.stop_words_zh": ("min_stop_words", "least", "gopher_enough_stop_words"),
}
REPETITION = {
    "repetition.duplicate_lines": ("dup_line_frac", "dup_line_frac"),
    "repetition.duplicate_line_characters": ("dup_line_char_frac", "dup_line_char_frac"),
    "repetition.duplicate_paragraphs": ("dup_para_frac", "dup_para_frac"),
    "repetition.duplicate_paragraph_characters": ("dup_para_char_frac", "dup_para_char_frac"),
}
FINEWEB = {
    "fineweb.line_punctuation": ("line_punct_thr", "least", "line_punct_ratio"),
    "fineweb.short_lines": ("short_line_thr", "most", "short_line_ratio"),
    "fineweb.duplicate_line_characters": ("char_duplicates_ratio", "most", "char_dup_ratio"),
    "fineweb.newlines_per_word": ("new_line_ratio", "most", "list_ratio"),
}


def said(module, name, settings, text):
    """True, or the reason."""
    answer = getattr(module, name)(**settings).filter(Document(text=text, id="0"))
    return True if answer is True else answer[1]


def is_value(value, side, probe, reason, zero_is_off):
    """Whether the filter's own value is this one. `probe(threshold)` is what the filter says."""
    if isinstance(value, int):
        beyond, value_at = value + 1, value
    else:
        beyond = math.nextafter(value, INFINITY if side == "least" else -INFINITY)
        value_at = value
    if zero_is_off and value == 0 and side == "most":
        return probe(5e-324) != reason  # the smallest number above 0: nothing but 0 is not beyond it
    if side == "most" and zero_is_off and beyond == 0:
        raise AssertionError("a threshold of 0 is no threshold")
    passes = True if (value == 0 and zero_is_off) else probe(value_at) != reason
    return passes and probe(beyond) == reason


def identical(document, stop_words_zh):
    text, values, found = document["text"], document["values"], {}
    for module in (quality, repetition, fineweb):
        module.split_into_words = lambda text, language: document["words"]
    for signal, (threshold, side, reason) in QUALITY.items():
        extra = {"stop_words": stop_words_zh} if signal == "gopher.stop_words_zh" else {}

        def probe(at, threshold=threshold, extra=extra):
            return said(quality, "GopherQualityFilter", {**NO_QUALITY, threshold: at, **extra}, text)

        if signal == "gopher.mean_word_length" and values["gopher.words"] == 0:
            found[signal] = None  # the mean of nothing
        elif threshold == "max_symbol_word_ratio":
            found[signal] = symbols(values, signal, probe)
        else:
            found[signal] = is_value(values[signal], side, probe, reason, True)
    for signal, (threshold, reason) in REPETITION.items():

        def probe(at, threshold=threshold):
            return said(repetition, "GopherRepetitionFilter", {**NO_REPETITION, threshold: at}, text)

        found[signal] = is_value(values[signal], "most", probe, reason, True)
    for grams, sizes, name, reason in (
        ("top_n_grams", (2, 3, 4), "top_{}_gram", "top_{}_gram"),
        ("dup_n_grams", (5, 6, 7, 8, 9, 10), "duplicate_{}_grams", "duplicated_{}_n_grams"),
    ):
        for n in sizes:

            def probe(at, grams=grams, n=n):
                settings = {**NO_REPETITION, grams: ((n, at),)}
                return said(repetition, "GopherRepetitionFilter", settings, text)

            signal = f"repetition.{name.format(n)}"
            if len(document["words"]) < n and grams == "top_n_grams":
                found[signal] = None  # it skips the question
                continue
            found[signal] = is_value(values[signal], "most", probe, reason.format(n), False)
    for signal, (threshold, side, reason) in FINEWEB.items():

        def probe(at, threshold=threshold):
            return said(fineweb, "FineWebQualityFilter", {**NO_FINEWEB, threshold: at}, text)

        found[signal] = is_value(values[signal], side, probe, reason, False)
    return found


def symbols(values, signal, probe):
    """Two ratios share one threshold, hashes being asked first: only the larger of the two, or the first, shows."""
    hashes, ellipses = values["gopher.hash_word_ratio"], values["gopher.ellipsis_word_ratio"]
    reasons = {
        "gopher.hash_word_ratio": "gopher_too_many_hashes",
        "gopher.ellipsis_word_ratio": "gopher_too_many_ellipsis",
    }
    if signal == "gopher.ellipsis_word_ratio" and ellipses <= hashes and ellipses > 0:
        return None  # hidden behind the hashes
    return is_value(values[signal], "most", probe, reasons[signal], True)


def main():
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answers = []
    for document in question["documents"]:
        own = split_into_words(document["text"], document["language"])
        answers.append({"identical": identical(document, question["stop_words_zh"]), "words": own})
    Path(sys.argv[2]).write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
