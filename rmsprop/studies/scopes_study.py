"""What moves the outcome of the race of RMSprop against gradient descent, a condition at a time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.rules import GradientDescent, RMSpropRule, Rule
from rmsprop.experiments.scopes import Conditions, compare, heavy_ball
from rmsprop.experiments.sweep import grid
from rmsprop.experiments.valleys import circle
from rmsprop.records.study import Study

__all__ = ["CHANGES", "STUDY", "Change", "task"]

Array = NDArray[np.float64]
Method = Callable[[Array], Rule]

USUAL = Conditions()
NOISY = replace(USUAL, starts=circle(24), noise=0.1)
PLACES = 10 ** np.random.default_rng(5).uniform(-1, 1, (24, 1)) * circle(24)


def _descent(condition: float) -> Method:
    return GradientDescent


class Change(NamedTuple):
    """What differs from the customary race.

    Attributes:
        conditions: of the race.
        rule: RMSprop, of learning rates.
        rivals: maps a condition number to the method that RMSprop is raced against.
    """

    conditions: Conditions = USUAL
    rule: Method = partial(RMSpropRule, alpha=0.9)
    rivals: Callable[[float], Method] = _descent


CHANGES = {
    "as above": Change(),
    "within 0.1": Change(replace(USUAL, within=0.1)),
    "within 0.001": Change(replace(USUAL, within=0.001)),
    "starts 0.1 to 10 away": Change(replace(USUAL, starts=PLACES.round(12))),
    "noise 0.01": Change(replace(NOISY, noise=0.01)),
    "noise 0.1": Change(NOISY),
    "falling rate": Change(replace(USUAL, falling=True)),
    "falling rate, noise 0.1": Change(replace(NOISY, falling=True)),
    "alpha 0.5": Change(rule=partial(RMSpropRule, alpha=0.5)),
    "alpha 0.99": Change(rule=partial(RMSpropRule, alpha=0.99)),
    "centered, alpha 0.9": Change(rule=partial(RMSpropRule, alpha=0.9, centered=True)),
    "centered, alpha 0.99": Change(rule=partial(RMSpropRule, alpha=0.99, centered=True)),
    "rival: tuned momentum": Change(rivals=heavy_ball),
}


def task(changed: str, nudge: float) -> Mapping[str, ArrayLike]:
    """Race RMSprop against its rival at condition number 10,000, each at its best rate.

    Args:
        changed: a key of `CHANGES`.
        nudge: by which part of themselves the starts are changed.

    Returns:
        For the valley along an axis and the one turned by 45 degrees what
        `rmsprop.experiments.scopes.Outcome` has.

    >>> result = task("within 0.1", nudge=0.0)
    >>> result["faster"].round()
    array([516.,   1.])
    """
    conditions, rule, rivals = CHANGES[changed]
    outcome = compare(replace(conditions, nudge=nudge), rule, rivals)
    return {"angle": [0.0, 45.0], **outcome._asdict()}


STUDY = Study(
    "scopes",
    task,
    grid(changed=CHANGES),
    scope="quadratic valleys of condition number 10,000; what is not changed is as in the study "
    "`valleys`",
    rtol=0.05,  # a last bit can move a count
)
