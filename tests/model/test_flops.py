"""The formula for model FLOPs against PyTorch's own count of a pass there and back."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from headwater.model.flops import training_flops
from headwater.model.losses import mean_nats
from headwater.model.presets import resolve
from headwater.model.transformer import Transformer


@pytest.mark.parametrize(
    "preset", ["bert-nano", "modern-nano", "llama-nano", "t5-nano", "t5v1.1-nano", "xlnet-nano"]
)
def test_the_formula_is_what_pytorch_counts(preset: str) -> None:
    family = {"modern": "gpt", "llama": "gpt", "t5v1.1": "t5"}.get(style := preset.partition("-")[0], style)
    model = Transformer(resolve({"family": family, "preset": preset, "context": 64}, 300))
    torch.manual_seed(0)
    rows, tokens, more = 3, torch.randint(0, 300, (3, 48)), {}
    if family == "t5":
        more = {"decoder_tokens": torch.randint(0, 300, (3, 20))}
    if family == "xlnet":
        at = torch.arange(40, 48).expand(3, -1)
        order = torch.where(torch.arange(48) >= 40, torch.arange(48) - 39, 0).expand(3, -1)
        more = {"order": order, "at": at}
    with FlopCounterMode(display=False) as counted:
        hidden = model.hidden(tokens, **more)
        targets = torch.randint(0, 300, hidden.shape[:2])
        mean_nats(model.head(hidden), model.output_weight, targets).backward()
    needed = training_flops(
        model.config, rows=rows, tokens=48, predicted=targets.numel(), queries=8 if family == "xlnet" else 0,
        decoder_tokens=20 if family == "t5" else 0,
    )  # fmt: skip
    # computed is more: what a causal mask hides, XLNet's scores of distances that no two tokens have
    assert 0.9 < needed / counted.get_total_flops() <= 1.0001
    if family == "bert":
        assert needed == counted.get_total_flops()
