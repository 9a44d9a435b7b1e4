"""Slopes that are large by chance: seldom `rare`, else -1, each independent of the others."""

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad

from rmsprop.equations import arithmetic

__all__ = ["expected_step", "mean_step", "moments"]

Array = NDArray[np.float64]


def _probability(rare: float, mean: float) -> float:
    return (1 + mean) / (rare + 1)


def moments(rare: float, mean: float) -> tuple[float, float, float]:
    r"""Return the means of the slope, its square and its cube.

    Args:
        rare: :math:`C`, the large slope; it comes with probability :math:`(1 + \bar g)/(C+1)`.
        mean: :math:`\bar g`, the mean slope.

    Source: Reddi et al. (2018), theorem 3.

    >>> moments(3.0, 1.0)
    (1.0, 5.0, 13.0)
    """
    p = _probability(rare, mean)
    return p * rare - (1 - p), p * rare**2 + 1 - p, p * rare**3 - (1 - p)


def mean_step(alpha: float, rare: float, mean: float, *, chains: int, steps: int) -> Array:
    r"""Measure the mean step of RMSprop, :math:`-\mathbb{E}\, g_t / \sqrt{v_t}`, in units of lr.

    Args:
        alpha: smoothing constant in [0, 1).
        rare: the large slope, as for `moments`.
        mean: the mean slope.
        chains: how many runs, at least 1.
        steps: over how many steps each of them is averaged, at least 1.

    Returns:
        The mean of each run, shape ``(chains,)``. Runs start from the mean of :math:`v`. With
        ``alpha=0`` a step is the sign of its slope, and nothing is left to chance.

    >>> mean_step(0.0, 3.0, 1.0, chains=2, steps=5)
    array([0., 0.])
    """
    rng = np.random.default_rng(0)
    p = _probability(rare, mean)
    v, total = np.full(chains, p * rare**2 + 1 - p), np.zeros(chains)
    for _ in range(steps):
        # The next slope is averaged over, which lessens the noise.
        total += (1 - p) / np.sqrt(alpha * v + 1 - alpha)
        total -= p * rare / np.sqrt(alpha * v + (1 - alpha) * rare**2)
        v = arithmetic.average(v, np.where(rng.random(chains) < p, rare**2, 1.0), alpha)
    return total / steps


def expected_step(alpha: float, rare: float, mean: float) -> float:
    r"""Return what `mean_step` measures: exactly, once :math:`v` has settled.

    .. math::

       \mathbb{E} \frac{1}{\sqrt{v}}
       = \frac{2}{\sqrt\pi} \int_0^\infty \mathbb{E}\, e^{-u^2 v}\, du, \qquad
       \mathbb{E}\, e^{-u^2 v} = \prod_{k=0}^\infty
       \mathbb{E}\, e^{-u^2 (1 - \alpha) \alpha^k g_k^2}

    in which the newest slope, :math:`g_0`, is given, and the older ones are independent.

    Args:
        alpha: smoothing constant in (0, 1).
        rare: the large slope, as for `moments`.
        mean: the mean slope.

    >>> round(expected_step(0.5, 10.0, 0.1), 6)
    0.499017
    """
    p = _probability(rare, mean)
    ages = np.arange(1, 2 + int(-40 / np.log(alpha)))
    weights = (1 - alpha) * alpha**ages

    def transform(u: float, newest: float) -> float:
        past = p * np.exp(-weights * (u * rare) ** 2) + (1 - p) * np.exp(-weights * u**2)
        return float(past.prod() * np.exp(-(1 - alpha) * (u * newest) ** 2))

    def reciprocal_root(newest: float) -> float:
        integral = quad(transform, 0, np.inf, args=(newest,), epsabs=1e-12, epsrel=1e-10)[0]
        return float(2 / np.sqrt(np.pi) * integral)

    return (1 - p) * reciprocal_root(1.0) - p * rare * reciprocal_root(rare)
