"""The run of a well-known textbook: RMSprop on 0.1 x1^2 + 2 x2^2, eps inside the root."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.equations import arithmetic

__all__ = ["HESSIAN", "START", "loss", "run"]

Array = NDArray[np.float64]

#: The function's second derivatives, and where the run starts.
HESSIAN, START = np.diag([0.2, 4.0]), np.array([-5.0, -2.0])


def loss(points: Array, hessian: Array = HESSIAN) -> Array:
    r"""Evaluate :math:`f(x) = x^\top H x / 2`.

    Args:
        points: shape ``(..., 2)``.
        hessian: :math:`H`, symmetric, shape ``(2, 2)``.

    Returns:
        Shape ``(...)``.

    >>> float(loss(np.array([1.0, 1.0])))
    2.1
    """
    return np.asarray((points @ hessian * points).sum(axis=-1) / 2)


def run(
    hessian: Array = HESSIAN,
    *,
    steps: int = 20,
    alpha: ArrayLike | Callable[[int], ArrayLike] = 0.9,
    lr: ArrayLike | Callable[[int], ArrayLike] = 0.4,
    eps: float = 1e-6,
) -> Array:
    r"""Repeat the textbook's run; what is not said is as there.

    .. math::

       v_t = \alpha_t v_{t-1} + (1 - \alpha_t)\, g_t^2, \qquad
       x_t = x_{t-1} - \frac{\eta_t\, g_t}{\sqrt{v_t + \epsilon}}, \qquad g_t = H x_{t-1}

    Args:
        hessian: :math:`H`, symmetric, shape ``(2, 2)``.
        steps: number of steps, at least 0.
        alpha: smoothing constant, which the textbook calls :math:`\gamma`, one number or one per
            run, shape ``(...)``; or a function from the step, from 1, to it. 1 is allowed.
        lr: learning rate :math:`\eta`, likewise.
        eps: :math:`\epsilon`.

    Returns:
        Points, shape ``(steps + 1, ..., 2)``, beginning with the start at (-5, -2).

    Source: Zhang et al. (2023), section 12.8, whose :math:`x_1` after 20 steps is -0.010599.

    >>> run()[-1].round(6)
    array([-0.010599,  0.      ])
    """
    x, square_avg = START, np.zeros(2)
    points = [x]
    for t in range(1, steps + 1):
        smoothing, rate = _at(t, alpha), _at(t, lr)
        grad = x @ hessian
        square_avg = arithmetic.average(square_avg, grad**2, smoothing)
        x = x - rate * grad / np.sqrt(square_avg + eps)
        points.append(x)
    return np.stack([np.broadcast_to(point, x.shape) for point in points])


def _at(t: int, value: ArrayLike | Callable[[int], ArrayLike]) -> Array:
    """Return a hyperparameter at a step, with a last axis: one number per run."""
    return np.asarray(value(t) if callable(value) else value, dtype=np.float64)[..., None]
