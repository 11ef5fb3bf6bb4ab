"""Run in LightGBM's environment: fits trees and writes them as lists of numbers.

    lightgbm_fit.py QUESTION.json ANSWER.json

Question: {"data": file of arrays (matrix, labels, weights, pages, made), "parameters": {...}, "trees": n, "held": [numbers of
pages that are not trained on]}. Answer: {"trees": [...], "held": [probabilities of their blocks, without those of made
variants]}.
"""

import json
import sys
from pathlib import Path

import lightgbm
import numpy as np


def main() -> None:
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with np.load(question["data"], allow_pickle=False) as arrays:
        matrix, labels, weights, pages, made = (
            arrays[name] for name in ("matrix", "labels", "weights", "pages", "made")
        )
    held = np.isin(pages, question.get("held", []))
    used = ~held & (weights > 0)
    held &= ~made
    data = lightgbm.Dataset(matrix[used], labels[used], weight=weights[used])
    model = lightgbm.train(question["parameters"], data, question["trees"])
    answer = {
        "trees": [tree["tree_structure"] for tree in model.dump_model()["tree_info"]],
        "held": model.predict(matrix[held]).tolist() if held.any() else [],
    }
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
