"""Checkpoints as a hub has them, with tokenisers that are not ours, are gone on from."""

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
from tokenizers import models, normalizers, pre_tokenizers, trainers
from training_sets import texts, write_training_set

from headwater.corpus.tokens import TokenWriter
from headwater.errors import HeadwaterError, RecipeError
from headwater.model import huggingface
from headwater.model.special_tokens import with_special_tokens
from headwater.model.tokenizer import Tokenizer
from headwater.model.tokenizer import train as train_tokenizer
from headwater.train.pretrain import pretrain

transformers = pytest.importorskip("transformers")


def word_piece() -> str:
    """A tokeniser of BERT's kind: Chinese characters stand alone, words are cut into pieces, text is lost."""
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(texts(200), trainers.WordPieceTrainer(vocab_size=150, special_tokens=names))
    return str(tokenizer.to_str())


def training_set_in(folder: Path, definition: str) -> Path:
    made = write_training_set(folder, [(f"d{n}", "诗", text) for n, text in enumerate(texts(150))])
    coder, manifest = Tokenizer(definition), json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    (made / "tokenizer.json").write_text(definition, encoding="utf-8")
    for shard in range(2):  # the same documents, in other tokens: fewer than bytes, so lengths still fit
        with TokenWriter(folder.parent / "pool" / f"{shard}.bin", coder.vocabulary) as writer:
            for text in texts(150)[shard::2] * 4:
                writer.write(coder.encode(text), "text")
    manifest |= {"vocabulary": coder.vocabulary, "separator": coder.separator}
    (made / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return made


def test_berts_own_tokens_are_kept_and_its_words_are_found() -> None:
    definition = word_piece()
    assert with_special_tokens(definition, "bert") == definition
    coder = Tokenizer(definition)
    special = coder.special("bert")
    assert (special.pad, special.begin, special.end, special.mask) == (0, 2, 3, 4)
    pieces = coder.token_bytes()
    shown = b"".join(pieces[n] for n in coder.encode("The river, 源头活水来。").tolist()).decode()
    assert shown == " the river , 源 头 活 水 来 。" or shown.replace(" ", "") == "theriver,源头活水来。"


def test_a_bert_from_elsewhere_is_trained_further(tmp_path: Path) -> None:
    definition = word_piece()
    config = transformers.BertConfig(
        vocab_size=Tokenizer(definition).vocabulary, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=32,
    )  # fmt: skip
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path / "hub")
    settings: dict[str, Any] = {
        "objective": "mlm", "tokens": 256 * 40, "batch": 256, "optimizer": "adamw", "learning_rate": None,
        "schedule": "wsd", "precision": "fp32", "checkpoint_every": 10**6,
    }  # fmt: skip
    done = pretrain(
        tmp_path / "run", training_set=str(training_set_in(tmp_path / "set", definition)),
        model={"family": "bert", "path": str(tmp_path / "hub")}, train=settings, seed=0, device="cpu",
    )  # fmt: skip
    lines = [
        json.loads(line)["loss"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    assert done["loss"] < lines[0] - 0.5
    again = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "run" / "model")
    tokens = torch.tensor([[2, 9, 10, 4, 12, 3]])
    ours = huggingface.load(tmp_path / "run" / "model")
    assert torch.allclose(again(tokens).logits, ours(tokens), atol=1e-5)


def test_a_context_that_the_checkpoint_does_not_have_is_refused(tmp_path: Path) -> None:
    definition = train_tokenizer(["源头活水来"] * 20, 300)
    config = transformers.GPT2Config(
        vocab_size=Tokenizer(definition).vocabulary, n_embd=32, n_layer=1, n_head=2, n_positions=32
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path / "hub")
    settings: dict[str, Any] = {"objective": "lm", "tokens": 512, "batch": 256, "precision": "fp32"}
    with pytest.raises(RecipeError, match=r"model\.context is 64, but the model in model\.path reads 32"):
        pretrain(
            tmp_path / "run", training_set=str(training_set_in(tmp_path / "set", definition)),
            model={"family": "gpt", "path": str(tmp_path / "hub"), "context": 64}, train=settings, seed=0, device="cpu",
        )  # fmt: skip


def test_pickles_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(HeadwaterError, match="pickles"):
        huggingface.load(tmp_path)


def test_what_we_have_no_model_for_is_refused_by_name(tmp_path: Path) -> None:
    config = transformers.GPT2Config(
        n_embd=32, n_layer=1, n_head=2, vocab_size=50, scale_attn_by_inverse_layer_idx=True
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path)
    with pytest.raises(HeadwaterError, match="scale_attn_by_inverse_layer_idx is True"):
        huggingface.load(tmp_path)


@pytest.mark.parametrize(
    ("written", "scaled"),
    [
        ({"rope_scaling": {"type": "linear", "factor": 4.0}}, True),  # as before transformers 4.43
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, True),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10_000.0}}, True),
        ({"rope_scaling": None, "rope_theta": 10_000.0}, False),
        ({"rope_parameters": {"rope_theta": 10_000.0}}, False),
    ],
)
def test_scaled_rotary_positions_are_refused_however_they_are_written(
    written: dict[str, Any], scaled: bool, tmp_path: Path
) -> None:
    config = transformers.LlamaConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, vocab_size=50
    )
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    record = json.loads(path.read_text())
    del record["rope_parameters"]
    path.write_text(json.dumps({**record, **written}))
    if scaled:
        with pytest.raises(HeadwaterError, match="unscaled rotary positions"):
            huggingface.load(tmp_path)
    else:
        assert huggingface.load(tmp_path).config.rotary_base == 10_000
