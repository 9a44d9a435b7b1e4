"""How steady the gradients of a network are while it is trained, as the optimizer sees them."""

import numpy as np
from numpy.typing import NDArray

from rmsprop.experiments.digits import train_digits
from rmsprop.experiments.rules import RMSpropRule

__all__ = ["signal_to_noise"]


def signal_to_noise(alpha: float, lr: float, *, seeds: int, steps: int) -> NDArray[np.float64]:
    r"""Train classifiers of digits with centered RMSprop and read its averages at the end.

    .. math:: r = \frac{|m|}{\sqrt{c}}

    Args:
        alpha: smoothing constant in [0, 1).
        lr: learning rate.
        seeds: number of networks, as in `rmsprop.experiments.digits.train_digits`.
        steps: number of steps, at least 1.

    Returns:
        :math:`r` for every weight that ever had a gradient, all networks together, one-dimensional.

    >>> ratios = signal_to_noise(0.9, 0.01, seeds=1, steps=2)
    >>> ratios.ndim, len(ratios) <= 64 * 32 + 32 + 32 * 10 + 10
    (1, True)
    """
    rule = RMSpropRule(lr, alpha=alpha, centered=True)
    states = [
        state
        for seed in range(seeds)
        for state in train_digits(rule, seed=seed, steps=steps).averages
    ]
    m = np.concatenate([state.grad_avg.ravel() for state in states])
    c = np.concatenate([state.grad_var.ravel() for state in states])
    return np.abs(m[c > 0]) / np.sqrt(c[c > 0])
