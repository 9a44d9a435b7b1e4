r"""What the average makes of gradients that are known: constant, periodic, in a burst."""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64, smoothing_constant
from rmsprop.equations.average import half_life, iterate_average, mean_factor, weights

__all__ = ["burst_memory", "excess_displacement", "late_start", "settled_square_avg"]


def settled_square_avg(grads: ArrayLike, alpha: ArrayLike) -> Array:
    r"""Average of squares after each of the gradients that repeat for ever in this order.

    .. math:: v_i = \frac{1 - \alpha}{1 - \alpha^n} \sum_{k=0}^{n-1} \alpha^k g_{i-k}^2,
              \qquad g_{i-n} = g_i

    Args:
        grads: one period of gradients, shape ``(..., n)``.
        alpha: smoothing constant in [0, 1), broadcasting against the leading axes ``(...)``.

    Returns:
        :math:`v_1, \dots, v_n`, shape ``(..., n)`` after broadcasting.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-periodic``. It is the fixed point of `iterate_average` over one period.

    >>> settled_square_avg([1.0, 1.0], alpha=0.5)
    array([1., 1.])
    """
    squares, alpha = float64(grads) ** 2, smoothing_constant(alpha)
    n = squares.shape[-1]
    newest_first = squares[..., ::-1]
    last = (weights(alpha, n) * newest_first).sum(axis=-1) / mean_factor(alpha, n)
    return iterate_average(squares, alpha, last)


def excess_displacement(alpha: ArrayLike) -> Array:
    r"""How much further than :math:`t\eta` a constant gradient drives RMSprop, in units of lr.

    .. math::

       \sum_{t \ge 1} \left(\frac{1}{\sqrt{1 - \alpha^t}} - 1\right)
       = \frac{2 \ln 2}{\ell} + \frac{\zeta(1/2)}{\sqrt\ell} + \frac12
       + \frac{\zeta(-1/2)}{4} \sqrt\ell + O(\ell^{3/2}), \qquad \ell = -\ln\alpha

    Args:
        alpha: smoothing constant, at least 0.5, below 1.

    Returns:
        The four terms, in units of lr; the rest is below 2e-4 for `alpha` of at least 0.5.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-excess``, derived there: the integral of the summand, and the terms that
    Euler-Maclaurin summation adds where the summand has a singularity.

    >>> round(float(excess_displacement(0.99)), 2)
    123.86
    """
    zeta = {0.5: -1.4603545088095868, -0.5: -0.20788622497735457}
    root = np.sqrt(-np.log(smoothing_constant(alpha)))
    return 2 * np.log(2) / root**2 + zeta[0.5] / root + 0.5 + zeta[-0.5] / 4 * root


def late_start(alpha: ArrayLike, start: ArrayLike) -> Array:
    r"""How many steps a constant gradient loses where the average starts above its square.

    .. math::

       \sum_{t \ge 1} \left(1 - \frac{|g|}{\sqrt{v_t}}\right) \approx
       \frac{2}{-\ln\alpha} \ln\frac{1 + \sqrt{v_0} / |g|}{2}
       - \frac12 \left(1 - \frac{|g|}{\sqrt{v_0}}\right)

    Args:
        alpha: smoothing constant in (0, 1).
        start: :math:`\sqrt{v_0} / |g|`, at least 1; broadcasts.

    Returns:
        In steps of full length, to a hundredth for `alpha` of at least 0.9.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-late-start``, derived there: the integral of the summand, and the first term
    of Euler-Maclaurin summation.

    >>> round(float(late_start(0.9, start=1000.0)), 1)
    117.5
    """
    start = float64(start)
    forgetting = -np.log(smoothing_constant(alpha))
    return 2 / forgetting * np.log((1 + start) / 2) - (1 - 1 / start) / 2


def burst_memory(
    alpha: ArrayLike, ratio: ArrayLike, length: ArrayLike = 1, share: ArrayLike = 0.9
) -> Array:
    r"""Steps after a burst of large gradients until steps are back to a share of their length.

    .. math:: t = \frac{1}{-\ln\alpha}\, \ln \frac{(\chi^2 - 1)(1 - \alpha^M)}{q^{-2} - 1}

    Args:
        alpha: smoothing constant in [0, 1).
        ratio: :math:`\chi`, size of the gradients in the burst over that of the steady ones, above
            1; broadcasts.
        length: :math:`M`, gradients in the burst, at least 1; broadcasts.
        share: :math:`q` in (0, 1), of the length before; broadcasts.

    Returns:
        Steps (not rounded); 0 if they are never that short.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-burst``, derived there.

    >>> round(float(burst_memory(0.9, ratio=100.0)), 2)
    79.32
    """
    alpha, share = smoothing_constant(alpha), float64(share)
    raised = (float64(ratio) ** 2 - 1) * mean_factor(alpha, length)
    return np.maximum(half_life(alpha) * np.log2(raised / (share**-2 - 1)), 0.0)
