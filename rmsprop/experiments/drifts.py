"""What a parameter does that changes the curvature of others: the floor's slope moves it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.rules import Rule

__all__ = ["drift", "three_quarters", "turning"]

Array = NDArray[np.float64]
Family = Callable[[Array], tuple[Array, Array]]


def three_quarters(w: Array) -> tuple[Array, Array]:
    r"""Return a Hessian that a parameter changes, and its derivative, shape ``(..., 2, 2)`` each.

    .. math::

       h(w) = \begin{pmatrix} 1 + w^2 & (1 - w)/2 \\ (1 - w)/2 & 1 + (1 - w)^2 \end{pmatrix}

    The trace is least at 1/2, the maximal cut up to :math:`w = 1` at 3/4.

    >>> three_quarters(np.array(1.0))[0]
    array([[2., 0.],
           [0., 1.]])
    """
    mixed, half = (1 - w) / 2, np.full_like(w, -0.5)
    return _matrix(1 + w**2, mixed, 1 + (1 - w) ** 2), _matrix(2 * w, half, 2 * (w - 1))


def turning(angle: Array) -> tuple[Array, Array]:
    """Return the Hessian of a valley of curvatures 1 and 10 that a parameter turns; its derivative.

    >>> turning(np.array(np.pi / 4))[0].round(9)
    array([[ 5.5, -4.5],
           [-4.5,  5.5]])
    """
    c, s, k = np.cos(2 * angle), np.sin(2 * angle), 9.0
    whole = _matrix(1 + k * (1 - c) / 2, -k * s / 2, 1 + k * (1 + c) / 2)
    return whole, _matrix(k * s, -k * c, -k * s)


def _matrix(first: Array, mixed: Array, second: Array) -> Array:
    return np.stack([np.stack([first, mixed], -1), np.stack([mixed, second], -1)], -2)


def drift(family: Family, rule: Rule, starts: ArrayLike, steps: int, *, off: float = 0.01) -> Array:
    r"""Follow a rule in valleys whose floor is flat, and whose Hessian the place on it changes.

    .. math:: f(x, w) = \tfrac12 x^\top h(w)\, x

    It is 0 for every :math:`w` at :math:`x = 0`.

    Args:
        family: maps :math:`w` to the Hessian and its derivative.
        rule: the same for all runs.
        starts: the first :math:`w` of each, shape ``(runs,)``.
        steps: number of steps.
        off: both coordinates of the first :math:`x`.

    Returns:
        :math:`w` at every step, shape ``(runs, steps + 1)``.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> drift(turning, GradientDescent(0.1), [0.0, 0.5], 100)[:, -1].round(3)
    array([0. , 0.5])
    """

    def gradient(point: Array) -> Array:
        x, (whole, slope) = point[..., :2], family(point[..., 2])
        along = np.einsum("...ij,...j->...i", whole, x)
        across = np.einsum("...i,...ij,...j->...", x, slope, x) / 2
        return np.concatenate([along, across[..., None]], axis=-1)

    points = [[off, off, w] for w in np.asarray(starts)]
    return trajectory(gradient, points, rule, steps)[..., 2].T
