"""How steady the gradients of a network are while it is trained, as the optimizer sees them."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rmsprop.experiments.digits import train_digits
from rmsprop.optimizer import RMSprop

__all__ = ["signal_to_noise"]


def signal_to_noise(
    alpha: float, lr: float, *, seeds: int, steps: int, device: torch.device | str = "cpu"
) -> NDArray[np.float64]:
    r"""Train classifiers of digits with centered RMSprop and read its averages at the end.

    .. math:: r = \frac{|m|}{\sqrt{c}}

    Args:
        alpha: smoothing constant in [0, 1).
        lr: learning rate.
        seeds: number of networks, as in `rmsprop.experiments.digits.train_digits`.
        steps: number of steps, at least 1.
        device: where to train.

    Returns:
        :math:`r` for every weight that ever had a gradient, all networks together, one-dimensional.

    >>> ratios = signal_to_noise(0.9, 0.01, seeds=1, steps=2)
    >>> ratios.ndim, len(ratios) <= 64 * 32 + 32 + 32 * 10 + 10
    (1, True)
    """
    made = []

    def make_optimizer(groups: list[dict[str, Any]]) -> RMSprop:
        made.append(RMSprop(groups, alpha=alpha, centered=True))
        return made[-1]

    train_digits(make_optimizer, [lr], seeds=seeds, steps=steps, device=device)
    (optimizer,) = made
    m, c = (
        torch.cat([state[name].ravel() for state in optimizer.state.values()]).cpu()
        for name in ("grad_avg", "grad_var")
    )
    return (m[c > 0].abs() / c[c > 0].sqrt()).numpy()
