"""Intervals against SciPy, and what holds whatever the data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rmsprop.experiments.statistics import (
    at_best_rate,
    best_rate,
    mean_interval,
    mean_over_rates,
    mean_ratio,
    moved_power,
    moved_ratio,
    rival_ratio,
    t_statistic,
    tuned_difference,
    tuned_ratio,
    tuned_trend,
    untuned_ratio,
)


def test_mean_interval_is_scipys_percentile_bootstrap():
    values = np.random.default_rng(1).exponential(size=40)
    ours = mean_interval(values)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(3)
    ).confidence_interval
    assert ours.estimate == values.mean()
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), rel=0.02)


def test_mean_interval_covers_the_mean_of_normal_data_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    intervals = [mean_interval(rng.standard_normal(64), resamples=1000) for _ in range(400)]
    covered = np.mean([interval.low < 0 < interval.high for interval in intervals])
    assert 0.91 < covered < 0.98


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=20), st.floats(0.1, 10))
def test_ratio_of_multiples_is_their_factor(losses, factor):
    interval = tuned_ratio([losses], [factor * np.array(losses)])
    assert interval == pytest.approx((factor,) * 3)


def test_ratio_pairs_the_seeds():
    hard = np.geomspace(1, 1000, 30)  # seeds differ a thousandfold, the methods by a tenth
    assert tuned_ratio([hard], [1.1 * hard]).low > 1.09
    assert tuned_ratio([hard[::-1]], [1.1 * hard]).low < 1


def test_tuning_within_the_resampling_widens_the_interval():
    # Rates that are all alike: the best of nine is so by luck, and differs between resamples.
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 9, 64))
    fixed = mean_interval(second[second.mean(1).argmin()] - first[first.mean(1).argmin()])
    tuned = tuned_difference(first, second)
    assert tuned.estimate == pytest.approx(fixed.estimate)
    assert not np.allclose((tuned.low, tuned.high), (fixed.low, fixed.high), rtol=0.1)


def test_tuned_difference_with_one_rate_is_a_mean_interval():
    first, second = np.random.default_rng(0).standard_normal((2, 1, 64))
    tuned = tuned_difference(first, second, resamples=10_000, seed=0)
    assert tuned == pytest.approx(mean_interval(second[0] - first[0]))


def test_mean_over_rates_is_a_mean_whose_interval_is_of_the_seeds():
    values = np.random.default_rng(0).standard_normal(40)
    both = mean_over_rates([values, -3 * values])
    assert both == pytest.approx(mean_interval(-values))


def test_mean_ratio_is_a_geometric_mean_whose_interval_is_of_the_seeds():
    ratios = np.exp(np.random.default_rng(0).standard_normal((3, 64)))
    found = mean_ratio(ratios)
    assert found.estimate == pytest.approx(stats.gmean(ratios.ravel()))
    logs = mean_interval(np.log(ratios).mean(axis=0))
    assert found == pytest.approx(np.exp(logs))
    assert mean_ratio(ratios[:1]).high - found.high > 0


def test_best_rate_is_that_of_the_least_median_not_mean():
    assert at_best_rate([[1, 1, 100], [2, 2, 2]]).tolist() == [1, 1, 100]


def test_t_statistic_is_scipys():
    values, expected = np.random.default_rng(0).exponential(size=(3, 20)), np.array([0.5, 1.0, 2.0])
    theirs = stats.ttest_1samp(values, expected[:, None], axis=-1).statistic
    assert t_statistic(values, expected) == pytest.approx(theirs)


@given(st.lists(st.lists(st.floats(0, 9), min_size=4, max_size=4), min_size=1, max_size=6))
def test_no_rate_has_a_lesser_median_than_the_best_and_none_that_is_lost_wins(losses):
    best = best_rate(losses)
    assert np.median(losses, axis=1).min() == np.median(losses[best])
    assert best_rate([[np.nan, 0, 0, 0], *losses, [0, 0, 0, np.nan]]) == best + 1


def test_tuned_ratio_of_shifted_losses_is_their_factor_at_the_best_rates():
    rng = np.random.default_rng(0)
    plain = np.exp(rng.standard_normal((3, 32)))
    better = np.vstack([0.8 * plain.min(axis=0), 100 * plain])
    best = np.exp(np.log(plain).mean(axis=1).min())
    ratio = tuned_ratio(plain, better)
    expected = np.exp(np.log(better[0]).mean()) / best
    assert ratio.estimate == pytest.approx(expected)
    assert ratio.low < ratio.estimate < ratio.high


@given(st.floats(0.1, 10))
def test_tuned_ratio_of_multiples_is_their_factor(factor):
    losses = np.exp(np.random.default_rng(0).standard_normal((4, 16)))
    assert tuned_ratio(losses, factor * losses) == pytest.approx((factor,) * 3)


def test_a_trend_is_the_worst_of_its_ratios_and_tuned_like_them():
    rng = np.random.default_rng(0)
    first, second, third = (np.exp(rng.normal(m, 0.1, (3, 40))) for m in (0.0, -1.0, -1.2))
    trend = tuned_trend(first, second, third)
    assert trend == pytest.approx(tuned_ratio(second, third))
    assert tuned_trend(first, second) == pytest.approx(tuned_ratio(first, second))


def test_an_untuned_ratio_takes_the_rate_of_the_other():
    rng = np.random.default_rng(1)
    luck = np.exp(rng.normal(0, 0.3, 50))
    first = np.array([[1.0], [2.0], [4.0]]) * luck
    second = np.array([[8.0], [2.0], [1.0]]) * luck
    price = untuned_ratio(first, second)
    assert price == pytest.approx((8, 8, 8))  # the luck is the same and cancels
    assert untuned_ratio(second, first) == pytest.approx((4, 4, 4))
    assert untuned_ratio(first, first) == pytest.approx((1, 1, 1))


def parabolas(rows, best, seeds=24):
    """Logarithms of losses that are parabolas about a row, the same for all seeds but a factor."""
    level = np.random.default_rng(1).uniform(1, 3, seeds)
    return np.exp(0.3 * (np.arange(rows)[:, None] - best) ** 2) * level


@pytest.mark.parametrize("best", [2.0, 2.3, 1.6])
@pytest.mark.parametrize("shift", [0, 2, 4])
def test_prices_of_rules_on_parabolas_are_exact(best, shift):
    tuned, moved = parabolas(5, best), parabolas(9, 4.1)
    price = np.exp(0.3 * (best + shift - 4.1) ** 2)
    found = moved_ratio(tuned, moved, shift=shift)
    assert found == pytest.approx((price, price, price))
    rival = rival_ratio(tuned, moved, shifts=(1, shift))
    assert rival.estimate == pytest.approx(price / np.exp(0.3 * (best + 1 - 4.1) ** 2))
    power = moved_power(tuned, moved, shifts=(0, 4))
    assert power.estimate == pytest.approx((4.1 - best) / 4)


def test_two_rates_that_are_nearly_as_good_do_not_make_a_price_jump():
    rng = np.random.default_rng(0)
    noise = np.exp(0.05 * rng.standard_normal((5, 64)))
    found = moved_ratio(parabolas(5, 2.5, 64) * noise, parabolas(9, 4.1, 64), shift=2)
    assert found.high / found.low < 1.1
