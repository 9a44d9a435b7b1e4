"""Bias and spread of rounding against float32, thresholds against the runs they foretell."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.equations import enough_noise, first_nan, rounding_reach, safe_gradient
from rmsprop.experiments.cancellation import damage, nearly_constant_gradients
from rmsprop.experiments.steady_gradients import follow_steady_gradients, variance_error

alphas = st.floats(0.3, 0.999)


@given(alphas, st.sampled_from([8, 11, 24, 53]))
def test_expected_variance_at_enough_noise_is_what_rounding_reaches(alpha, digits):
    settled = equations.expected_grad_var(alpha, 10**7, enough_noise(alpha, digits))
    assert settled == pytest.approx(float(rounding_reach(alpha, digits)), rel=1e-6)


@given(alphas)
def test_constants_are_float32_at_least(alpha):
    """For bfloat16 only the averages are coarser: between spreads of both lies no other bias."""
    spread = equations.rounding_spread
    between = 3 * (spread(alpha, 8) - spread(alpha, 24))
    assert rounding_reach(alpha, 8) - (3 * spread(alpha, 24) - equations.rounding_bias(alpha)) == (
        pytest.approx(between)
    )


def test_bias_beyond_three_standard_deviations_leaves_nothing_to_fear():
    grid = np.linspace(0.9, 0.9999, 2000)
    negative = 3 * equations.rounding_spread(grid) < equations.rounding_bias(grid)
    assert negative.any()
    assert (enough_noise(grid)[negative] == 0).all()
    assert (enough_noise(grid)[~negative] > 0).all()


@pytest.mark.parametrize("alpha", [0.9, 0.95])
def test_torch_loses_parameters_below_enough_noise_and_none_above(alpha):
    enough = float(enough_noise(alpha))
    centered = partial(torch.optim.RMSprop, alpha=alpha, centered=True)
    run = follow_steady_gradients(
        centered, [enough / 10, 2 * enough], steps=round(20 / (1 - alpha)), parameters=300
    )
    less, more = run.lost[-1]
    assert less > 0.5
    assert more < 0.01


def test_eps_inside_the_root_saves_gradients_up_to_the_safe_size():
    alpha, eps = 0.95, 1e-4
    safe = float(safe_gradient(alpha, eps))
    sizes = [safe / 2, 10 * safe]
    gradients = nearly_constant_gradients(sizes, noise=1e-4, parameters=300, steps=600, seed=0)
    below, above = damage(gradients, alpha, eps, eps_in_sqrt=True).lost
    assert below == 0
    assert above > 0.5


@given(alphas)
def test_safe_gradient_grows_with_the_root_of_eps(alpha):
    # Both infinite where the bias protects.
    with np.errstate(divide="ignore"):
        assert safe_gradient(alpha, 4e-4) == pytest.approx(2 * safe_gradient(alpha, 1e-4))


@pytest.mark.parametrize("alpha", [0.9, 0.95])
def test_first_nan_comes_about_when_it_is_foretold(alpha):
    centered = partial(torch.optim.RMSprop, alpha=alpha, centered=True)
    run = follow_steady_gradients(centered, [1e-5], steps=400, parameters=500)
    observed = (run.lost[:, 0] > 0).argmax() + 1
    assert run.lost[-1, 0] > 0
    assert observed == pytest.approx(float(first_nan(alpha)), rel=0.2)


def test_rounded_weights_are_those_of_float32():
    alphas = np.array([0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999])
    for alpha, bias in zip(alphas, equations.rounding_bias(alphas), strict=True):
        kept, new = np.float64(np.float32(alpha)), np.float64(np.float32(1 - alpha))
        assert bias == new / (1 - kept) - 1


@pytest.mark.parametrize("noise", [1e-2, 1e-3])
@pytest.mark.parametrize("alpha", [0.8, 0.9, 0.95, 0.98, 0.99])
def test_rounding_of_torch_in_float32_has_the_bias_and_the_spread_predicted(alpha, noise):
    error = variance_error(alpha, noise=noise, parameters=4000)
    spread = equations.rounding_spread(alpha)
    assert_allclose(error.std(), spread, rtol=0.1)
    assert abs(error.mean() - equations.rounding_bias(alpha)) < 0.15 * spread
