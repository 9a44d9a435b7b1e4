"""What training loses where averages are stored in the eight binary digits of bfloat16."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.experiments.convolutions import convolution_loss
from rmsprop.experiments.digits import digits_loss
from rmsprop.experiments.rules import RMSpropRule
from rmsprop.experiments.statistics import Interval, mean_ratio
from rmsprop.experiments.stored_training import train_stored
from rmsprop.experiments.students import student_loss
from rmsprop.experiments.sweep import grid
from rmsprop.records.conclusions import Conclusion
from rmsprop.records.study import Study

__all__ = ["BAND", "METHODS", "SETTINGS", "STUDY", "Model", "Setting", "task"]

#: Losses that differ by less are taken to be equal.
BAND = 0.03


class Model(NamedTuple):
    """What is trained, and for how long.

    Attributes:
        loss: of a seed and a nudge, with `start`, `value` and `gradient`.
        steps: while the rate falls linearly to zero.
        examples: of which every step draws a batch anew.
        batch: its size.
    """

    loss: Callable[[int, float], Any]
    steps: int
    examples: int
    batch: int


class Setting(NamedTuple):
    """How it is trained.

    Attributes:
        model: a key of `MODELS`.
        alpha: smoothing constant.
        rate: the highest; also tried are half and a quarter of it.
        centered: whether the average is the variance.
        momentum: of the heavy ball.
    """

    model: str
    alpha: float
    rate: float
    centered: bool = False
    momentum: float = 0.0


MODELS = {
    "digits": Model(digits_loss, 1000, 1437, 32),
    "students": Model(student_loss, 1000, 256, 16),
    "convolutions": Model(convolution_loss, 600, 1437, 32),
}
# Digits of the averages, and whether they are rounded stochastically.
STORAGES = {"float32": (24, False), "stochastic": (8, True), "nearest": (8, False)}
SETTINGS = {
    "digits, 0.9": Setting("digits", 0.9, 0.02),
    "digits, 0.99": Setting("digits", 0.99, 0.016),
    "digits, 0.999": Setting("digits", 0.999, 0.005),
    "digits, 0.999 centered": Setting("digits", 0.999, 0.005, centered=True),
    "digits, 0.99 momentum": Setting("digits", 0.99, 0.0016, momentum=0.9),
    "students, 0.99": Setting("students", 0.99, 0.02),
    "students, 0.999": Setting("students", 0.999, 0.006),
    "convolutions, 0.999": Setting("convolutions", 0.999, 0.006),
}
METHODS = [f"{setting}, {storage}" for setting in SETTINGS for storage in STORAGES]


def task(method: str, seed: int, nudge: float) -> Mapping[str, ArrayLike]:
    """Train at three rates, with averages stored in one way.

    Args:
        method: one of `METHODS`.
        seed: of examples, batches, initial weights and stochastic rounding.
        nudge: by which part of themselves the initial weights are changed.

    Returns:
        For each rate the loss over the training examples.

    >>> result = task("students, 0.99, nearest", seed=0, nudge=0.0)
    >>> len(result["rate"]) == len(result["loss"]) == 3
    True
    """
    name, storage = method.rsplit(", ", 1)
    setting, (digits, stochastic) = SETTINGS[name], STORAGES[storage]
    make, steps, examples, batch = MODELS[setting.model]
    loss, batches = make(seed, nudge), np.random.default_rng([seed, 2])
    rates = setting.rate * np.array([0.25, 0.5, 1.0])

    def gradient(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return loss.gradient(points, batches.integers(examples, size=batch))

    rule = RMSpropRule(
        lambda t: rates * (1 - (t - 1) / steps),
        alpha=setting.alpha,
        momentum=setting.momentum,
        centered=setting.centered,
    )
    trained = train_stored(
        gradient, loss.start, rule, steps=steps, digits=digits, seed=seed if stochastic else None
    )
    return {"rate": rates, "loss": loss.value(trained)}


def same_rates(first: ArrayLike, second: ArrayLike) -> Interval:
    """Estimate the geometric mean of second over first, over all seeds and rates alike."""
    return mean_ratio(np.divide(second, first))


def _equal(id: str, words: str, setting: str, storage: str = "stochastic") -> Conclusion:
    says = f"{words} the loss is that of float32, within {BAND:.0%}."
    return _against_float32(id, says, setting, storage, 1 / (1 + BAND), 1 + BAND)


def _worse(id: str, says: str, setting: str, least: float) -> Conclusion:
    return _against_float32(id, says, setting, "nearest", least)


def _against_float32(
    id: str, says: str, setting: str, storage: str, least: float, greatest: float = math.inf
) -> Conclusion:
    methods = f"{setting}, float32", f"{setting}, {storage}"
    return Conclusion(f"bits-{id}", says, methods, same_rates, least, greatest, tuned=False)


CONCLUSIONS = (
    _equal("digits-9", "Digits, alpha 0.9, rounded stochastically:", "digits, 0.9"),
    _equal("digits-99", "At 0.99", "digits, 0.99"),
    _equal("digits-999", "At 0.999", "digits, 0.999"),
    _equal("digits-centered", "At 0.999, centered,", "digits, 0.999 centered"),
    _equal("digits-momentum", "At 0.99, with momentum 0.9,", "digits, 0.99 momentum"),
    _equal("students-99", "Students, alpha 0.99, rounded stochastically:", "students, 0.99"),
    _equal("students-999", "At 0.999", "students, 0.999"),
    _equal(
        "convolutions-999",
        "Convolutional networks, alpha 0.999, rounded stochastically:",
        "convolutions, 0.999",
    ),
    _equal(
        "nearest-digits-9",
        "Digits, alpha 0.9, where steps span many spacings: rounded to nearest, too,",
        "digits, 0.9",
        "nearest",
    ),
    _worse(
        "nearest-digits-99",
        "At 0.99, where they span two, rounding to nearest costs 3% of loss or more.",
        "digits, 0.99",
        1.03,
    ),
    _worse(
        "nearest-digits-999",
        "At 0.999, where an average cannot come down, it costs 5% or more.",
        "digits, 0.999",
        1.05,
    ),
    _worse(
        "nearest-digits-centered",
        "So it does centered: 5% or more.",
        "digits, 0.999 centered",
        1.05,
    ),
    _worse(
        "nearest-digits-momentum",
        "With momentum 0.9 it costs 3% or more at 0.99.",
        "digits, 0.99 momentum",
        1.03,
    ),
    _worse(
        "nearest-students-999",
        "Students, alpha 0.999: rounding to nearest costs 3% or more.",
        "students, 0.999",
        1.03,
    ),
    _worse(
        "nearest-convolutions-999",
        "Convolutional networks, alpha 0.999: rounding to nearest costs 1.5% or more.",
        "convolutions, 0.999",
        1.015,
    ),
)

STUDY = Study(
    "bits",
    task,
    grid(method=METHODS, seed=range(64)),
    scope="scikit-learn's digits by networks of 32 hidden units, 1,000 steps of 32 images; "
    "students of 10 inputs and 32 hidden units, 1,000 steps of 16 examples; convolutional networks "
    "of two layers, digits again, 600 steps of 32; rates that fall linearly to zero, from one near "
    "the best for float32, from half and from a quarter of it, the same for all storages",
    conclusions=CONCLUSIONS,
)
