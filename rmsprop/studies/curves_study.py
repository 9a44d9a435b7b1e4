"""How fast methods settle on three customary functions with curved valleys and several minima."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.problems import beale, himmelblau, rosenbrock
from rmsprop.experiments.races import Race
from rmsprop.experiments.sweep import grid
from rmsprop.records.study import Study
from rmsprop.studies.valleys_study import METHODS

__all__ = ["RACES", "SHARES", "STUDY", "task"]

SHARES = (0.5, 0.9)


def _spread_over(x: tuple[float, float], y: tuple[float, float]) -> NDArray[np.float64]:
    lines = np.meshgrid(np.linspace(*x, 6), np.linspace(*y, 6))
    return np.stack(lines, axis=-1).reshape(-1, 2).round(12)


RACES = {
    "Rosenbrock": Race(rosenbrock(), _spread_over((-2, 2), (-1, 3)), budget=12_000),
    "Beale": Race(beale(), _spread_over((0, 4), (-1, 1)), budget=4000),
    "Himmelblau": Race(himmelblau(), _spread_over((-5, 5), (-5, 5)), budget=4000),
}


def task(function: str, method: str, nudge: float) -> Mapping[str, ArrayLike]:
    """Search for the rates at which half and nine tenths of the starts have settled soonest.

    Args:
        function: a key of `RACES`.
        method: of `rmsprop.studies.valleys_study.METHODS`.
        nudge: by which part of themselves the starts are changed.

    Returns:
        For each of the shares the best learning rate, and the steps after which they have settled.

    >>> task("Himmelblau", "gradient descent", nudge=0.0)["steps"].tolist()
    [9.0, 17.0]
    """
    race = RACES[function]
    race = replace(race, starts=race.starts * (1 + nudge))
    best = race.searches(METHODS[method], SHARES)
    lrs, steps = np.array([(each.lr, each.steps) for each in best]).T
    return {"share": SHARES, "rate": lrs, "steps": steps}


STUDY = Study(
    "curves",
    task,
    grid(function=RACES, method=METHODS),
    scope="until within 0.01 of a minimum from 36 starts each, constant rates, exact gradients",
    rtol=0.05,  # a last bit can move a count
)
