"""Train a network on mini-batches of any size, for a given number of examples."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rmsprop.experiments.flat import FlatLoss
from rmsprop.experiments.networks import network, train
from rmsprop.experiments.rules import Rule

__all__ = ["loss_after", "steps_of"]

Array = NDArray[np.float64]


def steps_of(epochs: int, size: int, examples: int) -> int:
    """Return how many batches of a size a number of epochs holds.

    >>> steps_of(epochs=10, size=32, examples=1437)
    449
    """
    return epochs * examples // size


def loss_after(problem: FlatLoss, rule: Rule, *, size: int, steps: int, seed: int) -> Array:
    """Train networks, one for each element of the rule's arrays, and return their losses.

    Args:
        problem: has the examples, and the weights that training begins with.
        rule: its numbers broadcast against each other.
        size: of a batch.
        steps: how many batches. The examples are taken in order, and shuffled when they have all
            been seen, in an order that is the same for every rule and every size.
        seed: of the order.

    Returns:
        The mean loss over all examples, shape ``(networks,)``; inf or NaN where a run diverged.

    >>> from rmsprop.experiments.rules import RMSpropRule
    >>> from rmsprop.experiments.students import student_loss
    >>> rule = RMSpropRule([0.01, 0.02])
    >>> loss_after(student_loss(0), rule, size=16, steps=3, seed=0).shape
    (2,)
    """
    rows = _rows(problem.y.shape[1], size * steps, seed).reshape(steps, size)
    trained = train(rule, problem.initial, _batches(problem, rows), problem.error)
    with np.errstate(over="ignore", invalid="ignore"):
        return problem.cost(network(problem.x, trained.weights), problem.y)


def _rows(examples: int, seen: int, seed: int) -> NDArray[np.intp]:
    rng = np.random.default_rng([seed, 1])  # not the one that drew the problem
    epochs = -(-seen // examples)
    return np.concatenate([rng.permutation(examples) for _ in range(epochs)])[:seen]


def _batches(problem: FlatLoss, rows: NDArray[np.intp]) -> Iterator[tuple[Array, Array]]:
    for batch in rows:
        yield problem.x[:, batch], problem.y[:, batch]
