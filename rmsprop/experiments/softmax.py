"""Softmax regression on handwritten digits: a real loss that is convex, with a known minimum."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.datasets import load_digits

__all__ = ["EXAMPLES", "curvature_and_noise", "gradient", "minimum", "value"]

Array = NDArray[np.float64]

#: How many images there are; all are trained on.
EXAMPLES = 1797
CLASSES, PENALTY = 10, 1e-3


def value(points: Array) -> Array:
    r"""Return the loss: mean cross-entropy over all images, and the penalty.

    .. math::

       -\frac1n \sum \ln P(\text{label}) + \frac\lambda2 \sum_i w_i^2, \qquad \lambda = 10^{-3}

    Args:
        points: 65 x 10 weights in a row, shape ``(runs, 650)``.

    Returns:
        Shape ``(runs,)``, in nats.

    >>> value(np.zeros((1, 650))).round(6)
    array([2.302585])
    """
    outputs = _outputs(points, slice(None))
    truth = (outputs * _data()[1]).sum(axis=-1)
    entropy = np.log(np.exp(outputs).sum(axis=-1)) - truth
    return entropy.mean(axis=-1) + PENALTY / 2 * (points**2).sum(axis=-1)


def gradient(points: Array, rows: Any = slice(None)) -> Array:
    """Return its gradient by all images, or by those of some rows, shape ``(runs, 650)``."""
    images, truth = _data()
    shares = np.exp(_outputs(points, rows))
    shares /= shares.sum(axis=-1, keepdims=True)
    shares -= truth[rows]
    by_weight = images[rows].T @ shares / len(truth[rows])
    return by_weight.reshape(len(points), -1) + PENALTY * points


@functools.cache
def minimum() -> Array:
    """Return the minimizer, to which no gradient is larger than 1e-8; shape ``(650,)``."""
    found = minimize(
        lambda w: (value(w[None])[0], gradient(w[None])[0]),
        np.zeros(65 * CLASSES),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-8, "maxcor": 30},
    )
    return np.asarray(found.x)


def curvature_and_noise() -> tuple[Array, Array]:
    """Return the Hessian's diagonal at the minimum, and the mean squares of examples' gradients.

    Returns:
        Two arrays of shape ``(650,)``, the second for one example at a time.

    >>> curvature, square = curvature_and_noise()
    >>> curvature.shape, square.shape
    ((650,), (650,))
    """
    images, truth = _data()
    point = minimum()
    shares = np.exp(_outputs(point[None], slice(None))[0])
    shares /= shares.sum(axis=-1, keepdims=True)
    errors = shares - truth
    curvature = (images**2).T @ (shares * (1 - shares)) / EXAMPLES
    square = (images**2).T @ errors**2 / EXAMPLES
    mean = (images.T @ errors / EXAMPLES).ravel()
    pull = PENALTY * point
    return curvature.ravel() + PENALTY, square.ravel() + 2 * pull * mean + pull**2


def _outputs(points: Array, rows: Any) -> Array:
    """Return the outputs for every image, the largest being 0."""
    outputs = _data()[0][rows] @ points.reshape(len(points), -1, CLASSES)
    return outputs - outputs.max(axis=-1, keepdims=True)


@functools.cache
def _data() -> tuple[Array, Array]:
    """Return the images in rows, with a 1 in the last column, and their labels as unit vectors."""
    images, labels = load_digits(return_X_y=True)
    return np.column_stack([images / 8 - 1, np.ones(len(images))]), np.eye(CLASSES)[labels]
