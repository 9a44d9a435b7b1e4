r"""Where RMSprop goes while gradients repeat or are drawn, the memory it needs, what fixes cost."""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64, smoothing_constant
from rmsprop.equations.memory import settled_square_avg

__all__ = [
    "drift",
    "greatest_price",
    "order_share",
    "rest_gradient",
    "safe_window",
    "safe_window_random",
]


def drift(grads: ArrayLike, alpha: ArrayLike) -> Array:
    r"""Way that a parameter goes, in units of lr, while a period of gradients repeats for ever.

    .. math::

       D(\alpha) = -\sum_{i=1}^n \frac{g_i}{\sqrt{v_i}}

    with :math:`v_i` of `settled_square_avg`.

    Args:
        grads: one period of gradients, not all zero, shape ``(..., n)``.
        alpha: smoothing constant in [0, 1), broadcasting against the leading axes ``(...)``. At 0,
            no gradient may be zero.

    Returns:
        Displacement over one period, shape ``(...)``. It opposes the mean gradient where RMSprop
        descends.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-drift``, derived there.

    >>> round(float(drift([3.0, -1.0, -1.0], alpha=0.1)), 4)
    0.6809
    """
    return -(float64(grads) / np.sqrt(settled_square_avg(grads, alpha))).sum(axis=-1)


def safe_window(rare: ArrayLike, n: ArrayLike) -> Array:
    r"""Window that RMSprop needs where one large gradient comes in every `n` steps.

    .. math::

       \frac{1}{1 - \alpha^*} \approx \frac{n}{2Y}, \qquad
       \frac{e^Y - 1}{Y} = a = \frac{C}{n - 1}, \qquad
       Y = -\frac1a - W_{-1}\left(-\frac{e^{-1/a}}{a}\right)

    Args:
        rare: :math:`C`, the rare gradient; the others are -1. Above ``n - 1``, the size of all the
            others together.
        n: steps from one rare gradient to the next, at least 2; broadcasts.

    Returns:
        Steps, the root of `drift` but for terms that vanish like ``1 / n``. Near balance, where
        :math:`a - 1` is small, it is :math:`n / (4 (a - 1))`, and for ``rare=n`` some
        :math:`n^2/4`.

    Raises:
        ModuleNotFoundError: without SciPy, which has Lambert's function.

    Book: equation ``eq-safe-window``, derived there.

    >>> safe_window([100.0, 200.0], 100).round(1)
    array([2491.6,   39.3])
    """
    from scipy.special import lambertw

    n = float64(n)
    ratio = float64(rare) / (n - 1)
    y = -1 / ratio - lambertw(-np.exp(-1 / ratio) / ratio, -1).real
    return np.asarray(n / (2 * y))


def safe_window_random(mean: ArrayLike, square: ArrayLike, cube: ArrayLike) -> Array:
    r"""Window that RMSprop needs where gradients are independent of each other.

    .. math::

       \frac{1}{1 - \alpha^*} \approx
       \frac12 \left(\frac{\mathbb{E} g^3}{\mathbb{E} g\; \mathbb{E} g^2} - 1\right)

    Args:
        mean: :math:`\mathbb{E} g`, not 0.
        square: :math:`\mathbb{E} g^2`; broadcasts.
        cube: :math:`\mathbb{E} g^3`; broadcasts. Where it has not the sign of the mean, or is
            small, any window will do, and the result is below 1.

    Returns:
        Steps at which the mean step changes its sign, to first order for a long window.

    Book: equation ``eq-safe-window-random``, derived there.

    >>> float(safe_window_random(0.5, 2.0, 9.0))
    4.0
    """
    return (float64(cube) / (float64(mean) * float64(square)) - 1) / 2


def rest_gradient(
    square: ArrayLike, cube: ArrayLike, alpha: ArrayLike, share: ArrayLike = 1.0
) -> Array:
    r"""Mean gradient of the batches where RMSprop comes to rest as its rate tends to zero.

    .. math::

       \mathbb{E} g = \frac{1 - \alpha}{2} \, a \, \frac{\mathbb{E} g^3}{\mathbb{E} g^2}

    Args:
        square: :math:`\mathbb{E} g^2`, above 0, one for each parameter.
        cube: :math:`\mathbb{E} g^3`; broadcasts.
        alpha: smoothing constant in [0, 1); broadcasts.
        share: :math:`a`, what the order of the batches leaves of it: `order_share`.

    Returns:
        The mean gradient to first order in :math:`1 - \alpha`, for each parameter.

    Book: equation ``eq-rest``, derived there.

    >>> round(float(rest_gradient(0.09, -0.072, alpha=0.9)), 6)
    -0.04
    """
    alpha = smoothing_constant(alpha)
    return np.asarray((1 - alpha) / 2 * float64(share) * float64(cube) / float64(square))


def order_share(
    alpha: ArrayLike, n: ArrayLike, order: str = "independent", *, lagged: bool = False
) -> Array:
    r"""What the order of the batches leaves of the bias, to first order in :math:`1 - \alpha`.

    .. math::

       a = 1 - \sum_{k=1}^{n-1} \frac{n - k}{n (n - 1)} \alpha^k
       \qquad\text{or}\qquad
       a = \frac{1}{1 - \alpha^n} \left(1 - \frac{1}{n - 1} \sum_{k=1}^{n-1} \alpha^k\right)

    for epochs that are shuffled anew, and for the mean over all orders that stay.

    Args:
        alpha: smoothing constant in (0, 1).
        n: batches of an epoch, at least 2; broadcasts.
        order: ``independent``, 1; ``reshuffled`` or ``fixed``.
        lagged: divide by the average before the step, which takes the first term from the bracket,
            and makes each power less by one.

    Returns:
        Between 1 and 1/2 with RMSprop's own divisor, between 0 and -1/2 with the one before it.

    Raises:
        ValueError: if `alpha` is outside [0, 1), or the order is another.

    Book: equation ``eq-order-share``, derived there.

    >>> round(float(order_share(0.99999, 10, "fixed")), 3)
    0.5
    >>> round(float(order_share(0.99999, 10, "reshuffled", lagged=True)), 3)
    -0.5
    """
    alpha, n = np.broadcast_arrays(smoothing_constant(alpha), float64(n))
    if order == "independent":
        return np.full(alpha.shape, 0.0 if lagged else 1.0)
    if order not in ("reshuffled", "fixed"):
        raise ValueError(f"order must be independent, reshuffled or fixed, got {order}")
    powers = (alpha - alpha**n) / (1 - alpha)  # the sum over k from 1 to n - 1
    if order == "fixed":
        own = alpha**n / alpha if lagged else 1.0
        return np.asarray((own - powers / (alpha if lagged else 1.0) / (n - 1)) / (1 - alpha**n))
    weighted = (n * alpha / (1 - alpha) - alpha * (1 - alpha**n) / (1 - alpha) ** 2) / (n * (n - 1))
    return np.asarray(-weighted / alpha if lagged else 1 - weighted)


def greatest_price(ratio: ArrayLike, alpha: ArrayLike) -> Array:
    r"""What is left of the length of all later steps of AMSGrad after one large gradient.

    .. math:: \frac{1}{\sqrt{1 + (1 - \alpha) (\chi^2 - 1)}}

    Args:
        ratio: :math:`\chi`, how many times as large it is as all the others, at least 1.
        alpha: smoothing constant in [0, 1); broadcasts.

    Returns:
        A factor, for good.

    Book: equation ``eq-greatest-price``, derived there.

    >>> round(float(greatest_price(100.0, 0.99)), 4)
    0.0995
    """
    alpha = smoothing_constant(alpha)
    return np.asarray(1 / np.sqrt(1 + (1 - alpha) * (float64(ratio) ** 2 - 1)))
