"""Train small networks to read handwritten digits."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from rmsprop.experiments.flat import FlatLoss
from rmsprop.experiments.networks import Trained, initial_weights, network, train
from rmsprop.experiments.rules import Rule

__all__ = ["EPOCH", "DigitsScore", "digits_loss", "score_digits", "train_digits"]

Array = NDArray[np.float64]

HIDDEN, TRAINING, BATCH = 32, 1437, 32
#: Steps of an epoch.
EPOCH = TRAINING // BATCH


class DigitsScore(NamedTuple):
    """What a stack of classifiers has learned.

    Attributes:
        loss: mean cross-entropy over the training images, in nats, shape ``(networks,)``.
        accuracy: share of the test images that are read rightly, shape ``(networks,)``.
    """

    loss: Array
    accuracy: Array


def train_digits(rule: Rule, *, seed: int, steps: int, nudge: float = 0.0) -> Trained:
    r"""Train classifiers of handwritten digits, one for each element of the rule's arrays.

    The data are the 1797 images of 8 x 8 pixels that come with scikit-learn, a part of the UCI set
    "Optical recognition of handwritten digits" (Alpaydin and Kaynak, 1998), with pixels scaled to
    :math:`[-1, 1]`. The classifier is `rmsprop.experiments.networks.network` with 64 inputs, 32
    hidden units and 10 outputs; the loss is the cross-entropy.

    A seed is initial weights, 1437 images for training (the other 360 test) and their order, the
    same for every rule, so that results can be compared in pairs. A step sees 32 images; an epoch
    of 44 steps shuffles and takes each once, but for the few that fill no batch.

    Args:
        rule: its numbers broadcast against each other.
        seed: at least 0.
        steps: number of steps, at least 0.
        nudge: by which part of themselves the initial weights are changed: what a result does not
            owe to it does not hang on rounding.

    Returns:
        The networks in the order of the broadcast arrays, and what the rule remembers of each.
    """
    problem = _problem(seed)
    initial = [layer * (1 + nudge) for layer in problem.initial]
    return train(rule, initial, problem.batches(steps), _error)


def score_digits(trained: Trained, *, seed: int) -> DigitsScore:
    """Score the classifiers that `train_digits` trained on this seed.

    Args:
        trained: what it returned.
        seed: that it was given.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> score = score_digits(train_digits(GradientDescent([0.01, 0.1]), seed=3, steps=5), seed=3)
    >>> score.loss.shape, score.accuracy.shape
    ((2,), (2,))
    """
    images, labels = _images()
    problem = _problem(seed)
    seen, unseen = problem.training, problem.test
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = network(images[:, seen], trained.weights)
        outputs -= outputs.max(axis=-2, keepdims=True)
        of_truth = outputs[:, labels[seen], np.arange(len(seen))]
        loss = (np.log(np.exp(outputs).sum(axis=-2)) - of_truth).mean(axis=-1)
        right = network(images[:, unseen], trained.weights).argmax(axis=-2) == labels[unseen]
    return DigitsScore(loss, right.mean(axis=-1))


def digits_loss(seed: int, nudge: float = 0.0) -> FlatLoss:
    """Return the mean cross-entropy over the training images, as a function of one vector.

    Args:
        seed: as for `train_digits`.
        nudge: likewise.

    >>> loss = digits_loss(seed=0)
    >>> loss.gradient(loss.start[None], [0, 1]).shape
    (1, 2410)
    """
    images, labels = _images()
    problem = _problem(seed)
    seen = problem.training
    initial = [layer * (1 + nudge) for layer in problem.initial]
    return FlatLoss(images[:, seen], np.eye(10)[:, labels[seen]], initial, _cross_entropy, _error)


def _cross_entropy(outputs: Array, truth: Array) -> Array:
    outputs -= outputs.max(axis=-2, keepdims=True)
    entropy = np.log(np.exp(outputs).sum(axis=-2)) - (outputs * truth).sum(axis=-2)
    return np.asarray(entropy.mean(axis=-1))


@functools.cache
def _images() -> tuple[Array, NDArray[np.int64]]:
    """Return the images, one a column, and their labels."""
    images, labels = load_digits(return_X_y=True)
    return np.ascontiguousarray(images.T / 8 - 1), labels


class _Problem(NamedTuple):
    training: NDArray[np.int64]
    test: NDArray[np.int64]
    initial: list[Array]
    rng: np.random.Generator

    def batches(self, steps: int) -> Iterator[tuple[Array, Array]]:
        images, labels = _images()
        truth = np.eye(10)[:, labels]
        for step in range(steps):
            if step % EPOCH == 0:
                order = self.rng.permutation(self.training)
            rows = order[step % EPOCH * BATCH :][:BATCH]
            yield images[:, rows], truth[:, rows]


def _problem(seed: int) -> _Problem:
    rng = np.random.default_rng(seed)
    rows = rng.permutation(_images()[1].size)
    initial = initial_weights(rng, 64, HIDDEN, 10)
    return _Problem(rows[:TRAINING], rows[TRAINING:], initial, rng)


def _error(outputs: Array, truth: Array) -> Array:
    """Derivative of the mean cross-entropy by the outputs."""
    outputs -= outputs.max(axis=-2, keepdims=True)
    np.exp(outputs, out=outputs)
    outputs /= outputs.sum(axis=-2, keepdims=True)
    outputs -= truth
    outputs /= truth.shape[1]
    return outputs
