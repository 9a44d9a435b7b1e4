"""Descend a function that is multiplied by a factor: which rules see its scale."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations
from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.problems import Problem
from rmsprop.experiments.rules import Rule

__all__ = ["decayed_end", "scaled_losses", "scaled_paths"]

Array = NDArray[np.float64]


def scaled_paths(problem: Problem, factors: ArrayLike, rule: Rule, *, steps: int) -> Array:
    r"""Follow a rule down :math:`c f` from the customary start of :math:`f`.

    Args:
        problem: :math:`f`.
        factors: :math:`c > 0`, shape ``(n,)``.
        rule: its numbers are the same for all factors.
        steps: number of steps, at least 0.

    Returns:
        Points, shape ``(steps + 1, n, 2)``, beginning with the start.

    >>> from rmsprop.experiments.problems import quadratic
    >>> from rmsprop.experiments.rules import GradientDescent
    >>> scaled_paths(quadratic(condition=2), [0.25, 0.5], GradientDescent(lr=1.0), steps=1)[-1]
    array([[0.75, 0.5 ],
           [0.5 , 0.  ]])
    """
    factors = np.asarray(factors, dtype=np.float64)[:, None]
    start = np.broadcast_to(problem.start, (len(factors), 2))
    return trajectory(lambda w: factors * problem.gradient(w), start, rule, steps)


def scaled_losses(problem: Problem, factors: ArrayLike, rule: Rule, *, steps: int) -> Array:
    r"""Evaluate :math:`f` itself after a rule has descended :math:`c f`.

    Args:
        problem: :math:`f`.
        factors: :math:`c > 0`, shape ``(n,)``.
        rule: its numbers are the same for all factors.
        steps: number of steps, at least 0.

    Returns:
        Shape ``(n,)``; inf or NaN where the run diverged.

    >>> from rmsprop.experiments.problems import quadratic
    >>> from rmsprop.experiments.rules import GradientDescent
    >>> scaled_losses(quadratic(condition=2), [0.25, 0.5], GradientDescent(lr=1.0), steps=1)
    array([0.53125, 0.125  ])
    """
    ends = scaled_paths(problem, factors, rule, steps=steps)[-1]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(problem.value(ends))


def decayed_end(
    problem: Problem,
    factors: ArrayLike,
    weight_decay: ArrayLike,
    *,
    lr: float,
    steps: int,
    decoupled: bool = False,
) -> Array:
    r"""Follow RMSprop without eps down :math:`c f` from the customary start of :math:`f`.

    Args:
        problem: :math:`f`.
        factors: :math:`c > 0`, shape ``(n,)``.
        weight_decay: :math:`\lambda`, one number or one per factor.
        lr: learning rate :math:`\eta`.
        steps: number of steps, at least 0.
        decoupled: shrink the weights by :math:`1 - \eta\lambda` instead of adding
            :math:`\lambda w` to the gradient.

    Returns:
        The last points, shape ``(n, 2)``.

    >>> from rmsprop.experiments.problems import quadratic
    >>> decayed_end(quadratic(condition=4), [1.0], 4.0, lr=0.05, steps=1, decoupled=True)
    array([[0.3, 0.3]])
    """
    factors = np.asarray(factors, dtype=np.float64)[:, None]
    decay = np.asarray(weight_decay, dtype=np.float64)[..., None]
    w = np.broadcast_to(problem.start, (len(factors), 2))
    state = equations.State.start(w.shape)
    for _ in range(steps):
        w, state = equations.step(
            w,
            factors * problem.gradient(w),
            state,
            lr=lr,
            eps=0.0,
            weight_decay=decay,
            decoupled_weight_decay=decoupled,
        )
    return w
