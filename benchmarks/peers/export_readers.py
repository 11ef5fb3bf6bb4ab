"""The readers' side of benchmarks/export.py: Hugging Face's datasets, and MLCommons' mlcroissant."""

import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"

import datasets
import mlcroissant


def main():
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answer = {}
    cache = question["cache"]
    answer["datasets"] = datasets.load_dataset(question["datasets"], split="train", cache_dir=cache)["text"][
        :
    ]
    files = sorted(map(str, Path(question["jsonl"], "data").iterdir()))
    answer["jsonl"] = datasets.load_dataset("json", data_files=files, split="train", cache_dir=cache)["text"][
        :
    ]
    files = sorted(map(str, Path(question["parquet"], "data").iterdir()))
    answer["parquet"] = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=cache)[
        "text"
    ][:]
    answer["croissant"], answer["errors"] = {}, {}
    for name in ("jsonl", "parquet", "datasets"):
        read = mlcroissant.Dataset(jsonld=f"{question[name]}/croissant.json")
        answer["errors"][name] = sorted(read.metadata.ctx.issues.errors)
        texts = []
        for records in read.metadata.record_sets:
            texts += [record[f"{records.id}/text"].decode() for record in read.records(records.id)]
        answer["croissant"][name] = texts
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
