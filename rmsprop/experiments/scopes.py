"""A race in a valley under other conditions than the customary ones: does its result carry?"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmsprop.experiments.races import Race
from rmsprop.experiments.rules import GradientDescent, Rule
from rmsprop.experiments.valleys import circle, crossing, valley_race

__all__ = ["Best", "Conditions", "Outcome", "compare", "curvature_noise", "heavy_ball"]

Array = NDArray[np.float64]
Method = Callable[[Array], Rule]

CONDITION_NUMBERS = np.array([1, 3, 10, 30, 100, 300, 1000, 3000, 10_000])
# Lengths of runs whose rate falls, a tenth apart.
HORIZONS = np.unique(np.geomspace(30_000, 1, 109).round().astype(int))[::-1]


class Best(NamedTuple):
    """What a method does at its best rate: medians of steps, and of the length of the way.

    The length is nan where rates fall: there many rates do as well, by very different ways.
    """

    lr: float
    steps: float
    length: float


class Outcome(NamedTuple):
    """How RMSprop compares, at condition number 10,000 along an axis and turned by 45 degrees.

    Attributes:
        steps: of RMSprop, shape ``(2,)``: aligned, turned.
        faster: the rival's steps over RMSprop's, likewise.
        shorter: the length of the rival's way over that of RMSprop's, likewise.
        crossing: condition number above which RMSprop takes fewer steps, aligned; nan for noise and
            falling rates, where the curves run side by side for long, or RMSprop always wins.
    """

    steps: Array
    faster: Array
    shorter: Array
    crossing: float


@dataclass(frozen=True)
class Conditions:
    r"""What a race in a valley leaves open.

    Attributes:
        within: how close to the minimum a run must stay.
        noise: :math:`\sigma`, the size of `curvature_noise`.
        seed: of the noise.
        starts: for the valley along the axis, shape ``(n, 2)``.
        falling: whether RMSprop's rate falls linearly to 0, in the shortest run that does.
        nudge: by which part of themselves the starts are changed.
    """

    within: float = 0.01
    noise: float = 0.0
    seed: int = 0
    starts: Array = field(default_factory=lambda: circle(12))
    falling: bool = False
    nudge: float = 0.0

    def race(self, condition: float, angle: float) -> Race:
        """Set up the race, with time for gradient descent to come that close.

        >>> Conditions(within=0.001).race(100, 0.0).budget
        8400
        """
        race = valley_race(condition, angle, self.starts)
        noise = curvature_noise(condition, angle, self.noise)
        budget = int(8000 + 4 * condition)
        race = replace(race, within=self.within, noise=noise, seed=self.seed, budget=budget)
        return replace(race, starts=race.starts * (1 + self.nudge))

    def best(self, condition: float, angle: float, method: Method) -> Best:
        """Find a method's best rate: a constant one, or the one that falls in the shortest run.

        >>> best = Conditions().best(1, 0.0, GradientDescent)
        >>> best.steps, round(best.length, 2)
        (1.0, 1.0)
        """
        if not self.falling:
            race = self.race(condition, angle)
            found = race.search(method)
            lengths = race.run(method(np.array([found.lr]))).lengths
            return Best(found.lr, found.steps, float(np.median(lengths)))
        best = Best(np.nan, np.inf, np.nan)
        longest = 30_000 if angle else 3000  # along an axis some hundreds are enough
        for horizon in HORIZONS[longest >= HORIZONS]:
            race = replace(self.race(condition, angle), budget=int(horizon), falling=True)
            found = race.search(method)
            if not np.isfinite(found.steps):
                break
            best = Best(found.lr, float(horizon), np.nan)
        return best


def compare(conditions: Conditions, ours: Method, rivals: Callable[[float], Method]) -> Outcome:
    """Race a method against a rival under some conditions, each at its best rate.

    Args:
        conditions: of the race. The rival's rate is constant, which suits gradient descent better.
        ours: the method.
        rivals: maps a condition number to the rival, which may be tuned to it.

    Returns:
        Who wins, and by how much.

    Raises:
        ValueError: unless the method begins to win at one condition number.
    """
    constant = replace(conditions, falling=False)
    ways = [0.0, np.pi / 4]
    mine = [conditions.best(10_000, angle, ours) for angle in ways]
    rival = [constant.best(10_000, angle, rivals(10_000)) for angle in ways]
    return Outcome(
        np.array([best.steps for best in mine]),
        np.array([theirs.steps for theirs in rival]) / [best.steps for best in mine],
        np.array([theirs.length for theirs in rival]) / [best.length for best in mine],
        np.nan if conditions.falling or conditions.noise else _crossing(constant, mine[0], rivals),
    )


def _crossing(conditions: Conditions, mine: Best, rivals: Callable[[float], Method]) -> float:
    """Find where a rival's curve crosses RMSprop's, which without noise is level along an axis."""
    curve = [conditions.best(k, 0.0, rivals(k)).steps for k in CONDITION_NUMBERS]
    return crossing(CONDITION_NUMBERS, curve, np.full(len(curve), mine.steps))


def heavy_ball(condition: float) -> Method:
    r"""Return gradient descent with the momentum that is best for a condition number.

    .. math:: \mu = \left(\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}\right)^2

    Source: Polyak (1964).

    >>> heavy_ball(9)(0.1)
    GradientDescent(lr=0.1, momentum=0.25)
    """
    root = float(np.sqrt(condition))
    return lambda lr: GradientDescent(lr, momentum=((root - 1) / (root + 1)) ** 2)


def curvature_noise(condition: float, angle: float, size: float) -> Array:
    r"""Return the root :math:`L` of a covariance that is a multiple of the valley's Hessian.

    .. math:: L = \sigma R \operatorname{diag}(1, \sqrt{\kappa}), \qquad L L^\top = \sigma^2 H

    Args:
        condition: condition number :math:`\kappa`, at least 1.
        angle: of the valley, in radians.
        size: :math:`\sigma`.

    Returns:
        Shape ``(2, 2)``. Such is the noise of mini-batches in a least-squares fit, at its minimum.

    >>> curvature_noise(4, 0.0, 0.5) + 0.0
    array([[0.5, 0. ],
           [0. , 1. ]])
    """
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(size * np.array([[c, -s], [s, c]]) * np.sqrt([1.0, condition]))
