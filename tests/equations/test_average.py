"""The moving average against SciPy, PyTorch and its own invariants."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import lfilter

from rmsprop import equations

EPSILON = np.finfo(np.float64).eps
ALPHAS = (0.0, 0.5, 0.9, 0.99, 0.999)
alphas = st.floats(0, 0.999)
numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("initial", [0.0, -3.0])
def test_iterated_average_equals_scipy_lfilter(alpha, initial):
    x = np.random.default_rng(0).normal(size=(3, 400))
    zi = np.full((3, 1), alpha * initial)
    expected, _ = lfilter([1 - alpha], [1, -alpha], x, zi=zi)
    assert_allclose(equations.iterate_average(x, alpha, initial), expected, rtol=0, atol=1e-13)


def test_iterated_average_of_many_alphas_starts_and_series_equals_each_alone():
    rng = np.random.default_rng(1)
    x, alpha, initial = rng.normal(size=(3, 20)), np.array(ALPHAS)[:, None], rng.normal(size=3)
    together = equations.iterate_average(x, alpha, initial)
    assert together.shape == (5, 3, 20)
    for i, j in np.ndindex(5, 3):
        alone = equations.iterate_average(x[j], ALPHAS[i], initial[j])
        assert_array_equal(together[i, j], alone)


def test_iterated_average_of_nothing_is_nothing():
    assert equations.iterate_average(np.empty((2, 0)), 0.9).shape == (2, 0)


@given(average=numbers, x=numbers, alpha=alphas)
def test_one_update_equals_torch_lerp_and_one_iteration(average, x, alpha):
    updated = equations.update_average(average, x, alpha)
    expected = torch.lerp(*torch.tensor([x, average], dtype=torch.float64), alpha)
    # Each side makes at most three rounding errors of half an epsilon, of the larger number.
    assert_allclose(updated, expected, rtol=0, atol=4 * EPSILON * max(abs(average), abs(x)))
    assert updated == equations.iterate_average([x], alpha, average)[0]


@given(x=st.lists(numbers, min_size=1, max_size=60), alpha=alphas)
def test_average_is_the_weighted_sum_of_the_past(x, alpha):
    newest_first = np.array(x[::-1])
    expected = equations.weights(alpha, len(x)) @ newest_first
    # At most two roundings per step, which the average forgets at the rate 1 - alpha.
    bound = 4 * EPSILON * np.abs(newest_first).max() / (1 - alpha)
    assert_allclose(equations.iterate_average(x, alpha)[-1], expected, rtol=0, atol=bound)


@given(alpha=alphas, n=st.integers(0, 500))
def test_weights_sum_to_one_less_what_is_forgotten(alpha, n):
    weights = equations.weights(alpha, n)
    assert_allclose(weights.sum(), 1 - alpha**n, rtol=0, atol=1e-13)
    assert np.all(np.diff(weights) <= 0)


def test_weights_of_many_alphas_have_the_ages_last():
    weights = equations.weights([[0.5], [0.9]], 3)
    assert_allclose(weights[1, 0], [0.1, 0.09, 0.081], rtol=1e-15 * 4)
    assert weights.shape == (2, 1, 3)


@pytest.mark.parametrize(("alpha", "steps"), [(0.9, "6.579"), (0.99, "68.97"), (0.999, "692.8")])
def test_half_life_has_its_known_value(alpha, steps):
    assert f"{equations.half_life(alpha):.4g}" == steps


@given(alpha=st.floats(1e-3, 0.999))
def test_weight_is_half_after_a_half_life(alpha):
    # The exponent amplifies the rounding of the half-life by ln 2 at most; alpha^t by t.
    assert_allclose(alpha ** equations.half_life(alpha), 0.5, rtol=8 * EPSILON)


def test_half_life_without_memory_is_zero():
    assert equations.half_life(0.0) == 0


@pytest.mark.parametrize("alpha", ALPHAS)
def test_window_is_the_mean_of_age_plus_one(alpha):
    n = 40_000
    expected = (np.arange(1, n + 1) * equations.weights(alpha, n)).sum()
    assert_allclose(equations.window(alpha), expected, rtol=1e-12)
