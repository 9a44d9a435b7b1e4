"""What memory and divisor do to a network whose batches are small, trained to the end."""

from collections.abc import Mapping
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.experiments.digits import digits_loss
from rmsprop.experiments.divisors import batches, settle
from rmsprop.experiments.regressions import PENALTY
from rmsprop.experiments.statistics import tuned_ratio
from rmsprop.experiments.sweep import grid
from rmsprop.records.conclusions import Conclusion
from rmsprop.records.study import Study
from rmsprop.studies.methods import rates

__all__ = ["BATCH", "METHODS", "STEPS", "STUDY", "task"]

BATCH, STEPS = 8, 2000
#: Alpha, divisor, and the least and the greatest rate.
METHODS = {
    "0.5": (0.5, "current", 4e-3, 3.2e-2),
    "0.9": (0.9, "current", 4e-3, 3.2e-2),
    "0.99": (0.99, "current", 4e-3, 3.2e-2),
    "0.9, lagged": (0.9, "lagged", 2e-3, 1.6e-2),
    "0.9, greatest": (0.9, "greatest", 1.6e-2, 1.28e-1),
}


def task(method: str, seed: int, nudge: float) -> Mapping[str, ArrayLike]:
    """Train a network at rates that fall to zero, the examples reshuffled in every epoch.

    Args:
        method: a key of `METHODS`.
        seed: of images, initial weights and batches.
        nudge: by which part of themselves the initial weights are changed.

    Returns:
        For each rate the ``loss`` over all training images, with the penalty of the coupled decay.
    """
    alpha, divisor, low, high = METHODS[method]
    problem = digits_loss(seed, nudge)
    order = batches("reshuffled", problem.y.shape[1], BATCH, np.random.default_rng(seed))
    tried = rates(low, high)
    ends = settle(
        lambda points, rows: problem.gradient(points, rows) + PENALTY * points,
        problem.start,
        order,
        rates=tried,
        alphas=[alpha],
        divisors=[divisor],
        steps=STEPS,
    )[0, 0]
    with np.errstate(over="ignore", invalid="ignore"):
        loss = problem.value(ends) + PENALTY / 2 * (ends**2).sum(axis=-1)
    return {"rate": tried, "loss": loss}


CONCLUSIONS = tuple(
    Conclusion(f"forgetting-{id}", says, (base, method), tuned_ratio, least, greatest)
    for id, says, base, method, least, greatest in (
        ("short", "Alpha 0.9 ends 1 to 3% below 0.99.", "0.99", "0.9", 0.97, 0.99),
        ("shortest", "Alpha 0.5 ends more than 15% above 0.9.", "0.9", "0.5", 1.15, inf),
        (
            "lagged",
            "Dividing by the average before the step ends 4 to 8% above 0.9.",
            "0.9",
            "0.9, lagged",
            1.04,
            1.08,
        ),
        (
            "greatest",
            "Dividing by the greatest average ends 6 to 10% above 0.9.",
            "0.9",
            "0.9, greatest",
            1.06,
            1.1,
        ),
    )
)

STUDY = Study(
    "forgetting",
    task,
    grid(method=METHODS, seed=range(64)),
    scope=f"scikit-learn's digits, 32 hidden units, batches of {BATCH}, {STEPS:,} steps, rates "
    f"that fall linearly to zero, eps 0, coupled weight decay of {PENALTY:g}",
    conclusions=CONCLUSIONS,
)
