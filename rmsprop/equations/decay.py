r"""Where decoupled weight decay lets weights come to rest: in a box, and at a radius."""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64, smoothing_constant
from rmsprop.equations.batches import Moments

__all__ = ["box_distance", "decay_moments"]


def box_distance(param: ArrayLike, grad: ArrayLike, weight_decay: ArrayLike) -> Array:
    r"""How far a point is from solving the problem that decoupled weight decay poses.

    .. math::

       \max_i \left\lvert w_i - \operatorname{clip}(w_i - g_i) \right\rvert,
       \qquad \operatorname{clip}(x) = \max\!\left(-\tfrac1\lambda, \min\!\left(x,
       \tfrac1\lambda\right)\right)

    It is 0 where no coordinate inside the box :math:`\lvert w_i\rvert \le 1/\lambda` has a
    gradient, and each one on its wall is pushed outwards: the conditions of Karush, Kuhn and
    Tucker.

    Args:
        param: :math:`w`, shape ``(..., n)``.
        grad: :math:`g`, that of the whole loss, without decay, likewise.
        weight_decay: :math:`\lambda`, above 0; shape ``(...)``.

    Returns:
        Shape ``(...)``.

    Book: equation ``eq-box``. Source of the box: Xie and Li (2024).

    >>> box_distance([[0.5, 1.0], [0.5, 1.0]], [[0.0, -3.0], [0.0, 0.5]], weight_decay=1.0)
    array([0. , 0.5])
    """
    w, wall = float64(param), 1 / float64(weight_decay)[..., None]
    return np.asarray(np.abs(w - np.clip(w - float64(grad), -wall, wall)).max(axis=-1))


def decay_moments(
    ratio: ArrayLike, *, lr: ArrayLike, alpha: ArrayLike, weight_decay: ArrayLike
) -> Moments:
    r"""Mean and variance of a weight that decoupled decay holds against a steady, noisy gradient.

    .. math::

       \mathbb{E} w = \frac{\varsigma}{\lambda}, \qquad
       \operatorname{Var} w = \frac{\eta}{2\lambda}\, \frac{1}{1 + r^2}
       \left(1 - \varpi\, \frac{r^2 \left(\tfrac32 + r^2\right)}{(1 + r^2)^2}\right),
       \qquad \varpi = \frac{1 - \alpha}{1 - \alpha + \eta\lambda}

    Args:
        ratio: :math:`r`, the mean of minus the gradient over its standard deviation; all arguments
            broadcast.
        lr: learning rate :math:`\eta`.
        alpha: smoothing constant in [0, 1).
        weight_decay: :math:`\lambda`, above 0.

    Returns:
        The moments, to first order in :math:`1 - \alpha` and :math:`\eta\lambda`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-decay-moments``, derived there for normal noise. Without a mean it is the
    radius of Kosson et al. (2024).

    >>> decay_moments(0.0, lr=0.01, alpha=0.9, weight_decay=0.5)
    Moments(mean=array(0.), variance=array(0.01))
    """
    r, lr, decay = float64(ratio), float64(lr), float64(weight_decay)
    forgets = 1 - smoothing_constant(alpha)
    felt = forgets / (forgets + lr * decay)
    lessened = 1 - felt * r**2 * (1.5 + r**2) / (1 + r**2) ** 2
    mean, variance = r / np.sqrt(1 + r**2) / decay, lr / (2 * decay) / (1 + r**2) * lessened
    return Moments(np.asarray(mean), np.asarray(variance))
