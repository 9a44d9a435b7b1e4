"""Train a linear layer with inputs of different scales, and read off its effective rates."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmsprop import equations
from rmsprop.optimizer import RMSprop

__all__ = ["LayerRun", "train"]

OUTPUTS, EXAMPLES, BATCH = 2, 256, 16


class LayerRun(NamedTuple):
    """What every parameter saw, the weights of one output after the other, then the biases.

    Attributes:
        rates: effective learning rates after each step, shape ``(steps, seeds, parameters)``.
        gradients: of each step, same shape.
    """

    rates: NDArray[np.float64]
    gradients: NDArray[np.float64]


def train(
    scales: Sequence[float],
    *,
    lr: float,
    alpha: float,
    steps: int,
    seeds: int = 1,
    device: torch.device | str = "cpu",
) -> LayerRun:
    """Train a linear layer with two outputs on 256 examples, 16 a step, in float64.

    The targets are linear in the inputs, plus noise; the weights start at 0.

    Args:
        scales: standard deviation of each input.
        lr: learning rate.
        alpha: smoothing constant in [0, 1).
        steps: number of steps, at least 1.
        seeds: how many layers to train, with examples and batches drawn with seeds from 0 on.
        device: where to train. Examples and batches are drawn on the CPU.

    Returns:
        Effective rates, as in `rmsprop.equations.effective_rate`, and gradients.

    >>> run = train([1.0, 10.0, 100.0], lr=1e-3, alpha=0.99, steps=5)
    >>> run.rates.shape, run.gradients.shape
    ((5, 1, 8), (5, 1, 8))
    """
    generators = [torch.Generator().manual_seed(seed) for seed in range(seeds)]
    scale = torch.tensor(scales, dtype=torch.float64)
    x, y = (
        torch.stack(each).to(device)
        for each in zip(*(_examples(scale, each) for each in generators), strict=True)
    )
    shapes = ((seeds, OUTPUTS, len(scale)), (seeds, 1, OUTPUTS))
    layer = [
        torch.zeros(shape, dtype=torch.float64, device=device, requires_grad=True)
        for shape in shapes
    ]
    weight, bias = layer
    optimizer = RMSprop(layer, lr=lr, alpha=alpha)
    draws = [torch.randint(EXAMPLES, (steps, BATCH), generator=each) for each in generators]
    of_seed = torch.arange(seeds, device=device)[:, None]
    squares, gradients = [], []
    for rows in torch.stack(draws, dim=1).to(device):
        batch = of_seed, rows
        optimizer.zero_grad()
        errors = x[batch] @ weight.mT + bias - y[batch]
        errors.square().mean(dim=(1, 2)).sum().backward()
        optimizer.step()
        squares.append(_in_rows(optimizer.state[p]["square_avg"] for p in layer))
        gradients.append(_in_rows(p.grad for p in layer if p.grad is not None))
    square_avg = torch.stack(squares).cpu().numpy()
    return LayerRun(
        equations.effective_rate(square_avg, lr=lr), torch.stack(gradients).cpu().numpy()
    )


def _examples(scale: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = normal(EXAMPLES, len(scale)) * scale
    return x, (x / scale) @ normal(len(scale), OUTPUTS) + 0.1 * normal(EXAMPLES, OUTPUTS)


def _in_rows(values: Iterable[Tensor]) -> Tensor:
    return torch.cat([value.flatten(1) for value in values], dim=1)
