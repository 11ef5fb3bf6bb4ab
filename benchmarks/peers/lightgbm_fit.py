"""Run in LightGBM's environment: fits trees and writes them as lists of numbers.

    lightgbm_fit.py QUESTION.json ANSWER.json

Question: {"data": file of arrays (matrix, labels, weights, pages, made), "parameters": {...}, "trees": n, "seeds": [a forest's
each], "held": [numbers of pages that are not trained on]}. Answer: {"forests": [[tree of a seed]], "held": [probabilities of
their blocks by the forests' mean, without those of made variants]}.
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
    models = []
    for seed in question["seeds"]:
        data = lightgbm.Dataset(matrix[used], labels[used], weight=weights[used])
        models.append(lightgbm.train({**question["parameters"], "seed": seed}, data, question["trees"]))
    sums = (
        np.mean([model.predict(matrix[held], raw_score=True) for model in models], axis=0)
        if held.any()
        else []
    )
    answer = {
        "forests": [[tree["tree_structure"] for tree in model.dump_model()["tree_info"]] for model in models],
        "held": (1 / (1 + np.exp(-np.array(sums)))).tolist(),
    }
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
