"""Averages in few bits: formulas against their limits, quadrature and simulated storage."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm

from rmsprop import equations
from rmsprop.equations import enough_digits, nearest_level, stored_share, stored_spread
from rmsprop.experiments.stored_averages import follow_stored, spacing

ABSOLUTE_DEVIATION = 4 * norm.pdf(1)  # of the square of a standard Gaussian from 1


def last(alpha, digits, windows=4, **options):
    steps = round(windows / (1 - alpha))
    *_, stored = follow_stored(alpha, digits, steps=steps, **options)
    return stored


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9])
def test_short_memory_has_uniform_rounding_errors(alpha):
    tiny = 1e-4 * (1 - alpha)
    assert_allclose(stored_spread(alpha, tiny), tiny / np.sqrt(6 * (1 - alpha**2)), rtol=1e-3)


@pytest.mark.parametrize("bits", [4, 8, 11])
def test_long_memory_saturates(bits):
    alpha, iota = 1 - 1e-4 * 2.0**-bits, 2.0**-bits
    limit = np.sqrt(iota * ABSOLUTE_DEVIATION / (1 + alpha))
    assert_allclose(stored_spread(alpha, iota), limit, rtol=1e-3)
    assert limit / np.sqrt(iota) == pytest.approx(0.696, abs=1e-3)


@pytest.mark.parametrize("steps", [0.07, 0.4, 1.3, 3.0])
def test_series_is_the_mean_over_a_gaussian(steps):
    iota = (1 - 0.9) / steps

    def rounding(g):
        part = steps * (g**2 - 1) % 1
        return 2 * part * (1 - part) * norm.pdf(g)

    kinks = np.sqrt(1 + np.arange(-int(steps), int(64 * steps)) / steps)
    ends = [0.0, *kinks, 9.0]
    mean = sum(quad(rounding, *pair)[0] for pair in pairwise(ends))
    assert_allclose(stored_spread(0.9, iota) ** 2, iota**2 * mean / (1 - 0.9**2), rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.9, 0.98, 0.997])
def test_stochastic_rounding_is_unbiased_and_spreads_as_predicted(alpha):
    digits = np.array([5, 7, 8, 11])
    stored = last(alpha, digits, parameters=4000, seed=1)
    error = (stored.stochastic - stored.exact) / 2**0.5
    # The spacing halves and doubles where an average passes a power of 2.
    near = spacing(stored.exact[::20], digits[:, None]) * stored.exact[::20] / 2**0.5
    predicted = np.sqrt((stored_spread(alpha, near) ** 2).mean(axis=1))
    assert np.all(np.abs(error.mean(axis=1)) < 4 * error.std(axis=1) / np.sqrt(4000))
    assert_allclose(error.std(axis=1), predicted, rtol=0.1)


def test_share_is_the_variance_over_that_of_the_gradients():
    alpha, iota = np.array([[0.9], [0.99]]), np.array([0.002, 0.02])
    noise = 2 * equations.variance_factor(alpha)
    assert_allclose(stored_share(alpha, iota), stored_spread(alpha, iota) ** 2 / noise, rtol=1e-12)


@given(st.floats(0.5, 0.9999), st.floats(0.02, 5))
def test_enough_digits_add_that_share(alpha, share):
    iota = 2 ** (1 - enough_digits(alpha, share))
    assert float(stored_share(alpha, iota)) == pytest.approx(share, rel=1e-6)


@pytest.mark.parametrize(("alpha", "digits"), [(0.95, 6), (0.95, 5), (0.9, 4)])
def test_nearest_level_is_where_the_simulated_one_settles(alpha, digits):
    stored = last(alpha, [digits], windows=12, parameters=4000, seed=2)
    level = nearest_level(alpha, float(spacing(2**0.5, digits)))
    assert stored.nearest.mean() / 2**0.5 == pytest.approx(level, abs=0.06)


def test_nearest_never_comes_down_where_a_step_is_less_than_half_a_spacing():
    alpha, digits = 0.999, 8
    assert 1 - alpha < float(spacing(1.0, digits)) / 2
    paths = follow_stored(alpha, [digits], steps=3000, parameters=50, seed=3)
    levels = np.array([stored.nearest[0] for stored in paths])
    assert np.all(np.diff(levels, axis=0) >= 0)
    assert levels[-1].mean() > 1.2 * 2**0.5
    assert nearest_level(alpha, float(spacing(2**0.5, digits))) > 2
