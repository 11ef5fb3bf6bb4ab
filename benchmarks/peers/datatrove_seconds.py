"""datatrove's side of benchmarks/quality_signals.py: CPU seconds of its two Gopher filters on given texts.

`defaults`: as its package has them (a document is done at the first rule it breaks). `open`: thresholds that no
document breaks, so that every rule is computed.
"""

import json
import sys
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter

OPEN_QUALITY = {
    "min_doc_words": 0,
    "max_doc_words": 10**9,
    "min_avg_word_length": 0,
    "max_avg_word_length": 10**9,
    "max_symbol_word_ratio": 10**9,
    "max_bullet_lines_ratio": 10**9,
    "max_ellipsis_lines_ratio": 10**9,
    "max_non_alpha_words_ratio": -1,
    "min_stop_words": -1,
}
OPEN_REPETITION = dict.fromkeys(
    ("dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac"), 9
)
OPEN_REPETITION |= {"top_n_grams": tuple((n, 9) for n in (2, 3, 4))}
OPEN_REPETITION |= {"dup_n_grams": tuple((n, 9) for n in range(5, 11))}


def seconds(filters, texts):
    for some in filters:  # loads the word splitter
        some.filter(Document(text=texts[0], id="0"))
    started = time.process_time()
    for text in texts:
        document = Document(text=text, id="0")
        for some in filters:
            some.filter(document)
    return time.process_time() - started


def main():
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    language = {"language": question["language"]}
    kinds = {
        "defaults": [GopherRepetitionFilter(**language), GopherQualityFilter(**language)],
        "open": [GopherRepetitionFilter(**OPEN_REPETITION, **language), GopherQualityFilter(**OPEN_QUALITY, **language)],
    }  # fmt: skip
    answer = {kind: seconds(filters, question["texts"]) for kind, filters in kinds.items()}
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
