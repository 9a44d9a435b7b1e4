"""How far above the minimum a short memory ends on real data, by batches, their order, divisors."""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.experiments.divisors import DIVISORS, ORDERS, batches, settle
from rmsprop.experiments.regressions import REGRESSIONS
from rmsprop.experiments.sweep import grid
from rmsprop.records.conclusions import at_given_rates
from rmsprop.records.study import Study

__all__ = ["ALPHAS", "METHODS", "RATES", "RULES", "STEPS", "STUDY", "Setting", "column", "task"]

ALPHAS = (0.5, 0.9, 0.99)
#: Divisors, each with an alpha. Where the lagged one has the shortest memory, the last bit of the
#: start decides the end.
RULES = [(divisor, alpha) for divisor in DIVISORS for alpha in ALPHAS]
RULES.remove(("lagged", 0.5))
RATES = (3e-3, 1e-2)
STEPS = 10_000


class Setting(NamedTuple):
    """What is trained, and how.

    Attributes:
        data: a key of `REGRESSIONS`.
        order: one of `ORDERS`.
        batch: examples of a step.
    """

    data: str
    order: str
    batch: int


DIVIDES = {
    "current": "",
    "lagged": "divided by the average before the step, ",
    "greatest": "divided by the greatest average, ",
}
METHODS = {
    f"{data}, {order}, {batch}": Setting(data, order, batch)
    for data, order, batch in (
        *(("digits", order, 8) for order in ORDERS),
        ("digits", "reshuffled", 64),
        ("rare digits", "independent", 8),
        ("tumors", "independent", 8),
    )
}


def column(divisor: str, alpha: float) -> str:
    """Return what the column of a divisor and an alpha is called.

    >>> column("lagged", 0.99)
    'loss, lagged, 0.99'
    """
    return f"loss, {divisor}, {alpha:g}"


def task(method: str, seed: int, nudge: float) -> Mapping[str, ArrayLike]:
    """Follow a regression from its minimum, on mini-batches, at rates that fall to zero.

    Args:
        method: a key of `METHODS`.
        seed: of the batches.
        nudge: by which part of themselves the initial weights are changed.

    Returns:
        For each rate and each of `RULES` the ``loss``: how far above the minimum the run ends, as a
        share of the minimal loss.
    """
    data, order, batch = METHODS[method]
    regression = REGRESSIONS[data]()
    ends = settle(
        regression.gradient,
        regression.minimum * (1 + nudge),
        batches(order, regression.examples, batch, np.random.default_rng(seed)),
        rates=RATES,
        alphas=ALPHAS,
        steps=STEPS,
    )
    least = regression.value(regression.minimum[None])[0]
    loss = regression.value(ends.reshape(-1, ends.shape[-1])).reshape(ends.shape[:-1]) / least - 1
    return {"rate": RATES} | {
        column(divisor, alpha): loss[DIVISORS.index(divisor), ALPHAS.index(alpha)]
        for divisor, alpha in RULES
    }


BANDS = (
    # id, words, method, divisor, alpha, least, greatest
    (
        "shortest",
        "more than 1.7 times the minimal loss",
        "digits, independent, 8",
        "current",
        0.5,
        1.7,
        inf,
    ),
    ("short", "more than a fifth", "digits, independent, 8", "current", 0.9, 0.2, inf),
    ("usual", "0.7 to 1.1%", "digits, independent, 8", "current", 0.99, 0.007, 0.011),
    ("greatest", "less than half a percent", "digits, independent, 8", "greatest", 0.9, 0.0, 0.005),
    ("epochs-short", "more than a fifth", "digits, reshuffled, 8", "current", 0.9, 0.2, inf),
    ("epochs-usual", "0.2 to 0.3%", "digits, reshuffled, 8", "current", 0.99, 0.002, 0.003),
    ("epochs-lagged-short", "more than a fifth", "digits, reshuffled, 8", "lagged", 0.9, 0.2, inf),
    ("epochs-lagged", "0.6 to 1%", "digits, reshuffled, 8", "lagged", 0.99, 0.006, 0.01),
    ("epochs-greatest", "less than 0.05%", "digits, reshuffled, 8", "greatest", 0.9, 0.0, 0.0005),
    ("fixed-short", "more than a fifth", "digits, fixed, 8", "current", 0.9, 0.2, inf),
    ("short-64", "0.7 to 0.95%", "digits, reshuffled, 64", "current", 0.9, 0.007, 0.0095),
    ("lagged-64", "0.6 to 0.9%", "digits, reshuffled, 64", "lagged", 0.9, 0.006, 0.009),
    ("usual-64", "less than 0.02%", "digits, reshuffled, 64", "current", 0.99, 0.0, 0.0002),
    ("rare-short", "more than a quarter", "rare digits, independent, 8", "current", 0.9, 0.25, inf),
    ("rare-usual", "0.4 to 0.8%", "rare digits, independent, 8", "current", 0.99, 0.004, 0.008),
    ("tumors-short", "6 to 11%", "tumors, independent, 8", "current", 0.9, 0.06, 0.11),
    ("tumors-usual", "less than 1%", "tumors, independent, 8", "current", 0.99, 0.0, 0.01),
)
CONCLUSIONS = (
    *(
        at_given_rates(
            f"biases-{id}",
            f"{method[0].upper()}{method[1:]} to a batch, {DIVIDES[divisor]}alpha {alpha:g}: the "
            f"run ends {words} above the minimum.",
            method,
            column(divisor, alpha),
            least,
            greatest,
        )
        for id, words, method, divisor, alpha, least, greatest in BANDS
    ),
)

STUDY = Study(
    "biases",
    task,
    grid(method=METHODS, seed=range(64)),
    scope="softmax regressions on scikit-learn's data with a ridge, from their minimum, "
    f"{STEPS:,} steps, rates of {RATES[0]:g} and {RATES[1]:g} that "
    "fall linearly to zero, eps 0; averages start from the mean square at the minimum",
    conclusions=CONCLUSIONS,
)
