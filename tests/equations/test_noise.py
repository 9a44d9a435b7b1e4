"""Variance, cumulants and distribution of the average against exact sums and simulations."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.integrate import simpson
from scipy.stats import norm

from rmsprop import equations

EPSILON = np.finfo(np.float64).eps
ALPHAS = (0.0, 0.5, 0.9, 0.99, 0.999)


def exact_sum_of_weights(alpha: float, t: int, power: int) -> float:
    exact = Fraction(alpha)
    return float(sum(((1 - exact) * exact**k) ** power for k in range(t)))


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("t", [0, 1, 2, 7, 40])
def test_bias_and_variance_equal_exact_sums_of_the_weights(alpha, t):
    mean, variance = (exact_sum_of_weights(alpha, t, power) for power in (1, 2))
    assert_allclose(equations.mean_factor(alpha, t), mean, rtol=0, atol=2 * EPSILON)
    assert_allclose(equations.variance_factor(alpha, t), variance, rtol=0, atol=2 * EPSILON)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_variance_tends_to_the_sum_of_all_squared_weights(alpha):
    expected = (equations.weights(alpha, 40_000) ** 2).sum()
    assert_allclose(equations.variance_factor(alpha), expected, rtol=1e-12)
    assert equations.mean_factor(alpha, np.inf) == 1


@pytest.mark.parametrize(("alpha", "samples"), [(0, 1), (0.9, 19), (0.99, 199), (0.999, 1999)])
def test_effective_samples_have_their_known_value(alpha, samples):
    assert_allclose(equations.effective_samples(alpha), samples, rtol=1e-12)


def test_bias_and_variance_broadcast_steps_against_alphas():
    alpha, t = np.array([0.5, 0.9])[:, None], np.arange(4)
    assert equations.mean_factor(alpha, t).shape == equations.variance_factor(alpha, t).shape
    assert_allclose(equations.mean_factor(alpha, t)[1], [0, 0.1, 0.19, 0.271], rtol=1e-14)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_cumulants_are_those_of_a_weighted_sum_of_chi_squares(alpha, order):
    # The first four cumulants of one squared Gaussian, from its raw moments 1, 3, 15, 105.
    single = {1: 1, 2: 3 - 1, 3: 15 - 9 + 2, 4: 105 - 60 - 27 + 36 - 6}[order]
    expected = single * (equations.weights(alpha, 40_000) ** order).sum()
    assert_allclose(equations.average_cumulant(alpha, order), expected, rtol=1e-11)


@pytest.mark.parametrize(("alpha", "skewness"), [(0.9, 0.8644), (0.99, 0.2673)])
def test_skewness_has_its_known_value(alpha, skewness):
    variance, third = equations.average_cumulant(alpha, [2, 3])
    assert round(float(third / variance**1.5), 4) == skewness


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.99])
def test_distribution_has_the_moments_that_the_cumulants_say(alpha):
    x = np.linspace(0, 45 * (1 - alpha) + 3, 1_501)
    above = 1 - equations.average_distribution(x, alpha)
    mean = simpson(above, x=x)
    variance = simpson(2 * x * above, x=x) - mean**2
    assert_allclose(mean, 1, rtol=1e-8)
    assert_allclose(variance, equations.average_cumulant(alpha, 2), rtol=1e-7)


def test_distribution_near_one_is_that_of_edgeworth():
    # Edgeworth's expansion to the order of the skewness: the rest is of the order of 1/n.
    alpha, z = 0.9999, np.linspace(-2, 2, 9)
    variance, third = equations.average_cumulant(alpha, [2, 3])
    skewness = third / variance**1.5
    expected = norm.cdf(z) - skewness / 6 * (z**2 - 1) * norm.pdf(z)
    computed = equations.average_distribution(1 + z * np.sqrt(variance), alpha)
    assert_allclose(computed, expected, rtol=0, atol=1e-4)
    assert np.abs(computed - norm.cdf(z)).max() > 5e-4


def test_distribution_agrees_with_a_simulation():
    rng, alpha, n = np.random.default_rng(6), 0.5, 200_000
    average = equations.weights(alpha, 60) @ rng.standard_normal((60, n)) ** 2
    x = np.array([0.1, 0.3, 1.0, 3.0])
    p = equations.average_distribution(x, alpha)
    share = (average <= x[:, None]).mean(axis=1)
    assert_allclose((share - p) / np.sqrt(p * (1 - p) / n), 0, atol=4)


@pytest.mark.parametrize("alpha", [0.49, 1.0, -0.5, np.nan])
def test_distribution_names_an_alpha_that_it_cannot_integrate(alpha):
    with pytest.raises(ValueError, match=r"alpha must lie in \[0.5, 1\), got"):
        equations.average_distribution(1.0, alpha)


@pytest.mark.parametrize("alpha", [0.9, 0.99, 0.999])
def test_rectification_is_that_of_torch(alpha):
    """Under a constant gradient, without momentum, RAdam's step is its rate times the factor."""
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RAdam([w], lr=1.0, betas=(0.0, alpha), eps=0.0)
    places = [0.0]
    for _ in range(300):
        w.grad = torch.tensor(-2.0, dtype=torch.float64)
        optimizer.step()
        places.append(w.item())
    taken, t = np.diff(places), np.arange(1, 301)
    n = equations.effective_samples(alpha)
    seen = n - 2 * t * alpha**t / (1 - alpha**t)
    factor = equations.rectification(alpha, t)
    assert_allclose(taken[seen > 5], factor[seen > 5], rtol=1e-9)
    assert np.all(taken[seen <= 4] == 2)  # torch takes a step of gradient descent there
    assert np.all(factor[seen <= 4] == 0)
