"""Full-batch runs with weight decay, and the problems that the two kinds of it solve."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from rmsprop.experiments.floors import random_hessian
from rmsprop.experiments.rules import RMSpropRule

__all__ = ["Pulled", "follow", "pulled"]

Array = NDArray[np.float64]


class Pulled(NamedTuple):
    r"""A quadratic whose minimum lies outside a box.

    Attributes:
        gradient: of points of shape ``(..., n)``.
        boxed: its minimum on :math:`\lvert w_i\rvert \le 1/\lambda`, shape ``(n,)``.
        ridge: the minimum of the sum of it and :math:`\lambda \lvert w\rvert^2/2`.
    """

    gradient: Callable[[Array], Array]
    boxed: Array
    ridge: Array


def pulled(n: int, weight_decay: float, seed: int) -> Pulled:
    """Draw a quadratic with correlated weights, and solve it with either kind of decay.

    Args:
        n: how many weights.
        weight_decay: one over the half width of the box.
        seed: of Hessian and minimum.

    >>> problem = pulled(20, 1.0, seed=0)
    >>> float(abs(problem.boxed).max()), int((abs(problem.boxed) == 1).sum()) > 0
    (1.0, True)
    """
    hessian = random_hessian(n, seed) + 0.1 * np.eye(n)
    center = 2 / weight_decay * np.random.default_rng([seed, 1]).standard_normal(n)

    def gradient(points: Array) -> Array:
        return (points - center) @ hessian

    found = minimize(
        lambda w: ((w - center) @ gradient(w) / 2, gradient(w)),
        np.zeros(n),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-1 / weight_decay, 1 / weight_decay)] * n,
        options={"ftol": 1e-16, "gtol": 1e-10, "maxiter": 5000},
    )
    ridge = np.linalg.solve(hessian + weight_decay * np.eye(n), hessian @ center)
    return Pulled(gradient, found.x, np.asarray(ridge, dtype=np.float64))


def follow(
    problem: Pulled, rule: RMSpropRule, at: Iterable[int], *, noise: float = 0.0, seed: int = 0
) -> Array:
    """Run from 0 and return some of the points.

    Args:
        problem: where.
        rule: its numbers are the same for all weights.
        at: after which steps, ascending.
        noise: standard deviation of the gradients.
        seed: of the noise.

    Returns:
        A row for each of them, shape ``(points, n)``.

    >>> problem = pulled(3, 1.0, seed=0)
    >>> follow(problem, RMSpropRule(0.01, alpha=0.0, eps=0.0), [1]).round(12)[0, :2] ** 2 * 1e4
    array([1., 1.])
    """
    rng, wanted = np.random.default_rng(seed), list(at)
    point = np.zeros(len(problem.ridge))
    state, seen = rule.start(point.shape), []
    for t in range(1, wanted[-1] + 1):
        gradient = problem.gradient(point) + noise * rng.standard_normal(point.shape)
        point, state = rule.step(point, gradient, state)
        if t in wanted:
            seen.append(point)
    return np.array(seen)
