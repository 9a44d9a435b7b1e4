"""How RMSprop rings about its cycle at the bottom of a parabola."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations

__all__ = ["measure_ring_down", "push_off_cycle"]

Array = NDArray[np.float64]


def push_off_cycle(
    alpha: ArrayLike, push: float, steps: int, *, lr: float = 0.01, curvature: float = 3.0
) -> Array:
    r"""Push RMSprop off its cycle and follow how it comes back.

    .. math:: \tilde w_t = \ln \frac{2\, |w_t|}{\eta}

    Args:
        alpha: smoothing constant in [0, 1), shape ``(...)``.
        push: the first point is by this share of it further out than the cycle, whose average of
            squares it has.
        steps: number of steps, at least 0.
        lr: learning rate :math:`\eta`.
        curvature: :math:`h` of :math:`h w^2 / 2`.

    Returns:
        :math:`\tilde w_0, \tilde w_1, \dots`, shape ``(steps + 1, ...)``; 0 is the cycle.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> push_off_cycle(0.5, push=0.0, steps=2)
    array([0., 0., 0.])
    """
    alpha = np.asarray(alpha, dtype=np.float64)
    amplitude = equations.cycle_amplitude(curvature, lr)
    w = np.full(alpha.shape, (1 + push) * amplitude)
    state = equations.State.start(w.shape, float((curvature * amplitude) ** 2))
    path = [w]
    for _ in range(steps):
        w, state = equations.step(w, curvature * w, state, lr=lr, alpha=alpha, eps=0.0)
        path.append(w)
    return np.log(np.abs(path) / amplitude)


def measure_ring_down(path: ArrayLike) -> tuple[Array, Array]:
    r"""Measure how an oscillation decays, and its period, by least squares.

    .. math:: \tilde w_{t+2} = \operatorname{tr} \tilde w_{t+1} - \det \tilde w_t, \qquad
              |z| = \sqrt{\det}, \quad
              \arg z = \pm\arccos \frac{\operatorname{tr}}{2 \sqrt{\det}}

    Args:
        path: :math:`\tilde w_0, \tilde w_1, \dots`, one oscillation in each column, shape
            ``(steps, n)``.

    Returns:
        Decay per step and period in steps, both of shape ``(n,)``, as by
        `rmsprop.equations.ring_down`.

    >>> t = np.arange(50)[:, None]
    >>> decay, period = measure_ring_down(0.9**t * np.cos(2 * np.pi * t / 12.5))
    >>> decay.round(9), period.round(9)
    (array([0.9]), array([12.5]))
    """
    fits = [
        np.linalg.lstsq(np.stack([p[1:-1], -p[:-2]], axis=1), p[2:])[0] for p in np.transpose(path)
    ]
    trace, determinant = np.transpose(fits)
    decay = np.sqrt(determinant)
    return decay, 2 * np.pi / np.arccos(trace / 2 / decay)
