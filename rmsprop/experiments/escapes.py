"""Runs with noisy gradients that begin where the gradient vanishes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.problems import Problem
from rmsprop.experiments.rules import Rule

__all__ = ["noisy_losses"]


def noisy_losses(
    problem: Problem, rule: Rule, noise: ArrayLike, *, chains: int, steps: int, every: int
) -> NDArray[np.float64]:
    """Follow a rule from a problem's start with Gaussian noise on its gradients, many times.

    Args:
        problem: what is minimized.
        rule: its numbers are the same for all chains.
        noise: standard deviation along each coordinate, shape ``(2,)``.
        chains: how many; each has its own noise, the same for every rule.
        steps: number of steps, at least 0.
        every: how many steps lie between two looks at the loss.

    Returns:
        Losses without noise, a row for each look, the start's first, a column for each chain, shape
        ``(steps // every + 1, chains)``.

    >>> from rmsprop.experiments.problems import saddle
    >>> from rmsprop.experiments.rules import GradientDescent
    >>> noisy_losses(saddle(), GradientDescent(0.1), [0, 0], chains=2, steps=4, every=2)
    array([[0., 0.],
           [0., 0.],
           [0., 0.]])
    """
    rng = np.random.default_rng(0)
    noise = np.asarray(noise, dtype=np.float64)
    point = np.tile(problem.start, (chains, 1))
    state, losses = rule.start(point.shape), [problem.value(point)]
    for t in range(1, steps + 1):
        grad = problem.gradient(point) + noise * rng.standard_normal(point.shape)
        point, state = rule.step(point, grad, state)
        if t % every == 0:
            losses.append(problem.value(point))
    return np.array(losses)
