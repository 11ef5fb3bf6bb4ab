"""A model folder is read back bit for bit, and loads in Hugging Face's transformers where that has its class."""

import json
from pathlib import Path

import pytest
import torch

from headwater.errors import HeadwaterError
from headwater.model import huggingface
from headwater.model.presets import resolve
from headwater.model.tokenizer import Tokenizer, train
from headwater.model.transformer import Transformer

TEXTS = [
    "The source of the river is far away. ",
    "源头活水来，半亩方塘一鉴开。",
    "為有源頭活水來 mixed 混合。",
] * 4


def random_model(style: str) -> Transformer:
    """Weights away from what they start at: gains off 1, biases and projections off 0."""
    settings = {"family": "gpt", "preset": f"{style}-nano", "width": 32, "heads": 4, "context": 48}
    model, random = Transformer(resolve(settings, 320)), torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=random), alpha=0.2)
    return model


@pytest.mark.parametrize("style", ["gpt2", "llama", "modern"])
def test_saved_and_loaded_is_the_same_model_and_the_same_file(style: str, tmp_path: Path) -> None:
    model = random_model(style)
    huggingface.save(model, tmp_path / "a")
    loaded = huggingface.load(tmp_path / "a")
    assert loaded.config == model.config
    tokens = torch.arange(48)[None]
    assert torch.equal(loaded(tokens), model(tokens))
    huggingface.save(loaded, tmp_path / "b")
    for name in ("model.safetensors", "config.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_what_hugging_face_cannot_hold_says_so(tmp_path: Path) -> None:
    kinds = {}
    for style in ("gpt2", "llama", "modern"):
        huggingface.save(random_model(style), tmp_path / style)
        kinds[style] = json.loads((tmp_path / style / "config.json").read_text())["model_type"]
    assert kinds == {"gpt2": "gpt2", "llama": "llama", "modern": "headwater"}
    assert "only Headwater loads" in (tmp_path / "modern" / "config.json").read_text()


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_that_is_not_whole_is_refused(missing: str, tmp_path: Path) -> None:
    huggingface.save(random_model("gpt2"), tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(HeadwaterError, match="train the run again"):
        huggingface.load(tmp_path)


@pytest.mark.parametrize("style", ["gpt2", "llama"])
def test_transformers_computes_the_same(style: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    (tmp_path / "tokenizer.json").write_text(train(TEXTS, 320), encoding="utf-8")
    model = random_model(style)
    huggingface.save(model, tmp_path / "model", tokenizer=tmp_path / "tokenizer.json")
    theirs, said = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "model", attn_implementation="eager", output_loading_info=True
    )
    assert not any(said[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    coder = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    for text in TEXTS[:3]:
        ids = Tokenizer.load(tmp_path / "tokenizer.json").encode(text).tolist()
        assert coder(text, add_special_tokens=False)["input_ids"] == ids
    tokens = torch.randint(320, (2, 48), generator=torch.Generator().manual_seed(0))
    ours, reference = model(tokens), theirs(tokens).logits
    ours.square().mean().backward()
    reference.square().mean().backward()
    assert (ours - reference).abs().max().item() < 1e-5 * max(1.0, reference.abs().max().item())
    got, wanted = model.embedding.weight.grad, theirs.get_input_embeddings().weight.grad
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))
