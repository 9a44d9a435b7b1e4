r"""Where RMSprop goes while gradients repeat or are drawn, and the memory it needs."""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64
from rmsprop.equations.memory import settled_square_avg

__all__ = ["drift", "safe_window", "safe_window_random"]


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
