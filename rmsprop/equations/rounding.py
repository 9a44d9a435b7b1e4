r"""What rounding does to :math:`v - m^2`: its bias, its spread, and what is safe from it.

The error reaches :math:`3 s - \delta` of :math:`v` below zero: three standard deviations
`rounding_spread` less the bias `rounding_bias`.
"""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64, smoothing_constant

__all__ = [
    "enough_noise",
    "first_nan",
    "rounding_bias",
    "rounding_reach",
    "rounding_spread",
    "safe_gradient",
]


def rounding_bias(alpha: ArrayLike, digits: int = 24) -> Array:
    r"""What rounding the smoothing constant adds to :math:`v - m^2`, as a fraction of :math:`v`.

    .. math:: \delta = \frac{\operatorname{fl}(1 - \alpha)}{1 - \operatorname{fl}(\alpha)} - 1

    Args:
        alpha: smoothing constant in [0, 1).
        digits: binary digits of the significand that `alpha` and :math:`1 - \alpha` are rounded to:
            24 for float32, which PyTorch uses for float16 and bfloat16 too.

    Returns:
        Fractions of either sign, the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-rounding-bias``, derived there. It is that of an average
    ``alpha * v + (1 - alpha) * g**2``, whose two rounded weights do not add up to 1.

    >>> float(rounding_bias(0.75))
    0.0
    >>> bool(rounding_bias(0.9) < 0 < rounding_bias(0.99))
    True
    """
    alpha = smoothing_constant(alpha)
    return _rounded(1 - alpha, digits) / (1 - _rounded(alpha, digits)) - 1


def _rounded(x: Array, digits: int) -> Array:
    significand, exponent = np.frexp(x)
    return np.ldexp(np.round(np.ldexp(significand, digits)), exponent - digits)


def rounding_spread(alpha: ArrayLike, digits: int = 24) -> Array:
    r"""Standard deviation of the rounding error of :math:`v - m^2`, as a fraction of :math:`v`.

    .. math:: s = \frac{u}{\sqrt{1 - \alpha^2}}, \qquad u = 2^{-p}

    Args:
        alpha: smoothing constant in [0, 1).
        digits: binary digits :math:`p` of the significand that the averages are kept with: 24 for
            float32, 11 for float16, 8 for bfloat16.

    Returns:
        Fractions, the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-rounding-spread``, derived there, for gradients that vary enough to keep the
    averages moving.

    >>> float(rounding_spread(0.0, digits=8))
    0.00390625
    """
    return 2.0**-digits / np.sqrt(1 - smoothing_constant(alpha) ** 2)


def rounding_reach(alpha: ArrayLike, digits: int = 24) -> Array:
    r"""Tell how far rounding pulls :math:`v - m^2` below what it should be.

    .. math:: \max(3 s - \delta,\, 0)

    Args:
        alpha: smoothing constant in [0, 1).
        digits: binary digits of the averages: 24 for float32, 8 for bfloat16, 53 for float64.

    Returns:
        Fractions of :math:`v`, the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> float(rounding_reach(0.0, digits=24)) == 3 * 2.0**-24
    True
    """
    # alpha itself is float32 at least, whatever the averages are.
    bias = rounding_bias(alpha, max(digits, 24))
    return np.maximum(3 * rounding_spread(alpha, digits) - bias, 0.0)


def enough_noise(alpha: ArrayLike, digits: int = 24) -> Array:
    r"""Return the noise, relative to the mean of a gradient, from which the difference is safe.

    .. math:: \rho_\text{min} = \sqrt{\frac{1 + \alpha}{2 \alpha} \max(3 s - \delta,\, 0)}

    Args:
        alpha: smoothing constant in (0, 1).
        digits: binary digits of the averages: 24 for float32, 8 for bfloat16, 53 for float64.

    Returns:
        Standard deviations over means, the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-enough-noise``, derived there.

    >>> float(enough_noise(0.9).round(5))
    0.00082
    """
    alpha = smoothing_constant(alpha)
    return np.sqrt((1 + alpha) / (2 * alpha) * rounding_reach(alpha, digits))


def safe_gradient(alpha: ArrayLike, eps: ArrayLike) -> Array:
    r"""Return the size of a constant gradient up to which an eps inside the root is enough.

    .. math:: |g|_\text{max} = \sqrt{\frac{\epsilon}{3 s - \delta}}

    Args:
        alpha: smoothing constant in [0, 1).
        eps: :math:`\epsilon`, inside the root.

    Returns:
        Sizes for averages in float32, of the broadcast shape.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-safe-gradient``, derived there.

    >>> float(safe_gradient(0.95, 1e-4).round(1))
    11.2
    """
    return np.sqrt(float64(eps) / rounding_reach(alpha))


def first_nan(alpha: ArrayLike) -> Array:
    r"""Return the step at which the memory of the start no longer covers the error.

    .. math:: t = \frac{\ln(3 s - \delta)}{\ln \alpha}

    Args:
        alpha: smoothing constant in (0, 1).

    Returns:
        Step numbers, not rounded, for averages in float32 and gradients without noise, the shape of
        `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> float(first_nan(0.95).round())
    274.0
    """
    return np.log(rounding_reach(alpha)) / np.log(float64(alpha))
