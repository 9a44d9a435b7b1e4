r"""In a valley, and on a saddle: rates of progress and of escape."""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64, smoothing_constant

__all__ = ["escape_time", "floor_rate"]


def floor_rate(condition: ArrayLike, angle: ArrayLike, alpha: ArrayLike) -> Array:
    r"""Share of its way along a valley's floor that RMSprop covers per step, in its final cycle.

    .. math::

       \varphi = \frac{2\alpha}{1 + \alpha} \cdot
       \frac{2\kappa}{(h_{11} + |h_{12}|)(h_{22} + |h_{12}|)}

    with :math:`h` the Hessian of a valley of curvatures 1 and :math:`\kappa`, turned by the angle.
    It does not depend on the learning rate.

    Args:
        condition: condition number :math:`\kappa`, at least 1.
        angle: angle :math:`\theta` in radians between the floor and the first axis; broadcasts.
        alpha: smoothing constant in [0, 1); broadcasts.

    Returns:
        :math:`\varphi`; that of gradient descent, at its best learning rate, is
        :math:`2 / (\kappa + 1)`. To leading order in :math:`\varphi`: where it is not small, the
        floor and the cycle are not apart.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-floor-rate``, derived there.

    >>> float(floor_rate(100, np.pi / 4, alpha=0.9).round(6))
    0.018947
    """
    alpha, kappa = smoothing_constant(alpha), float64(condition)
    c, s = np.cos(angle), np.sin(angle)
    mixed = (kappa - 1) * np.abs(c * s)
    along, across = c * c + kappa * s * s + mixed, s * s + kappa * c * c + mixed
    return 2 * alpha / (1 + alpha) * 2 * kappa / (along * across)


def escape_time(
    distance: ArrayLike, curvature: ArrayLike, lr: ArrayLike, noise: ArrayLike
) -> Array:
    r"""Steps after which noise has carried half of all runs of gradient descent off a ridge.

    .. math::

       t = \frac{1}{2 \ln(1 + \eta h)} \ln\left(1 + \left((1 + \eta h)^2 - 1\right)
       \left(\frac{y}{0.6745\, \eta\, \sigma}\right)^2\right)

    with 0.6745 the upper quartile of the normal distribution.

    Args:
        distance: :math:`y`, how far from the ridge they must be; at least 0.
        curvature: :math:`h > 0`, of the parabola :math:`-h y^2 / 2` that falls away.
        lr: learning rate :math:`\eta > 0`.
        noise: standard deviation :math:`\sigma > 0` of the gradient's normal noise.

    Returns:
        Steps, not rounded, of runs that start on the ridge itself. All arguments broadcast.

    Book: equation ``eq-escape``, derived there.

    >>> round(float(escape_time(0.36, curvature=0.1, lr=0.01, noise=0.1)))
    3175
    """
    distance, lr, noise = float64(distance), float64(lr), float64(noise)
    growth = 1 + lr * float64(curvature)
    spread = distance / (0.6744897501960817 * lr * noise)
    return np.log1p((growth**2 - 1) * spread**2) / (2 * np.log(growth))
