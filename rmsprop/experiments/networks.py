"""Train many small networks at once: every learning rate and every seed in one stack of tensors."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["MakeOptimizer", "network", "train"]

MakeOptimizer = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]


def network(x: Tensor, weights: Sequence[Tensor]) -> Tensor:
    r"""Compute :math:`f(x) = \tanh(x W_1 + b_1) W_2 + b_2` for a stack of networks.

    Args:
        x: inputs, shape ``(..., examples, inputs)``.
        weights: :math:`W_1, b_1, W_2, b_2`, shapes ``(..., inputs, hidden)``, ``(..., 1, hidden)``,
            ``(..., hidden, outputs)`` and ``(..., 1, outputs)``, with leading dimensions that
            broadcast against those of ``x``.

    Returns:
        Outputs, shape ``(..., examples, outputs)``.
    """
    w1, b1, w2, b2 = weights
    return torch.tanh(x @ w1 + b1) @ w2 + b2


def train(
    make_optimizer: MakeOptimizer,
    lrs: Sequence[float],
    initial: Sequence[Tensor],
    losses: Iterable[Callable[[list[Tensor]], Tensor]],
) -> list[Tensor]:
    """Train a stack of networks, one for each learning rate and seed, all from one loss per step.

    Args:
        make_optimizer: takes a list of param groups, one per learning rate, and returns an
            optimizer. It must treat every number on its own, as RMSprop, Adam and SGD do.
        lrs: the learning rates.
        initial: a network's weights before the first step, first dimension: seeds.
        losses: for each step a function that takes weights, first dimensions
            ``(len(lrs), seeds)``, and returns each network's loss, shape ``(len(lrs), seeds)``.

    Returns:
        The weights after the last step, detached, with first dimensions ``(len(lrs), seeds)``.

    >>> w = torch.ones(2, 1, dtype=torch.float64)
    >>> square = lambda weights: (weights[0] ** 2).sum(-1)
    >>> train(torch.optim.SGD, [0.25, 0.5], [w], [square])[0].tolist()
    [[[0.5], [0.5]], [[0.0], [0.0]]]
    """
    networks = [[torch.nn.Parameter(weight.clone()) for weight in initial] for _ in lrs]
    optimizer = make_optimizer(
        [{"params": weights, "lr": lr} for weights, lr in zip(networks, lrs, strict=True)]
    )

    def stacked() -> list[Tensor]:
        return [torch.stack(layer) for layer in zip(*networks, strict=True)]

    for loss in losses:
        optimizer.zero_grad()
        loss(stacked()).sum().backward()
        optimizer.step()
    with torch.no_grad():
        return stacked()
