"""Train many small networks at once: every learning rate and every seed in one stack of tensors."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

__all__ = ["MakeOptimizer", "network", "train", "train_students"]

MakeOptimizer = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]

INPUTS, HIDDEN, EXAMPLES, BATCH = 10, 32, 256, 16


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


def train_students(
    make_optimizer: MakeOptimizer,
    lrs: Sequence[float],
    *,
    seeds: int,
    steps: int,
    device: torch.device | str = "cpu",
) -> Tensor:
    r"""Train students to imitate teachers, one per learning rate and seed.

    Teacher and student are :func:`network` with 10 inputs and 32 hidden units, in float64. Each
    seed has its own teacher, 256 examples and initial
    student, the same for every learning rate and every optimizer, so that results can be compared
    in pairs. A step sees 16 examples.

    Args:
        make_optimizer: takes a list of param groups, one per learning rate, and returns an
            optimizer. It must treat every number on its own, as RMSprop, Adam and SGD do.
        lrs: the learning rates.
        seeds: number of seeds, at least 1.
        steps: number of steps, at least 0.
        device: where to train. Data and initial weights are drawn on the CPU and do not depend
            on it.

    Returns:
        Mean squared error over all examples after training, float64 on the CPU, shape
        ``(len(lrs), seeds)``.

    >>> losses = train_students(torch.optim.SGD, [0.01, 0.1], seeds=3, steps=5)
    >>> losses.shape
    torch.Size([2, 3])
    """
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(seeds, *shape, generator=generator, dtype=torch.float64)

    x = normal(EXAMPLES, INPUTS).to(device)
    hidden = (2 * normal(INPUTS, HIDDEN) / INPUTS**0.5).to(device)
    output = (normal(HIDDEN, 1) / HIDDEN**0.5).to(device)
    y = torch.tanh(x @ hidden) @ output
    student = [
        (normal(INPUTS, HIDDEN) / INPUTS**0.5).to(device),
        torch.zeros(seeds, 1, HIDDEN, dtype=torch.float64, device=device),
        (normal(HIDDEN, 1) / HIDDEN**0.5).to(device),
        torch.zeros(seeds, 1, 1, dtype=torch.float64, device=device),
    ]

    def losses(x: Tensor, y: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return ((network(x, weights) - y) ** 2).mean((-1, -2))

    def batches() -> Iterator[Callable[[list[Tensor]], Tensor]]:
        for _ in range(steps):
            batch = torch.randint(EXAMPLES, (BATCH,), generator=generator).to(device)
            yield partial(losses, x[:, batch], y[:, batch])

    return losses(x, y, train(make_optimizer, lrs, student, batches())).cpu()
