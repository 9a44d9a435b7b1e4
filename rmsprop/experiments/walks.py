"""Single runs as they are drawn on a map: until they settle, with fewer points later on."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.paths import steps_to_settle, trajectory
from rmsprop.experiments.problems import Problem
from rmsprop.experiments.rules import Rule

__all__ = ["drawn_steps", "turning_back", "walk"]


def walk(
    problem: Problem, start: ArrayLike, rule: Rule, *, budget: int, within: float = 0.01
) -> NDArray[np.float64]:
    """Follow a rule until it settles at one of the minima.

    Args:
        problem: where to walk.
        start: shape ``(2,)``.
        rule: with a number for each of its options.
        budget: number of steps in which it must have come to where it stays.
        within: how close to a minimum that is.

    Returns:
        The points up to the first after which all are within; all points of the budget, if the last
        is not. Shape ``(steps + 1, 2)``.

    >>> from rmsprop.experiments.problems import quadratic
    >>> from rmsprop.experiments.rules import GradientDescent
    >>> walk(quadratic(1), [1.0, 0.0], GradientDescent(0.9), budget=50)[:, 0].round(3)
    array([1.  , 0.1 , 0.01])
    """
    path = trajectory(problem.gradient, start, rule, budget)
    away = np.linalg.norm(path[:, None] - problem.minima, axis=-1).min(axis=1)
    last = min(float(steps_to_settle(away, within)), budget)
    return path[: int(last) + 1]


def drawn_steps(steps: int, *, all_until: int, then_every: int) -> NDArray[np.intp]:
    """Choose which points of a walk are drawn: all at first, then some, and the last.

    Args:
        steps: length of the walk.
        all_until: before this step none is left out.
        then_every: of the later ones multiples of this are kept.

    Returns:
        Step numbers, ascending.

    >>> drawn_steps(31, all_until=3, then_every=10)
    array([ 0,  1,  2, 10, 20, 30, 31])
    """
    t = np.arange(steps + 1)
    return np.flatnonzero((t < all_until) | (t % then_every == 0) | (t == steps))


def turning_back(path: ArrayLike, angle: float) -> NDArray[np.bool_]:
    """Find the steps that go back across a valley, against the step before: those of a zigzag.

    Args:
        path: shape ``(steps + 1, 2)``.
        angle: of the valley's floor, in radians from the first axis.

    Returns:
        For every step but the first whether it does, shape ``(steps - 1,)``.

    >>> turning_back([[0, 0], [1, 2], [2, -1], [3, -2]], angle=0.0)
    array([ True, False])
    """
    moves = np.diff(np.asarray(path) @ [-np.sin(angle), np.cos(angle)])
    return np.asarray(moves[1:] * moves[:-1] < 0)
