"""Train a network in low precision until one of its weights is NaN."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import cross_entropy

__all__ = ["StateInFloat32", "Survival", "train_until_nan"]

HIDDEN = 32


class Survival(NamedTuple):
    """How a training ended.

    Attributes:
        died: the step after which a weight was NaN; None if none was.
        loss: of the last batch, before the last step.
    """

    died: int | None
    loss: float


class StateInFloat32(torch.optim.RMSprop):
    """torch's rule with its averages, and nothing else, in float32.

    Every step copies the weights to float32, steps there, and rounds the result.

    Args:
        weights: of any dtype.
        options: of `torch.optim.RMSprop`.

    >>> weight = torch.ones(1, dtype=torch.bfloat16, requires_grad=True)
    >>> optimizer = StateInFloat32([weight])
    >>> weight.sum().backward()
    >>> optimizer.step()
    >>> weight.item()
    0.8984375
    """

    def __init__(self, weights: list[torch.nn.Parameter], **options: Any) -> None:
        self.weights = weights
        super().__init__([torch.nn.Parameter(w.detach().float()) for w in weights], **options)

    def step(self) -> None:  # type: ignore[override]
        """Step the weights."""
        copies = self.param_groups[0]["params"]
        for weight, copy in zip(self.weights, copies, strict=True):
            copy.data.copy_(weight.data)
            copy.grad = weight.grad.float() if weight.grad is not None else None
        super().step()
        for weight, copy in zip(self.weights, copies, strict=True):
            weight.data.copy_(copy.data)
            weight.grad = None


def train_until_nan(
    make_optimizer: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer],
    *,
    dtype: torch.dtype,
    batch: int,
    steps: int,
) -> Survival:
    """Train one classifier of scikit-learn's digits, until its first NaN or for so many steps.

    It has 64 inputs, 32 hidden units (tanh) and 10 outputs, on
    the CPU; the loss is the cross-entropy, computed in float32. Every run begins with the same
    weights and sees the same batches.

    Args:
        make_optimizer: takes a list of parameters and returns an optimizer.
        dtype: of images, weights and gradients.
        batch: images in a step, at most 1797, drawn anew for each.
        steps: number of steps, at least 1.

    Returns:
        How it ended.

    >>> make = lambda weights: torch.optim.SGD(weights, lr=0.1)
    >>> train_until_nan(make, dtype=torch.bfloat16, batch=32, steps=3).died
    """
    images, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16, dtype=dtype), torch.tensor(labels)
    generator = torch.Generator().manual_seed(0)
    weights = [torch.nn.Parameter(weight.to(dtype)) for weight in _initial(generator)]
    optimizer = make_optimizer(weights)
    for step in range(1, steps + 1):
        rows = torch.randperm(len(y), generator=generator)[:batch]
        loss = cross_entropy(_outputs(x[rows], weights).float(), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if any(weight.isnan().any() for weight in weights):
            return Survival(step, loss.item())
    return Survival(None, loss.item())


def _outputs(x: Tensor, weights: list[torch.nn.Parameter]) -> Tensor:
    w1, b1, w2, b2 = weights
    return torch.tanh(x @ w1 + b1) @ w2 + b2


def _initial(generator: torch.Generator) -> list[Tensor]:
    draw = partial(torch.randn, generator=generator)
    return [
        draw(64, HIDDEN) / 8,
        torch.zeros(1, HIDDEN),
        draw(HIDDEN, 10) / HIDDEN**0.5,
        torch.zeros(1, 10),
    ]
