"""Conclusions: statements about methods that rest on paired seeds, and can be made anew on others.

A conclusion is declared in a study, next to the task whose results it rests on: what is compared,
where the comparison has to lie, and in which words the book says so. It holds where the whole
interval lies there, fails where the whole interval lies elsewhere, and is open otherwise.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmsprop.experiments.statistics import Interval, mean_ratio, tuned_ratio
from rmsprop.experiments.sweep import Columns

__all__ = [
    "HOLDS",
    "Conclusion",
    "Judgment",
    "against",
    "at_given_rates",
    "by_rate",
    "in_columns",
    "judge",
    "rates_of",
]

Array = NDArray[np.float64]

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot tell"


@dataclass(frozen=True)
class Conclusion:
    """What is concluded from comparing methods.

    Attributes:
        id: what it is called for good, lower-case words joined by hyphens.
        says: the statement, a sentence; Markdown.
        methods: what is compared.
        quantity: takes for each method an array of shape ``(rates, seeds)``, finds each method's
            best rate within every resample of the seeds, and returns an interval, as
            `rmsprop.experiments.statistics.tuned_ratio` does.
        least: the interval must not reach below.
        greatest: nor above. Together they are the band of an equivalence.
        of: the column that is compared.
        tuned: whether the quantity finds best rates, which must not lie at an end of their grid.
    """

    id: str
    says: str
    methods: tuple[str, ...]
    quantity: Callable[..., Interval]
    least: float = -math.inf
    greatest: float = math.inf
    of: str = "loss"
    tuned: bool = True

    @property
    def claim(self) -> str:
        """Where the interval must lie, in words.

        >>> Conclusion("a", "A.", ("x", "y"), max, least=1.1).claim
        'above 1.1'
        """
        if math.isinf(self.greatest):
            return f"above {self.least:g}"
        if math.isinf(self.least):
            return f"below {self.greatest:g}"
        return f"{self.least:.3g} to {self.greatest:.3g}"


def at_given_rates(
    id: str, says: str, method: str, of: str, least: float, greatest: float = math.inf
) -> Conclusion:
    """Conclude from the geometric mean of a column of ratios, over all rates and seeds.

    Args:
        id: see `Conclusion`.
        says: see there.
        method: the only one.
        of: the column.
        least: see there.
        greatest: see there.

    >>> at_given_rates("a", "A.", "x", "share", 0.9, 1.1).claim
    '0.9 to 1.1'
    """
    return Conclusion(id, says, (method,), mean_ratio, least, greatest, of, tuned=False)


@dataclass(frozen=True)
class Judgment:
    """What results say of a conclusion.

    Attributes:
        conclusion: that is judged.
        interval: of its quantity.
        seeds: how many it rests on.
        at_end: methods whose best rate is the least or the greatest that was tried; there must be
            none.
    """

    conclusion: Conclusion
    interval: Interval
    seeds: int
    at_end: tuple[str, ...]

    def in_digits(self) -> str:
        """Return estimate and interval.

        >>> Judgment(Conclusion("a", "A.", (), max), Interval(1.0, 0.9, 1.1), 64, ()).in_digits()
        '1.00 (0.900 to 1.10)'
        """
        estimate, low, high = (f"{number:#.3g}".rstrip(".") for number in self.interval)
        return f"{estimate} ({low} to {high})"

    @property
    def verdict(self) -> str:
        """``holds``, ``does not hold`` or ``cannot tell``."""
        least, greatest = self.conclusion.least, self.conclusion.greatest
        if self.at_end:
            return OPEN
        if least <= self.interval.low and self.interval.high <= greatest:
            return HOLDS
        if self.interval.high < least or greatest < self.interval.low:
            return FAILS
        return OPEN


def by_rate(columns: Columns, method: str, of: str) -> Array:
    """Return a method's results, a row for each rate, a column for each seed.

    Args:
        columns: of a study.
        method: one of its methods.
        of: the column.

    Returns:
        Shape ``(rates, seeds)``; inf where a run ended in NaN.

    >>> columns = {"method": ["a", "a", "b"], "rate": [1, 2, 1], "seed": [0] * 3, "loss": [3, 4, 5]}
    >>> by_rate({name: np.array(values) for name, values in columns.items()}, "a", "loss")
    array([[3.],
           [4.]])
    """
    rows = columns["method"] == method
    order = np.lexsort((columns["seed"][rows], columns["rate"][rows]))
    values = columns[of][rows][order].astype(np.float64)
    rates = len(np.unique(columns["rate"][rows]))
    return np.where(np.isnan(values), np.inf, values).reshape(rates, -1)


def rates_of(columns: Columns, method: str) -> Array:
    """Return the rates that a method was given, ascending.

    >>> rates_of({"method": np.array(["a", "b"]), "rate": np.array([0.1, 0.2])}, "b")
    array([0.2])
    """
    return np.unique(columns["rate"][columns["method"] == method])


def against(
    columns: Columns,
    base: str,
    methods: Iterable[str],
    *,
    of: str = "loss",
    quantity: Callable[..., Interval] = tuned_ratio,
) -> dict[str, Interval]:
    """Compare methods with another one, both tuned.

    Args:
        columns: of a study.
        base: the other.
        methods: what is compared with it.
        of: the column.
        quantity: as for a `Conclusion`; the methods' ratio to the other, unless given.

    Returns:
        An interval for each method.

    >>> lists = {"method": ["a", "b"], "rate": [1, 1], "seed": [0, 0], "loss": [1, 2]}
    >>> columns = {name: np.array(values) for name, values in lists.items()}
    >>> round(against(columns, "a", ["b"])["b"].estimate, 9)
    2.0
    """
    measured = by_rate(columns, base, of)
    return {method: quantity(measured, by_rate(columns, method, of)) for method in methods}


def judge(conclusion: Conclusion, columns: Columns) -> Judgment:
    """Judge a conclusion by the results of its study, on whatever seeds.

    Args:
        conclusion: what is judged.
        columns: with the methods that it compares.
    """
    compared = [by_rate(columns, method, conclusion.of) for method in conclusion.methods]
    at_end = [
        method
        for method in conclusion.methods
        if conclusion.tuned and _best_at_end(by_rate(columns, method, "loss"))
    ]
    interval = conclusion.quantity(*compared)
    return Judgment(conclusion, interval, compared[0].shape[1], tuple(at_end))


def _best_at_end(losses: Array) -> bool:
    """Whether the best rate is the first or the last of several."""
    best = np.log(losses).mean(axis=1).argmin()
    return len(losses) > 1 and best in (0, len(losses) - 1)


def in_columns(judgments: Iterable[Judgment]) -> dict[str, list[Any]]:
    """Return what a table of judgments shows, by its headings."""
    judgments = list(judgments)
    return {
        "conclusion": [f"{j.conclusion.says} `{j.conclusion.id}`" for j in judgments],
        "estimate (95% interval)": [j.in_digits() for j in judgments],
        "required": [j.conclusion.claim for j in judgments],
    }
