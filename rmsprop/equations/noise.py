r"""What the average makes of independent observations: variance, cumulants, distribution."""

import math

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64, smoothing_constant
from rmsprop.equations.average import weights

__all__ = [
    "average_cumulant",
    "average_distribution",
    "effective_samples",
    "rectification",
    "variance_factor",
]


def variance_factor(alpha: ArrayLike, t: ArrayLike = np.inf) -> Array:
    r"""Variance of the average of independent observations, as a fraction of theirs.

    .. math::

       \frac{\operatorname{Var} S_t}{\operatorname{Var} x}
       = \frac{1 - \alpha}{1 + \alpha} \left(1 - \alpha^{2t}\right)

    Args:
        alpha: smoothing constant in [0, 1).
        t: number of observations seen, at least 0 (default: the limit); broadcasts.

    Returns:
        Fractions in [0, 1].

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-variance``.

    >>> round(float(variance_factor(0.9)), 6)
    0.052632
    """
    alpha = smoothing_constant(alpha)
    return (1 - alpha) / (1 + alpha) * (1 - alpha ** (2 * float64(t)))


def effective_samples(alpha: ArrayLike) -> Array:
    r"""Size of the plain sample mean that is as noisy as the average.

    .. math:: n_\text{eff} = \frac{1 + \alpha}{1 - \alpha}

    Args:
        alpha: smoothing constant in [0, 1).

    Returns:
        A number of samples, the shape of `alpha`, about twice `window`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-effective-samples``. Equal to :math:`\rho_\infty` of RAdam with
    :math:`\beta_2 = \alpha` (Liu et al., 2020, section 4.1).

    >>> round(float(effective_samples(0.9)), 9)
    19.0
    """
    return 1 / variance_factor(alpha)


def rectification(alpha: ArrayLike, t: ArrayLike) -> Array:
    r"""Factor of RAdam's learning rate, for the noise of an average that is still short.

    .. math::

       \sqrt{\frac{(n_t - 4)(n_t - 2)\, n_\text{eff}}{(n_\text{eff} - 4)(n_\text{eff} - 2)\, n_t}},
       \qquad n_t = n_\text{eff} - \frac{2 t \alpha^t}{1 - \alpha^t}

    Args:
        alpha: smoothing constant in [0, 1), above 0.6, where :math:`n_\text{eff}` is above 4.
        t: the step, at least 1; broadcasts.

    Returns:
        The factor; 0 while :math:`n_t` is at most 4, where RAdam does not divide.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-rectification``. Source: Liu et al. (2020), section 4.

    >>> rectification(0.999, [4, 2000, 20_000]).round(3)
    array([0.   , 0.828, 1.   ])
    """
    alpha, t = smoothing_constant(alpha), float64(t)
    n = effective_samples(alpha)
    seen = n - 2 * t * alpha**t / (1 - alpha**t)
    share = (seen - 4) * (seen - 2) * n / ((n - 4) * (n - 2) * np.maximum(seen, 1))
    return np.asarray(np.where(seen > 4, np.sqrt(np.maximum(share, 0)), 0.0))


def average_cumulant(alpha: ArrayLike, order: ArrayLike) -> Array:
    r"""Cumulant of the settled average of squares of independent standard Gaussian gradients.

    .. math:: K_j = 2^{j-1} (j-1)!\, \sum_{k \ge 0} \omega_k^j
              = \frac{2^{j-1} (j-1)!\, (1 - \alpha)^j}{1 - \alpha^j}

    Args:
        alpha: smoothing constant in [0, 1).
        order: :math:`j`, at least 1; broadcasts. 1 is the mean, 2 the variance, and the third over
            the variance to the power 3/2 is the skewness.

    Returns:
        Cumulants, in the units of the gradient to the power 2j.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-cumulants``. A chi-square variable has the cumulants
    :math:`2^{j-1} (j-1)!`, and those of independent summands add.

    >>> float(average_cumulant(0.5, 1))
    1.0
    """
    alpha, order = smoothing_constant(alpha), float64(order)
    factorial = np.vectorize(math.gamma, otypes=[float])(order)
    return 2 ** (order - 1) * factorial * (1 - alpha) ** order / (1 - alpha**order)


def average_distribution(x: ArrayLike, alpha: float) -> Array:
    r"""Distribution of the settled average of squares of independent standard Gaussian gradients.

    .. math:: P(S \le x) = \frac12 - \frac1\pi \int_0^\infty
              \operatorname{Im}\left[e^{-iux} \prod_{k \ge 0} (1 - 2iu\,\omega_k)^{-1/2}\right]
              \frac{du}{u}

    Args:
        x: where to evaluate it, at least 0, any shape.
        alpha: smoothing constant in [0.5, 1), one number. Below, the integral converges too slowly.

    Returns:
        Probabilities, the shape of `x`, to about 1e-11.

    Raises:
        ValueError: if `alpha` is outside [0.5, 1).

    Book: equation ``eq-distribution``. The inversion formula is that of Gil-Pelaez (1951); the
    midpoint rule for a weighted sum of chi-squares, that of Davies (1980).

    >>> average_distribution([0.0, 1.0, 50.0], alpha=0.5).round(4)
    array([0.    , 0.6283, 1.    ])
    """
    if not 0.5 <= alpha < 1:
        raise ValueError(f"alpha must lie in [0.5, 1), got {alpha}")
    x = float64(x)
    share = weights(alpha, int(40 / -math.log(alpha)))
    # The midpoint rule errs by the probability of lying further than 2 pi / spacing from x.
    spacing = 2 * math.pi / (x.max() + 2 + 60 * (1 - alpha))
    last = 1.0
    while np.log1p((2 * last * share) ** 2).sum() < 4 * 30:  # the product is above e^-30
        last *= 1.2
    total = np.zeros(x.shape)
    for u in np.arange(spacing / 2, last, spacing):
        phase = np.arctan(2 * u * share).sum() / 2
        size = np.exp(-np.log1p((2 * u * share) ** 2).sum() / 4)
        total += size * np.sin(phase - u * x) * spacing / u
    return np.clip(0.5 - total / math.pi, 0, 1)
