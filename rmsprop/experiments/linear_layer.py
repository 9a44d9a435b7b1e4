"""Train a linear layer with inputs of different scales, and read off its effective rates."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import linear, mse_loss

from rmsprop import equations
from rmsprop.optimizer import RMSprop

__all__ = ["LayerRun", "train"]

OUTPUTS, EXAMPLES, BATCH = 2, 256, 16


class LayerRun(NamedTuple):
    """What every parameter saw, the weights of one output after the other, then the biases.

    Attributes:
        rates: effective learning rates after each step, shape ``(steps, parameters)``.
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
    device: torch.device | str = "cpu",
) -> LayerRun:
    """Train a linear layer with two outputs on 256 examples, 16 a step, in float64.

    The targets are linear in the inputs, plus noise; the weights start at 0.

    Args:
        scales: standard deviation of each input.
        lr: learning rate.
        alpha: smoothing constant in [0, 1).
        steps: number of steps, at least 1.
        device: where to train. Examples and batches are drawn on the CPU.

    Returns:
        Effective rates, as in `rmsprop.equations.effective_rate`, and gradients.

    >>> run = train([1.0, 10.0, 100.0], lr=1e-3, alpha=0.99, steps=5)
    >>> run.rates.shape, run.gradients.shape
    ((5, 8), (5, 8))
    """
    generator = torch.Generator().manual_seed(0)
    scale = torch.tensor(scales, dtype=torch.float64)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = normal(EXAMPLES, len(scale)) * scale
    y = (x / scale) @ normal(len(scale), OUTPUTS) + 0.1 * normal(EXAMPLES, OUTPUTS)
    x, y = x.to(device), y.to(device)
    shapes = ((OUTPUTS, len(scale)), (OUTPUTS,))
    layer = [
        torch.zeros(shape, dtype=torch.float64, device=device, requires_grad=True)
        for shape in shapes
    ]
    optimizer = RMSprop(layer, lr=lr, alpha=alpha)
    squares, gradients = [], []
    for _ in range(steps):
        batch = torch.randint(EXAMPLES, (BATCH,), generator=generator).to(device)
        optimizer.zero_grad()
        mse_loss(linear(x[batch], *layer), y[batch]).backward()
        optimizer.step()
        squares.append(torch.cat([optimizer.state[p]["square_avg"].flatten() for p in layer]))
        gradients.append(torch.cat([p.grad.flatten() for p in layer if p.grad is not None]))
    square_avg = torch.stack(squares).cpu().numpy()
    return LayerRun(
        equations.effective_rate(square_avg, lr=lr), torch.stack(gradients).cpu().numpy()
    )
