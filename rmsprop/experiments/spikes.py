"""Spikes: how RMSprop falls far below its cycle, and past it on the way back, on w^2 / 2.

What it falls to is soon less than the least double, so it is followed in logarithms.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import spence

from rmsprop import equations

__all__ = ["Walk", "greatest_s", "spike_height", "walk_in_logarithms"]

Array = NDArray[np.float64]


class Walk(NamedTuple):
    r"""A run, in logarithms.

    Attributes:
        log_w: :math:`\ln |w_t|` before each step, shape ``(steps,)``.
        s: :math:`s_t = \eta / \sqrt{v_t}`, which the step goes by: :math:`w` becomes
            :math:`(1 - s_t)\, w`; same shape.
    """

    log_w: Array
    s: Array


def walk_in_logarithms(alpha: float, steps: int, lr: float = 0.01) -> Walk:
    r"""Follow RMSprop without eps from :math:`w = 1`, however small :math:`w` becomes.

    Args:
        alpha: smoothing constant in (0, 1).
        steps: number of steps, at least 0.
        lr: learning rate :math:`\eta`.

    Returns:
        The walk.

    >>> walk_in_logarithms(0.75, steps=2, lr=0.25).log_w.round(6)
    array([ 0.      , -0.693147])
    """
    log_w, log_v = 0.0, -np.inf
    path = np.empty((steps, 2))
    for t in range(steps):
        log_v = np.logaddexp(np.log(alpha) + log_v, np.log(1 - alpha) + 2 * log_w)
        s = np.exp(np.log(lr) - log_v / 2)
        path[t] = log_w, s
        log_w += np.log(abs(1 - s))
    return Walk(*path.T)


def spike_height(walk: Walk, lr: float = 0.01) -> float:
    """Return the greatest loss after the deepest point of a walk, over that of the cycle.

    Args:
        walk: from a start above the cycle, long enough to come back.
        lr: its learning rate.
    """
    after = walk.log_w[walk.log_w.argmin() :]
    cycle = equations.cycle_amplitude(1.0, lr)
    return float(np.exp(2 * (after.max() - np.log(cycle))))


def greatest_s() -> float:
    r"""Return the bound of :math:`s`: where :math:`w` has grown back to what it fell from.

    .. math:: \int_0^s \ln|1 - u|\, \frac{du}{u} = -\operatorname{Re} \operatorname{Li}_2(s) = 0

    >>> round(greatest_s(), 3)
    12.595
    """
    return float(brentq(lambda s: spence(1 - s + 0j).real, 3, 30))
