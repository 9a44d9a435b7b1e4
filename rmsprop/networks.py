"""Train many small networks at once: every learning rate and every seed in one stack of tensors."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["train_students"]

INPUTS, HIDDEN, EXAMPLES, BATCH = 10, 32, 256, 16


def train_students(
    make_optimizer: Callable[[list[dict[str, Any]]], torch.optim.Optimizer],
    lrs: Sequence[float],
    *,
    seeds: int,
    steps: int,
    device: torch.device | str = "cpu",
) -> Tensor:
    r"""Train students to imitate teachers, one per learning rate and seed.

    Teacher and student are the network :math:`f(x) = \tanh(x W_1 + b_1) W_2 + b_2` with 10 inputs
    and 32 hidden units, in float64. Each seed has its own teacher, 256 examples and initial
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
    students = [[torch.nn.Parameter(weight.clone()) for weight in student] for _ in lrs]
    optimizer = make_optimizer(
        [{"params": weights, "lr": lr} for weights, lr in zip(students, lrs, strict=True)]
    )

    def losses(x: Tensor, y: Tensor) -> Tensor:
        w1, b1, w2, b2 = (torch.stack(layer) for layer in zip(*students, strict=True))
        return ((torch.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2).mean((-1, -2))

    for _ in range(steps):
        batch = torch.randint(EXAMPLES, (BATCH,), generator=generator).to(device)
        optimizer.zero_grad()
        losses(x[:, batch], y[:, batch]).sum().backward()
        optimizer.step()
    with torch.no_grad():
        return losses(x, y).cpu()
