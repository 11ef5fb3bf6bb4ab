"""Is the small Transformer a better model than a byte 5-gram? The rung below which a verdict is a "weak proxy".

    ./run bench proxy [--tokens 1M] [--preset modern-micro] [--folder headwater-demo]

Trains the demo's two recipes with the modern preset of about a million parameters, and a byte 5-gram on the whole
text of each training set; prints bits per byte of both on the demo's held-out docstrings, a line of JSON a recipe.
"""

import argparse
import json
import tempfile
from pathlib import Path

from headwater.demo import prepare
from headwater.engine.workspace import Output, read_json
from headwater.evaluate.ngram import score_ngram
from headwater.evaluate.summary import summarise
from headwater.pipeline.run import run_until


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", default="1M")
    parser.add_argument("--preset", default="modern-micro")
    parser.add_argument("--folder", type=Path, default=Path("headwater-demo"))
    options = parser.parse_args()
    overrides = [f"model.preset={options.preset}", f"train.tokens={options.tokens}", "train.batch=2048",
                 "tokenizer.vocabulary=1024"]  # fmt: skip
    for recipe in prepare(options.folder):
        outcome = run_until("evaluate", recipe, overrides=overrides)
        assert outcome.training_set is not None and outcome.heldout is not None
        with tempfile.TemporaryDirectory() as folder:
            out = Output(Path(folder), "scores")
            score_ngram(out, training_set=str(outcome.training_set), heldout=str(outcome.heldout.path()),
                        max_bytes=2**40)  # fmt: skip
            ngram = summarise(out.path(), outcome.recipe.evaluate.weights)
        done = read_json(outcome.runs[0].folder / "done.json")
        assert done is not None
        line = {
            "recipe": outcome.recipe.name, "parameters": done["parameters"], "tokens": done["tokens"],
            "bits_per_byte": outcome.scores[0]["domains"], "bits_per_byte_5_gram": ngram["domains"],
        }  # fmt: skip
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
