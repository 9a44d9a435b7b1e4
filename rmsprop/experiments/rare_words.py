r"""How many steps a table of words takes to be learned, if frequencies follow Zipf's law.

A table of d by d weights, one for each pair of a word and the next, is fitted to how often the
second follows the first. With squares as loss the curvature of a row is the frequency of its word,
and what a row lacks at the start are the frequencies of words after it: both like 1/k.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rmsprop.experiments.rules import RMSpropRule

__all__ = ["constant_steps", "descent_steps", "falling_steps"]

Array = NDArray[np.float64]

#: Rates that are tried, over the one that just goes the longest way in the run.
FACTORS = np.geomspace(1, 6, 25)


def descent_steps(words: int, share: float) -> int:
    """Count the steps of gradient descent, at its best rate, to a share of the loss at the start.

    Args:
        words: d.
        share: of the loss.

    Source: Kunstner and Bach (2025): some ``d ** (1 - share)``.

    >>> descent_steps(100, 0.1)
    15
    """
    frequency = 1 / np.arange(1, words + 1.0)
    rates = np.linspace(0.5, 1.999, 60)[:, None]

    def missed(steps: int) -> bool:
        left = frequency * (1 - rates * frequency) ** (2 * steps)
        return bool(left.sum(axis=1).min() > share * frequency.sum())

    return _first(missed)


def constant_steps(words: int, share: float, alpha: float) -> int:
    """Count the steps of RMSprop at its best constant rate until the loss stays below a share.

    Every row does the same, whatever its frequency, so that one is enough.

    Args:
        words: d.
        share: of the loss at the start, below which it must stay for as many steps again.
        alpha: smoothing constant, bias corrected; 0 is sign descent.

    >>> constant_steps(100, 0.1, alpha=0.0)
    14
    """
    horizon = int(6 * np.sqrt(words / share))
    rates = np.geomspace(0.3, 3, 30) * np.sqrt(share / words)
    bad = np.array([left > share for left in _losses(words, rates, horizon, alpha)])
    last = horizon - 1 - bad[::-1].argmax(axis=0)
    arrived = np.where(bad.any(axis=0), last + 2, 1)
    return int(arrived[2 * arrived <= horizon].min())


def falling_steps(words: int, share: float, alpha: float) -> int:
    """Count the steps of RMSprop, at the best rate that falls linearly to zero, to a share.

    From 0 such a run can return exactly to 0, which many weights are near, so that a horizon may be
    lucky: the worst of four that follow each other counts.

    Args:
        words: d.
        share: of the loss at the start.
        alpha: smoothing constant, bias corrected; 0 is sign descent.

    >>> falling_steps(100, 0.1, alpha=0.0)
    4
    """

    def missed(steps: int) -> bool:
        worst = np.zeros(len(FACTORS))
        for horizon in range(steps, steps + 4):
            *_, end = _losses(words, FACTORS / horizon, horizon, alpha, falling=True)
            worst = np.maximum(worst, end)
        return bool(worst.min() > share)

    return _first(missed)


def _losses(words: int, rates: Array, horizon: int, alpha: float, *, falling: bool = False):  # type: ignore[no-untyped-def]
    """Yield the loss of a row after each step, over that at the start, shape ``(rates,)``."""
    rule = RMSpropRule(
        (lambda t: rates * (1 - (t - 1) / horizon)) if falling else rates,
        alpha=alpha,
        eps=0.0,
        bias_correction=True,
    )
    lacking = np.tile(1 / np.arange(1, words + 1.0), (len(rates), 1))
    state, start = rule.start(lacking.shape), (lacking[0] ** 2).sum()
    for _ in range(horizon):
        lacking, state = rule.step(lacking, lacking, state)
        yield (lacking**2).sum(axis=1) / start


def _first(missed: Callable[[int], bool]) -> int:
    """Return the least number of steps that is enough, if more are, too."""
    enough = 2
    while missed(enough):
        enough *= 2
    few = enough // 2
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (middle, enough) if missed(middle) else (few, middle)
    return enough
