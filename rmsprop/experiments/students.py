"""Train small networks to imitate teachers."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmsprop.experiments.flat import FlatLoss
from rmsprop.experiments.networks import Trained, initial_weights, network, train
from rmsprop.experiments.rules import Rule

__all__ = ["score_students", "student_loss", "train_students"]

Array = NDArray[np.float64]

INPUTS, HIDDEN, EXAMPLES, BATCH = 10, 32, 256, 16


def train_students(rule: Rule, *, seed: int, steps: int, nudge: float = 0.0) -> Trained:
    r"""Train students to imitate a teacher, one for each element of the rule's arrays.

    Teacher and student are `rmsprop.experiments.networks.network` with 10 inputs and 32 hidden
    units. A seed is a teacher, 256 examples, an initial student and the examples of every step, the
    same for every rule, so that results can be compared in pairs. A step sees 16 examples, drawn
    anew; the loss is the mean squared error.

    Args:
        rule: its numbers broadcast against each other.
        seed: at least 0.
        steps: number of steps, at least 0.
        nudge: by which part of themselves the initial weights are changed: what a result does not
            owe to it does not hang on rounding.

    Returns:
        The students in the order of the broadcast arrays, and what the rule remembers of each.
    """
    problem = _problem(seed)
    initial = [layer * (1 + nudge) for layer in problem.initial]
    return train(rule, initial, problem.batches(steps), _error)


def score_students(trained: Trained, *, seed: int) -> Array:
    """Return the mean squared error over all examples, shape ``(networks,)``.

    Args:
        trained: what `train_students` returned.
        seed: that it was given.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> score_students(train_students(GradientDescent([0.01, 0.1]), seed=3, steps=5), seed=3).shape
    (2,)
    """
    problem = _problem(seed)
    with np.errstate(over="ignore", invalid="ignore"):
        return ((network(problem.x, trained.weights) - problem.y) ** 2).mean(axis=(-1, -2))


def student_loss(seed: int, nudge: float = 0.0) -> FlatLoss:
    """Return the mean squared error of a student over all examples, as a function of one vector.

    Args:
        seed: as for `train_students`.
        nudge: likewise.

    >>> loss = student_loss(seed=0)
    >>> loss.gradient(loss.start[None]).shape
    (1, 385)
    """
    problem = _problem(seed)
    initial = [layer * (1 + nudge) for layer in problem.initial]
    return FlatLoss(problem.x, problem.y, initial, _mean_square, _error)


def _mean_square(outputs: Array, truth: Array) -> Array:
    return np.asarray(((outputs - truth) ** 2).mean(axis=(-1, -2)))


class _Problem(NamedTuple):
    x: Array
    y: Array
    initial: list[Array]
    rng: np.random.Generator

    def batches(self, steps: int) -> Iterator[tuple[Array, Array]]:
        for rows in self.rng.integers(EXAMPLES, size=(steps, BATCH)):
            yield self.x[:, rows], self.y[:, rows]


def _problem(seed: int) -> _Problem:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((INPUTS, EXAMPLES))
    teacher = initial_weights(rng, INPUTS, HIDDEN, 1)
    teacher[0] *= 2
    y = network(x, [layer[None] for layer in teacher])[0]
    return _Problem(x, y, initial_weights(rng, INPUTS, HIDDEN, 1), rng)


def _error(outputs: Array, truth: Array) -> Array:
    """Derivative of the mean squared error by the outputs."""
    outputs -= truth
    outputs *= 2 / truth.shape[1]
    return outputs
