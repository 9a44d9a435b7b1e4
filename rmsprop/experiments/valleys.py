"""Races in straight valleys, from starts all around the minimum."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.paths import iterate
from rmsprop.experiments.problems import quadratic
from rmsprop.experiments.races import Race
from rmsprop.experiments.rules import Rule

__all__ = ["circle", "crossing", "measured_floor_rate", "turned", "valley_race"]

Array = NDArray[np.float64]


def circle(n: int) -> Array:
    """Spread points evenly over the unit circle, none of them on the first axis.

    Args:
        n: how many, at least 1.

    Returns:
        Shape ``(n, 2)``.

    >>> circle(2).round(9) + 0.0
    array([[ 0.,  1.],
           [ 0., -1.]])
    """
    angles = 2 * np.pi * (np.arange(n) + 0.5) / n
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def turned(points: ArrayLike, angle: float) -> Array:
    """Turn points around the origin, rounded to 12 digits so that machines share them.

    Args:
        points: shape ``(..., 2)``.
        angle: in radians, from the first axis towards the second.

    Returns:
        Shape ``(..., 2)``.

    >>> turned([[1.0, 0.0]], np.pi / 2)
    array([[0., 1.]])
    """
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray((np.asarray(points) @ np.array([[c, s], [-s, c]])).round(12))


def valley_race(condition: float, angle: float, starts: ArrayLike) -> Race:
    """Set up a race in a quadratic valley; narrower ones have more time.

    Args:
        condition: condition number of the valley, at least 1.
        angle: in radians between the valley's floor and the first axis.
        starts: for the valley along the axis, shape ``(n, 2)``; they are turned with it.

    Returns:
        The race, with a budget of 2000 steps and three for each unit of the condition number.

    >>> valley_race(100, 0.0, circle(12)).budget
    2300
    """
    budget = int(2000 + 3 * condition)
    return Race(quadratic(condition, angle), turned(starts, angle), budget=budget)


def measured_floor_rate(
    condition: ArrayLike, angle: ArrayLike, rule: Rule, *, first: int, last: int
) -> Array:
    r"""Measure the share of its way along the floor of a valley that a step covers.

    A run starts on the floor at distance 1. Its distance along the floor shrinks by the factor
    :math:`e^{-\varphi}` at every step; two successive points are averaged, without their
    oscillation.

    Args:
        condition: condition numbers, at least 1.
        angle: in radians, shape ``(n,)``.
        rule: with arrays of shape ``(n,)``.
        first: the step from which on it is measured, when the run follows the floor.
        last: the step up to which it is measured.

    Returns:
        :math:`\varphi`, shape ``(n,)``.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> rate = measured_floor_rate(10, [0.3], GradientDescent([0.1]), first=5, last=15)
    >>> rate.round(6), -np.log(0.9).round(6)
    (array([0.105361]), np.float64(0.105361))
    """
    angle = np.asarray(angle, dtype=np.float64)
    floor = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    points = iterate(quadratic(condition, angle).gradient, floor, rule, last + 1)
    along = np.array([(point * floor).sum(axis=-1) for point in points])
    along = (along[1:] + along[:-1]) / 2
    return np.asarray(np.log(along[first] / along[last]) / (last - first))


def crossing(x: ArrayLike, first: ArrayLike, second: ArrayLike) -> float:
    """Find where two curves cross, straight between their points on logarithmic axes.

    Args:
        x: positions, positive and ascending, shape ``(n,)``.
        first: positive, shape ``(n,)``.
        second: likewise.

    Returns:
        The position.

    Raises:
        ValueError: unless the curves cross exactly once.

    >>> round(crossing([1.0, 100.0], [1.0, 100.0], [10.0, 10.0]), 9)
    10.0
    """
    x, excess = np.asarray(x), np.log(np.asarray(first) / np.asarray(second))
    changes = np.flatnonzero(np.diff(np.sign(excess)))
    if len(changes) != 1:
        raise ValueError(f"curves must cross exactly once, got {len(changes)} changes of sign")
    (i,) = changes
    gap, place = excess[i : i + 2], np.log(x[i : i + 2])
    order = gap.argsort()
    return float(np.exp(np.interp(0, gap[order], place[order])))
