"""fastText's side of benchmarks/classifier.py: trains its supervised classifier on lines, scores others."""

import json
import sys
import tempfile
import time
from pathlib import Path

import fasttext


def main():
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answer = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in question["settings"].items():
            file = Path(folder) / name
            lines = [f"__label__{label} {text}" for label, text in question["train"]]
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
            model = fasttext.train_supervised(str(file), thread=1, verbose=0, **settings)
            started = time.process_time()
            scores = []
            for text in question["test"]:
                labels, values = model.predict(text, k=2)
                scores.append(float(dict(zip(labels, values, strict=True)).get("__label__good", 0)))
            answer[name] = {"scores": scores, "seconds": time.process_time() - started}
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
