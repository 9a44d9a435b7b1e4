"""Weights with noisy gradients: where many runs are at the end, and how soon their mean moves."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.equations import Moments
from rmsprop.experiments.rules import RMSpropRule, Rule

__all__ = ["exact_steps", "held_moments", "noisy_ends", "noisy_steps", "step_gain"]

Array = NDArray[np.float64]


def noisy_ends(
    rule: RMSpropRule, *, noise: float, start: float, steps: int, chains: int, seed: int
) -> Array:
    """Follow independent weights on a parabola of curvature 1, with normal noise.

    Args:
        rule: its numbers are the same for all.
        noise: standard deviation of the gradients.
        start: where all begin.
        steps: number of steps.
        chains: how many weights.
        seed: of the noise.

    Returns:
        The weights after the last step, shape ``(chains,)``.

    >>> rule = RMSpropRule(0.1, alpha=0.5, eps=0.0, initial_accumulator_value=1.0)
    >>> noisy_ends(rule, noise=0.0, start=1.0, steps=1, chains=2, seed=0)
    array([0.9, 0.9])
    """
    rng = np.random.default_rng(seed)
    point, state = np.full(chains, start), rule.start((chains,))
    for _ in range(steps):
        gradient = point + noise * rng.standard_normal(chains)
        point, state = rule.step(point, gradient, state)
    return point


def held_moments(
    ratio: ArrayLike, rule: RMSpropRule, *, steps: int, chains: int, seed: int
) -> Moments:
    r"""Follow weights that a gradient of mean :math:`-r` and standard deviation 1 pushes outwards.

    Args:
        ratio: :math:`r`, shape ``(runs,)``.
        rule: its numbers have this shape; its decay holds the weights.
        steps: moments are those of every tenth point in their second half.
        chains: how many weights in each run.
        seed: of the noise.

    Returns:
        Over points and chains, shape ``(runs,)``.

    >>> rule = RMSpropRule([0.1], alpha=0.5, weight_decay=1.0, decoupled_weight_decay=True)
    >>> held_moments([1e9], rule, steps=400, chains=2, seed=0).mean.round(6)
    array([1.])
    """
    rng = np.random.default_rng(seed)
    r = np.asarray(ratio, dtype=np.float64)[:, None]
    point = np.zeros((len(r), chains))
    state, seen = rule.start(point.shape), []
    for t in range(steps):
        point, state = rule.step(point, -r + rng.standard_normal(point.shape), state)
        if t >= steps // 2 and t % 10 == 0:
            seen.append(point)
    return Moments(np.mean(seen, axis=(0, 2)), np.var(seen, axis=(0, 2)))


def noisy_steps(
    hessian: Array,
    spread: Array,
    start: Array,
    rule: Rule,
    *,
    limit: int,
    chains: int,
    seed: int,
) -> int:
    r"""Count the steps until the mean of many runs has come half of the way to the minimum.

    Args:
        hessian: of the quadratic, with its minimum at 0, shape ``(n, n)``.
        spread: the noise is this matrix times independent normal numbers, shape ``(n, n)``.
        start: shape ``(n,)``.
        rule: its numbers are the same for all runs.
        limit: so many steps at most.
        chains: how many runs.
        seed: of the noise.

    Returns:
        The step at which the mean's share of the start is first below a half.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> none, one = np.zeros((1, 1)), np.ones((1, 1))
    >>> noisy_steps(one, none, np.ones(1), GradientDescent(0.1), limit=99, chains=1, seed=0)
    7
    """
    rng = np.random.default_rng(seed)
    point = np.tile(start, (chains, 1))
    state, target = rule.start(point.shape), start @ start / 2
    for t in range(1, limit + 1):
        gradient = point @ hessian + rng.standard_normal(point.shape) @ spread.T
        point, state = rule.step(point, gradient, state)
        if point.mean(axis=0) @ start < target:
            return t
    return limit


def exact_steps(hessian: Array, start: Array, rule: Rule, *, limit: int, within: float) -> Array:
    """Count the steps after which runs with exact gradients stay within a distance of 0.

    Args:
        hessian: of the quadratic, with its minimum at 0, shape ``(n, n)``.
        start: shape ``(n,)``.
        rule: its numbers have shape ``(runs,)``.
        limit: number of steps that are taken.
        within: the distance.

    Returns:
        Shape ``(runs,)``, `limit` where a run has not arrived.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> exact_steps(np.eye(1), np.ones(1), GradientDescent([0.9]), limit=9, within=0.02)
    array([2])
    """
    runs = rule.numbers(1)[0].shape[0]
    point = np.tile(start, (runs, 1))
    state, last = rule.start(point.shape), np.zeros(runs, dtype=int)
    for t in range(1, limit + 1):
        point, state = rule.step(point, point @ hessian, state)
        last[~(np.linalg.norm(point, axis=1) <= within)] = t
    return np.minimum(last + 1, limit)


def step_gain(grad: Array, noise: Array, hessian: Array, rate: ArrayLike, *, seed: int) -> Array:
    r"""Measure by how much one step lowers a quadratic, in the mean over normal noise.

    Args:
        grad: the gradient without noise, shape ``(n,)``.
        noise: its standard deviations, shape ``(n,)``.
        hessian: shape ``(n, n)``.
        rate: learning rates; the divisor is the root mean square of the gradients.
        seed: of the noise, 20,000 steps of it.

    Returns:
        The shape of the rates.

    >>> step_gain(np.ones(1), np.zeros(1), np.eye(1), [1.0, 2.0], seed=0)
    array([0.5, 0. ])
    """
    rng = np.random.default_rng(seed)
    step = (grad + noise * rng.standard_normal((20_000, len(grad)))) / np.hypot(grad, noise)
    slope, curved = (step @ grad).mean(), ((step @ hessian) * step).sum(axis=1).mean()
    eta = np.asarray(rate, dtype=np.float64)
    return np.asarray(eta * slope - eta**2 / 2 * curved)
