"""The five classes of Hugging Face's, with random weights: the same logits, the same gradients, the same files."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from headwater.model import huggingface
from headwater.model.transformer import Transformer

transformers = pytest.importorskip("transformers")
torch.set_num_threads(1)

VOCABULARY, ROWS, LENGTH, WRITTEN = 61, 3, 17, 9
COMMON = {"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
T5 = {"d_model": 32, "d_kv": 12, "d_ff": 48, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}
V11 = {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
CLASSES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("BertForMaskedLM", "BertConfig", {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
        "max_position_embeddings": 32}),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 32}),
    "llama": ("LlamaForCausalLM", "LlamaConfig", {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "intermediate_size": 48, "max_position_embeddings": 32}),
    "t5": ("T5ForConditionalGeneration", "T5Config", T5),
    "t5v1.1": ("T5ForConditionalGeneration", "T5Config", V11),
    "t5v1.1-untied": ("T5ForConditionalGeneration", "T5Config", V11),
    "xlnet": ("XLNetLMHeadModel", "XLNetConfig", {
        "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48, "mem_len": None, "use_mems_eval": False,
        "use_mems_train": False}),
}  # fmt: skip
CLASSES["xlnet-streams"] = CLASSES["xlnet-segments"] = CLASSES["xlnet"]


def pair(kind: str, folder: Path) -> tuple[Any, Transformer]:
    """Their model with random weights, norms away from 1 and biases from 0; and ours, read from its folder."""
    name, config, settings = CLASSES[kind]
    theirs = getattr(transformers, name)(getattr(transformers, config)(**COMMON, **settings)).eval()
    theirs.set_attn_implementation("eager")
    if kind == "t5v1.1-untied":
        theirs.lm_head.weight = torch.nn.Parameter(theirs.lm_head.weight.detach().clone())
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in theirs.parameters():
            noise = torch.randn(parameter.shape, generator=random)
            parameter.copy_(noise * 0.15 + (1.0 if parameter.ndim == 1 else 0.0))
    theirs.save_pretrained(folder)
    return theirs, huggingface.load(folder)


def inputs(kind: str) -> tuple[dict[str, Any], dict[str, Any], Tensor]:
    """(theirs, ours, which logits are of real tokens); the second row is padded where the class knows padding."""
    random = torch.Generator().manual_seed(2)
    tokens = torch.randint(5, VOCABULARY, (ROWS, LENGTH), generator=random)
    real = torch.ones(ROWS, LENGTH, dtype=torch.bool)
    real[1, 12:] = False
    theirs: dict[str, Any] = {"input_ids": tokens, "attention_mask": real.long()}
    ours: dict[str, Any] = {"tokens": tokens, "documents": real.long()}
    segments = (torch.arange(LENGTH) > 8).long().expand(ROWS, LENGTH).contiguous()
    if kind == "bert" or kind == "xlnet-segments":
        theirs["token_type_ids"] = ours["segments"] = segments
    if kind.startswith("t5"):
        written = torch.randint(5, VOCABULARY, (ROWS, WRITTEN), generator=random)
        theirs["decoder_input_ids"] = ours["decoder_tokens"] = written
        ours["decoder_documents"] = torch.ones_like(written)
        real = torch.ones_like(written, dtype=torch.bool)
    if kind in ("xlnet-streams", "xlnet-segments"):
        # six targets a row, in an order of their own; all other tokens come before
        at = torch.stack([torch.randperm(12, generator=random)[:6] for _ in range(ROWS)])
        order = torch.zeros_like(tokens).scatter(1, at, torch.arange(1, 7).expand(ROWS, 6))
        before = order[:, None] < order[:, :, None] + (order == 0)[:, :, None]  # query i, key j
        theirs["perm_mask"] = (~before).double()
        theirs["target_mapping"] = F.one_hot(at, LENGTH).double()
        ours |= {"order": order, "at": at}
        real = torch.ones_like(at, dtype=torch.bool)
    return theirs, ours, real


@pytest.mark.parametrize("kind", CLASSES)
def test_logits_are_the_same_in_fp32(kind: str, tmp_path: Path) -> None:
    theirs, ours = pair(kind, tmp_path)
    their_inputs, our_inputs, real = inputs(kind)
    their_inputs = {n: x.float() if x.dtype == torch.float64 else x for n, x in their_inputs.items()}
    with torch.no_grad():
        expected, got = theirs(**their_inputs).logits, ours(**our_inputs)
    assert (got - expected)[real].abs().max().item() < 1e-5


@pytest.mark.parametrize("kind", CLASSES)
def test_gradients_are_the_same_in_fp64(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """‖Δg‖ / (‖g‖ + 10⁻⁶ max‖g‖) of every parameter below 1e-8."""
    _do_not_round(monkeypatch)
    theirs, ours = (model.double() for model in pair(kind, tmp_path))
    if kind == "llama":
        theirs.set_attn_implementation("sdpa")  # whose softmax stays in fp64
    their_inputs, our_inputs, real = inputs(kind)
    wanted = torch.randint(5, VOCABULARY, real.shape, generator=torch.Generator().manual_seed(3))
    for logits in (theirs(**their_inputs).logits, ours(**our_inputs)):
        F.cross_entropy(logits[real], wanted[real]).backward()
    own = {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in ours.named_parameters()}
    got = huggingface._to_theirs(huggingface.layout(ours.config), ours.config, own)
    expected = {name: p.grad for name, p in theirs.named_parameters() if p.grad is not None}
    assert len(expected) > 20
    largest = max(float(gradient.norm()) for gradient in expected.values())
    for name, gradient in expected.items():
        error = float((got[name] - gradient).norm() / (gradient.norm() + 1e-6 * largest))
        assert error < 1e-8, f"{name}: {error}"


def _do_not_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their RMS norms and XLNet's sines are in fp32 whatever the model is in; here they are to be in fp64."""
    from transformers.models.llama.modeling_llama import LlamaRMSNorm
    from transformers.models.t5.modeling_t5 import T5LayerNorm
    from transformers.models.xlnet.modeling_xlnet import XLNetModel

    def forward(norm: Any, x: Tensor) -> Tensor:
        scaled: Tensor = (
            norm.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon)
        )
        return scaled

    sines = XLNetModel.relative_positional_encoding
    monkeypatch.setattr(
        XLNetModel, "relative_positional_encoding", lambda *given, **more: sines(*given, **more).double()
    )
    monkeypatch.setattr(LlamaRMSNorm, "forward", forward)
    monkeypatch.setattr(T5LayerNorm, "forward", forward)


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if "-s" not in kind])
def test_exported_imported_and_exported_again_the_files_are_the_same(kind: str, tmp_path: Path) -> None:
    theirs, ours = pair(kind, tmp_path / "theirs")
    huggingface.save(ours, tmp_path / "first")
    huggingface.save(huggingface.load(tmp_path / "first"), tmp_path / "second")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    again, said = getattr(transformers, CLASSES[kind][0]).from_pretrained(
        tmp_path / "first", output_loading_info=True
    )
    assert not any(said[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    before, after = theirs.state_dict(), again.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
