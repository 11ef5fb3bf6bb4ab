"""AdamW for fine-tuning (Loshchilov 2019), with fp32 masters whatever the model computes in.

Matrices decay, gains and biases do not (Devlin 2019). Gradients are clipped to a norm of 1. Only what is trained has a
master: under LoRA that is the added matrices and the head. A new head may learn faster than the body below it (Howard
2018), and does not decay then.
"""

import torch
from torch import Tensor, nn

CLIP = 1.0
BETAS = (0.9, 0.999)


class TaskOptimizer:
    def __init__(
        self, model: nn.Module, learning_rate: float, weight_decay: float, *, head: float = 1.0
    ) -> None:
        """`head`: what the classifier's learning rate is, in those of the body."""
        self.learning_rate, self.steps = learning_rate, 0
        self.parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.masters = {name: p.detach().float().clone() for name, p in self.parameters.items()}
        of_head = {name for name in self.masters if head != 1 and name.startswith("classifier.")}
        own = [t for name, t in self.masters.items() if name in of_head]
        body = [t for name, t in self.masters.items() if name not in of_head]
        groups = [
            {"params": [t for t in body if t.ndim >= 2], "weight_decay": weight_decay, "times": 1.0},
            {"params": [t for t in body if t.ndim < 2], "weight_decay": 0.0, "times": 1.0},
        ]
        groups += [{"params": own, "weight_decay": 0.0, "times": head}] if own else []
        self._adam = torch.optim.AdamW(groups, lr=learning_rate, betas=BETAS, fused=True)

    @torch.no_grad()
    def step(self, multiplier: float) -> None:
        """One step at a share of the peak rate; gradients are used up."""
        self.steps += 1
        gradients = []
        for name, parameter in self.parameters.items():
            master, gradient = self.masters[name], parameter.grad
            # None: what this task does not use, such as an output matrix
            master.grad = None if gradient is None else gradient.float()
            parameter.grad = None
            if master.grad is not None:
                gradients.append(master.grad)
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        torch._foreach_mul_(gradients, (CLIP / (norm + 1e-6)).clamp(max=1.0))
        for group in self._adam.param_groups:
            group["lr"] = self.learning_rate * multiplier * group["times"]
        self._adam.step()
        self._write_back()

    @torch.no_grad()
    def put(self, masters: dict[str, Tensor]) -> None:
        for name, tensor in masters.items():
            self.masters[name].copy_(tensor)
        self._write_back()

    def _write_back(self) -> None:
        torch._foreach_copy_(list(self.parameters.values()), list(self.masters.values()))

    # ---------------------------------------------------------------- for checkpoints

    def tensors(self) -> dict[str, Tensor]:
        made = {f"master.{name}": tensor for name, tensor in self.masters.items()}
        for name, tensor in self.masters.items():
            for part, value in self._adam.state.get(tensor, {}).items():
                made[f"{part}.{name}"] = value
        return made

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        self.put(
            {name.removeprefix("master."): t for name, t in tensors.items() if name.startswith("master.")}
        )
        for name, tensor in self.masters.items():
            parts = {part: tensors[f"{part}.{name}"] for part in ("step", "exp_avg", "exp_avg_sq")
                     if f"{part}.{name}" in tensors}  # fmt: skip
            if parts:
                self._adam.state[tensor] = {part: value.to(tensor.device) for part, value in parts.items()}
