r"""What it costs to store an average in few bits: the spread of rounding it, or where it stays.

An average of squares of independent Gaussian gradients is computed exactly at every step, and then
rounded to one of the two numbers beside it. `spacing` is how far apart these are, as a share of the
average: for a significand of p binary digits :math:`2^{1-p}` just above a power of 2, and half of
that just below.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64, smoothing_constant

__all__ = ["enough_digits", "nearest_level", "stored_share", "stored_spread"]


def stored_spread(alpha: ArrayLike, spacing: ArrayLike) -> Array:
    r"""Standard deviation that stochastic rounding gives a stored average, as a share of it.

    .. math::

       \sigma_\iota
       = \iota \sqrt{\frac{\mathbb{E}\, \Xi\bigl(J\, (g^2/v - 1)\bigr)}{1 - \alpha^2}},
       \qquad J = \frac{1 - \alpha}{\iota}

    where :math:`\Xi(a) = f (1 - f)` of the fractional part :math:`f` of :math:`a`.

    Args:
        alpha: smoothing constant in [0, 1).
        spacing: :math:`\iota`, above 0; broadcasts.

    Returns:
        Fractions, of the broadcast shape. They are :math:`\iota / \sqrt{6 (1 - \alpha^2)}` where a
        step spans many spacings, and :math:`0.98 \sqrt{\iota / (1 + \alpha)}` where it is much
        less than one.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-stored-spread``, derived there.

    >>> stored_spread([0.9999, 0.999999], 2**-8).round(4)
    array([0.0423, 0.0435])
    """
    alpha, spacing = np.broadcast_arrays(smoothing_constant(alpha), float64(spacing))
    return spacing * np.sqrt(_rounded_variance((1 - alpha) / spacing) / (1 - alpha**2))


def stored_share(alpha: ArrayLike, spacing: ArrayLike) -> Array:
    r"""Variance that stochastic rounding adds, as a share of the gradients' own in the average.

    .. math:: \frac{\sigma_\iota^2}{2 (1 - \alpha) / (1 + \alpha)}
              = \frac{\mathbb{E}\, \Xi\bigl(J\, (g^2/v - 1)\bigr)}{2 J^2}

    Args:
        alpha: smoothing constant in [0, 1).
        spacing: :math:`\iota`, above 0; broadcasts.

    Returns:
        Fractions, of the broadcast shape.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-stored-share``, derived there.

    >>> stored_share([0.75, 0.5], [0.25, 0.5]).round(4)
    array([0.0694, 0.0694])
    """
    alpha, spacing = smoothing_constant(alpha), float64(spacing)
    steps = (1 - alpha) / spacing
    return _rounded_variance(steps) / (2 * steps**2)


def enough_digits(alpha: ArrayLike, share: float = 0.1) -> Array:
    r"""Binary digits with which stochastic rounding adds at most a share of the gradients' noise.

    .. math:: p = 1 + \log_2 \frac{J}{1 - \alpha}

    with the :math:`J` at which `stored_share` is `share`.

    Args:
        alpha: smoothing constant in [0, 1).
        share: of the gradients' own variance in the average, in (0, 100].

    Returns:
        Digits of the significand, not rounded, for averages just above a power of 2, where numbers
        are furthest apart; the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-enough-digits``, derived there.

    >>> enough_digits([0.9, 0.99, 0.999]).round(1)
    array([ 4.2,  7.5, 10.8])
    """
    from scipy.optimize import brentq

    alpha = smoothing_constant(alpha)
    steps = brentq(lambda a: float(_rounded_variance(a)) / (2 * a**2) - share, 1e-3, 1e3)
    return 1 + np.log2(steps / (1 - alpha))


def nearest_level(alpha: float, spacing: float) -> float:
    r"""Where an average settles that is rounded to the nearest number, as a multiple of the truth.

    .. math:: \mathbb{E} \bigl[J\, (g^2/V - a)\bigr] = 0,
              \qquad J = \frac{1 - \alpha}{\iota}

    with brackets that round to the nearest integer: at the level :math:`a V` as many steps round up
    as down.

    Args:
        alpha: smoothing constant in [0, 1), one number.
        spacing: :math:`\iota` at the truth, one number above 0.

    Returns:
        The level, at least half of 1/J. Below that no step reaches down by half a spacing, however
        small the gradient, and the average can only grow.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-nearest-level``, derived there.

    >>> round(nearest_level(0.9, 1e-3), 3), nearest_level(0.999, 2**-8) > 1.9
    (1.0, True)
    """
    from scipy.optimize import brentq
    from scipy.special import erfc

    steps = float((1 - smoothing_constant(alpha)) / spacing)
    least = 1 / (2 * steps)

    def drift(level: float) -> float:
        halves = np.arange(math.ceil(40 * steps) + 40) + 0.5
        up = erfc(np.sqrt((level + halves / steps) / 2)).sum()
        below = level - halves / steps
        down = 1 - erfc(np.sqrt(np.maximum(below, 0) / 2))
        return float(up - down.sum())

    return float(brentq(drift, least, 40 + 2 * least))


def _rounded_variance(steps: ArrayLike) -> Array:
    """Return the mean of f (1 - f) of a step, in spacings: its Fourier series, term by term.

    Of the cosines' means the Gaussian squares' characteristic function is the closed form.
    """
    return np.vectorize(_sum_of_series, otypes=[float])(steps)


def _sum_of_series(steps: float) -> float:
    k = np.arange(1, 400 + math.ceil(60 / steps))
    u = 2 * np.pi * k * steps
    means = (1 + 4 * u**2) ** -0.25 * np.cos(np.arctan(2 * u) / 2 - u)
    return float(1 / 6 - (means / (np.pi * k) ** 2).sum())
