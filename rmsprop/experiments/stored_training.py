"""Train networks whose averages are stored in few binary digits after every step."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmsprop.equations import State
from rmsprop.experiments.rules import Rule
from rmsprop.experiments.stored_averages import rounded

__all__ = ["train_stored"]

Array = NDArray[np.float64]


def train_stored(
    gradient: Callable[[Array], Array],
    start: Array,
    rule: Rule,
    *,
    steps: int,
    digits: int,
    seed: int | None,
) -> Array:
    """Train from one start, once for each element of the rule's arrays.

    Everything but what is stored is computed in double precision.

    Args:
        gradient: maps points of shape ``(runs, n)`` to gradients of their shape.
        start: shape ``(n,)``.
        rule: its arrays have shape ``(runs,)``.
        steps: how many.
        digits: binary digits of the averages, and of the momentum buffer.
        seed: of stochastic rounding; None rounds to nearest.

    Returns:
        The last points, shape ``(runs, n)``.

    >>> from rmsprop.experiments.rules import RMSpropRule
    >>> rule = RMSpropRule(np.array([0.1]), alpha=0.75, eps=0.0)
    >>> train_stored(np.copy, np.array([4.0]), rule, steps=1, digits=1, seed=None)
    array([[3.8]])
    """
    stream = None if seed is None else np.random.default_rng([seed, digits])

    def stored(average: Any) -> Any:
        return rounded(average, digits, stream.random(average.shape) if stream else 0.5)

    runs = len(rule.numbers(1)[0])
    point = np.tile(start, (runs, 1))
    state = rule.start(point.shape)
    for _ in range(steps):
        point, new = rule.step(point, gradient(point), state)
        state = State(*map(stored, new[:4]), new.t)  # type: ignore[call-arg]
    return point
