"""Runs whose learning rate changes from step to step."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.rules import Rule

__all__ = ["scheduled_trajectory"]

Array = NDArray[np.float64]


def scheduled_trajectory(
    gradient: Callable[[Array], Array],
    start: ArrayLike,
    rule: Rule,
    lr: Callable[[int], ArrayLike],
    steps: int,
) -> Array:
    r"""Follow a rule from a start at a learning rate :math:`\eta_t`, keeping every point.

    Args:
        gradient: maps points of shape ``(..., d)`` to gradients of the same shape.
        start: shape ``(..., d)``.
        rule: with any learning rate, which is not used.
        lr: maps the step, from 1, to the learning rate.
        steps: number of steps, at least 0.

    Returns:
        Points, shape ``(steps + 1, ..., d)``, beginning with the start.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> rule = GradientDescent(lr=np.nan)
    >>> scheduled_trajectory(lambda w: w, [6.0], rule, lr=lambda t: 1 / (1 + t), steps=2)[:, 0]
    array([6., 3., 2.])
    """
    point = np.asarray(start, dtype=np.float64)
    state, points = rule.start(point.shape), [point]
    for t in range(1, steps + 1):
        now = replace(rule, lr=lr(t))  # type: ignore[type-var]
        point, state = now.step(point, gradient(point), state)
        points.append(point)
    return np.stack(points)
