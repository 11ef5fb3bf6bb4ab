"""KenLM's side of benchmarks/ngrams.py: log10 P of each line (tokens and </s>) under an ARPA file, and CPU seconds."""

import json
import sys
import time
from pathlib import Path

import kenlm


def main():
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    model = kenlm.Model(question["arpa"])
    lines = question["lines"]
    started = time.process_time()
    scores = [model.score(line) for line in lines]
    seconds = time.process_time() - started
    Path(sys.argv[2]).write_text(json.dumps({"log10": scores, "seconds": seconds}), encoding="utf-8")


if __name__ == "__main__":
    main()
