"""What becomes of the cycle at the bottom of a parabola when there is momentum."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.equations import State, edge
from rmsprop.experiments.rules import Adam, RMSpropRule

__all__ = ["leave_cycle"]

Array = NDArray[np.float64]


def leave_cycle(
    momentum: ArrayLike, alpha: float, kind: str, *, steps: int, kept: int, push: float = 0.01
) -> Array:
    r"""Push runs off their cycle and follow them.

    Args:
        momentum: :math:`\mu` in [0, 1), for each run, shape ``(m,)``.
        alpha: smoothing constant in [0, 1).
        kind: as for `rmsprop.equations.edge`.
        steps: number of steps.
        kept: how many of the last ones are returned.
        push: the first point is by this share of it further out than the cycle.

    Returns:
        :math:`|w| / \eta` of the last steps, shape ``(kept, m)``, for the curvature 1.

    >>> leave_cycle([0.0, 0.2], 0.9, "heavy ball", steps=2000, kept=1).round(6)
    array([[0.5     , 0.416667]])
    """
    mu = np.atleast_1d(np.asarray(momentum, dtype=np.float64))
    amplitude = 1 / edge(mu, kind)
    w, g = ((1 + push) * amplitude)[:, None], amplitude[:, None]
    # Before the cycle's step from w the buffer is minus what it is after.
    buffer = -1 / (1 + mu)[:, None]
    average = -((1 - mu) / (1 + mu))[:, None] * g
    rule: Adam | RMSpropRule
    if kind == "average":
        rule = Adam(1.0, mu, alpha, 0.0)
    else:
        rule = RMSpropRule(1.0, alpha, 0.0, mu, nesterov=kind == "nesterov")
    # So many steps have been taken that no bias is left.
    state = State(g**2, average, g**2, buffer, 10**9)
    path = []
    for left in reversed(range(steps)):
        w, state = rule.step(w, w, state)
        if left < kept:
            path.append(np.abs(w[:, 0]))
    return np.array(path)
