"""Gradients that repeat and cancel over a period: how far RMSprop drifts, in units of lr."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations

__all__ = ["drift_divided_first", "drift_slope", "shuffled_moves"]

Array = NDArray[np.float64]


def drift_slope(period: ArrayLike) -> float:
    r"""Return what the drift per period is over :math:`1 - \alpha`, for `alpha` near 1.

    .. math:: -\frac{1}{2 r^3} \sum_i g_i \sum_{j \le i} (g_j^2 - r^2)

    Args:
        period: gradients :math:`g_i` with the mean 0 and the mean square :math:`r^2`, shape
            ``(n,)``.

    Returns:
        The slope, positive where the drift is downhill for positive gradients.

    >>> round(drift_slope([0.1] * 9 + [-0.9]), 6)
    6.666667
    """
    period = np.asarray(period, dtype=np.float64)
    mean_square = np.mean(period**2)
    excess = np.cumsum(period**2 - mean_square)
    return float(-(period * excess).sum() / (2 * mean_square**1.5))


def drift_divided_first(period: ArrayLike, alpha: ArrayLike) -> Array:
    r"""Return the drift per period if a gradient enters the average after it has been divided.

    .. math:: \sum_i \frac{g_i}{\sqrt{v_{i-1}}}

    Args:
        period: gradients :math:`g_i`, shape ``(n,)``.
        alpha: smoothing constant in [0, 1), shape ``(...)``.

    Returns:
        Shape ``(...)``. With :math:`v_i` instead it is minus `rmsprop.equations.drift`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> drift_divided_first([1.0, 2.0, -1.0], alpha=0.0)
    array(2.5)
    """
    settled = equations.settled_square_avg(period, alpha)
    return np.asarray((np.asarray(period) / np.sqrt(np.roll(settled, 1, -1))).sum(-1))


def shuffled_moves(period: ArrayLike, alpha: float, *, blocks: int, seeds: int, seed: int) -> Array:
    """Measure how far RMSprop moves each way per block, if each block has an order of its own.

    Args:
        period: gradients of a block, shape ``(n,)``. The average starts at their mean square.
        alpha: smoothing constant in [0, 1).
        blocks: how many in a run, at least 1.
        seeds: how many runs, at least 1.
        seed: of the orders, together with the run's number.

    Returns:
        How far the positive and how far the negative gradients lead, per block, shape
        ``(seeds, 2)``; their sum is the drift.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> shuffled_moves([1.0, 1.0, -1.0], 0.5, blocks=7, seeds=2, seed=0)
    array([[ 2., -1.],
           [ 2., -1.]])
    """
    period = np.asarray(period, dtype=np.float64)
    runs = []
    for number in range(seeds):
        stream = np.random.default_rng([seed, number])
        grads = stream.permuted(np.tile(period, (blocks, 1)), axis=1).ravel()
        square_avg = equations.iterate_average(grads**2, alpha, np.mean(period**2))
        moves = grads / np.sqrt(square_avg)
        runs.append([moves[grads > 0].sum(), moves[grads < 0].sum()])
    return np.array(runs) / blocks
