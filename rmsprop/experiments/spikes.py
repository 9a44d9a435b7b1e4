"""Spikes: how RMSprop falls far below its cycle, and past it on the way back, on w^2 / 2.

What it falls to is soon less than the least double, so it is followed in logarithms.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import spence

from rmsprop import equations

__all__ = [
    "Survey",
    "Walk",
    "clipped",
    "depth",
    "return_s",
    "spike_height",
    "survey",
    "walk_in_logarithms",
]

Array = NDArray[np.float64]


class Walk(NamedTuple):
    r"""A run, or several, in logarithms.

    Attributes:
        log_w: :math:`\ln |w_t|` before each step, shape ``(steps, ...)``.
        s: :math:`s_t = \eta / (\sqrt{v_t} + \epsilon)`, which the step goes by: :math:`w` becomes
            :math:`(1 - s_t)\, w`; same shape.
    """

    log_w: Array
    s: Array


def walk_in_logarithms(
    alpha: float, steps: int, lr: ArrayLike = 0.01, eps: ArrayLike = 0.0
) -> Walk:
    r"""Follow RMSprop from :math:`w = 1`, however small :math:`w` becomes.

    Args:
        alpha: smoothing constant in (0, 1).
        steps: number of steps, at least 0.
        lr: learning rate :math:`\eta`, one number or one per run, shape ``(...)``.
        eps: :math:`\epsilon`, added outside the root; broadcasts.

    Returns:
        The walk.

    >>> walk_in_logarithms(0.75, steps=2, lr=0.25).log_w.round(6)
    array([ 0.      , -0.693147])
    """
    shape = np.broadcast_shapes(np.shape(lr), np.shape(eps))
    log_w, log_v = np.zeros(shape), np.full(shape, -np.inf)
    path = np.empty((2, steps, *shape))
    for t in range(steps):
        log_v = np.logaddexp(np.log(alpha) + log_v, np.log(1 - alpha) + 2 * log_w)
        s = lr / (np.exp(log_v / 2) + eps)
        path[:, t] = log_w, s
        log_w = log_w + np.log(np.abs(1 - s))
    return Walk(*path)


def depth(walk: Walk) -> Array:
    """Return how far each run falls from where `s` is least, as `rmsprop.equations.dip` has it.

    Args:
        walk: long enough to turn round.

    >>> float(depth(Walk(np.array([0.0, -1.0, -9.0, 3.0]), np.array([0.5, 0.1, 1.0, 5.0]))))
    -8.0
    """
    begin = np.take_along_axis(walk.log_w, walk.s.argmin(axis=0)[None], axis=0)[0]
    return np.asarray(walk.log_w.min(axis=0) - begin)


def spike_height(walk: Walk, lr: ArrayLike = 0.01) -> Array:
    """Return the greatest loss after the deepest point of each run, over that of the cycle.

    Args:
        walk: from a start above the cycle, long enough to come back.
        lr: its learning rate.

    >>> fall_and_spike = Walk(np.log([9.0, 1e-9, 0.3, 0.1]), np.ones(4))
    >>> float(spike_height(fall_and_spike, lr=0.2).round(9))
    9.0
    """
    step = np.arange(len(walk.log_w)).reshape(-1, *[1] * (walk.log_w.ndim - 1))
    after = np.where(step >= walk.log_w.argmin(axis=0), walk.log_w, -np.inf)
    cycle = equations.cycle_amplitude(1.0, lr)
    return np.asarray(np.exp(2 * (after.max(axis=0) - np.log(cycle))))


class Survey(NamedTuple):
    """What runs at several rates do; every field has the shape of the rates.

    Attributes:
        fall: how far each falls, in powers of e; positive.
        expected: the same by `rmsprop.equations.dip`, from the least `s` of the run.
        height: the loss of its spike, over that of the cycle.
        greatest_s: greatest `s` of all.
        expected_s: its limit for alpha to 1, `return_s`.
    """

    fall: Array
    expected: Array
    height: Array
    greatest_s: Array
    expected_s: Array


def survey(alpha: float, steps: int, lr: ArrayLike) -> Survey:
    """Measure the falls and spikes of runs from w = 1, with what the integrals say.

    Args:
        alpha: smoothing constant in (0, 1).
        steps: enough for the slowest run to come back.
        lr: learning rates, shape ``(n,)``, so that a first step, ``lr / sqrt(1 - alpha)``, is
            shorter than 1.

    >>> survey(0.9, 2000, [0.01]).fall.round(1), survey(0.9, 2000, [0.01]).expected.round(1)
    (array([47.4]), array([46.6]))
    """
    walk = walk_in_logarithms(alpha, steps, lr)
    first, greatest = walk.s.min(axis=0), walk.s.max(axis=0)
    expected_s = np.array([return_s(s) for s in first])
    height = spike_height(walk, lr)
    return Survey(-depth(walk), -equations.dip(alpha, first), height, greatest, expected_s)


def return_s(first: float = 0.0) -> float:
    r"""Return the :math:`s` at which :math:`w` has grown back to what it fell from.

    .. math:: \int_{s_0}^s \ln|1 - u|\, \frac{du}{u} = 0

    Args:
        first: :math:`s_0`, from which the fall began, in [0, 1).

    Returns:
        The greatest :math:`s` of a walk in the limit of alpha to 1. At a given alpha a step that
        chances to land near :math:`s = 1` makes the fall deeper, and the greatest :math:`s` larger.

    >>> round(return_s(), 3)
    12.595
    """

    def grown(s: float) -> float:
        return float((spence(1 - s + 0j) - spence(1 - first + 0j)).real)

    return float(brentq(grown, 2, 30))


def clipped(alpha: float, lr: float, steps: int, most: float) -> tuple[float, int, int]:
    r"""Follow the spike on :math:`w^2/2` from 1, with quotients :math:`g/\sqrt v` that are clipped.

    Args:
        alpha: smoothing constant, at least 0.9, at most 0.99: beyond, numbers are too small.
        lr: learning rate.
        steps: enough for the spike.
        most: the greatest size of a quotient; inf leaves them alone.

    Returns:
        The spike's loss over the cycle's, its step, and the first step after the fall at which a
        quotient, before it is clipped, exceeds 1.

    >>> clipped(0.9, 0.01, 400, np.inf)[1:]
    (202, 202)
    """
    w, square_avg, path, quotients = 1.0, 0.0, [], []
    for _ in range(steps):
        square_avg = alpha * square_avg + (1 - alpha) * w * w
        quotients.append(w / np.sqrt(square_avg))
        w -= lr * float(np.clip(quotients[-1], -most, most))
        path.append(abs(w))
    fall = int(np.argmin(path))
    top = fall + int(np.argmax(path[fall:]))
    alarm = fall + int(np.argmax(np.abs(quotients[fall:]) > 1))
    return (2 * path[top] / lr) ** 2, top, alarm
