"""Regret: what a run loses, step by step, against the best fixed point."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.traps import repeat, run

__all__ = ["average_regret"]

Array = NDArray[np.float64]


def average_regret(
    slopes: ArrayLike,
    alpha: float,
    *,
    lr: Callable[[int], float],
    steps: int,
    amsgrad: bool = False,
) -> Array:
    r"""Average the regret of RMSprop on linear functions that repeat, between -1 and 1.

    .. math:: R_t = \frac1t \sum_{i=1}^t g_i\, (x_i - x^*)

    Args:
        slopes: one period of slopes :math:`g_i`, shape ``(n,)``. The best fixed point :math:`x^*`
            is the end that their mean points away from.
        alpha: smoothing constant in [0, 1).
        lr: maps the step, from 1, to the learning rate.
        steps: number of steps, at least 1.
        amsgrad: divide by the root of the greatest average so far.

    Returns:
        :math:`R_1, R_2, \dots`, shape ``(steps,)``. Of a run that stays at the wrong end it tends
        to twice the size of the mean slope.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Source: Reddi et al. (2018), section 2.

    >>> average_regret([1.0], 0.0, lr=lambda t: 1.0, steps=4)
    array([1.        , 0.5       , 0.33333333, 0.25      ])
    """
    slopes = np.asarray(slopes, dtype=np.float64)
    points = run(repeat(slopes), alpha, lr=lr, steps=steps - 1, bound=1.0, amsgrad=amsgrad)
    best = -np.sign(slopes.mean())
    lost = np.resize(slopes, steps) * (np.array(list(points)) - best)
    return lost.cumsum() / np.arange(1, steps + 1)
