"""How fast methods settle in straight valleys, at every learning rate that a search tries."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.races import Search
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule, Rule
from rmsprop.experiments.sweep import Columns, Point, grid
from rmsprop.experiments.valleys import circle, valley_race
from rmsprop.records.recording import rows_of
from rmsprop.records.study import Study

__all__ = [
    "CONDITIONS",
    "DEGREES",
    "METHODS",
    "MOMENTA",
    "NARROWNESS",
    "PATIENCE",
    "STARTS",
    "STUDY",
    "found",
    "task",
]

Array = NDArray[np.float64]

STARTS = circle(12)
PATIENCE = 4000
METHODS: dict[str, Callable[[Array], Rule]] = {
    "gradient descent": GradientDescent,
    "momentum": partial(GradientDescent, momentum=0.9),
    "RMSprop, alpha 0.9": partial(RMSpropRule, alpha=0.9),
    "RMSprop, alpha 0.99": partial(RMSpropRule, alpha=0.99),
    "centered, alpha 0.99": partial(RMSpropRule, alpha=0.99, centered=True),
    "Adam": Adam,
}
# The last is that of Polyak (1964) for condition number 10,000.
MOMENTA = (0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.955, 0.97, 0.98, (99 / 101) ** 2)
RULES = METHODS | {f"momentum {m:.4g}": partial(GradientDescent, momentum=m) for m in MOMENTA}

CONDITIONS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0)
NARROWNESS = tuple(float(f"{10 ** (k / 4):.6f}") for k in range(17))
DEGREES = (0, 0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 14, 20, 25, 30, 37, 45)


def task(
    method: str, condition: float, angle: float, patience: int, nudge: float
) -> Mapping[str, ArrayLike]:
    """Search for the learning rate at which a method settles soonest.

    Args:
        method: a key of `METHODS`, or ``momentum`` with one of `MOMENTA`.
        condition: of the valley, at least 1.
        angle: between its floor and the first axis, in degrees.
        patience: for how many steps a run must stay within 0.01 of the minimum, to have settled.
        nudge: by which part of themselves the starts are changed.

    Returns:
        For each rate that was tried, ascending, the median number of steps over the starts, and
        whether the rate is the best.

    >>> result = task("gradient descent", 3.0, 45.0, patience=10, nudge=0.0)
    >>> result["steps"][result["best"].argmax()]
    np.float64(7.0)
    """
    race = valley_race(condition, np.deg2rad(angle), STARTS)
    race = replace(race, starts=race.starts * (1 + nudge), patience=patience)
    search = race.search(RULES[method])
    return {"rate": search.lrs, "steps": search.scores, "best": 1 * (search.lrs == search.lr)}


def found(
    columns: Columns, method: str, condition: float, angle: float, patience: int = PATIENCE
) -> Search:
    """Return what the search of a point found.

    Args:
        columns: the recorded ones.
        method: as `task` takes it, likewise the others.
        condition: of the valley.
        angle: in degrees.
        patience: in steps.

    Raises:
        ValueError: if the point is not recorded.
    """
    point = {"method": method, "condition": condition, "angle": angle, "patience": patience}
    rows = rows_of(columns, point.items())
    lrs, scores, best = rows["rate"], rows["steps"], rows["best"].argmax()
    return Search(float(lrs[best]), float(scores[best]), lrs, scores)


def _points() -> list[Point]:
    aligned_and_turned = {"angle": (0.0, 45.0), "patience": [PATIENCE]}
    descent, rmsprop = "gradient descent", "RMSprop, alpha 0.9"
    tuned = [f"momentum {m:.4g}" for m in MOMENTA]
    points = [
        *grid(method=METHODS, condition=CONDITIONS, **aligned_and_turned),
        *grid(method=[descent], condition=NARROWNESS, angle=[0.0], patience=[PATIENCE]),
        *grid(
            method=[rmsprop],
            condition=NARROWNESS,
            angle=map(float, DEGREES),
            patience=[PATIENCE],
        ),
        *grid(method=[descent, rmsprop], condition=[20.0], **aligned_and_turned),
        *grid(method=tuned, condition=[1442.0, 10_000.0], angle=[0.0], patience=[PATIENCE]),
        *grid(method=["Adam"], condition=[100.0], angle=[0.0], patience=[10 * PATIENCE]),
    ]
    return list(dict.fromkeys(points))


STUDY = Study(
    "valleys",
    task,
    _points(),
    scope="quadratic valleys, until within 0.01 of the minimum from 12 starts at distance 1, "
    "constant rates, exact gradients",
    rtol=0.05,  # a last bit can move a count
)
