"""Bias and spread of rounding against float32, thresholds against the runs they foretell."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar

from rmsprop import equations
from rmsprop.equations import enough_noise, first_nan, rounding_reach, safe_gradient
from rmsprop.experiments.cancellation import (
    damage,
    first_negative,
    nearly_constant_gradients,
    subtracted_variance,
)
from rmsprop.experiments.steady_gradients import follow_steady_gradients, variance_error

alphas = st.floats(0.3, 0.999)


@given(alphas)
def test_constants_are_float32_at_least(alpha):
    """For bfloat16 only the averages are coarser: between spreads of both lies no other bias."""
    spread = partial(equations.rounding_spread, alpha, mean=1.0)
    between = np.sqrt(2 * np.log(1e6)) * (spread(8) - spread(24))
    unbounded = np.sqrt(2 * np.log(1e6)) * spread(24) - equations.rounding_bias(alpha)
    assert rounding_reach(alpha, 1e6, 8) - unbounded == pytest.approx(between)


@pytest.mark.parametrize("weights", [(2, 1), (2, 2), (1, 1)])
@pytest.mark.parametrize(("alpha", "noise", "steps"), [(0.97, 1e-3, 600), (0.9, 1e-3, 50)])
def test_bound_on_what_is_lost_is_that_of_its_gaussian_model(alpha, noise, steps, weights):
    """Against the least of Chernoff's bounds, with the eigenvalues of the quadratic form."""
    w = (1 - alpha) * alpha ** np.arange(int(30 / (1 - alpha)))
    eigenvalues = np.linalg.eigvalsh(np.diag(w) - np.outer(w, w))
    spread = equations.rounding_spread(alpha, weights=weights, mean=1.0)
    bias = equations.rounding_bias(alpha, weights=weights)

    def exponent(log_rate):
        rate = np.exp(log_rate)
        varied = np.log1p(2 * rate * noise**2 * eigenvalues).sum()
        return -rate * bias + (rate * spread) ** 2 / 2 - varied / 2

    least = minimize_scalar(exponent, bounds=(np.log(1e-2 / spread), np.log(1e2 / spread))).fun
    bound = equations.lost_bound(alpha, noise, steps, weights=weights)
    assert bound == pytest.approx(steps * np.exp(least), rel=0.01)


@pytest.mark.parametrize("digits", [8, 24, 53])
def test_enough_noise_is_where_the_bound_is_a_hundredth(digits):
    enough = enough_noise(0.95, 1000, digits)
    assert equations.lost_bound(0.95, enough, 1000, digits) == pytest.approx(0.01, rel=0.01)


def test_a_bias_that_protects_needs_no_noise():
    alphas = 1 - np.geomspace(1e-4, 1e-2, 200)
    protected = [a for a in alphas if rounding_reach(a, 2e5) == 0]
    assert len(protected) > 3
    assert [enough_noise(a, 2000) for a in protected[:3]] == [0.0] * 3


@pytest.mark.parametrize("weights", [(2, 1), (2, 2), (1, 1)])
@pytest.mark.parametrize("alpha", [0.9, 0.95, 0.99])
def test_few_are_lost_with_enough_noise_and_many_with_half_of_it(alpha, weights):
    steps = round(20 / (1 - alpha))
    enough = enough_noise(alpha, steps, weights=weights)
    means = [1.02, 1.2, 1.41, 1.43, 1.95]
    most = [
        np.isfinite(
            first_negative(
                means, part * enough, alpha, steps=steps, parameters=300, seed=0, weights=weights
            )
        )
        .mean(axis=1)
        .max()
        for part in (1, 0.5)
    ]
    assert most[0] <= 0.01 < most[1]


@pytest.mark.parametrize("weights", [(2, 1), (2, 2), (1, 1)])
def test_eps_inside_the_root_saves_gradients_up_to_the_safe_size(weights):
    alpha, eps, steps = 0.95, 1e-4, 1000
    safe = float(safe_gradient(alpha, eps, steps, weights))
    sizes = safe * np.array([1, 2])
    gradients = nearly_constant_gradients(sizes, noise=1e-5, parameters=300, steps=steps, seed=0)
    below, above = damage(gradients, alpha, eps, eps_in_sqrt=True, weights=weights).lost
    assert below <= 0.01 < above


@pytest.mark.parametrize("alpha", [0.9, 0.95])
def test_first_nan_comes_about_when_it_is_foretold(alpha):
    centered = partial(torch.optim.RMSprop, alpha=alpha, centered=True)
    run = follow_steady_gradients(centered, [1e-5], steps=400, parameters=500)
    observed = (run.lost[:, 0] > 0).argmax() + 1
    assert run.lost[-1, 0] > 0
    assert observed == pytest.approx(float(first_nan(alpha, 500)), rel=0.05)


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
    assert_allclose(error.std(), spread, rtol=0.08)
    assert abs(error.mean() - equations.rounding_bias(alpha)) < 0.15 * spread


@pytest.mark.parametrize("mean", [1.05, 1.2, 1.38, 1.45, 1.7, 1.95])
def test_spread_depends_on_the_significand_of_the_mean(mean):
    error = variance_error(0.99, noise=1e-3, parameters=4000, mean=mean)
    assert_allclose(error.std(), equations.rounding_spread(0.99, mean=mean), rtol=0.06)


@pytest.mark.parametrize("weights", [(2, 1), (2, 2), (1, 1)])
def test_spread_without_a_mean_is_that_of_all_significands(weights):
    means = 2 ** ((np.arange(10_000) + 0.5) / 10_000)
    squares = equations.rounding_spread(0.9, weights=weights, mean=means) ** 2
    assert_allclose(equations.rounding_spread(0.9, weights=weights) ** 2, squares.mean(), rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.9, 0.99])
@pytest.mark.parametrize("weights", [(2, 1), (2, 2), (1, 1)])
def test_bias_of_every_way_to_average_is_the_one_predicted(alpha, weights):
    stream, means = np.random.default_rng(2), 2 ** np.linspace(0, 1, 2000, endpoint=False)
    noise = stream.standard_normal((round(20 / (1 - alpha)), len(means)))
    gradients = (means * (1 + 1e-3 * noise)).astype(np.float32)
    computed = subtracted_variance(gradients, alpha, weights=weights)[-1]
    m = c = np.zeros(len(means))
    for g in gradients:
        m, c = equations.update_variance(m, c, g, alpha)
    error = (computed - c) / means**2
    spread = equations.rounding_spread(alpha, weights=weights)
    assert abs(error.mean() - equations.rounding_bias(alpha, weights=weights)) < 0.15 * spread
    assert_allclose(error.std(), spread, rtol=0.1)
