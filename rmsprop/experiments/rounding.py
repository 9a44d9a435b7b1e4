r"""What keeps :math:`v - m^2` above zero: how far its rounding error reaches, and what is safe.

An error reaches :math:`3 s - \delta` of :math:`v` below zero: three standard deviations
`rmsprop.equations.rounding_spread` less the bias `rmsprop.equations.rounding_bias`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations

__all__ = ["enough_noise", "first_nan", "reach", "safe_gradient"]

Array = NDArray[np.float64]


def reach(alpha: ArrayLike, digits: int = 24) -> Array:
    r"""Tell how far rounding pulls :math:`v - m^2` below what it should be.

    .. math:: \max(3 s - \delta,\, 0)

    Args:
        alpha: smoothing constant in [0, 1).
        digits: binary digits of the averages: 24 for float32, 8 for bfloat16, 53 for float64.

    Returns:
        Fractions of :math:`v`, the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> float(reach(0.0, digits=24)) == 3 * 2.0**-24
    True
    """
    # alpha itself is float32 at least, whatever the averages are.
    bias = equations.rounding_bias(alpha, max(digits, 24))
    return np.maximum(3 * equations.rounding_spread(alpha, digits) - bias, 0.0)


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
    alpha = np.asarray(alpha, dtype=np.float64)
    return np.sqrt((1 + alpha) / (2 * alpha) * reach(alpha, digits))


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
    return np.sqrt(np.asarray(eps, dtype=np.float64) / reach(alpha))


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
    return np.log(reach(alpha)) / np.log(np.asarray(alpha, dtype=np.float64))
