"""Train small networks to imitate teachers, every learning rate and seed in one stack."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from rmsprop.experiments.networks import MakeOptimizer, network, train

__all__ = ["train_students"]

INPUTS, HIDDEN, EXAMPLES, BATCH = 10, 32, 256, 16


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
