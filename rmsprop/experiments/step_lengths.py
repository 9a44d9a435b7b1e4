"""How long RMSprop's steps are, in units of lr, for gradients that are given."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations

__all__ = ["steady_step_length", "step_lengths"]

Array = NDArray[np.float64]


def step_lengths(grads: ArrayLike, alpha: ArrayLike, initial: ArrayLike = 0.0) -> Array:
    r"""Return the length of every step along a series of gradients, without eps.

    .. math:: \frac{|w_t - w_{t-1}|}{\eta} = \frac{|g_t|}{\sqrt{v_t}}

    Args:
        grads: :math:`g_1, \dots, g_T`, shape ``(..., T)``; the first is not 0, if the average
            starts from 0.
        alpha: smoothing constant in [0, 1), broadcasting against the leading axes ``(...)``.
        initial: :math:`v_0`, likewise.

    Returns:
        Shape ``(..., T)`` after broadcasting.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> step_lengths([3.0, 0.0, -3.0], alpha=0.75).round(3)
    array([2. , 0. , 1.6])
    """
    grads = np.asarray(grads, dtype=np.float64)
    return np.abs(grads) / np.sqrt(equations.iterate_average(grads**2, alpha, initial))


def steady_step_length(
    grad: ArrayLike,
    eps: ArrayLike,
    *,
    alpha: float = 0.99,
    steps: int = 3000,
    eps_in_sqrt: bool = False,
) -> Array:
    """Measure the length of the step after many equal gradients, in a run from 0 with lr = 1.

    Args:
        grad: the gradients' size, any shape.
        eps: broadcasts.
        alpha: smoothing constant in [0, 1).
        steps: how many gradients, at least 1: enough that the average has forgotten its start.
        eps_in_sqrt: add `eps` inside the root.

    Returns:
        The shape of both together.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> steady_step_length([1e-4, 1.0], eps=1e-4).round(4)
    array([0.5   , 0.9999])
    """
    grad, eps = np.broadcast_arrays(grad, eps)
    w, state = np.zeros(grad.shape), equations.State.start(grad.shape)
    for _ in range(steps):
        before = w
        w, state = equations.step(
            w, grad, state, lr=1.0, alpha=alpha, eps=eps, eps_in_sqrt=eps_in_sqrt
        )
    return np.abs(w - before)
