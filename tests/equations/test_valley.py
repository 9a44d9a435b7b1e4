"""Rates in a valley and off a saddle against runs and many chains."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.equations import State


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("angle", [0.2, -0.6, np.pi / 4, 1.2, 2.5])
def test_floor_rate_is_that_of_a_run_in_a_narrow_valley(angle, alpha):
    condition = 1e5
    c, s = np.cos(angle), np.sin(angle)
    floor, wall = np.array([c, s]), np.array([-s, c])
    hessian = np.outer(floor, floor) + condition * np.outer(wall, wall)
    w, state, along = floor, State.start((2,)), []
    for _ in range(6001):
        w, state = equations.step(w, hessian @ w, state, lr=0.01, alpha=alpha, eps=0.0)
        along.append(w @ floor)
    middle = (np.array(along[1:]) + along[:-1]) / 2
    measured = np.log(middle[3000] / middle[6000 - 1]) / (6000 - 1 - 3000)
    assert_allclose(measured, equations.floor_rate(condition, angle, alpha), rtol=2e-3)


def test_floor_rate_at_45_degrees_is_gradient_descents_times_the_factor_of_alpha():
    conditions = np.array([1.0, 10.0, 1e4])
    rate = equations.floor_rate(conditions, np.pi / 4, 0.9)
    assert_allclose(rate, 1.8 / 1.9 * 2 / conditions, rtol=1e-14)


@pytest.mark.parametrize(("curvature", "lr", "noise"), [(0.1, 0.01, 0.1), (1.0, 0.05, 2.0)])
def test_escape_time_is_when_half_of_many_chains_are_farther_out(curvature, lr, noise):
    rng = np.random.default_rng(0)
    t = round(equations.escape_time(1.0, curvature, lr, noise).item())
    y = np.zeros(20_000)
    for _ in range(t):
        y += lr * (curvature * y + noise * rng.standard_normal(y.size))
    assert_allclose((np.abs(y) > 1).mean(), 0.5, atol=0.015)


def test_escape_time_inverts_the_spread_that_the_recursion_grows():
    variance, growth = 0.0, 1 + 0.02 * 0.3
    for _ in range(500):
        variance = growth**2 * variance + (0.02 * 1.5) ** 2
    quartile = 0.6744897501960817 * np.sqrt(variance)
    assert_allclose(equations.escape_time(quartile, 0.3, 0.02, 1.5), 500, rtol=1e-11)
