"""Feed an optimizer gradients that hardly vary, which is where centering fails."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["SteadyRun", "follow_steady_gradients", "variance_error"]

Array = NDArray[np.float64]


class SteadyRun(NamedTuple):
    """What became of the parameters, after every step and for every level of noise.

    Attributes:
        lost: share of the parameters that are NaN, shape ``(steps, noises)``.
        longest: the longest step of one that is not, in units of lr, same shape.
    """

    lost: Array
    longest: Array


def follow_steady_gradients(
    make_optimizer: Callable[[list[Tensor]], torch.optim.Optimizer],
    noises: Sequence[float],
    *,
    steps: int,
    parameters: int,
    mean: float = 1.0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> SteadyRun:
    r"""Let an optimizer follow gradients :math:`\bar g\, (1 + \rho\, \xi_t)` with Gaussian noise.

    Every parameter sees its own noise, the same at each level :math:`\rho`. After each step the
    parameters go back to 0, so that the next step is measured in full precision; a parameter that
    was NaN once counts as lost.

    Args:
        make_optimizer: takes a list of one tensor of parameters and returns an optimizer.
        noises: :math:`\rho`, the noise relative to the mean.
        steps: number of steps, at least 1.
        parameters: number of parameters at each level of noise, at least 1.
        mean: :math:`\bar g`.
        dtype: of the parameters and gradients.
        device: where to compute. The noise is drawn on the CPU, in float32.

    Returns:
        The run.

    >>> run = follow_steady_gradients(torch.optim.RMSprop, [0.1, 0.0], steps=3, parameters=4)
    >>> run.lost.shape, round(float(run.longest[0, 1]), 3)
    ((3, 2), 10.0)
    """
    generator = torch.Generator().manual_seed(0)
    levels = torch.tensor(noises, dtype=torch.float64, device=device)[:, None]
    w = torch.zeros(len(noises), parameters, dtype=dtype, device=device, requires_grad=True)
    optimizer = make_optimizer([w])
    nan = torch.zeros(w.shape, dtype=torch.bool, device=device)
    lost, longest = [], []
    for _ in range(steps):
        noise = torch.randn(parameters, generator=generator).to(device)
        w.grad = (mean * (1 + levels * noise)).to(dtype)
        with torch.no_grad():
            w.zero_()
        optimizer.step()
        length = w.detach().abs().float()
        nan |= length.isnan()
        lost.append(nan.double().mean(-1).cpu())
        longest.append(length.masked_fill(nan, 0.0).amax(-1).double().cpu())
    lr = optimizer.param_groups[0]["lr"]
    return SteadyRun(torch.stack(lost).numpy(), torch.stack(longest).numpy() / lr)


def variance_error(
    alpha: float,
    *,
    noise: float,
    parameters: int,
    mean: float | None = None,
    device: torch.device | str = "cpu",
) -> Array:
    r"""Measure how far torch's :math:`v - m^2` is from what it would be without rounding.

    After 20 windows of the average, the difference of which ``torch.optim.RMSprop(centered=True)``
    takes the root is compared in float32 with that of float64, for the same gradients.

    Args:
        alpha: smoothing constant in [0, 1).
        noise: standard deviation of the gradients over their mean.
        parameters: how many to measure, at least 1.
        mean: of the gradients. Without it means are spread from 1 to 2 so that all significands are
            met alike.
        device: where to compute. The gradients are drawn on the CPU.

    Returns:
        For every parameter the error as a fraction of the squared mean, shape ``(parameters,)``.

    >>> errors = variance_error(0.5, noise=0.1, parameters=100)
    >>> errors.shape, bool(abs(errors).max() < 1e-6)
    ((100,), True)
    """
    generator = torch.Generator().manual_seed(0)
    spread = 2 ** torch.rand(parameters, generator=generator)
    means = spread if mean is None else torch.full((parameters,), mean)
    kinds = torch.float32, torch.float64
    weights = [torch.zeros(parameters, dtype=kind, device=device) for kind in kinds]
    optimizers = [torch.optim.RMSprop([w], alpha=alpha, centered=True) for w in weights]
    for _ in range(round(20 / (1 - alpha))):
        grad = means * (1 + noise * torch.randn(parameters, generator=generator))
        rounded = grad.to(device)
        for w, optimizer in zip(weights, optimizers, strict=True):
            w.grad = rounded.to(w.dtype)
            optimizer.step()
    states = [optimizer.state[w] for w, optimizer in zip(weights, optimizers, strict=True)]
    kept, exact = (
        state["square_avg"].addcmul(state["grad_avg"], state["grad_avg"], value=-1).double().cpu()
        for state in states
    )
    return ((kept - exact) / means.double() ** 2).numpy()
