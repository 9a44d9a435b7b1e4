"""Averages of squared Gaussians against filters, closed forms, and SciPy's statistics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.signal import lfilter
from scipy.special import gammaln

from rmsprop import equations
from rmsprop.experiments.gaussian_squares import (
    average_squares,
    empirical_distribution,
    mean_inverse_root,
    relative_error,
    settled_averages,
    skewness,
    step_factors,
)


def test_last_average_is_that_of_a_filter_that_starts_at_one():
    gradients = np.random.default_rng(0).standard_normal((50, 3, 1))
    alphas = np.array([0.0, 0.5, 0.99])
    averages = average_squares(gradients, alphas)
    assert averages.shape == (3, 3)
    for i, alpha in enumerate(alphas):
        squares = gradients[..., 0] ** 2
        filtered, _ = lfilter([1 - alpha], [1, -alpha], squares, axis=0, zi=np.full((1, 3), alpha))
        assert_allclose(averages[:, i], filtered[-1], rtol=1e-12)


def test_settled_averages_have_the_distribution_that_davies_computes():
    (samples,) = settled_averages(0.9, n=50_000, seeds=1, seed=3)
    fit = stats.kstest(samples, lambda x: equations.average_distribution(x, 0.9))
    assert fit.pvalue > 0.05


def test_seed_draws_the_same_however_many_there_are():
    three = settled_averages(0.5, n=10, seeds=3, seed=7)
    assert_array_equal(three[:2], settled_averages(0.5, n=10, seeds=2, seed=7))
    assert len(np.unique(three)) == 30
    assert not np.isin(three, settled_averages(0.5, n=10, seeds=3, seed=8)).any()


def test_relative_error_is_the_root_of_the_second_cumulant():
    alphas = np.array([0.0, 0.5, 0.99])
    assert_allclose(relative_error(alphas) ** 2, equations.average_cumulant(alphas, 2), rtol=1e-12)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_empirical_distribution_is_scipys(samples):
    x = np.arange(-4, 4.5, 0.5)
    expected = stats.ecdf(samples).cdf.evaluate(x)
    assert_allclose(empirical_distribution(samples, x), expected, rtol=1e-12)
    assert_allclose(empirical_distribution([samples] * 2, x), [expected] * 2, rtol=1e-12)


def test_skewness_is_scipys_where_the_mean_is_one():
    samples = np.random.default_rng(0).exponential(size=(3, 200))
    samples += 1 - samples.mean(axis=-1, keepdims=True)
    assert_allclose(skewness(samples), stats.skew(samples, axis=-1), rtol=1e-9)


def test_skewness_is_about_one_not_about_the_mean_of_the_samples():
    assert skewness([2.0, 2.0]) == 1


@pytest.mark.parametrize("power", [0, 1, 2])
@pytest.mark.parametrize("n", [5, 8, 100])
def test_mean_inverse_root_of_a_plain_mean_is_that_of_a_chi_square(n, power):
    # The direction of a Gaussian vector is independent of its length, a chi variable.
    expected = np.sqrt(n / 2) * np.exp(gammaln((n + power - 1) / 2) - gammaln((n + power) / 2))
    assert mean_inverse_root(np.full(n, 1 / n), power) == pytest.approx(expected, rel=1e-6)


def test_mean_inverse_root_is_weighted_by_the_newest_gradient():
    rng = np.random.default_rng(0)
    g = rng.standard_normal((200_000, 3))
    weights = np.array([0.2, 0.1, 0.05])
    rest = rng.chisquare(65, 200_000) * 0.01
    for power in (1, 2):
        size = np.abs(g[:, 0]) ** power
        steps = size / np.sqrt(g**2 @ weights + rest)
        expected = mean_inverse_root(np.r_[weights, np.full(65, 0.01)], power)
        assert steps.mean() / size.mean() == pytest.approx(expected, rel=2e-3)


def test_mean_inverse_root_is_the_integral_over_the_distribution():
    # By parts, with x = exp(y); above x = 20 the distribution is 1.
    y = np.linspace(-6, np.log(20), 800)
    share = equations.average_distribution(np.exp(y), 0.9)
    expected = np.trapezoid(share * np.exp(-y / 2) / 2, y) + np.exp(-y[-1] / 2)
    assert mean_inverse_root(equations.weights(0.9, 400)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_mean_inverse_root_near_one_is_convexity_less_what_the_newest_adds(power):
    change = mean_inverse_root(equations.weights(0.99, 4000), power) - 1
    assert change / 0.01 == pytest.approx(3 / 8 - power / 2, abs=0.02)


def test_simulated_factors_are_those_computed():
    averages = settled_averages(0.9, n=20_000, seeds=10, seed=12)
    simulated = step_factors(averages, 0.9, seed=11)
    computed = [[mean_inverse_root(equations.weights(0.9, 400), power)] for power in (0, 1, 2)]
    assert np.all(stats.ttest_1samp(simulated, computed, axis=1).pvalue > 0.001)
    assert np.all(simulated.std(axis=1) < 0.01)
