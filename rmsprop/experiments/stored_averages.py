"""Averages of squared Gaussian gradients that are stored in few binary digits after every step."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Stored", "follow_stored", "rounded", "spacing"]

Array = NDArray[np.float64]


class Stored(NamedTuple):
    """The averages after a step.

    Attributes:
        exact: unrounded, shape ``(n,)``.
        stochastic: rounded stochastically, shape ``(digits, n)``.
        nearest: rounded to nearest, of the same shape.
    """

    exact: Array
    stochastic: Array
    nearest: Array


def spacing(x: ArrayLike, digits: ArrayLike) -> Array:
    """Return how far apart numbers of so many digits are at `x`, as a share of it.

    Args:
        x: above 0, any shape.
        digits: binary digits of the significand; broadcasts.

    >>> float(spacing(1.0, 8)), float(spacing(1.5, 8)) == 2**-7 / 1.5
    (0.0078125, True)
    """
    significand, _ = np.frexp(np.asarray(x, dtype=np.float64))
    return np.asarray(np.exp2(-np.asarray(digits, dtype=np.float64)) / significand)


def rounded(x: Array, digits: ArrayLike, threshold: ArrayLike) -> Array:
    """Round to the number of so many digits that lies below, after adding a part of the spacing.

    Args:
        x: at least 0, any shape.
        digits: binary digits of the significand; broadcasts.
        threshold: that part; broadcasts. Uniform in [0, 1), rounding is stochastic; 1/2 rounds to
            nearest.

    >>> rounded(np.array([1.25, 1.25, 1.5]), 2, [0.4, 0.5, 0.0])
    array([1. , 1.5, 1.5])
    """
    significand, exponent = np.frexp(x)
    units = np.floor(np.ldexp(significand, digits) + threshold)
    return np.asarray(np.ldexp(units, exponent - digits))


def follow_stored(
    alpha: float,
    digits: ArrayLike,
    *,
    steps: int,
    parameters: int,
    seed: int,
    mean_square: float = 2**0.5,
    start: float = 1.0,
) -> Iterator[Stored]:
    r"""Average squares of gradients, stored in three ways.

    Args:
        alpha: smoothing constant in [0, 1).
        digits: binary digits of the significand, integers, shape ``(m,)``.
        steps: how many.
        parameters: n, each with gradients of its own, the same for all digits.
        seed: of the gradients and of the rounding.
        mean_square: of the gradients. The spacing at the root of 2 is the geometric mean of all.
        start: what the averages start from, as a multiple of that, rounded.

    >>> *_, last = follow_stored(0.5, [53], steps=9, parameters=4, seed=0)
    >>> np.allclose(last.exact, last.nearest, rtol=1e-14)
    True
    """
    digits, stream = np.asarray(digits)[:, None], np.random.default_rng(seed)
    exact = np.full(parameters, start * mean_square)
    nearest = rounded(exact, digits, 0.5)
    stochastic = rounded(exact, digits, stream.random(nearest.shape))
    for _ in range(steps):
        squares = mean_square * stream.standard_normal(parameters) ** 2
        exact = alpha * exact + (1 - alpha) * squares
        stochastic = alpha * stochastic + (1 - alpha) * squares
        stochastic = rounded(stochastic, digits, stream.random(stochastic.shape))
        nearest = rounded(alpha * nearest + (1 - alpha) * squares, digits, 0.5)
        yield Stored(exact, stochastic, nearest)
