"""Rung 0 on a training set: what it reads, in what shares, and what it scores."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.corpus.shards import ShardWriter
from headwater.engine.workspace import Output
from headwater.evaluate.ngram import score_ngram, training_texts
from headwater.evaluate.summary import HELDOUT_COLUMNS
from headwater.model.ngram import ByteNgram

HELDOUT_SCHEMA = pa.schema([(name, pa.string()) for name in HELDOUT_COLUMNS])
DOCUMENTS = [
    (f"{n:032x}", "novels" if n % 2 else "小说", text * 4)
    for n, text in enumerate(
        ["源头活水来，半亩方塘一鉴开。", "The river has its source in the hills. ", "問渠那得清如許？", "Every stream feeds it. "] * 8
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def training_sets() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "train" / "training_sets.py"
    spec = importlib.util.spec_from_file_location("training_sets_of_tests", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reads_all_texts_or_one_source(tmp_path: Path, training_sets: ModuleType) -> None:
    folder = training_sets.write_training_set(tmp_path / "set", DOCUMENTS)
    assert sorted(training_texts(folder, 10**9)) == sorted(text for _, _, text in DOCUMENTS)
    chinese = [text for _, source, text in DOCUMENTS if source == "小说"]
    assert sorted(training_texts(folder, 10**9, "小说")) == sorted(chinese)


def test_a_limit_takes_the_same_documents_whatever_else_is_there(
    tmp_path: Path, training_sets: ModuleType
) -> None:
    whole = training_sets.write_training_set(tmp_path / "a" / "set", DOCUMENTS)
    part = training_sets.write_training_set(tmp_path / "b" / "set", DOCUMENTS[:24])
    few = list(training_texts(whole, 800))
    assert 800 <= sum(len(text.encode()) for text in few) < 1200
    of_both = set(few) & {text for _, _, text in DOCUMENTS[:24]}
    assert of_both <= set(training_texts(part, 800))


def test_a_mixture_gives_each_source_its_share(tmp_path: Path, training_sets: ModuleType) -> None:
    folder = training_sets.write_training_set(
        tmp_path / "set", DOCUMENTS, mixture={"novels": 0.2, "小说": 0.8}
    )
    texts = list(training_texts(folder, 10**9))
    sizes = [sum(len(t.encode()) for t in texts if ("水" in t or "渠" in t) is zh) for zh in (True, False)]
    assert 3 < sizes[0] / sizes[1] < 5


def test_scores_are_the_models_own(tmp_path: Path, training_sets: ModuleType) -> None:
    folder = training_sets.write_training_set(tmp_path / "set", DOCUMENTS)
    held = [("a", "活水来，清如许？"), ("b", "The stream feeds the river.")]
    with ShardWriter(tmp_path / "heldout.parquet", HELDOUT_SCHEMA) as writer:
        writer.write(
            [{"id": i, "unit": i, "domain": "d", "language": "zh", "text": text} for i, text in held]
        )
    out = Output(tmp_path / "scores", "scores")
    score_ngram(out, training_set=str(folder), heldout=str(tmp_path / "heldout.parquet"), max_bytes=10**9)
    rows = pq.read_table(out.commit("key", {}).path()).to_pylist()
    model = ByteNgram.train(text for _, _, text in DOCUMENTS)
    assert [row["nats"] for row in rows] == [model.nats(text) for _, text in held]
