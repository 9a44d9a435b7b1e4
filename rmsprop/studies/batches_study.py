"""Which rule moves a recipe that was tuned at batches of 32 to other sizes."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.batches import loss_after, steps_of
from rmsprop.experiments.digits import digits_loss
from rmsprop.experiments.networks import initial_weights
from rmsprop.experiments.rules import RMSpropRule
from rmsprop.experiments.sweep import grid
from rmsprop.records.conclusions import Conclusion
from rmsprop.records.study import Study

__all__ = ["METHODS", "NOTCHES", "STUDY", "TUNED", "Setting", "shift", "task"]

Array = NDArray[np.float64]

#: The size at which recipes are tuned.
TUNED = 32
#: Steps of the grid of rates for a factor of two.
NOTCHES = 2
AROUND = 2  # rates to each side of the middle one, where recipes are tuned
WIDE = 128
EPOCHS = 10


class Setting(NamedTuple):
    """How digits are learned.

    Attributes:
        middle: the middle of the rates that are tried at batches of `TUNED`.
        alpha: smoothing constant there.
        decays: whether the rate decays linearly to zero.
        hidden: units.
        size: of the batches.
        kept: whether alpha is the same at this size; otherwise its memory is, in examples.
    """

    middle: float
    alpha: float
    decays: bool = True
    hidden: int = 32
    size: int = TUNED
    kept: bool = False

    @property
    def used_alpha(self) -> float:
        """The smoothing constant at this size."""
        return float(self.alpha if self.kept else self.alpha ** (self.size / TUNED))

    @property
    def rates(self) -> Array:
        """The rates that the square-root rule makes of those at `TUNED`, and more to both sides.

        There are as many more as bring in those that the same rate and the linear rule lead to.
        """
        further = AROUND + _further(self.size)
        root = math.sqrt(self.size / TUNED)
        return self.middle * root * 2.0 ** (np.arange(-further, further + 1) / NOTCHES)


def shift(size: int, power: float) -> int:
    """Return the row of a size's rates that a rule leads the first of those at `TUNED` to.

    Args:
        size: of the batches.
        power: that the rule raises their factor to: 0 keeps the rate, 1 is the linear rule.
    """
    return _further(size) + round(NOTCHES * (power - 0.5) * math.log2(size / TUNED))


def _further(size: int) -> int:
    return round(NOTCHES / 2 * abs(math.log2(size / TUNED)))


RECIPES = {
    "0.99": Setting(2**-4.5, alpha=0.99),
    "0.9": Setting(2**-4.5, alpha=0.9),
    "constant": Setting(2**-6, alpha=0.99, decays=False),
    "wide": Setting(2**-4.5, alpha=0.99, hidden=WIDE),
}
SIZES = {"0.99": (8, 128, 512), "0.9": (8, 128, 512), "constant": (8, 128), "wide": (16, 128, 512)}
METHODS = {
    **{f"{name}, {TUNED}": recipe for name, recipe in RECIPES.items()},
    **{
        f"{name}, {size}": recipe._replace(size=size)
        for name, recipe in RECIPES.items()
        for size in SIZES[name]
    },
    **{
        f"{name}, {size}, alpha kept": RECIPES[name]._replace(size=size, kept=True)
        for name in ("0.99", "0.9")
        for size in SIZES[name]
    },
}


def task(method: str, seed: int, nudge: float) -> Mapping[str, ArrayLike]:
    """Train a classifier of digits at every rate of a method.

    Args:
        method: a key of `METHODS`.
        seed: of the images, their order and the initial weights.
        nudge: by which part of themselves the initial weights are changed.

    Returns:
        For each rate the loss over the training images.
    """
    setting = METHODS[method]
    problem = digits_loss(seed, nudge)
    if setting.hidden == WIDE:
        wide = initial_weights(np.random.default_rng([seed, 0]), 64, WIDE, 10)
        problem = replace(problem, initial=[layer * (1 + nudge) for layer in wide])
    steps = steps_of(EPOCHS, setting.size, problem.y.shape[1])
    rates = setting.rates
    rule = RMSpropRule(
        (lambda t: rates * (1 - (t - 1) / steps)) if setting.decays else rates,
        alpha=setting.used_alpha,
        bias_correction=True,
    )
    loss = loss_after(problem, rule, size=setting.size, steps=steps, seed=seed)
    return {"rate": rates, "loss": loss}


CONCLUSIONS: tuple[Conclusion, ...] = ()

STUDY = Study(
    "batches",
    task,
    grid(method=METHODS, seed=range(64)),
    scope=f"networks of 32 hidden units, the wide ones of {WIDE}, on scikit-learn's digits, "
    f"{EPOCHS} epochs; rates that decay linearly to zero where they are not constant, the bias "
    f"corrected; recipes tuned at batches of {TUNED}, on a grid that steps by the root of 2",
    conclusions=CONCLUSIONS,
)
