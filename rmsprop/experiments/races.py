"""Races: how many steps optimizers need to settle, each at the learning rate that suits it best.

A race is a problem, places to start from, a distance to come within and a budget of steps. Its runs
are those of `rmsprop.experiments.paths`, compiled by Numba, so that hundreds of thousands of them
take seconds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.problems import Problem
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule, Rule

__all__ = ["COARSE", "FINE", "Race", "Search"]

Array = NDArray[np.float64]

# Rounded, so that chaotic runs are alike on any machine.
COARSE = np.geomspace(1e-4, 1.0, 31).round(12)
FINE = np.geomspace(COARSE[0] / COARSE[1], COARSE[1] / COARSE[0], 17).round(12)

# Which compiled gradient a problem has, by its name.
QUADRATIC, ROSENBROCK, BEALE, HIMMELBLAU = range(4)
GRADIENTS = {
    "quadratic": QUADRATIC,
    "Rosenbrock": ROSENBROCK,
    "Beale": BEALE,
    "Himmelblau": HIMMELBLAU,
}
DESCENT, RMSPROP, CENTERED, ADAM = range(4)


@dataclass(frozen=True)
class Race:
    """What every contestant has to do: come close to a minimum, and stay.

    Attributes:
        problem: a quadratic valley, Rosenbrock's, Beale's or Himmelblau's function.
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
            rule: `GradientDescent`, `RMSpropRule` without momentum and the like, or `Adam`. Its
                learning rate may have shape ``(rates,)``; other numbers are one for all runs.

        Returns:
            Step numbers, shape ``(rates, starts)``; inf for a run that does not settle.

        Raises:
            ValueError: for a problem or a rule that is not compiled.

        >>> from rmsprop.experiments.problems import quadratic
        >>> race = Race(quadratic(condition=2), np.array([[1.0, 1.0]]), budget=50, patience=10)
        >>> race.steps_to_settle(GradientDescent(np.array([0.5, 1.0, 2.0])))
        array([[ 7.],
               [inf],
               [inf]])
        """
        if self.problem.name not in GRADIENTS:
            names = ", ".join(GRADIENTS)
            raise ValueError(f"problem must be one of {names}, got {self.problem.name}")
        gradient = GRADIENTS[self.problem.name]
        # The gradient of a quadratic is linear: its values at two points say all.
        valley = self.problem.gradient(np.eye(2)).ravel()
        kind, *numbers = _compiled(rule)
        lr = np.atleast_1d(np.asarray(rule.lr, dtype=np.float64))  # type: ignore[attr-defined]
        shape = (len(lr), len(self.starts))
        points = np.broadcast_to(self.starts.T[:, None, :], (2, *shape)).flatten()
        settled = _run(  # type: ignore[call-arg]
            *(gradient, valley, kind, *numbers, np.tile(np.repeat(lr, shape[1]), 2), points),
            *(self.problem.minima.ravel(), self.within**2, self.budget, self.patience),
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


def _compiled(rule: Rule) -> tuple[int, float, float, float]:
    """Return which compiled rule it is, and its numbers."""
    kind = -1
    numbers: tuple[ArrayLike, ...] = ()
    if isinstance(rule, GradientDescent):
        kind, numbers = DESCENT, (rule.momentum, 0, 0)
    elif isinstance(rule, RMSpropRule) and not any(
        np.any(value)
        for option, value in vars(rule).items()
        if option not in ("lr", "alpha", "eps", "centered")
    ):
        kind, numbers = CENTERED if rule.centered else RMSPROP, (rule.alpha, 0, rule.eps)
    elif isinstance(rule, Adam):
        kind, numbers = ADAM, (rule.beta1, rule.beta2, rule.eps)
    if kind < 0 or any(np.ndim(number) for number in numbers):
        raise ValueError(
            "rule must be gradient descent, plain or centered RMSprop, or Adam, "
            f"with one number for all runs but the learning rate, got {rule}"
        )
    a, b, eps = (float(np.asarray(number)) for number in numbers)
    return kind, a, b, eps


# --- what is compiled: one loop over all runs after the other, which LLVM vectorizes --------------


@numba.njit(error_model="numpy")
def _run(gradient, valley, kind, a, b, eps, lr, w, minima, radius2, budget, patience):
    n = len(w) // 2
    g, first, second = np.zeros(2 * n), np.zeros(2 * n), np.zeros(2 * n)
    x, y, gx, gy = w[:n], w[n:], g[:n], g[n:]
    since, settled = np.zeros(n), np.full(n, np.inf)
    for t in range(budget + patience + 1):
        _mark(x, y, minima, radius2, t, patience, since, settled)
        if gradient == QUADRATIC:
            _quadratic(x, y, valley, gx, gy)
        elif gradient == ROSENBROCK:
            _rosenbrock(x, y, gx, gy)
        elif gradient == BEALE:
            _beale(x, y, gx, gy)
        else:
            _himmelblau(x, y, gx, gy)
        if kind == DESCENT:
            _descend(w, g, first, lr, a)
        elif kind == RMSPROP:
            _rmsprop(w, g, first, lr, a, eps)
        elif kind == CENTERED:
            _centered(w, g, first, second, lr, a, eps)
        else:
            _adam(w, g, first, second, lr, a, b, eps, t + 1)
    return settled


@numba.njit(error_model="numpy")
def _mark(x, y, minima, radius2, t, patience, since, settled):
    """Note since when every run has been inside, and that step where it has been so for long."""
    for i in range(len(x)):
        nearest = np.inf
        for k in range(0, len(minima), 2):
            u, v = x[i] - minima[k], y[i] - minima[k + 1]
            nearest = min(nearest, u * u + v * v)
        since[i] = since[i] if nearest <= radius2 else t + 1.0
        settled[i] = min(settled[i], since[i]) if t - since[i] >= patience else settled[i]


@numba.njit(error_model="numpy")
def _quadratic(x, y, valley, gx, gy):
    xx, xy, yy = valley[0], valley[1], valley[3]
    for i in range(len(x)):
        gx[i] = xx * x[i] + xy * y[i]
        gy[i] = xy * x[i] + yy * y[i]


@numba.njit(error_model="numpy")
def _rosenbrock(x, y, gx, gy):
    for i in range(len(x)):
        above = y[i] - x[i] * x[i]
        gx[i] = -2 * (1 - x[i]) - 400 * x[i] * above
        gy[i] = 200 * above


@numba.njit(error_model="numpy")
def _beale(x, y, gx, gy):
    for i in range(len(x)):
        y1 = y[i]
        y2 = y1 * y1
        y3 = y2 * y1
        r1, r2, r3 = 1.5 - x[i] * (1 - y1), 2.25 - x[i] * (1 - y2), 2.625 - x[i] * (1 - y3)
        gx[i] = -2 * (r1 * (1 - y1) + r2 * (1 - y2) + r3 * (1 - y3))
        gy[i] = 2 * x[i] * (r1 + 2 * r2 * y1 + 3 * r3 * y2)


@numba.njit(error_model="numpy")
def _himmelblau(x, y, gx, gy):
    for i in range(len(x)):
        p, q = x[i] * x[i] + y[i] - 11, x[i] + y[i] * y[i] - 7
        gx[i] = 4 * x[i] * p + 2 * q
        gy[i] = 2 * p + 4 * y[i] * q


@numba.njit(error_model="numpy")
def _descend(w, g, buffer, lr, momentum):
    for i in range(len(w)):
        buffer[i] = momentum * buffer[i] + g[i]
        w[i] -= lr[i] * buffer[i]


@numba.njit(error_model="numpy")
def _rmsprop(w, g, square_avg, lr, alpha, eps):
    for i in range(len(w)):
        square_avg[i] = alpha * square_avg[i] + (1 - alpha) * (g[i] * g[i])
        root = math.sqrt(square_avg[i]) + eps
        w[i] -= lr[i] * (g[i] / root) if root > 0 else 0.0


@numba.njit(error_model="numpy")
def _centered(w, g, grad_avg, grad_var, lr, alpha, eps):
    for i in range(len(w)):
        deviation = g[i] - grad_avg[i]
        grad_avg[i] += (1 - alpha) * deviation
        grad_var[i] = alpha * (grad_var[i] + (1 - alpha) * (deviation * deviation))
        root = math.sqrt(grad_var[i]) + eps
        w[i] -= lr[i] * (g[i] / root) if root > 0 else 0.0


@numba.njit(error_model="numpy")
def _adam(w, g, grad_avg, square_avg, lr, beta1, beta2, eps, t):
    factor1, factor2 = 1 - beta1**t, 1 - beta2**t
    for i in range(len(w)):
        grad_avg[i] = beta1 * grad_avg[i] + (1 - beta1) * g[i]
        square_avg[i] = beta2 * square_avg[i] + (1 - beta2) * (g[i] * g[i])
        root = math.sqrt(square_avg[i] / factor2) + eps
        w[i] -= lr[i] * (grad_avg[i] / factor1) / root
