r"""The exponential moving average: one step, a whole series, and the memory it has."""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations import arithmetic
from rmsprop.equations.arguments import Array, float64, smoothing_constant

__all__ = [
    "corrected_alpha",
    "half_life",
    "iterate_average",
    "mean_factor",
    "update_average",
    "weights",
    "window",
]


def update_average(average: ArrayLike, x: ArrayLike, alpha: ArrayLike) -> Array:
    r"""Take one step of the exponential moving average.

    .. math:: S_t = \alpha\, S_{t-1} + (1 - \alpha)\, x_t

    Args:
        average: :math:`S_{t-1}`, any shape.
        x: the new observation :math:`x_t`; broadcasts against `average`.
        alpha: smoothing constant in [0, 1); broadcasts too.

    Returns:
        :math:`S_t`, float64.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-average``. Equal to ``torch.lerp(x, average, alpha)``. Source: Tieleman and
    Hinton (2012), slide 29, with the square of the gradient as :math:`x`.

    >>> float(update_average(0.0, 1.0, alpha=0.9))
    0.09999999999999998
    """
    alpha = smoothing_constant(alpha)
    return float64(arithmetic.average(float64(average), float64(x), alpha))


def iterate_average(x: ArrayLike, alpha: ArrayLike, initial: ArrayLike = 0.0) -> Array:
    r"""Average a whole series: `update_average` applied along the last axis.

    Args:
        x: observations, shape ``(..., T)``.
        alpha: smoothing constant in [0, 1), broadcasting against the leading axes ``(...)``.
        initial: :math:`S_0`, broadcasting against the leading axes (0 unless said).

    Returns:
        :math:`S_1, \dots, S_T`, shape ``(..., T)`` after broadcasting.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-average``. For one `alpha` and a zero start equal to
    ``scipy.signal.lfilter([1 - alpha], [1, -alpha], x)``; differs in taking many alphas at once.

    >>> iterate_average([1.0, 1.0, 1.0], alpha=0.5)
    array([0.5  , 0.75 , 0.875])
    >>> iterate_average([1.0, 1.0], alpha=[0.5, 0.9]).shape
    (2, 2)
    """
    x, average, alpha = float64(x), float64(initial), smoothing_constant(alpha)
    leading = np.broadcast_shapes(x.shape[:-1], alpha.shape, average.shape)
    averages = np.empty((*leading, x.shape[-1]))
    for t in range(x.shape[-1]):
        average = arithmetic.average(average, x[..., t], alpha)
        averages[..., t] = average
    return averages


def weights(alpha: ArrayLike, n: int) -> Array:
    r"""Weights that the average gives to the last `n` observations, newest first.

    .. math:: \omega_k = (1 - \alpha)\, \alpha^k, \qquad k = 0, \dots, n - 1

    Args:
        alpha: smoothing constant in [0, 1), shape ``(...)``.
        n: how many weights, at least 0.

    Returns:
        Shape ``(..., n)``. They sum to :math:`1 - \alpha^n`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-weights``.

    >>> weights(0.5, 3)
    array([0.5  , 0.25 , 0.125])
    """
    alpha = smoothing_constant(alpha)[..., None]
    return (1 - alpha) * alpha ** np.arange(n)


def window(alpha: ArrayLike) -> Array:
    r"""Effective window of the average, in steps: how old the weights are on average, plus one.

    .. math:: N = \sum_{k \ge 0} (k + 1)\, \omega_k = \frac{1}{1 - \alpha}

    Args:
        alpha: smoothing constant in [0, 1).

    Returns:
        Steps, the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-window``. The last N observations carry :math:`1 - \alpha^N \approx 1 - 1/e`
    of the weight.

    >>> float(window(0.75))
    4.0
    """
    return 1 / (1 - smoothing_constant(alpha))


def half_life(alpha: ArrayLike) -> Array:
    r"""Steps after which an observation's weight has halved.

    .. math:: \tau = \frac{\ln 2}{-\ln \alpha}

    Args:
        alpha: smoothing constant in [0, 1); at 0 the half-life is 0.

    Returns:
        Steps (not rounded), the shape of `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-half-life``. Equal to the ``halflife`` of ``pandas.Series.ewm``.

    >>> float(half_life(0.5))
    1.0
    """
    with np.errstate(divide="ignore"):
        return np.log(2) / -np.log(smoothing_constant(alpha))


def mean_factor(alpha: ArrayLike, t: ArrayLike) -> Array:
    r"""Bias of the average that starts at zero: its mean as a fraction of the observations' mean.

    .. math:: \frac{\mathbb{E} S_t}{\mathbb{E} x} = 1 - \alpha^t

    Args:
        alpha: smoothing constant in [0, 1).
        t: number of observations seen, at least 0; broadcasts against `alpha`.

    Returns:
        Fractions in [0, 1]. Adam divides its averages by them.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-bias``. Source: Kingma and Ba (2015), section 3.

    >>> float(mean_factor(0.5, 2))
    0.75
    """
    return arithmetic.mean_factor(smoothing_constant(alpha), float64(t))


def corrected_alpha(alpha: ArrayLike, t: ArrayLike) -> Array:
    r"""Smoothing constant of step `t` with which an average is free of bias.

    .. math:: \alpha_t = \alpha\, \frac{1 - \alpha^{t-1}}{1 - \alpha^t}

    Averaging with :math:`\alpha_t` gives :math:`S_t / (1 - \alpha^t)`, the average that started
    from zero divided by its `mean_factor`, without ever storing the biased one. The first step has
    :math:`\alpha_1 = 0`: the average is the first observation, whatever it started from.

    Args:
        alpha: smoothing constant in [0, 1).
        t: number of the step, at least 1; broadcasts.

    Returns:
        :math:`\alpha_t`, growing from 0 towards `alpha`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-corrected-alpha``. Equal to what ``torch.optim.Adam`` does to its averages
    (Kingma and Ba, 2015, section 3).

    >>> corrected_alpha(0.5, [1, 2, 3]).round(4)
    array([0.    , 0.3333, 0.4286])
    """
    alpha, t = smoothing_constant(alpha), float64(t)
    return arithmetic.corrected_alpha(alpha, t)
