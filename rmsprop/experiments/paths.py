"""Follow rules on a problem, any number of runs at once: all points, the last, when they arrive."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.rules import Rule

__all__ = ["endpoint", "iterate", "steps_to_reach", "steps_to_settle", "trajectory"]

Array = NDArray[np.float64]


def iterate(
    gradient: Callable[[Array], Array], start: ArrayLike, rule: Rule, steps: int
) -> Iterator[Array]:
    """Follow a rule from a start, one point at a time.

    Args:
        gradient: maps points of shape ``(..., d)`` to gradients of the same shape.
        start: shape ``(..., d)``.
        rule: its arrays broadcast against the leading axes of `start`.
        steps: number of steps, at least 0.

    Yields:
        Points of shape ``(..., d)``, the start first: ``steps + 1`` in all.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> [point.item() for point in iterate(lambda w: w, [1.0], GradientDescent(lr=0.5), steps=2)]
    [1.0, 0.5, 0.25]
    """
    runs = np.broadcast_shapes(*(np.shape(value) for value in vars(rule).values()))
    point = np.asarray(start, dtype=np.float64)
    shape = np.broadcast_shapes(point.shape, (*runs, point.shape[-1]))
    point = np.broadcast_to(point, shape).copy()
    state = rule.start(point.shape)
    yield point
    for _ in range(steps):
        # A run that diverges becomes inf and nan, which is its result, not an accident.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            point, state = rule.step(point, gradient(point), state)
        yield point


def trajectory(
    gradient: Callable[[Array], Array], start: ArrayLike, rule: Rule, steps: int
) -> Array:
    """Follow a rule from a start, keeping every point.

    Args:
        gradient: maps points of shape ``(..., d)`` to gradients of the same shape.
        start: shape ``(..., d)``.
        rule: its arrays broadcast against the leading axes of `start`.
        steps: number of steps, at least 0.

    Returns:
        Points, shape ``(steps + 1, ..., d)``, beginning with the start.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> trajectory(lambda w: w, [1.0], GradientDescent(lr=[0.5, 1.0]), steps=2)[..., 0]
    array([[1.  , 1.  ],
           [0.5 , 0.  ],
           [0.25, 0.  ]])
    """
    return np.stack(list(iterate(gradient, start, rule, steps)))


def endpoint(gradient: Callable[[Array], Array], start: ArrayLike, rule: Rule, steps: int) -> Array:
    """Follow a rule from a start, keeping the last point only: `trajectory` without its memory.

    Args:
        gradient: maps points of shape ``(..., d)`` to gradients of the same shape.
        start: shape ``(..., d)``.
        rule: its arrays broadcast against the leading axes of `start`.
        steps: number of steps, at least 0.

    Returns:
        The last points, shape ``(..., d)``.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> endpoint(lambda w: w, [1.0], GradientDescent(lr=0.5), steps=2)
    array([0.25])
    """
    for point in iterate(gradient, start, rule, steps):
        last = point
    return last


def steps_to_reach(values: ArrayLike, threshold: float) -> Array:
    """Count the steps after which a run first comes to a threshold or below it.

    Args:
        values: what is watched, shape ``(steps + 1, ...)``, as from a `trajectory`.
        threshold: the goal.

    Returns:
        Step numbers, shape ``(...)``; inf for a run that never gets there.

    >>> steps_to_reach([[3.0, 3.0], [2.0, 3.0], [1.0, 3.0]], threshold=2.0)
    array([ 1., inf])
    """
    reached = np.asarray(values) <= threshold
    return np.where(reached.any(axis=0), reached.argmax(axis=0), np.inf)


def steps_to_settle(values: ArrayLike, threshold: float) -> Array:
    """Count the steps after which a run stays at a threshold or below it for good.

    Args:
        values: what is watched, shape ``(steps + 1, ...)``, as from a `trajectory`.
        threshold: the goal.

    Returns:
        Step numbers, shape ``(...)``; inf for a run that ends above the threshold. Never less than
        `steps_to_reach`: a run that comes there by chance and leaves again has not settled.

    >>> steps_to_settle([[3.0, 3.0], [1.0, 1.0], [3.0, 1.0], [1.0, 3.0]], threshold=2.0)
    array([ 3., inf])
    """
    outside = ~(np.asarray(values) <= threshold)
    last = len(outside) - 1 - outside[::-1].argmax(axis=0)
    settled = np.where(outside.any(axis=0), last + 1.0, 0.0)
    return np.where(outside[-1], np.inf, settled)
