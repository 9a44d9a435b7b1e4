"""Methods that are compared: a rule for each of many learning rates."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule, Rule

__all__ = ["Method", "adam", "descent", "rates", "rmsprop"]

Array = NDArray[np.float64]
FINEST = 1.4  # greatest step of a grid of rates


class Method(NamedTuple):
    """A rule at many rates.

    Attributes:
        rates: ascending.
        rule: makes the rule of rates, or of a schedule of rates.
    """

    rates: Array
    rule: Callable[[Any], Rule]

    def rules(self, schedule: Callable[[int], float] | None = None) -> Rule:
        """Return the rule at all rates, which follow a schedule if one is given.

        Args:
            schedule: a factor for every rate, of the number of steps taken.
        """
        if schedule is None:
            return self.rule(self.rates)
        return self.rule(lambda t: self.rates * schedule(t - 1))


def rates(low: float, high: float) -> Array:
    """Return a grid of learning rates that steps by 1.4 at most.

    >>> rates(0.01, 0.02).round(4)
    array([0.01  , 0.0126, 0.0159, 0.02  ])
    """
    steps = math.ceil(math.log(high / low) / math.log(FINEST))
    return np.geomspace(low, high, steps + 1)


def rmsprop(low: float, high: float, **options: Any) -> Method:
    """Return RMSprop with options, at rates from `low` to `high`."""
    return Method(rates(low, high), lambda lr: RMSpropRule(lr, **options))


def descent(low: float, high: float, **options: Any) -> Method:
    """Return gradient descent with options, at rates from `low` to `high`."""
    return Method(rates(low, high), lambda lr: GradientDescent(lr, **options))


def adam(low: float, high: float) -> Method:
    """Return Adam at rates from `low` to `high`."""
    return Method(rates(low, high), Adam)
