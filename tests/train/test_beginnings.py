"""What stands before a text in training is what stands there when the model is asked."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from tokenizers import processors
from training_sets import texts, write_training_set

from headwater.evaluate.bits_per_byte import document_nats
from headwater.model import huggingface
from headwater.model.tokenizer import Tokenizer, train
from headwater.train.objectives import Objective, objective_of
from headwater.train.pretrain import pretrain
from headwater.train.stream import Stream

SETTINGS: dict[str, Any] = {
    "objective": "lm", "tokens": 128 * 60, "batch": 128, "optimizer": "muon", "learning_rate": None,
    "schedule": "wsd", "precision": "fp32", "checkpoint_every": 10**6,
}  # fmt: skip


def with_beginning(definition: str) -> str:
    """A tokeniser that puts <s> before every text, as Llama's does."""
    made = tokenizers.Tokenizer.from_str(definition)
    made.add_special_tokens(["<s>"])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", made.token_to_id("<s>"))]
    )
    return str(made.to_str())


def objective(coder: Tokenizer, name: str = "lm", **more: Any) -> Objective:
    return objective_of(
        name, family="gpt", context=64, vocabulary=coder.vocabulary, separator=coder.separator, tokenizer=coder, **more
    )  # fmt: skip


@pytest.fixture(scope="module")
def training_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = [(f"文-{n}", "诗", text) for n, text in enumerate(texts(200)) if text]
    folder = write_training_set(tmp_path_factory.mktemp("sets") / "诗", documents)
    file = folder / "tokenizer.json"
    file.write_text(with_beginning(file.read_text(encoding="utf-8")), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["vocabulary"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_texts_begin_with_what_the_tokeniser_puts_there(training_set: Path) -> None:
    own = Tokenizer(train(["源头活水来，半亩方塘一鉴开。"] * 3, 300))
    assert objective(own).between == objective(own, "episodes").between == (own.separator,)
    coder = Tokenizer.load(training_set / "tokenizer.json")
    first = coder.special("gpt").first
    assert first != coder.separator and coder.decode([first]) == "<s>"
    for name in ("lm", "episodes"):
        assert objective(coder, name).between == (coder.separator, first)
    made = objective(coder, document_masks=True)
    stream = Stream(training_set, context=64, batch_sequences=100, seed=0, between=made.between)
    batch = made.make(stream.batch(0), stream.keys(0))
    tokens, documents = batch.tokens, batch.documents
    assert documents is not None
    separators, begins = tokens == coder.separator, tokens == first
    assert begins.sum() > 10 and np.array_equal(separators[:, :-1], begins[:, 1:])
    # a text sees itself alone, from its <s> on, as when it is scored; its end is told from its own tokens
    assert np.array_equal(np.diff(documents, axis=1) > 0, begins[:, 1:])
    episodes = objective(coder, "episodes").make(stream.batch(0), stream.keys(0)).tokens
    written = (episodes != tokens).any(1)
    assert 20 < written.sum() < 80 and (episodes[written, 0] == first).all()


def test_a_model_trained_from_scratch_knows_what_it_is_scored_with(
    training_set: Path, tmp_path: Path
) -> None:
    model = {"family": "gpt", "preset": "modern-nano", "layers": 2, "width": 32, "heads": None, "context": 32}
    pretrain(
        tmp_path / "run", training_set=str(training_set), model=model, train=SETTINGS, seed=0, device="cpu"
    )
    network = huggingface.load(tmp_path / "run" / "model")
    coder = Tokenizer.load(training_set / "tokenizer.json")
    some = [coder.encode(text) for text in texts(60, seed=9) if text]
    nats = {
        first: document_nats(network, some, first).sum()
        for first in (coder.special("gpt").first, coder.separator)
    }
    assert nats[coder.special("gpt").first] < nats[coder.separator]
