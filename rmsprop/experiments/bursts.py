"""Bursts of large gradients, and how long steps stay short after them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations

__all__ = ["count_recovery"]


def count_recovery(
    alpha: ArrayLike, ratio: ArrayLike, length: ArrayLike, share: float = 0.9
) -> NDArray[np.int64]:
    r"""Count the steady gradients after a burst until a step is back to a share of its length.

    The average is followed step by step, from its settled value of 1.

    Args:
        alpha: smoothing constant in [0, 1).
        ratio: size of the gradients in the burst over that of the steady ones; broadcasts.
        length: how many gradients are in the burst, at least 0; broadcasts.
        share: of the length of steps before the burst, below 1.

    Returns:
        Numbers of steps, `rmsprop.equations.burst_memory`, rounded up.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> count_recovery(0.5, [1.0, 3.0, 100.0], 1)
    array([ 0,  5, 15])
    """
    alpha, ratio, length = np.broadcast_arrays(alpha, ratio, length)
    average = np.ones(alpha.shape)
    for t in range(length.max()):
        raised = equations.update_average(average, ratio**2, alpha)
        average = np.where(t < length, raised, average)
    steps = np.zeros(alpha.shape, dtype=np.int64)
    while (short := 1 / np.sqrt(average) < share).any():
        average = equations.update_average(average, 1.0, alpha)
        steps += short
    return steps
