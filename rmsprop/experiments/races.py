"""Races: how many steps optimizers need to settle, each at the learning rate that suits it best.

A race is a problem, places to start from, a distance to come within and a budget of steps. Its runs
are those of `rmsprop.experiments.paths`, compiled by Numba, so that hundreds of thousands of them
take seconds.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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

__all__ = ["COARSE", "FINE", "Race", "Runs", "Search"]

Array = NDArray[np.float64]

#: Learning rates to begin with. Rounded, so that chaotic runs are alike on any machine.
COARSE = np.geomspace(1e-4, 1.0, 31).round(12)
#: Factors to go on with, around the best of these; rounded too.
FINE = np.geomspace(COARSE[0] / COARSE[1], COARSE[1] / COARSE[0], 17).round(12)


class Runs(NamedTuple):
    """How runs came to where they stay.

    Attributes:
        steps: how many they took; inf for a run that does not settle, shape ``(rates, starts)``.
        lengths: of their paths until then, same shape.
    """

    steps: Array
    lengths: Array


@dataclass(frozen=True)
class Race:
    r"""What every contestant has to do: come close to a minimum, and stay.

    Attributes:
        problem: what is minimized, its parameters one for all runs.
        starts: where the runs start, shape ``(starts, 2)``.
        budget: in how many steps a run must have come to where it stays.
        patience: for how many further steps it must stay, to have settled.
        within: how close to one of the minima that is.
        noise: matrix :math:`L`, shape ``(2, 2)``: gradients are the problem's plus :math:`L \xi`
            with :math:`\xi` standard normal, new at every step and start, the same for all rates.
        seed: of the noise.
        falling: whether learning rates fall linearly, to 0 at the end of the budget. There a run
            stays for good, so that it needs no patience: it has settled if it ends inside.
    """

    problem: Problem
    starts: Array
    budget: int
    patience: int = 4000
    within: float = 0.01
    noise: Array = field(default_factory=lambda: np.zeros((2, 2)))
    seed: int = 0
    falling: bool = False

    def steps_to_settle(self, rule: Rule) -> Array:
        """Count the steps that runs need to come to where they stay.

        Args:
            rule: as `run` takes it.

        Returns:
            Step numbers, shape ``(rates, starts)``; inf for a run that does not settle.

        Raises:
            ValueError: as `run` does.

        >>> from rmsprop.experiments.problems import quadratic
        >>> from rmsprop.experiments.rules import GradientDescent
        >>> race = Race(quadratic(condition=2), np.array([[1.0, 1.0]]), budget=50, patience=10)
        >>> race.steps_to_settle(GradientDescent(np.array([0.5, 2.0])))
        array([[ 7.],
               [inf]])
        """
        return self.run(rule).steps

    def run(self, rule: Rule) -> Runs:
        """Let runs come to where they stay.

        Args:
            rule: its learning rate may have shape ``(rates,)``; other numbers are one for all runs.

        Returns:
            How many steps they took, and how long their ways were.

        Raises:
            ValueError: if the rule or the problem has a number that is not one for all runs, or
                the learning rate is a schedule, or there are more than 8 numbers.

        >>> from rmsprop.experiments.problems import quadratic
        >>> race = Race(quadratic(condition=1), np.array([[3.0, 4.0]]), budget=50, patience=10)
        >>> from rmsprop.experiments.rules import GradientDescent
        >>> race.run(GradientDescent(np.array([1.0])))
        Runs(steps=array([[1.]]), lengths=array([[5.]]))
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
        runs = _race()(
            gradient_loop(problem.partials, len(problem.parameters)),
            of_problem,
            rule_loop(type(rule).move, len(numbers), switches),
            of_rule,
            np.tile(np.repeat(rates, shape[1]), 2),
            points,
            np.array(rule.start(points.shape)[:4]),
            problem.minima.ravel(),
            np.asarray(self.noise, dtype=np.float64).ravel(),
            np.random.default_rng(self.seed),
            self.within**2,
            (self.budget, self.patience, len(self.starts), int(self.falling)),
        )
        return Runs(*(each.reshape(shape) for each in runs))

    def search(self, method: Callable[[Array], Rule]) -> "Search":
        """Find the learning rate at which a method settles soonest: on a coarse, then a fine grid.

        Args:
            method: makes the rule for an array of learning rates.

        Returns:
            The best rate, and all that was tried, the 31 rates of `COARSE`, and around the best of
            them the 17 of `FINE`. The score of a rate is the median over the starts.

        >>> from rmsprop.experiments.problems import quadratic
        >>> race = Race(quadratic(condition=3), np.array([[1.0, 0.6]]), budget=50, patience=10)
        >>> from rmsprop.experiments.rules import GradientDescent
        >>> best = race.search(GradientDescent)
        >>> best.steps, round(best.lr, 2)
        (7.0, 0.5)
        """
        return self.searches(method, [0.5])[0]

    def searches(self, method: Callable[[Array], Rule], shares: Sequence[float]) -> "list[Search]":
        """Find the rates at which a share of the runs have settled soonest.

        Args:
            method: as `search` takes it.
            shares: in (0, 1]. A half is scored by the median, as `search` does.

        Returns:
            What `search` would for each share.

        >>> from rmsprop.experiments.problems import quadratic
        >>> race = Race(quadratic(condition=3), np.eye(2), budget=50, patience=10)
        >>> from rmsprop.experiments.rules import GradientDescent
        >>> [best.steps for best in race.searches(GradientDescent, [0.5, 1.0])]
        [6.5, 7.0]
        """
        coarse = self.steps_to_settle(method(COARSE))
        return [self._refine(method, coarse, share) for share in shares]

    def _refine(self, method: Callable[[Array], Rule], steps: Array, share: float) -> "Search":
        coarse = _quantile(steps, share)
        around = COARSE[coarse.argmin()] * FINE
        fine = _quantile(self.steps_to_settle(method(around)), share)
        lrs, scores = np.append(COARSE, around), np.append(coarse, fine)
        order, best = lrs.argsort(), fine.argmin()
        return Search(float(around[best]), float(fine[best]), lrs[order], scores[order])


class Search(NamedTuple):
    """What a search found.

    Attributes:
        lr: the best learning rate.
        steps: its score, a number of steps; inf if no rate lets enough of the runs settle.
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


def _quantile(steps: Array, share: float) -> Array:
    """Return the steps after which a share of the runs have settled, as a median has the half."""
    steps, count = np.sort(steps, axis=-1), share * steps.shape[-1]
    upper = min(math.floor(count), steps.shape[-1] - 1)
    return np.asarray((steps[..., math.ceil(count) - 1] + steps[..., upper]) / 2)


@functools.cache
def _race() -> Callable[..., tuple[Array, Array]]:
    """Return the compiled loop over the steps."""
    taken = (types.FunctionType(GRADIENT), NUMBERS, types.FunctionType(RULE), NUMBERS)
    others = (numba.typeof(np.random.default_rng()), types.float64, types.UniTuple(types.int64, 4))
    signature = types.UniTuple(ARRAY, 2)(*taken, ARRAY, ARRAY, ROWS, ARRAY, ARRAY, *others)
    return numba.njit(signature, **OPTIONS)(_run)


def _run(gradient, parameters, rule, numbers, lr, w, kept, minima, noise, rng, radius2, counts):
    budget, patience, starts, falling = counts
    n = len(w) // 2
    g, before, rate = np.zeros(2 * n), w.copy(), lr.copy()
    x, y, gx, gy = w[:n], w[n:], g[:n], g[n:]
    way, since, settled, lengths = np.zeros(n), np.zeros(n), np.full(n, np.inf), np.zeros(n)
    for t in range(budget + 1 if falling else budget + patience + 1):
        for i in range(n):
            u, v = x[i] - before[i], y[i] - before[n + i]
            way[i] += np.sqrt(u * u + v * v)
        before[:] = w
        if falling:
            rate[:] = lr * (1 - t / budget)
            patience = 0 if t == budget else budget + 1
        _mark(x, y, minima, radius2, t, patience, since, settled, way, lengths)
        gradient(x, y, parameters, gx, gy)
        _disturb(gx, gy, noise, rng, starts)
        rule(w, g, kept, t, rate, numbers)
    return settled, lengths


@numba.njit(**OPTIONS)
def _disturb(gx, gy, noise, rng, starts):
    """Add noise to gradients; runs from one start share it."""
    if not noise.any():
        return
    for start in range(starts):
        u, v = rng.standard_normal(), rng.standard_normal()
        for i in range(start, len(gx), starts):
            gx[i] += noise[0] * u + noise[1] * v
            gy[i] += noise[2] * u + noise[3] * v


@numba.njit(**OPTIONS)
def _mark(x, y, minima, radius2, t, patience, since, settled, way, lengths):
    """Note since when every run has been inside, and that step where it has been so for long."""
    for i in range(len(x)):
        nearest = np.inf
        for k in range(0, len(minima), 2):
            u, v = x[i] - minima[k], y[i] - minima[k + 1]
            nearest = min(nearest, u * u + v * v)
        if not nearest <= radius2:
            since[i] = t + 1.0
        elif since[i] == t and settled[i] == np.inf:
            lengths[i] = way[i]
        settled[i] = min(settled[i], since[i]) if t - since[i] >= patience else settled[i]
