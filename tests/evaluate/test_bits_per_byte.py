"""Scores of runs: the chain rule token by token, windows that lose none, the same bytes again, no lossy tokeniser."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from headwater.corpus.shards import ShardWriter
from headwater.engine.workspace import Output
from headwater.errors import HeadwaterError
from headwater.evaluate.bits_per_byte import _windows, document_nats, score_run
from headwater.evaluate.summary import HELDOUT_COLUMNS, SCORES_SCHEMA, summarise
from headwater.model import huggingface
from headwater.model.presets import resolve
from headwater.model.tokenizer import Tokenizer, train
from headwater.model.transformer import Transformer

CONTEXT = 16
HELDOUT_SCHEMA = pa.schema([(name, pa.string()) for name in HELDOUT_COLUMNS])
TEXTS = [
    ("zh", "源头活水来，半亩方塘一鉴开。问渠那得清如许？" * 4),
    ("zh", "「天光雲影」共徘徊。"),
    ("en", "The river has its source in the hills, and every stream feeds it. " * 6),
    ("en", "Python 3 的文档：print(“你好”)"),
    ("zh", "水"),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose model is random, but not uniform."""
    definition = train([text for _, text in TEXTS] * 3, 320)
    (tmp_path / "tokenizer.json").write_text(definition, encoding="utf-8")
    settings = {"family": "gpt", "preset": "llama-nano", "layers": 2, "width": 32, "context": CONTEXT}
    model = Transformer(resolve(settings, Tokenizer(definition).vocabulary), seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(8.0)
    huggingface.save(model, tmp_path / "run" / "model", tokenizer=tmp_path / "tokenizer.json")
    return tmp_path / "run"


@pytest.fixture
def heldout(tmp_path: Path) -> Path:
    path = tmp_path / "heldout.parquet"
    with ShardWriter(path, HELDOUT_SCHEMA) as writer:
        writer.write([
            {"id": str(n), "unit": f"单元{n}", "domain": f"news/{language}", "language": language, "text": text}
            for n, (language, text) in enumerate(TEXTS)
        ])  # fmt: skip
    return path


def score(folder: Path, run: Path, heldout: Path) -> Path:
    out = Output(folder, "scores")
    score_run(out, run=str(run), heldout=str(heldout))
    return out.commit("key", {}).path()


def test_equals_the_chain_rule_one_token_at_a_time(tmp_path: Path, run: Path, heldout: Path) -> None:
    rows = pq.read_table(score(tmp_path / "scores", run, heldout)).to_pylist()
    model, tokenizer = huggingface.load(run / "model"), Tokenizer.load(run / "model" / "tokenizer.json")
    for row, (_, text) in zip(rows, TEXTS, strict=True):
        tokens = [tokenizer.separator, *tokenizer.encode(text).tolist()]
        # a target reads from where its window begins: windows move by 3/4 of the context once the first is full
        total, targets = 0.0, len(tokens) - 1
        for target in range(1, targets + 1):
            end = CONTEXT + max(0, math.ceil((target - CONTEXT) / (CONTEXT * 3 / 4))) * CONTEXT * 3 // 4
            begin = max(0, min(end, targets) - CONTEXT)
            with torch.no_grad():
                logits = model(torch.tensor([tokens[begin:target]]))[0, -1]
            total -= float(torch.log_softmax(logits, -1)[tokens[target]])
        assert row["nats"] == pytest.approx(total, rel=1e-4)
        assert row["bytes"] == len(text.encode())


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 24, 25, 100])
def test_windows_score_every_token_once_with_a_quarter_of_the_context(length: int) -> None:
    tokens = np.arange(length + 1)
    targets = []
    for new, window in _windows(tokens, CONTEXT):
        assert len(window) <= CONTEXT + 1
        targets += window[-new:].tolist()
        before = len(window) - new  # of the first new token
        assert window[0] == 0 or before >= CONTEXT // 4
    assert targets == tokens[1:].tolist()


def test_the_company_of_other_documents_changes_nothing(run: Path) -> None:
    model, tokenizer = huggingface.load(run / "model"), Tokenizer.load(run / "model" / "tokenizer.json")
    documents = [tokenizer.encode(text) for _, text in TEXTS]
    together = document_nats(model, documents, tokenizer.separator)
    alone = [document_nats(model, [document], tokenizer.separator)[0] for document in documents]
    assert together == pytest.approx(alone, rel=1e-5)


def test_twice_gives_the_same_bytes(tmp_path: Path, run: Path, heldout: Path) -> None:
    first, second = (score(tmp_path / name, run, heldout) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert pq.read_schema(first).equals(SCORES_SCHEMA)


def test_a_tokeniser_that_loses_text_is_refused(tmp_path: Path, run: Path, heldout: Path) -> None:
    path = run / "model" / "tokenizer.json"
    definition = json.loads(path.read_text(encoding="utf-8"))
    definition["normalizer"] = {"type": "NFKC"}  # ： becomes :
    path.write_text(json.dumps(definition), encoding="utf-8")
    with pytest.raises(HeadwaterError, match="loses text"):
        score(tmp_path / "scores", run, heldout)


def test_bits_per_byte_of_domains_and_the_score(tmp_path: Path, run: Path, heldout: Path) -> None:
    path = score(tmp_path / "scores", run, heldout)
    rows = pq.read_table(path).to_pylist()
    bits = {}
    for language in ("en", "zh"):
        own = [row for row in rows if row["language"] == language]
        bits[language] = sum(r["nats"] for r in own) / math.log(2) / sum(r["bytes"] for r in own)
    found = summarise(path)
    assert found["domains"] == pytest.approx({"news/en": bits["en"], "news/zh": bits["zh"]})
    assert found["score"] == pytest.approx((math.log(bits["en"]) + math.log(bits["zh"])) / 2)
    assert (found["documents"], found["units"]) == (5, 5)
    assert summarise(path, {"news/zh": 3.0})["score"] == pytest.approx(math.log(bits["zh"]))
