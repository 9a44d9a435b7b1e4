r"""What rounding does to :math:`v - m^2`: its bias, its spread, and what is safe from it.

An average is computed with two rounded weights, :math:`\alpha v + (1 - \alpha) x`, or with one,
:math:`v + (1 - \alpha)(x - v)`, and rounded at every step as many times. `weights` are these
numbers for squares and for gradients: (2, 1) in PyTorch.
"""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64, smoothing_constant
from rmsprop.equations.average import weights as average_weights

__all__ = [
    "enough_noise",
    "first_nan",
    "lost_bound",
    "rounding_bias",
    "rounding_reach",
    "rounding_spread",
    "safe_gradient",
]

TORCH = (2, 1)
LOST = 0.01


def rounding_bias(alpha: ArrayLike, digits: int = 24, weights: tuple[int, int] = TORCH) -> Array:
    r"""What rounding the smoothing constant adds to :math:`v - m^2`, as a fraction of :math:`v`.

    .. math:: \beta = \frac{\operatorname{fl}(1 - \alpha)}{1 - \operatorname{fl}(\alpha)} - 1

    for an average with two weights, which do not add up to 1. In :math:`m^2` it counts twice: in
    all :math:`\beta`, :math:`-\beta` or 0.

    Args:
        alpha: smoothing constant in [0, 1).
        digits: binary digits of the significand that `alpha` and :math:`1 - \alpha` are rounded to:
            24 for float32, which PyTorch uses for float16 and bfloat16 too.
        weights: of the two averages.

    Returns:
        Fractions of either sign, the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-rounding-bias``, derived there.

    >>> float(rounding_bias(0.75))
    0.0
    >>> bool(rounding_bias(0.9) < 0 < rounding_bias(0.99))
    True
    """
    alpha = smoothing_constant(alpha)
    bias = _rounded(1 - alpha, digits) / (1 - _rounded(alpha, digits)) - 1
    squares, gradients = weights
    return bias * ((squares == 2) - 2 * (gradients == 2))


def _rounded(x: Array, digits: int) -> Array:
    significand, exponent = np.frexp(x)
    return np.ldexp(np.round(np.ldexp(significand, digits)), exponent - digits)


def rounding_spread(
    alpha: ArrayLike,
    digits: int = 24,
    weights: tuple[int, int] = TORCH,
    mean: ArrayLike | None = None,
) -> Array:
    r"""Standard deviation of the rounding error of :math:`v - m^2`, as a fraction of :math:`v`.

    .. math:: \sigma_p = 2^{-p} \sqrt{\frac{n_v / \hat v^2 + 4 n_m / \hat m^2}{3 (1 - \alpha^2)}}

    Args:
        alpha: smoothing constant in [0, 1).
        digits: binary digits :math:`p` of the significand that the averages are kept with: 24 for
            float32, 11 for float16, 8 for bfloat16.
        weights: :math:`n_v` and :math:`n_m`.
        mean: of the gradient, above 0, broadcasting: its significand is :math:`\hat m`, and that of
            its square :math:`\hat v`, both in [1, 2). Without it the mean over all significands,
            :math:`1 / \hat v^2 = 3 / (8 \ln 2)`.

    Returns:
        Fractions, of the broadcast shape.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-rounding-spread``, derived there, for gradients that vary enough to keep the
    averages moving.

    >>> float(rounding_spread(0.0, digits=8, mean=1.0) * 2**8)
    1.4142135623730951
    """
    squares, gradients = weights
    if mean is None:
        per_step = (squares + 4 * gradients) / (8 * np.log(2))
    else:
        v, m = (2 * np.frexp(x)[0] for x in (float64(mean) ** 2, float64(mean)))
        per_step = (squares / v**2 + 4 * gradients / m**2) / 3
    return 2.0**-digits * np.sqrt(per_step / (1 - smoothing_constant(alpha) ** 2))


def rounding_reach(
    alpha: ArrayLike, looks: ArrayLike, digits: int = 24, weights: tuple[int, int] = TORCH
) -> Array:
    r"""Tell how far rounding pulls :math:`v - m^2` below what it should be, at the worst mean.

    .. math:: \max\left(\sigma_p \sqrt{2 \ln n} - \beta,\, 0\right)

    Args:
        alpha: smoothing constant in [0, 1).
        looks: :math:`n`, at least 1: the error is beyond with a probability of at most 1 in
            :math:`n`, by Chernoff's bound; broadcasts.
        digits: binary digits of the averages: 24 for float32, 8 for bfloat16, 53 for float64.
        weights: of the two averages.

    Returns:
        Fractions of :math:`v`, of the broadcast shape.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> float(rounding_reach(0.0, looks=np.exp(2))) == 2 * 2**0.5 * 2.0**-24
    True
    """
    # alpha itself is float32 at least, whatever the averages are.
    bias = rounding_bias(alpha, max(digits, 24), weights)
    spread = rounding_spread(alpha, digits, weights, mean=1.0)
    return np.maximum(np.sqrt(2 * np.log(looks)) * spread - bias, 0.0)


def lost_bound(
    alpha: float,
    noise: float,
    steps: float,
    digits: int = 24,
    weights: tuple[int, int] = TORCH,
) -> float:
    r"""Bound the share of parameters whose :math:`v - m^2` is negative at some step of a run.

    .. math::

       T \min_{\psi > 0}\; e^{-\psi \beta + \psi^2 \sigma_p^2 / 2}\,
       \prod_k \bigl(1 + 2 \psi \rho^2 \omega_k\bigr)^{-1/2}
       \Bigl(1 - \sum_k \frac{2 \psi \rho^2 \omega_k^2}{1 + 2 \psi \rho^2 \omega_k}\Bigr)^{-1/2}

    with the :math:`\omega_k` of `rmsprop.equations.weights`.

    Args:
        alpha: smoothing constant in (0, 1).
        noise: :math:`\rho`, standard deviation of the gradient over its mean.
        steps: :math:`T`, of the run.
        digits: binary digits of the averages.
        weights: of the two averages.

    Returns:
        A bound for any mean, which may exceed 1.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-lost-bound``, derived there: Boole's inequality over the steps, Chernoff's
    for each, Gaussian noise, a start that is forgotten.

    >>> lost_bound(0.99, noise=1e-2, steps=2000) < 1e-6 < lost_bound(0.99, noise=1e-3, steps=2000)
    True
    """
    spread = rounding_spread(alpha, digits, weights, mean=1.0)
    bias = rounding_bias(alpha, max(digits, 24), weights)
    w = average_weights(alpha, int(40 / -np.log(alpha)) + 1)
    rate = np.geomspace(1e-2, 1e3, 150) / spread
    pull = 2 * rate[:, None] * noise**2 * w
    log_det = np.log1p(pull).sum(axis=1) + np.log1p(-(pull * w / (1 + pull)).sum(axis=1))
    exponent = -rate * bias + (rate * spread) ** 2 / 2 - log_det / 2
    return float(steps * np.exp(exponent.min()))


def enough_noise(
    alpha: float, steps: float, digits: int = 24, weights: tuple[int, int] = TORCH
) -> float:
    r"""Return the noise, relative to the mean of a gradient, from which the difference is safe.

    Args:
        alpha: smoothing constant in (0, 1).
        steps: of the run.
        digits: binary digits of the averages: 24 for float32, 8 for bfloat16, 53 for float64.
        weights: of the two averages.

    Returns:
        The standard deviation over the mean at which `lost_bound` is a hundredth; 0 if it is that
        without any noise.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> round(enough_noise(0.9, steps=200), 5)
    0.00163
    """
    low, high = 1e-16, 1e4
    if lost_bound(alpha, low, steps, digits, weights) <= LOST:
        return 0.0
    while high > 1.0001 * low:
        middle = np.sqrt(low * high)
        if lost_bound(alpha, middle, steps, digits, weights) > LOST:
            low = middle
        else:
            high = middle
    return float(high)


def safe_gradient(
    alpha: ArrayLike, eps: ArrayLike, steps: ArrayLike, weights: tuple[int, int] = TORCH
) -> Array:
    r"""Return the size of a constant gradient up to which an eps inside the root is enough.

    .. math:: |g|_\text{max} = \sqrt{\frac{\epsilon}{\sigma_p \sqrt{2 \ln (100\, T)} - \beta}}

    Args:
        alpha: smoothing constant in [0, 1).
        eps: :math:`\epsilon`, inside the root; broadcasts.
        steps: :math:`T`, of the run, of whose parameters a hundredth may be lost; broadcasts.
        weights: of the two averages.

    Returns:
        Sizes for averages in float32, of the broadcast shape.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-safe-gradient``, derived there.

    >>> float(safe_gradient(0.95, 1e-4, steps=2000, weights=(2, 2)).round(1))
    8.2
    """
    reach = rounding_reach(alpha, float64(steps) / LOST, weights=weights)
    with np.errstate(divide="ignore"):
        return np.sqrt(float64(eps) / reach)


def first_nan(alpha: ArrayLike, parameters: ArrayLike) -> Array:
    r"""Return the step at which the memory of the start no longer covers the error.

    .. math:: t = \frac{\ln(\sigma_p \sqrt{2 \ln n} - \beta)}{\ln \alpha}

    Args:
        alpha: smoothing constant in (0, 1).
        parameters: :math:`n`, of which the first is to be NaN; broadcasts.

    Returns:
        Step numbers, not rounded, for PyTorch's averages in float32 and gradients without noise, of
        the broadcast shape.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> float(first_nan(0.95, parameters=2000).round())
    265.0
    """
    return np.log(rounding_reach(alpha, parameters)) / np.log(float64(alpha))
