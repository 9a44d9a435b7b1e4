"""Which steps a rule takes where the gradients are given, wherever it goes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.rules import Rule

__all__ = ["mean_step", "steps_along"]

Array = NDArray[np.float64]


def steps_along(gradients: ArrayLike, rule: Rule) -> Array:
    r"""Let a rule follow given gradients.

    Every step starts at 0, so that it is not rounded to the digits of a point far away.

    Args:
        gradients: shape ``(steps, ..., d)``.
        rule: its arrays broadcast against the axes between the first and the last.

    Returns:
        The steps :math:`w_{t-1} - w_t`, downhill where the gradient is positive, shape
        ``(steps, ..., d)``.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> steps_along([[1.0], [2.0]], GradientDescent(lr=1.0, momentum=0.5))
    array([[1. ],
           [2.5]])
    """
    gradients = np.asarray(gradients, dtype=np.float64)
    start = np.zeros(gradients.shape[1:])
    steps, state = np.empty(gradients.shape), rule.start(start.shape)
    for t, grad in enumerate(gradients):
        point, state = rule.step(start, grad, state)
        steps[t] = -point
    return steps


def mean_step(mean: ArrayLike, rule: Rule, *, runs: int, steps: int, seed: int) -> Array:
    r"""Average the steps that a rule takes for gradients with a mean and unit Gaussian noise.

    Args:
        mean: of the gradients, shape ``(n,)``.
        rule: its numbers are the same for all.
        runs: for each mean, at least 1.
        steps: of each run, at least 2. The second half is averaged, when the start is forgotten.
        seed: of the noise, which differs from run to run.

    Returns:
        Mean of :math:`w_{t-1} - w_t` over the second half and the runs, shape ``(n,)``.

    >>> from rmsprop.experiments.rules import GradientDescent
    >>> mean_step([100.0], GradientDescent(lr=0.5), runs=9, steps=200, seed=0).round(1)
    array([50.])
    """
    mean = np.asarray(mean, dtype=np.float64)[:, None]
    stream = np.random.default_rng(seed)

    def gradient(point: Array) -> Array:
        return mean + stream.standard_normal(point.shape)

    late = trajectory(gradient, np.zeros((len(mean), runs)), rule, steps)[steps // 2 :]
    # Divided before they are added, which is how the published figures are rounded.
    return ((late[:-1] - late[1:]) / (len(late) - 1)).sum(axis=0).mean(axis=1)
