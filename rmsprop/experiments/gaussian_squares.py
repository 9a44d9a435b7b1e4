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
    "step_factors",
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


def mean_inverse_root(weights: ArrayLike, power: int = 0) -> float:
    r"""Return the mean of :math:`S^{-1/2}`, weighted by a power of the newest gradient.

    .. math::

       \frac{\mathbb{E}\, |g_0|^p S^{-1/2}}{\mathbb{E}\, |g_0|^p}
       = \frac{1}{\sqrt\pi} \int_0^\infty s^{-1/2}\, (1 + 2 s\,\omega_0)^{-p/2}
       \prod_{k \ge 0} (1 + 2 s\,\omega_k)^{-1/2}\, ds

    Args:
        weights: :math:`\omega_k` of the squares in :math:`S`, the newest first, shape ``(n,)``;
            their sum is 1, and none is above 0.2, else the integral converges too slowly.
        power: :math:`p`. 0 is for a gradient that is not in :math:`S`, whose steps the noise makes
            longer by this factor; 1 for the mean length of RMSprop's steps; 2 for their mean, the
            drift, if the gradient has a mean that is small beside its noise.

    Returns:
        The mean, from the trapezoidal rule in :math:`u = \sqrt{s}`.

    >>> [round(mean_inverse_root(equations.weights(0.9, 400), p), 4) for p in (0, 1, 2)]
    [1.0394, 0.9905, 0.9475]
    """
    weights = np.asarray(weights, dtype=np.float64)
    u, du = np.linspace(0, 60, 60_001, retstep=True)
    power_of_newest = power * np.log1p(2 * weights[0] * u**2)
    product = np.array([np.log1p(2 * s * weights).sum() for s in u**2])
    values = np.exp(-(product + power_of_newest) / 2)
    return float(2 / np.sqrt(np.pi) * np.trapezoid(values, dx=du))


def step_factors(averages: ArrayLike, alpha: float, *, seed: int) -> Array:
    r"""Simulate what `mean_inverse_root` computes, for the powers 0, 1 and 2.

    .. math:: \frac{\mathbb{E}\, |g|^p (\alpha S + (1 - \alpha) g^2)^{-1/2}}{\mathbb{E}\, |g|^p}

    Args:
        averages: settled :math:`S`, shape ``(seeds, n)``. A gradient is drawn after each; with the
            power 0 it does not enter, and :math:`S` itself is the divisor.
        alpha: smoothing constant.
        seed: of the gradients.

    Returns:
        Means over the averages, shape ``(3, seeds)``.

    >>> step_factors(np.full((1, 3), 4.0), 0.9, seed=0)[0]
    array([0.5])
    """
    averages = np.asarray(averages)
    g = np.abs(np.random.default_rng(seed).standard_normal(averages.shape))
    root = np.sqrt(alpha * averages + (1 - alpha) * g**2)
    factors = (1 / np.sqrt(averages), g / root / np.sqrt(2 / np.pi), g**2 / root)
    return np.array([factor.mean(axis=-1) for factor in factors])
