"""The gradient where a short memory comes to rest on real data, against its first order."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations import order_share, rest_gradient
from rmsprop.experiments.divisors import batches, settle
from rmsprop.experiments.regressions import REGRESSIONS
from rmsprop.experiments.statistics import mean_over_rates
from rmsprop.experiments.sweep import grid
from rmsprop.records.conclusions import Conclusion
from rmsprop.records.study import Study

__all__ = ["ALPHA", "METHODS", "RATES", "STEPS", "STUDY", "Setting", "task"]

ALPHA = 0.9
RATES = (3e-3, 1e-2)
STEPS = 10_000


class Setting(NamedTuple):
    """How digits are seen.

    Attributes:
        order: one of `rmsprop.experiments.divisors.ORDERS`.
        batch: examples of a step.
    """

    order: str
    batch: int


METHODS = {
    f"{order}, {batch}": Setting(order, batch)
    for order, batch in (
        *(("independent", batch) for batch in (8, 64, 256)),
        ("reshuffled", 64),
    )
}


def task(method: str, seed: int, nudge: float) -> Mapping[str, ArrayLike]:
    """Follow a regression on digits from its minimum, at rates that fall to zero.

    Args:
        method: a key of `METHODS`.
        seed: of the batches.
        nudge: by which part of themselves the initial weights are changed.

    Returns:
        For each rate the ``slope``, through zero, of the gradients at the end on what
        `rest_gradient` says of them.
    """
    order, batch = METHODS[method]
    digits = REGRESSIONS["digits"]()
    ends = settle(
        digits.gradient,
        digits.minimum * (1 + nudge),
        batches(order, digits.examples, batch, np.random.default_rng(seed)),
        rates=RATES,
        alphas=[ALPHA],
        divisors=["current"],
        steps=STEPS,
    )
    share = float(order_share(ALPHA, digits.examples // batch, order))
    slopes = []
    for point in ends[0, 0]:
        mean, variance, third = digits.cumulants(point, batch)
        said = rest_gradient(variance, third, ALPHA, share)
        slopes.append(float(mean @ said / (said @ said)))
    return {"rate": RATES, "slope": slopes}


BANDS = (
    ("independent, 8", 0.28, 0.38),
    ("independent, 64", 0.55, 0.78),
    ("independent, 256", 0.55, 1.0),
    ("reshuffled, 64", 0.5, 0.66),
)
CONCLUSIONS = tuple(
    Conclusion(
        f"rests-{method.replace(', ', '-')}",
        f"{METHODS[method].order.capitalize()}, {METHODS[method].batch} to a batch: the gradient "
        f"where it ends is {least:g} to {greatest:g} times what the first order says.",
        (method,),
        mean_over_rates,
        least,
        greatest,
        of="slope",
        tuned=False,
    )
    for method, least, greatest in BANDS
)

STUDY = Study(
    "rests",
    task,
    grid(method=METHODS, seed=range(64)),
    scope="softmax regression on scikit-learn's digits with a ridge, from its minimum, alpha "
    f"{ALPHA:g}, {STEPS:,} steps, rates of {RATES[0]:g} and {RATES[1]:g} that fall linearly to "
    "zero, eps 0; the average starts from the mean square at the minimum",
    conclusions=CONCLUSIONS,
)
