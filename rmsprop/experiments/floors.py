"""Where a run at a constant rate hovers: its loss, the floor by its state, its mean point."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations
from rmsprop.equations import State
from rmsprop.experiments.rules import RMSpropRule

__all__ = ["Hovering", "anneal", "hover", "noisy_quadratic", "quadratics", "random_hessian"]

Array = NDArray[np.float64]
Gradient = Callable[[Array], Array]


class Hovering(NamedTuple):
    """Means over the last steps of runs, and where these have ended.

    Attributes:
        loss: mean of the loss, shape ``(runs,)``.
        floor: mean of `rmsprop.equations.state_floor`, shape ``(runs,)``.
        center: mean of the points, shape ``(runs, n)``.
        point: the last one, shape ``(runs, n)``.
        state: after the last step.
    """

    loss: Array
    floor: Array
    center: Array
    point: Array
    state: State


def hover(
    value: Callable[[Array], Array],
    gradient: Gradient,
    start: ArrayLike,
    rule: RMSpropRule,
    *,
    steps: int,
    watched: int,
    every: int = 1,
) -> Hovering:
    """Follow runs at constant rates and watch their last steps.

    Args:
        value: maps points of shape ``(runs, n)`` to losses of shape ``(runs,)``, without noise.
        gradient: maps points to gradients of their shape, with noise if there is any.
        start: shape ``(runs, n)``.
        rule: its arrays have shape ``(runs,)``; not centered, not scheduled, no decoupled decay.
        steps: in all.
        watched: how many of them, the last ones, the means are over.
        every: of these, at how many steps' distance the loss is computed.

    Returns:
        What was seen.

    >>> rule = RMSpropRule(np.array([0.1]), alpha=0.5, eps=0.0)
    >>> value, gradient = noisy_quadratic(np.eye(1), [0.0], seed=0)
    >>> seen = hover(value, gradient, [[1.0]], rule, steps=200, watched=50)
    >>> seen.loss.round(9), seen.floor.round(9)
    (array([0.00125]), array([0.00125]))
    """
    point = np.asarray(start, dtype=np.float64)
    state = rule.start(point.shape)
    loss, floor, center = np.zeros(len(point)), np.zeros(len(point)), np.zeros(point.shape)
    for left in reversed(range(steps)):
        if left < watched:
            center += point / watched
            if left % every == 0:
                loss += value(point) * every / watched
        point, state = rule.step(point, gradient(point), state)
        if left < watched:
            floor += _floor(rule, state) / watched
    return Hovering(loss, floor, center, point, state)


def _floor(rule: RMSpropRule, state: State) -> Array:
    """Return the floor by what a rule remembers, shape ``(runs,)``."""
    return equations.state_floor(
        state.square_avg,
        np.asarray(rule.lr),
        rule.eps,
        eps_in_sqrt=rule.eps_in_sqrt,
        momentum=rule.momentum,
        momentum_buffer=state.momentum_buffer,
        nesterov=rule.nesterov,
    )


def anneal(gradient: Gradient, seen: Hovering, rule: RMSpropRule, steps: int) -> Array:
    """Go on from where runs have ended, with a rate that falls linearly to zero.

    Args:
        gradient: as for `hover`.
        seen: what that returned.
        rule: that it was given.
        steps: of the decay.

    Returns:
        The last points, shape ``(runs, n)``.
    """
    options = vars(rule) | {
        "lr": lambda t: np.asarray(rule.lr) * (1 - (t - 1 - seen.state.t) / steps)
    }
    falling = RMSpropRule(**options)
    point, state = seen.point, seen.state
    for _ in range(steps):
        point, state = falling.step(point, gradient(point), state)
    return point


def random_hessian(n: int, seed: int) -> Array:
    """Draw a Hessian: that of a least-squares fit to as many normal examples as weights.

    >>> np.linalg.eigvalsh(random_hessian(5, seed=0)).min() > 0
    np.True_
    """
    factors = np.random.default_rng(seed).standard_normal((n, n))
    return factors @ factors.T / n


def noisy_quadratic(
    hessian: Array, noise: ArrayLike, seed: int
) -> tuple[Callable[[Array], Array], Gradient]:
    """Return a quadratic's value, and its gradient with normal noise of another random covariance.

    Args:
        hessian: shape ``(n, n)``.
        noise: factor of the noise, shape ``(runs,)``.
        seed: of covariance and noise.

    Returns:
        The functions that `hover` takes; the minimum is 0, at 0.
    """
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal(hessian.shape) / np.sqrt(len(hessian))
    size = np.asarray(noise)[:, None]

    def gradient(points: Array) -> Array:
        return points @ hessian + size * (rng.standard_normal(points.shape) @ mixed)

    return lambda points: (points @ hessian * points).sum(axis=-1) / 2, gradient


def quadratics(hessians: Array) -> tuple[Callable[[Array], Array], Gradient]:
    """Return the values and gradients of quadratics, one for each run.

    Args:
        hessians: shape ``(runs, n, n)``.

    Returns:
        The functions that `hover` takes; the minima are 0, at 0.

    >>> value, gradient = quadratics(np.array([[[2.0]], [[4.0]]]))
    >>> value(np.ones((2, 1))), gradient(np.ones((2, 1)))[:, 0]
    (array([1., 2.]), array([2., 4.]))
    """

    def gradient(points: Array) -> Array:
        return np.einsum("kij,kj->ki", hessians, points)

    return lambda points: (points * gradient(points)).sum(axis=-1) / 2, gradient
