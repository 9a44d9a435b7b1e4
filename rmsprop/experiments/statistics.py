"""What paired seeds say: ratios and differences with their intervals, by the bootstrap."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Interval",
    "at_best_rate",
    "best_rate",
    "mean_interval",
    "mean_over_rates",
    "mean_ratio",
    "moved_power",
    "moved_ratio",
    "rival_ratio",
    "t_statistic",
    "tuned_difference",
    "tuned_ratio",
    "tuned_trend",
    "untuned_ratio",
]

LEVELS = (0.025, 0.975)


class Interval(NamedTuple):
    """An estimate and the ends of its 95% interval."""

    estimate: float
    low: float
    high: float


def best_rate(losses: ArrayLike) -> int:
    """Return which rate has the least median over the seeds.

    Args:
        losses: a row for each rate, a column for each seed, shape ``(rates, seeds)``. A rate with a
            NaN is never the best.

    Returns:
        The row.

    >>> best_rate([[3.0, 3.0], [1.0, 2.0], [np.nan, 0.0]])
    1
    """
    medians = np.median(np.asarray(losses, dtype=np.float64), axis=1)
    return int(np.where(np.isnan(medians), np.inf, medians).argmin())


def at_best_rate(losses: ArrayLike) -> NDArray[np.float64]:
    """Return the losses at the rate whose median over the seeds is least.

    Args:
        losses: a row for each rate, a column for each seed, shape ``(rates, seeds)``. A rate with a
            NaN is never the best.

    Returns:
        Shape ``(seeds,)``.

    >>> at_best_rate([[3.0, 3.0], [1.0, 2.0], [np.nan, 0.0]])
    array([1., 2.])
    """
    return np.asarray(losses, dtype=np.float64)[best_rate(losses)]


def mean_interval(values: ArrayLike, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """Estimate a mean, with the percentiles of means of resamples.

    Args:
        values: one for each seed, shape ``(seeds,)``.
        resamples: how many samples with replacement are drawn.
        seed: of the draws.

    Source: Efron and Tibshirani (1993), section 13.3. Equal, but for the draws, to
    ``scipy.stats.bootstrap((values,), np.mean, method="percentile")``.

    >>> mean_interval([1.0, 1.0, 1.0])
    Interval(estimate=1.0, low=1.0, high=1.0)
    """
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    draws = np.random.default_rng(seed).integers(n, size=(resamples, n))
    low, high = np.quantile(values[draws].mean(axis=1), LEVELS)
    return Interval(float(values.mean()), float(low), float(high))


def mean_ratio(ratios: ArrayLike) -> Interval:
    """Estimate the geometric mean of ratios over all rates and seeds.

    Args:
        ratios: positive, a row for each rate, a column for each seed, shape ``(rates, seeds)``.

    >>> round(mean_ratio([[1.0, 1.0], [4.0, 4.0]]).estimate, 9)
    2.0
    """
    logs = mean_over_rates(np.log(np.asarray(ratios)))
    return Interval(*(float(np.exp(number)) for number in logs))


def mean_over_rates(values: ArrayLike) -> Interval:
    """Estimate the mean of values of any sign over all rates and seeds.

    Args:
        values: a row for each rate, a column for each seed, shape ``(rates, seeds)``.

    >>> mean_over_rates([[1.0, 1.0], [-2.0, -2.0]]).estimate
    -0.5
    """
    return mean_interval(np.asarray(values).mean(axis=0))


def tuned_difference(
    first: ArrayLike, second: ArrayLike, *, resamples: int = 2000, seed: int = 2
) -> Interval:
    """Estimate the difference of means, second less first, each at its best rate.

    Every resample of the seeds finds its own best rates, so that the interval has the luck of
    tuning in it.

    Args:
        first: a row for each rate, a column for each seed, shape ``(rates, seeds)``.
        second: likewise; the seeds are shared, the rates need not be.
        resamples: how many samples with replacement are drawn.
        seed: of the draws.

    >>> tuned_difference([[1.0, 1.0], [5.0, 5.0]], [[3.0, 3.0]]).estimate
    2.0
    """
    least = [means.min(axis=0) for means in _resampled_means([first, second], resamples, seed)]
    return _interval(least[1] - least[0])


def _resampled_means(
    values: Sequence[ArrayLike], resamples: int, seed: int
) -> list[NDArray[np.float64]]:
    """Return every rate's means: over the seeds, then over resamples that all share.

    Args:
        values: of each method an array of shape ``(rates, seeds)``.
        resamples: how many samples with replacement are drawn.
        seed: of the draws.

    Returns:
        For each method an array of shape ``(rates, 1 + resamples)``.
    """
    arrays = [np.asarray(each) for each in values]
    n = arrays[0].shape[1]
    draws = np.random.default_rng(seed).integers(n, size=(resamples, n))
    draws = np.vstack([np.arange(n), draws])
    return [each[:, draws].mean(axis=-1) for each in arrays]


def _interval(resampled: NDArray[np.float64]) -> Interval:
    """Return the first of the values, which is of no resample, between percentiles of the rest."""
    low, high = np.quantile(resampled[1:], LEVELS)
    return Interval(float(resampled[0]), float(low), float(high))


def t_statistic(values: ArrayLike, expected: ArrayLike) -> NDArray[np.float64]:
    """Return by how many standard errors means over the seeds differ from what is expected.

    Args:
        values: the last axis is that of the seeds, at least two, shape ``(..., seeds)``.
        expected: the means, if theory is right; broadcasts against the leading axes.

    Returns:
        Shape ``(...)``, positive where the mean is greater. Equal to the ``statistic`` of
        ``scipy.stats.ttest_1samp``.

    >>> float(t_statistic([1.0, 3.0], expected=1.0))
    1.0
    """
    values = np.asarray(values, dtype=np.float64)
    standard_error = values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])
    return np.asarray((values.mean(axis=-1) - expected) / standard_error)


def tuned_ratio(first: ArrayLike, second: ArrayLike) -> Interval:
    """Estimate the ratio of geometric means, second over first, each at its best rate.

    Args:
        first: positive, a row for each rate, a column for each seed, shape ``(rates, seeds)``.
        second: likewise; the seeds are shared, the rates need not be.

    >>> tuned_ratio([[1.0, 1.0], [5.0, 5.0]], [[2.0, 2.0]]).estimate
    2.0
    """
    logs = tuned_difference(np.log(np.asarray(first)), np.log(np.asarray(second)))
    return Interval(*(float(np.exp(number)) for number in logs))


def tuned_trend(*losses: ArrayLike, resamples: int = 2000, seed: int = 2) -> Interval:
    """Estimate the greatest ratio of a method's loss to that of the method before it.

    Below 1 every method is better than the one before: the losses fall monotonically.

    Args:
        losses: two methods or more in their order, positive, a row for each rate, a column for each
            seed, shape ``(rates, seeds)``; the seeds are shared.
        resamples: how many samples with replacement are drawn; each finds its own best rates.
        seed: of the draws.

    >>> round(tuned_trend([[4.0, 4.0]], [[1.0, 1.0]], [[0.5, 0.5]]).estimate, 9)
    0.5
    """
    means = _resampled_means([np.log(np.asarray(each)) for each in losses], resamples, seed)
    least = np.array([each.min(axis=0) for each in means])
    return _interval(np.exp(np.diff(least, axis=0).max(axis=0)))


def untuned_ratio(
    tuned: ArrayLike, other: ArrayLike, *, resamples: int = 2000, seed: int = 2
) -> Interval:
    r"""Estimate what it costs a method to take over the best rate of another.

    .. math:: \frac{\text{its loss at the other's best rate}}{\text{its loss at its own}}

    Args:
        tuned: the other's losses, positive, a row for each rate, a column for each seed, shape
            ``(rates, seeds)``.
        other: the method's own, of the same shape: rates and seeds are shared.
        resamples: how many samples with replacement are drawn; each finds its own best rates.
        seed: of the draws.

    >>> round(untuned_ratio([[1.0, 1.0], [5.0, 5.0]], [[6.0, 6.0], [2.0, 2.0]]).estimate, 9)
    3.0
    """
    logs = [np.log(np.asarray(each)) for each in (tuned, other)]
    chosen, own = _resampled_means(logs, resamples, seed)
    taken = np.take_along_axis(own, chosen.argmin(axis=0)[None], axis=0)[0]
    return _interval(np.exp(taken - own.min(axis=0)))


def moved_ratio(
    tuned: ArrayLike, moved: ArrayLike, *, shift: int, resamples: int = 2000, seed: int = 2
) -> Interval:
    r"""Estimate what it costs to move a best rate by a rule.

    .. math:: \frac{\text{loss at the moved rate}}{\text{loss at its own best rate}}

    Best rates lie between those of the grid, where a parabola through three logarithms of losses
    has its minimum: two that are nearly as good would make a rule's price a matter of luck.

    Args:
        tuned: losses where the rate is tuned, positive, a row for each rate, a column for each
            seed, shape ``(rates, seeds)``; the rates are a geometric sequence.
        moved: losses where it is moved to; the seeds are shared, and so is the factor between
            rates, but there may be more of them.
        shift: the row of `moved` that the rule leads the first row of `tuned` to.
        resamples: how many samples with replacement are drawn; each finds its own best rates.
        seed: of the draws.

    >>> first = [[4.0, 4.0], [1.0, 1.0], [4.0, 4.0]]
    >>> round(moved_ratio(first, first, shift=0).estimate, 9)
    1.0
    """
    here, there = _resampled_log_means([tuned, moved], resamples, seed)
    cost = _between(there, _best_row(here) + shift) - _between(there, _best_row(there))
    return _interval(np.exp(cost))


def rival_ratio(
    tuned: ArrayLike,
    moved: ArrayLike,
    *,
    shifts: tuple[int, int],
    resamples: int = 2000,
    seed: int = 2,
) -> Interval:
    """Estimate the ratio of losses at the rates that two rules lead a best rate to.

    Args:
        tuned: as for `moved_ratio`.
        moved: likewise.
        shifts: of the two rules, as there; the second one's loss is over the first one's.
        resamples: how many samples with replacement are drawn; each finds its own best rate.
        seed: of the draws.

    >>> first, second = [[4.0, 4.0], [1.0, 1.0], [4.0, 4.0]], [[2.0, 2.0]] * 3 + [[6.0, 6.0]] * 3
    >>> round(rival_ratio(first, second, shifts=(0, 3)).estimate, 9)
    3.0
    """
    here, there = _resampled_log_means([tuned, moved], resamples, seed)
    one, other = (_between(there, _best_row(here) + shift) for shift in shifts)
    return _interval(np.exp(other - one))


def moved_power(
    tuned: ArrayLike,
    moved: ArrayLike,
    *,
    shifts: tuple[int, int],
    resamples: int = 2000,
    seed: int = 2,
) -> Interval:
    """Estimate the power of a factor that the best rate moves with.

    Args:
        tuned: as for `moved_ratio`.
        moved: likewise.
        shifts: of the rules whose powers are 0 and 1, as there.
        resamples: how many samples with replacement are drawn; each finds its own best rates.
        seed: of the draws.

    >>> first = [[4.0, 4.0], [1.0, 1.0], [4.0, 4.0]]
    >>> round(moved_power(first, [[9.0, 9.0], *first], shifts=(0, 2)).estimate, 9)
    0.5
    """
    here, there = _resampled_log_means([tuned, moved], resamples, seed)
    further = _best_row(there) - _best_row(here)
    return _interval((further - shifts[0]) / (shifts[1] - shifts[0]))


def _resampled_log_means(
    values: Sequence[ArrayLike], resamples: int, seed: int
) -> list[NDArray[np.float64]]:
    return _resampled_means([np.log(np.asarray(each)) for each in values], resamples, seed)


def _best_row(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where parabolas through the least means and their neighbors are least."""
    row = means.argmin(axis=0).clip(1, len(means) - 2)
    slope, bend = _parabola(means, row)
    return row - (slope / bend).clip(-1, 1)


def _between(means: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what parabolas through the three nearest rows have between rows."""
    row = np.rint(place).astype(int).clip(1, len(means) - 2)
    slope, bend = _parabola(means, row)
    beyond = place - row
    middle = np.take_along_axis(means, row[None], axis=0)[0]
    return np.asarray(middle + slope * beyond + bend / 2 * beyond**2)


def _parabola(
    means: NDArray[np.float64], row: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return first and second derivative, by the row, of parabolas through three rows."""
    below, middle, above = (np.take_along_axis(means, row[None] + k, axis=0)[0] for k in (-1, 0, 1))
    return (above - below) / 2, above - 2 * middle + below
