"""Parabolas of which one in ten is steep, and where RMSprop comes to rest on them.

Their minima lie in one place (the realizable problem) or in two.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from rmsprop import equations

__all__ = ["place_of_rest", "slope", "slopes_at"]

Array = NDArray[np.float64]


def slope(t: int, x: ArrayLike, delta: float) -> Array:
    r"""Return the slope of the mini-batch of a step; every tenth is the steep one.

    .. math:: f(w) = 5\, (w - \delta)^2 \quad\text{once},\qquad
              f(w) = -\tfrac12 \left(w - \tfrac{10}{9} \delta\right)^2 \quad\text{nine times}

    Args:
        t: the step, from 1.
        x: points, any shape.
        delta: :math:`\delta`; 0 for the realizable problem. The sum of the ten has its minimum at
            0 whatever it is.

    Returns:
        Slopes, the shape of the points.

    Source: Shi et al. (2021).

    >>> slope(10, 1.0, delta=0.0).item(), slope(11, 1.0, delta=0.0).item()
    (10.0, -1.0)
    """
    x = np.asarray(x, dtype=np.float64)
    return 10 * (x - delta) if t % 10 == 0 else -(x - 10 / 9 * delta)


def slopes_at(x: float, delta: float) -> Array:
    """Return one period of slopes at a point that hardly moves, shape ``(10,)``.

    Args:
        x: the point.
        delta: as for `slope`.

    >>> float(slopes_at(0.0, delta=1.0).sum().round(9))
    0.0
    """
    return np.array([slope(t, x, delta) for t in range(1, 11)])


def place_of_rest(alpha: float) -> float:
    r"""Return where RMSprop comes to rest as its rate tends to zero, in units of :math:`\delta`.

    Args:
        alpha: smoothing constant, at least 0.956. Below 0.9554, where constant slopes drift the
            wrong way too, there is no such place; just above, it is far away.

    Returns:
        The root of `rmsprop.equations.drift` for the slopes at it, negative.

    Raises:
        ValueError: if `alpha` is less.

    >>> round(place_of_rest(0.99), 2)
    -0.29
    """

    def drift(x: float) -> float:
        return float(equations.drift(slopes_at(x, 1.0), alpha))

    if drift(-90.0) <= 0:
        raise ValueError(f"alpha must be at least 0.956, got {alpha}")
    return float(brentq(drift, -90, 0.5))
