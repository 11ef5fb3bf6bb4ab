"""Bar: BLiMP on 26 paradigms at ≥ 10 × the items per second of `lm_eval --model hf` on the same folder, same decisions.

    python benchmarks/minimal_pairs.py --data DATA [--run RUN | --preset llama-nano] [--pairs 100] [--batch 1,64]

Both read the same files, which this script cuts to `--pairs` of each paradigm, on one thread, as commands of their own.
CPU seconds of the whole command, start included, and those above an empty start (a run on two pairs), which is what
counts for long sets. Without --run an untrained model of the preset, with a tokeniser of its own, is measured: time does
not depend on what was learnt.
"""

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from headwater.evaluate.harness_tasks import task_file
from headwater.model import huggingface, presets
from headwater.model.converse import model_folder
from headwater.model.tokenizer import train
from headwater.model.transformer import Transformer

ONE_THREAD = {
    **os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1",
    "HF_HUB_OFFLINE": "1",
}  # fmt: skip


def cut_data(data: Path, out: Path, pairs: int) -> int:
    """The first pairs of each paradigm."""
    (out / "blimp").mkdir(parents=True)
    total = 0
    for path in sorted(p for root in (data, data / "evals") for p in (root / "blimp").glob("*.jsonl*")):
        open_it = gzip.open if path.suffix == ".gz" else open
        with open_it(path, "rt", encoding="utf-8") as lines:
            some = [line for line, _ in zip(lines, range(pairs), strict=False)]
        (out / "blimp" / path.name.removesuffix(".gz")).write_text("".join(some), encoding="utf-8")
        total += len(some)
    return total


def untrained(preset: str, data: Path, out: Path, vocabulary: int = 4096) -> Path:
    """A drawn model of the preset in Hugging Face's layout, with a tokeniser of the pairs."""
    texts = [
        json.loads(line)["sentence_good"]
        for path in (data / "blimp").iterdir()
        for line in path.open(encoding="utf-8")
    ]
    (out / "tokenizer.json").write_text(train(texts, vocabulary), encoding="utf-8")
    model = Transformer(presets.resolve({"preset": preset, "family": "gpt"}, vocabulary), seed=0)
    huggingface.save(model, out / "model", tokenizer=out / "tokenizer.json")
    return out / "model"


def timed(command: list[str]) -> float:
    """CPU seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=ONE_THREAD, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:6])} …: {done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ours(model: Path, data: Path, out: Path) -> tuple[float, dict[str, bool]]:
    """CPU seconds, and the decision for each pair by its sentences."""
    seconds = timed([
        sys.executable, "-c", "from headwater.cli import main; main()", "evaluate", str(model), "--tasks", "blimp", "--data", str(data),
        "--workspace", str(out), "--workers", "1",
    ])  # fmt: skip
    import pyarrow.parquet as pq

    rows = pq.read_table(next(out.glob("task-scores/*/blimp-*.parquet"))).to_pylist()
    lines = [
        line for path in sorted((data / "blimp").glob("*.jsonl")) for line in path.open(encoding="utf-8")
    ]
    keys = [_key(json.loads(line)) for line in lines]
    return seconds, {keys[row["item"]]: bool(row["right"]) for row in rows}


def theirs(model: Path, data: Path, out: Path, batch: int) -> tuple[float, dict[str, bool]]:
    seconds = timed([
        sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", f"pretrained={model}", "--device", "cpu",
        "--batch_size", str(batch), "--tasks", str(task_file("blimp")), "--metadata", f"data={data}", "--log_samples",
        "--output_path", str(out),
    ])  # fmt: skip
    samples = [
        json.loads(line) for path in out.rglob("samples_*.jsonl") for line in path.open(encoding="utf-8")
    ]
    return seconds, {
        _key({"sentence_good": s["doc"]["good"], "sentence_bad": s["doc"]["bad"]}): bool(s["acc"])
        for s in samples
    }


def _key(row: dict[str, Any]) -> str:
    return f"{row['sentence_good']}\t{row['sentence_bad']}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("HEADWATER_TEST_DATA", "../shared/data"))
    )
    parser.add_argument("--run", type=Path)
    parser.add_argument("--preset", default="llama-nano")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--batch", default="1,64", help="of the peer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        total = cut_data(options.data, root / "data", options.pairs)
        cut_data(options.data, root / "little", 1)
        little = sum(1 for _ in (root / "little" / "blimp").iterdir())
        model = model_folder(options.run) if options.run else untrained(options.preset, root / "data", root)
        print(
            f"{total:,} pairs of {little} paradigms, {options.run or options.preset}, one thread, CPU seconds"
        )
        start, _ = ours(model, root / "little", root / "a")
        seconds, decisions = ours(model, root / "data", root / "b")
        rate = (total - little) / max(seconds - start, 1e-9)
        print(
            f"headwater evaluate          {seconds:7.1f} s whole, {start:5.1f} s start: {rate:9.1f} pairs/s"
        )
        for batch in map(int, options.batch.split(",")):
            their_start, _ = theirs(model, root / "little", root / f"c{batch}", batch)
            their_seconds, their_decisions = theirs(model, root / "data", root / f"d{batch}", batch)
            their_rate = (total - little) / (their_seconds - their_start)
            same = sum(their_decisions[key] == right for key, right in decisions.items())
            print(
                f"lm_eval --model hf, batch {batch:<3}{their_seconds:7.1f} s whole, {their_start:5.1f} s start: {their_rate:9.1f} "
                f"pairs/s; ratio {rate / their_rate:.1f} × (whole commands {their_seconds / seconds:.1f} ×), "
                f"{same:,} of {len(decisions):,} decisions the same"
            )


if __name__ == "__main__":
    main()
