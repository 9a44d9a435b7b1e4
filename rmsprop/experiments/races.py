"""Races: how many steps optimizers need to settle, each at the learning rate that suits it best.

A race is a problem, places to start from, a distance to come within and a budget of steps. Its runs
are those of `rmsprop.experiments.paths`, compiled by Numba, so that hundreds of thousands of them
take seconds.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from rmsprop.experiments.compiled import (
    ARRAY,
    GRADIENT,
    MOST,
    NUMBERS,
    OPTIONS,
    ROWS,
    RULE,
    gradient_loop,
    rule_loop,
)
from rmsprop.experiments.problems import Problem
from rmsprop.experiments.rules import Rule

__all__ = ["COARSE", "FINE", "Race", "Search"]

Array = NDArray[np.float64]

# Rounded, so that chaotic runs are alike on any machine.
COARSE = np.geomspace(1e-4, 1.0, 31).round(12)
FINE = np.geomspace(COARSE[0] / COARSE[1], COARSE[1] / COARSE[0], 17).round(12)


@dataclass(frozen=True)
class Race:
    """What every contestant has to do: come close to a minimum, and stay.

    Attributes:
        problem: what is minimized, its parameters one for all runs.
        starts: where the runs start, shape ``(starts, 2)``.
        budget: in how many steps a run must have come to where it stays.
        patience: for how many further steps it must stay, to have settled.
        within: how close to one of the minima that is.
    """

    problem: Problem
    starts: Array
    budget: int
    patience: int = 4000
    within: float = 0.01

    def steps_to_settle(self, rule: Rule) -> Array:
        """Count the steps that runs need to come to where they stay.

        Args:
            rule: its learning rate may have shape ``(rates,)``; other numbers are one for all runs.

        Returns:
            Step numbers, shape ``(rates, starts)``; inf for a run that does not settle.

        Raises:
            ValueError: if the rule or the problem has a number that is not one for all runs, or
                the learning rate is a schedule, or there are more than 8 numbers.

        >>> from rmsprop.experiments.problems import quadratic
        >>> race = Race(quadratic(condition=2), np.array([[1.0, 1.0]]), budget=50, patience=10)
        >>> from rmsprop.experiments.rules import GradientDescent
        >>> race.steps_to_settle(GradientDescent(np.array([0.5, 1.0, 2.0])))
        array([[ 7.],
               [inf],
               [inf]])
        """
        problem, (lr, *others) = self.problem, vars(rule).values()
        if callable(lr):
            raise ValueError(f"lr must be a number for every run of a race, got the schedule {lr}")
        switches = tuple(value for value in others if isinstance(value, bool))
        numbers = others[: len(others) - len(switches)]
        rates = np.atleast_1d(np.asarray(lr, dtype=np.float64))
        shape = (len(rates), len(self.starts))
        points = np.broadcast_to(self.starts.T[:, None, :], (2, *shape)).flatten()
        of_problem = _one_for_all("problem", problem.name, problem.parameters)
        of_rule = _one_for_all("rule", rule, numbers)
        settled = _race()(
            gradient_loop(problem.partials, len(problem.parameters)),
            of_problem,
            rule_loop(type(rule).move, len(numbers), switches),
            of_rule,
            np.tile(np.repeat(rates, shape[1]), 2),
            points,
            np.array(rule.start(points.shape)[:4]),
            problem.minima.ravel(),
            *(self.within**2, self.budget, self.patience),
        )
        return settled.reshape(shape)

    def search(self, method: Callable[[Array], Rule]) -> "Search":
        """Find the learning rate at which a method settles soonest: on a coarse, then a fine grid.

        Args:
            method: makes the rule for an array of learning rates.

        Returns:
            The best rate, and all that was tried: the 31 rates of `COARSE`, and around the best of
            them the 17 of `FINE`. The score of a rate is the median over the starts.

        >>> from rmsprop.experiments.problems import quadratic
        >>> race = Race(quadratic(condition=3), np.array([[1.0, 0.6]]), budget=50, patience=10)
        >>> from rmsprop.experiments.rules import GradientDescent
        >>> best = race.search(GradientDescent)
        >>> best.steps, round(best.lr, 2)
        (7.0, 0.5)
        """
        coarse = np.median(self.steps_to_settle(method(COARSE)), axis=-1)
        around = COARSE[coarse.argmin()] * FINE
        fine = np.median(self.steps_to_settle(method(around)), axis=-1)
        lrs, scores = np.append(COARSE, around), np.append(coarse, fine)
        order, best = lrs.argsort(), fine.argmin()
        return Search(float(around[best]), float(fine[best]), lrs[order], scores[order])


class Search(NamedTuple):
    """What a search found.

    Attributes:
        lr: the best learning rate.
        steps: its score, a median number of steps; inf if no rate lets half of the runs settle.
        lrs: all rates that were tried, ascending.
        scores: the score of each of them.
    """

    lr: float
    steps: float
    lrs: Array
    scores: Array


def _one_for_all(argument: str, described: object, numbers: Sequence[Any]) -> tuple[float, ...]:
    """Return numbers filled up with zeros."""
    if any(np.ndim(number) for number in numbers):
        raise ValueError(
            f"{argument} must have one number for all runs, but for the learning rate, "
            f"got {described}"
        )
    if len(numbers) > MOST:
        raise ValueError(f"{argument} must have at most {MOST} numbers, got {len(numbers)}")
    return (*map(float, numbers), *[0.0] * (MOST - len(numbers)))


@functools.cache
def _race() -> Callable[..., Array]:
    """Return the compiled loop over the steps."""
    taken = (types.FunctionType(GRADIENT), NUMBERS, types.FunctionType(RULE), NUMBERS)
    given = (*taken, ARRAY, ARRAY, ROWS, ARRAY)
    signature = ARRAY(*given, types.float64, types.int64, types.int64)
    return numba.njit(signature, **OPTIONS)(_run)


def _run(gradient, parameters, rule, numbers, lr, w, kept, minima, radius2, budget, patience):
    n = len(w) // 2
    g = np.zeros(2 * n)
    x, y, gx, gy = w[:n], w[n:], g[:n], g[n:]
    since, settled = np.zeros(n), np.full(n, np.inf)
    for t in range(budget + patience + 1):
        _mark(x, y, minima, radius2, t, patience, since, settled)
        gradient(x, y, parameters, gx, gy)
        rule(w, g, kept, t, lr, numbers)
    return settled


@numba.njit(**OPTIONS)
def _mark(x, y, minima, radius2, t, patience, since, settled):
    """Note since when every run has been inside, and that step where it has been so for long."""
    for i in range(len(x)):
        nearest = np.inf
        for k in range(0, len(minima), 2):
            u, v = x[i] - minima[k], y[i] - minima[k + 1]
            nearest = min(nearest, u * u + v * v)
        since[i] = since[i] if nearest <= radius2 else t + 1.0
        settled[i] = min(settled[i], since[i]) if t - since[i] >= patience else settled[i]
