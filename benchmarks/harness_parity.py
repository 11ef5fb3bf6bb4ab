"""Bar: the harness through our model and through `--model hf` on the same folder: log-likelihoods to 1e-3, same scores.

    python benchmarks/harness_parity.py --run RUN --data DATA [--items 500] [--shots 0]

Both are asked the very same requests of the harness, in one process. (PIQA has answers of more than 256 tokens, which
`hf` refuses for a model of that context; ours reads them in windows.)
"""

import argparse
import os
from pathlib import Path

import numpy as np
from lm_eval.models.huggingface import HFLM

from headwater.evaluate import harness_tasks
from headwater.evaluate.harness import HeadwaterLM
from headwater.model.converse import model_folder

TASKS = "arc_easy,xcopa_zh,lambada,blimp"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("HEADWATER_TEST_DATA", "../shared/data"))
    )
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--shots", type=int, default=0)
    parser.add_argument("--tasks", default=TASKS)
    options = parser.parse_args()
    folder = model_folder(options.run)
    ours, theirs = HeadwaterLM(run=str(folder)), HFLM(pretrained=str(folder), device="cpu", batch_size=16)
    for name in options.tasks.split(","):
        task = harness_tasks.load(name, str(options.data))
        task.config.num_fewshot = options.shots if task.config.num_fewshot is None else 0
        if options.shots:
            task.sampler.set_rnd(0)
        task.build_all_requests(samples=harness_tasks.sample(len(task.eval_docs), options.items))
        scores, values = [], []
        for lm in (ours, theirs):
            for instance in task.instances:
                instance.resps, instance.filtered_resps = [], {}
            for instance, answer in zip(task.instances, lm.loglikelihood(task.instances), strict=True):
                instance.resps.append(answer)
            values.append(np.array([instance.resps[0][0] for instance in task.instances]))
            task.apply_filters()
            by_item: dict[int, list[object]] = {}
            for instance in task.instances:
                by_item.setdefault(instance.doc_id, []).append(instance.filtered_resps["none"])
            places = harness_tasks.sample(len(task.eval_docs), options.items)
            found = [
                task.process_results(task.eval_docs[places[n]], some) for n, some in sorted(by_item.items())
            ]
            scores.append(float(np.mean([one["acc"] for one in found])))
        print(
            f"{name:<10} {len(by_item):>4} items, {len(task.instances):>5} requests: largest difference "
            f"{np.abs(values[0] - values[1]).max():.1e} of log-likelihoods {values[1].min():.0f} to {values[1].max():.1f}; "
            f"accuracy {scores[0]:.4f} ours, {scores[1]:.4f} hf"
        )


if __name__ == "__main__":
    main()
