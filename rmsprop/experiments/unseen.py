"""A trap for adaptive methods: one feature has the labels, but each example marks of its own."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.rules import Rule

__all__ = ["fit", "marked_examples", "scores_of_unseen"]

Array = NDArray[np.float64]

MARKS = 5


def marked_examples(labels: ArrayLike) -> Array:
    """Return examples that the first feature tells apart.

    Args:
        labels: 1 or -1, more of the first, shape ``(n,)``.

    Returns:
        Features in rows, shape ``(n, 3 + 5 n)``: the label, two ones, and of five features that
        only this example has the first one, if its label is 1, or all.

    Source: Wilson et al. (2017), section 3, whose lemma says what adaptive methods make of it.

    >>> marked_examples([1, -1])[:, :9]
    array([[ 1.,  1.,  1.,  1.,  0.,  0.,  0.,  0.,  0.],
           [-1.,  1.,  1.,  0.,  0.,  0.,  0.,  0.,  1.]])
    """
    labels = np.asarray(labels, dtype=np.float64)
    n = len(labels)
    marks = np.zeros((n, n, MARKS))
    marks[np.arange(n), np.arange(n)] = (labels[:, None] < 0) | (np.arange(MARKS) < 1)
    return np.column_stack([labels, np.ones((n, 2)), marks.reshape(n, -1)])


def scores_of_unseen(points: Array) -> Array:
    """Return the outputs for an unseen example with label 1, and with -1, whose marks are new.

    Args:
        points: weights, shape ``(..., 3 + 5 n)``.

    Returns:
        Shape ``(..., 2)``; right where their signs are 1 and -1.
    """
    return np.asarray(points[..., :3] @ np.array([[1.0, -1.0], [1.0, 1.0], [1.0, 1.0]]))


def fit(
    features: Array, labels: Array, rule: Rule, runs: int, steps: int, *, batch: int | None = None
) -> Array:
    """Fit least squares from 0.

    Args:
        features: shape ``(n, features)``.
        labels: shape ``(n,)``.
        rule: its arrays have shape ``(runs,)``.
        runs: how many.
        steps: number of steps.
        batch: examples of a step, drawn anew; all if None.

    Returns:
        The last weights, shape ``(runs, features)``.
    """
    rng = np.random.default_rng(0)
    point = np.zeros((runs, features.shape[1]))
    state = rule.start(point.shape)
    seen: slice | NDArray[np.int64] = slice(None)
    for _ in range(steps):
        if batch is not None:
            seen = rng.integers(len(labels), size=batch)
        missed = point @ features[seen].T - labels[seen]
        point, state = rule.step(point, missed @ features[seen] / missed.shape[1], state)
    return point
