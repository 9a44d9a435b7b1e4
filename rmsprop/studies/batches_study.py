"""Which rule moves a recipe that was tuned at batches of 32 to other sizes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.batches import loss_after, steps_of
from rmsprop.experiments.digits import digits_loss
from rmsprop.experiments.networks import initial_weights
from rmsprop.experiments.rules import RMSpropRule
from rmsprop.experiments.statistics import (
    Interval,
    moved_power,
    moved_ratio,
    rival_ratio,
    tuned_ratio,
)
from rmsprop.experiments.sweep import grid
from rmsprop.records.conclusions import Conclusion
from rmsprop.records.study import Study

__all__ = ["METHODS", "STUDY", "TUNED", "Setting", "shift", "task"]

Array = NDArray[np.float64]

#: The size at which recipes are tuned.
TUNED = 32
NOTCHES = 2  # steps of the grid of rates for a factor of two
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


def _moved(
    id: str,
    says: str,
    name: str,
    size: int,
    quantity: Callable[..., Interval],
    least: float,
    greatest: float,
) -> Conclusion:
    """Conclude on a recipe that was tuned at `TUNED`, at another size."""
    methods = (f"{name}, {TUNED}", f"{name}, {size}")
    return Conclusion(f"batches-{id}", says, methods, quantity, least, greatest)


def _power(id: str, says: str, name: str, size: int, least: float, greatest: float) -> Conclusion:
    """Conclude with which power of the size the best rate moves."""
    quantity = partial(moved_power, shifts=(shift(size, 0), shift(size, 1)))
    return _moved(f"power-{id}", says, name, size, quantity, least, greatest)


def _price(
    id: str, says: str, name: str, size: int, least: float = 0.0, greatest: float = math.inf
) -> Conclusion:
    """Conclude what the square-root rule costs against the best rate."""
    quantity = partial(moved_ratio, shift=shift(size, 0.5))
    return _moved(f"root-{id}", says, name, size, quantity, least, greatest)


def _rival(
    id: str,
    says: str,
    name: str,
    size: int,
    power: float,
    least: float = 0.0,
    greatest: float = math.inf,
) -> Conclusion:
    """Conclude what another power costs against the square-root rule."""
    quantity = partial(rival_ratio, shifts=(shift(size, 0.5), shift(size, power)))
    return _moved(id, says, name, size, quantity, least, greatest)


def _kept(
    id: str, says: str, name: str, size: int, least: float = 0.0, greatest: float = math.inf
) -> Conclusion:
    """Conclude what an alpha that is kept costs against a memory that is, both tuned."""
    methods = (f"{name}, {size}", f"{name}, {size}, alpha kept")
    return Conclusion(f"batches-kept-{id}", says, methods, tuned_ratio, least, greatest)


CONCLUSIONS = (
    _power("8", "Down to 8 the best rate moves with a power near a half.", "0.99", 8, 0.5, 0.72),
    _power("8-short", "At alpha 0.9, too, it is near a half.", "0.9", 8, 0.4, 0.68),
    _power(
        "128", "Up to 128 the best rate moves with a power of 0.2 to 0.4.", "0.99", 128, 0.2, 0.4
    ),
    _power("128-short", "At alpha 0.9 that power is nearer to a half.", "0.9", 128, 0.33, 0.52),
    _power(
        "512", "Up to 512 it moves with a power of less than a quarter.", "0.99", 512, 0.05, 0.25
    ),
    _power("512-short", "At alpha 0.9 that power is about a third.", "0.9", 512, 0.25, 0.42),
    _power(
        "16-wide",
        "The wide network's best rate moves with a power from a half to 0.9 down to 16.",
        "wide",
        16,
        0.5,
        0.9,
    ),
    _power("128-wide", "Up to 128 that power is about a fifth.", "wide", 128, 0.1, 0.3),
    _power("512-wide", "Up to 512 it is next to nothing.", "wide", 512, 0.0, 0.12),
    _price(
        "8",
        "Down to 8 the square-root rule leaves at most 1.15 times the least loss.",
        "0.99",
        8,
        0.9,
        1.15,
    ),
    _price("8-short", "At alpha 0.9 it leaves at most 1.2 times that.", "0.9", 8, 0.9, 1.2),
    _price("16-wide", "So it does in the wide network, down to 16.", "wide", 16, 0.9, 1.2),
    _price("128", "Up to 128 it leaves at most 1.27 times the least loss.", "0.99", 128, 0.9, 1.27),
    _price("128-short", "At alpha 0.9 it leaves at most 1.15 times that.", "0.9", 128, 0.9, 1.15),
    _price(
        "512",
        "Up to 512 the square-root rule leaves 1.5 times the least loss or more.",
        "0.99",
        512,
        1.5,
    ),
    _price("512-short", "At alpha 0.9 it leaves at most 1.35 times that.", "0.9", 512, 0.9, 1.35),
    _price("512-wide", "In the wide network it leaves 1.75 times that or more.", "wide", 512, 1.75),
    _rival(
        "same-8",
        "At 8 the same rate leaves twice the loss of the square-root rule or more.",
        "0.99",
        8,
        0,
        2.0,
    ),
    _rival("same-8-short", "So it does at alpha 0.9.", "0.9", 8, 0, 2.0),
    _rival(
        "same-128-short",
        "At 128 and alpha 0.9 the same rate leaves 1.25 times its loss or more.",
        "0.9",
        128,
        0,
        1.25,
    ),
    _rival(
        "same-8-constant",
        "Where rates are constant, too, the same one is worse than the rule at 8.",
        "constant",
        8,
        0,
        1.0,
    ),
    _rival(
        "same-128-wide",
        "In the wide network the same rate is better than the rule at 128.",
        "wide",
        128,
        0,
        0,
        1,
    ),
    _rival(
        "same-512-wide",
        "At 512 it leaves less than two thirds of the rule's loss there.",
        "wide",
        512,
        0,
        0,
        2 / 3,
    ),
    _rival("linear-8", "The linear rule is worse than the square root at 8.", "0.99", 8, 1, 1.2),
    _rival(
        "linear-128", "At 128 the linear rule leaves twice its loss or more.", "0.99", 128, 1, 2.0
    ),
    _rival("linear-128-short", "So it does at 128 and alpha 0.9.", "0.9", 128, 1, 2.0),
    _kept(
        "8",
        "Down to 8 an alpha of 0.99 that is kept trains better than a memory that is.",
        "0.99",
        8,
        0,
        0.7,
    ),
    _kept("8-short", "An alpha of 0.9 that is kept trains no worse, within 10%.", "0.9", 8, 0, 1.1),
    _kept("128", "Up to 128 an alpha of 0.99 that is kept trains worse.", "0.99", 128, 1.2),
    _kept(
        "128-short", "So does one of 0.9, and leaves 1.4 times the loss or more.", "0.9", 128, 1.4
    ),
    _kept("512", "Up to 512 an alpha of 0.99 that is kept trains worse.", "0.99", 512, 1.15),
    _kept("512-short", "One of 0.9 leaves 1.7 times the loss or more there.", "0.9", 512, 1.7),
)

STUDY = Study(
    "batches",
    task,
    grid(method=METHODS, seed=range(64)),
    scope=f"networks of 32 hidden units, the wide ones of {WIDE}, on scikit-learn's digits, "
    f"{EPOCHS} epochs; rates that decay linearly to zero where they are not constant, the bias "
    f"corrected; recipes tuned at batches of {TUNED}, on a grid that steps by the root of 2",
    conclusions=CONCLUSIONS,
)
