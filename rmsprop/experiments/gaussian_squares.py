"""The settled average of squares of independent standard Gaussian gradients: draws, and moments."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations

__all__ = [
    "average_squares",
    "empirical_distribution",
    "mean_inverse_root",
    "relative_error",
    "settled_averages",
    "skewness",
]

Array = NDArray[np.float64]


def average_squares(gradients: Iterable[ArrayLike], alpha: ArrayLike) -> Array:
    r"""Average the squares of gradients from :math:`S_0 = 1`, keeping only the last average.

    Args:
        gradients: those of one step after the other, each of any shape.
        alpha: smoothing constant in [0, 1); broadcasts against the gradients of a step.

    Returns:
        The last average, as `rmsprop.equations.iterate_average` has it, without its memory.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> average_squares([[1.0, 3.0], [1.0, 1.0]], alpha=0.5)
    array([1., 3.])
    """
    average = np.ones(())
    for gradient in gradients:
        average = equations.update_average(average, np.asarray(gradient) ** 2, alpha)
    return average


def settled_averages(alpha: float, *, n: int, seeds: int, seed: int) -> Array:
    """Draw averages after so many steps that the start weighs 1e-7 of what it did.

    Args:
        alpha: smoothing constant in (0, 1).
        n: how many for each seed, at least 1.
        seeds: how many seeds, at least 1.
        seed: of the gradients, together with the seed's number.

    Returns:
        Independent averages with the mean 1, shape ``(seeds, n)``.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> settled_averages(0.5, n=4, seeds=2, seed=0).shape
    (2, 4)
    """
    steps = int(16 / -np.log(alpha))
    streams = [np.random.default_rng([seed, number]) for number in range(seeds)]
    return np.array(
        [
            average_squares((stream.standard_normal(n) for _ in range(steps)), alpha)
            for stream in streams
        ]
    )


def relative_error(alpha: ArrayLike) -> Array:
    r"""Return the standard deviation of the settled average over its mean.

    .. math:: \sqrt{\frac{2}{n_\text{eff}}}

    Args:
        alpha: smoothing constant in [0, 1).

    Returns:
        The shape of `alpha`. The square of a standard Gaussian has the variance 2.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> round(float(relative_error(0.6)), 9)
    0.707106781
    """
    return np.sqrt(2 / equations.effective_samples(alpha))


def empirical_distribution(samples: ArrayLike, x: ArrayLike) -> Array:
    """Return the share of samples that are at most `x`.

    Args:
        samples: shape ``(..., n)``.
        x: where to evaluate it, shape ``(m,)``.

    Returns:
        Shape ``(..., m)``.

    >>> empirical_distribution([1.0, 2.0, 3.0, 4.0], [0.5, 2.0])
    array([0. , 0.5])
    """
    below = np.asarray(samples)[..., None, :] <= np.asarray(x)[:, None]
    return np.asarray(below.mean(axis=-1))


def skewness(samples: ArrayLike) -> Array:
    r"""Estimate the skewness of averages whose mean is known to be 1.

    .. math:: \frac{\overline{(S - 1)^3}}{\overline{(S - 1)^2}^{3/2}}

    Args:
        samples: shape ``(..., n)``.

    Returns:
        Shape ``(...)``.

    >>> float(skewness([0.0, 2.0]))
    0.0
    """
    centered = np.asarray(samples) - 1
    return np.asarray((centered**3).mean(-1) / (centered**2).mean(-1) ** 1.5)


def mean_inverse_root(weights: ArrayLike) -> float:
    r"""Return the mean of :math:`S^{-1/2}`, the factor by which the noise of S lengthens steps.

    .. math::

       \mathbb{E}\, S^{-1/2}
       = \frac{1}{\sqrt\pi} \int_0^\infty s^{-1/2} \prod_k (1 + 2 s\,\omega_k)^{-1/2}\, ds

    Args:
        weights: :math:`\omega_k` of the squares in :math:`S`, shape ``(n,)``; they sum to 1, and
            none is above 0.2, else the integral converges too slowly.

    Returns:
        The mean, from the trapezoidal rule in :math:`u = \sqrt{s}`.

    >>> round(mean_inverse_root(equations.weights(0.9, 400)), 4)
    1.0394
    """
    weights = np.asarray(weights, dtype=np.float64)
    u, du = np.linspace(0, 60, 60_001, retstep=True)
    product = np.array([np.exp(-np.log1p(2 * s * weights).sum() / 2) for s in u**2])
    return float(2 / np.sqrt(np.pi) * np.trapezoid(product, dx=du))
