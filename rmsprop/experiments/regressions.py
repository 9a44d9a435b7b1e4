"""Softmax regressions on real data: convex losses whose minimum and moments are known."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer, load_digits

__all__ = ["PENALTY", "REGRESSIONS", "Regression"]

Array = NDArray[np.float64]

#: Of half the square of the weights.
PENALTY = 1e-3


@dataclass(frozen=True, eq=False)
class Regression:
    r"""The mean cross-entropy of a softmax regression, and half its squared weights times 0.001.

    Attributes:
        inputs: an example a row, 1 in the last column, shape ``(examples, inputs)``.
        truth: labels as unit vectors, shape ``(examples, classes)``.
    """

    inputs: Array
    truth: Array

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return len(self.inputs)

    def value(self, points: Array) -> Array:
        """Return the loss over all examples at points that hold all weights in a row.

        Args:
            points: shape ``(runs, n)``.

        Returns:
            Shape ``(runs,)``, in nats.
        """
        outputs = self._outputs(points, slice(None))
        of_truth = (outputs * self.truth[:, None]).sum(axis=-1)
        entropy = np.log(np.exp(outputs).sum(axis=-1)) - of_truth
        return np.asarray(entropy.mean(axis=0) + PENALTY / 2 * (points**2).sum(axis=-1))

    def gradient(self, points: Array, rows: Any = slice(None)) -> Array:
        """Return its gradient by all examples, or by those of some rows, shape ``(runs, n)``."""
        inputs, errors = self.inputs[rows], self._errors(points, rows)
        by_weight = inputs.T @ errors.reshape(len(inputs), -1) / len(inputs)
        in_rows = by_weight.reshape(-1, *errors.shape[1:]).transpose(1, 0, 2).reshape(points.shape)
        return np.asarray(in_rows + PENALTY * points)

    def cumulants(self, point: Array, batch: int) -> tuple[Array, Array, Array]:
        """Return mean, variance and third central moment of the gradients of independent batches.

        Exact: those of a mean of independent examples are those of one example, over powers of
        their number.

        Args:
            point: shape ``(n,)``.
            batch: examples of a batch.

        Returns:
            Each of shape ``(n,)``.
        """
        errors = self._errors(point[None], slice(None))[:, 0]
        raw = [((self.inputs**j).T @ errors**j / self.examples).ravel() for j in (1, 2, 3)]
        third = raw[2] - 3 * raw[0] * raw[1] + 2 * raw[0] ** 3
        return raw[0] + PENALTY * point, (raw[1] - raw[0] ** 2) / batch, third / batch**2

    def hessian(self, point: Array) -> Array:
        """Return the matrix of second derivatives at a point, shape ``(n, n)``."""
        shares = self._shares(point[None], slice(None))[:, 0]
        spread = shares[:, :, None] * (np.eye(shares.shape[1]) - shares[:, None])
        blocks = np.einsum("ka,kij,kb->aibj", self.inputs, spread, self.inputs, optimize=True)
        by_entropy = blocks.reshape(point.size, point.size) / self.examples
        return np.asarray(by_entropy + PENALTY * np.eye(point.size))

    @functools.cached_property
    def minimum(self) -> Array:
        """The minimizer, to which no gradient is larger than 1e-8; shape ``(n,)``."""
        found = minimize(
            lambda w: (self.value(w[None])[0], self.gradient(w[None])[0]),
            np.zeros(self.inputs.shape[1] * self.truth.shape[1]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-8, "maxcor": 30},
        )
        return np.asarray(found.x)

    def _outputs(self, points: Array, rows: Any) -> Array:
        """Return the outputs, the largest being 0, shape ``(examples, runs, classes)``."""
        inputs, classes = self.inputs[rows], self.truth.shape[1]
        layers = points.reshape(len(points), -1, classes).transpose(1, 0, 2)
        outputs = inputs @ layers.reshape(inputs.shape[1], -1)
        outputs = outputs.reshape(len(inputs), len(points), classes)
        return np.asarray(outputs - outputs.max(axis=-1, keepdims=True))

    def _shares(self, points: Array, rows: Any) -> Array:
        shares = np.exp(self._outputs(points, rows))
        shares /= shares.sum(axis=-1, keepdims=True)
        return shares

    def _errors(self, points: Array, rows: Any) -> Array:
        return self._shares(points, rows) - self.truth[rows][:, None]


def _regression(inputs: Array, labels: NDArray[np.int64]) -> Regression:
    return Regression(
        np.column_stack([inputs, np.ones(len(inputs))]), np.eye(max(labels) + 1)[labels]
    )


@functools.cache
def _digits() -> Regression:
    images, labels = load_digits(return_X_y=True)
    return _regression(images / 8 - 1, labels)


@functools.cache
def _rare_digits() -> Regression:
    """Keep the first of every ``1 + label`` images: as many as Zipf's law has of its words."""
    images, labels = load_digits(return_X_y=True)
    kept = np.concatenate([np.flatnonzero(labels == c)[:: c + 1] for c in range(10)])
    return _regression(images[kept] / 8 - 1, labels[kept])


@functools.cache
def _tumors() -> Regression:
    features, labels = load_breast_cancer(return_X_y=True)
    return _regression((features - features.mean(axis=0)) / features.std(axis=0), labels)


#: By name: digits; the same with the class ``c`` thinned to a share of 1/(c + 1); tumors, which
#: are scikit-learn's "breast cancer" with standardized features.
REGRESSIONS: dict[str, Callable[[], Regression]] = {
    "digits": _digits,
    "rare digits": _rare_digits,
    "tumors": _tumors,
}
