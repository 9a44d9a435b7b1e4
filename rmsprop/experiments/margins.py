"""Linear classifiers of separable data: the largest margins, and the margins of a run."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, nnls

from rmsprop.experiments.rules import Rule

__all__ = ["follow_margins", "largest_margin", "margin", "separable"]

Array = NDArray[np.float64]


def separable(examples: int, weights: int, seed: int) -> Array:
    """Draw normal examples with labels of 1 or -1 by chance, and return each times its label.

    Args:
        examples: no more than weights, so that a plane separates them.
        weights: how many.
        seed: of the draws.

    Returns:
        Shape ``(examples, weights)``.

    >>> largest_margin(separable(3, 5, seed=0), np.inf)[0] > 0
    True
    """
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((examples, weights))
    return rows * rng.choice([-1.0, 1.0], size=(examples, 1))


def margin(rows: Array, points: Array, norm: float) -> Array:
    r"""Return the margins of classifiers: of the worst example, over the length of the weights.

    .. math:: \gamma = \frac{\min_k z_k^\top w}{\lVert w \rVert}

    Args:
        rows: examples times labels, shape ``(examples, weights)``.
        points: shape ``(..., weights)``.
        norm: that the length is measured in: 2 or inf.

    Returns:
        Shape ``(...)``; above 0 if all examples are on their sides.

    >>> margin(np.array([[1.0, 2.0]]), np.array([3.0, 4.0]), 2).round(9)
    np.float64(2.2)
    """
    lengths = np.linalg.norm(points, ord=norm, axis=-1)
    return np.asarray((points @ rows.T).min(axis=-1) / lengths)[()]


def largest_margin(rows: Array, norm: float) -> tuple[float, Array]:
    """Return the largest margin and the weights of length 1 that have it.

    Args:
        rows: as for `margin`.
        norm: 2, by the least-distance program of Lawson and Hanson, or inf, by a linear one.

    >>> value, weights = largest_margin(np.array([[3.0, 4.0]]), 2)
    >>> round(value, 9), weights.round(9)
    (5.0, array([0.6, 0.8]))
    """
    examples, weights = rows.shape
    if norm == 2:
        last = np.append(np.zeros(weights), 1.0)
        system = np.vstack([rows.T, np.ones(examples)])
        found, _ = nnls(system, last)
        rest = system @ found - last
        best = rest[:-1] / np.linalg.norm(rest[:-1])
    else:
        solved = linprog(
            np.append(np.zeros(weights), -1.0),
            A_ub=np.column_stack([-rows, np.ones(examples)]),
            b_ub=np.zeros(examples),
            bounds=[(-1, 1)] * weights + [(None, None)],
        )
        best = solved.x[:-1]
    return float(margin(rows, best, norm)), best


def follow_margins(
    rows: Array, rule: Rule, runs: int, marks: Iterable[int], *, batch: int | None = None
) -> Array:
    """Follow logistic regressions from 0 and return where they are at some steps.

    Args:
        rows: as for `margin`.
        rule: its arrays have shape ``(runs,)``.
        runs: how many.
        marks: numbers of steps.
        batch: examples of a step, in epochs that are shuffled anew; all of them if None.

    Returns:
        Shape ``(marks, runs, weights)``.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> follow_margins(np.array([[4.0]]), GradientDescent(np.array([1.0])), 1, [1])
    array([[[2.]]])
    """
    rng, marks = np.random.default_rng(0), sorted(marks)
    examples, weights = rows.shape
    point = np.zeros((runs, weights))
    state = rule.start(point.shape)
    batch = examples if batch is None else batch
    in_epoch, seen = examples // batch, rows
    kept = []
    for t in range(marks[-1]):
        if batch < examples:
            if t % in_epoch == 0:
                order = rng.permutation(examples)
            seen = rows[order[t % in_epoch * batch :][:batch]]
        wrong = np.exp(-np.logaddexp(0, point @ seen.T))
        point, state = rule.step(point, -(wrong @ seen) / batch, state)
        if t + 1 in marks:
            kept.append(point)
    return np.array(kept)
