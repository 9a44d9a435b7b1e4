"""Rules for batches: identities of weights and moments, SymPy, quadrature and minimization."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import minimize_scalar

from rmsprop import equations
from rmsprop.experiments.floors import random_hessian
from rmsprop.experiments.noisy_weights import step_gain


@given(
    factor=st.floats(0.01, 100),
    alpha=st.floats(0, 0.9999),
    power=st.floats(0, 1),
    again=st.floats(0.1, 10),
)
def test_moving_twice_is_moving_once_and_back_is_back(factor, alpha, power, again):
    recipe = {"lr": 0.01, "alpha": alpha, "eps": 1e-4, "weight_decay": 0.1}
    once = equations.move_recipe(factor * again, **recipe, power=power)
    there = equations.move_recipe(factor, **recipe, power=power)
    twice = equations.move_recipe(again, **there._asdict(), power=power)
    assert_allclose(once, twice, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("factor", [2, 5, 16])
def test_memory_in_examples_is_that_of_the_small_batches(factor):
    """The weight of a large batch is the sum of those of the small ones that it stands for."""
    small = equations.weights(0.97, 10 * factor).reshape(10, factor).sum(axis=1)
    large = equations.weights(float(equations.move_recipe(factor, lr=1.0, alpha=0.97).alpha), 10)
    assert_allclose(small, large, rtol=1e-12)


def test_memory_is_to_first_order_the_published_one_which_leaves_its_range():
    moved = equations.move_recipe(16.0, lr=1.0, alpha=[0.9999, 0.9]).alpha
    assert 1 - moved[0] == pytest.approx(16 * (1 - 0.9999), rel=1e-3)
    assert 16 * (1 - 0.9) > 1 > 1 - moved[1]


@given(factor=st.floats(0.01, 100))
def test_square_root_rule_keeps_moments_per_example_and_the_others_do_not(factor):
    recipe = {"lr": 0.01, "alpha": 0.99}
    before = equations.noise_moments(1000, start=1.0, lr=0.01, noise=3.0)
    moved = equations.move_recipe(factor, **recipe)
    now = {"start": 1.0, "noise": 3 / np.sqrt(factor)}
    after = equations.noise_moments(1000 / factor, lr=moved.lr, **now)
    assert_allclose(after, before, rtol=1e-9)
    linear = equations.move_recipe(factor, **recipe, power=1).lr
    other = equations.noise_moments(1000 / factor, lr=linear, **now)
    if abs(np.log(factor)) > 0.1:
        assert abs(other.mean / before.mean - 1) > 0.05


@given(factor=st.floats(0.1, 10), power=st.floats(0, 1))
def test_decay_per_example_stays_and_so_does_what_it_holds(factor, power):
    moved = equations.move_recipe(factor, lr=0.01, weight_decay=0.2, power=power)
    assert float(moved.lr * moved.weight_decay) == pytest.approx(0.01 * 0.2 * factor)


def test_settings_that_are_no_batch_are_refused():
    for factor in (0, -1, np.nan):
        with pytest.raises(ValueError, match="factor must be above 0, got"):
            equations.move_recipe(factor, lr=0.1)
    with pytest.raises(ValueError, match="alpha must lie"):
        equations.move_recipe(2, lr=0.1, alpha=1.0)


def test_moments_solve_the_equations_of_the_process():
    lr, noise, h, start, end = 0.02, 3.0, 2.0, 1.5, 300.0
    speed = lr * h / noise
    found = solve_ivp(
        lambda t, m: [-speed * m[0], -2 * speed * m[1] + lr**2],
        (0, end),
        [start, 0],
        rtol=1e-10,
        atol=1e-14,
    ).y[:, -1]
    moments = equations.noise_moments(end, start=start, lr=lr, noise=noise, curvature=h)
    assert_allclose(moments, found, rtol=1e-7)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("factor", [0.01, 1.0, 100.0])
def test_one_step_rate_is_best_in_simulated_steps(seed, factor):
    rng = np.random.default_rng(seed)
    hessian = random_hessian(6, seed) + 0.3
    grad, noise = rng.standard_normal(6), rng.uniform(0.5, 2, 6) / np.sqrt(factor)
    expected = float(equations.one_step_rate(grad, noise, hessian))
    best = minimize_scalar(
        lambda rate: -step_gain(grad, noise, hessian, rate, seed=seed),
        bounds=(0, 4 * expected),
        method="bounded",
    ).x
    assert best == pytest.approx(expected, rel=0.03 if factor >= 1 else 0.25)


def test_one_step_rate_has_its_limits():
    grad, hessian = np.array([1.0, -2.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    signs = np.sign(grad)
    exact = np.abs(grad).sum() / (signs @ hessian @ signs)
    assert_allclose(equations.one_step_rate(grad, 0.0, hessian), exact)
    small = equations.one_step_rate(grad, np.array([[1e5], [2e5]]), hessian)
    assert_allclose(small[0], (grad**2).sum() / 1e5 / 3, rtol=1e-6)
    assert small[0] / small[1] == pytest.approx(2)


def test_one_step_rate_rises_to_a_plateau_or_to_a_peak():
    sizes = 2.0 ** np.arange(-8, 16)
    noise = (5 / np.sqrt(sizes))[:, None]
    alone = equations.one_step_rate(np.ones(50), noise, np.eye(50))
    shared = equations.one_step_rate(np.ones(50), noise, 0.5 * np.eye(50) + 0.5)
    assert np.all(np.diff(alone) > 0)
    peak = shared.argmax()
    assert 0 < peak < len(sizes) - 1
    assert np.all(np.diff(shared[: peak + 1]) > 0)
    assert np.all(np.diff(shared[peak:]) < 0)


def noisy_descent(hessian, covariance, matrix):
    """Return floor and slowest rate of w <- w - matrix (hessian w + noise)."""
    step = np.eye(len(hessian)) - matrix @ hessian
    spread = solve_discrete_lyapunov(step, matrix @ covariance @ matrix.T)
    slowest = 1 - np.abs(np.linalg.eigvals(step)).max()
    return np.trace(hessian @ spread) / 2, slowest


@pytest.mark.parametrize("condition", [1.0, 10.0, 1000.0])
@pytest.mark.parametrize("degrees", [0, 45])
def test_speed_up_at_equal_floors_by_lyapunov(condition, degrees):
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    h = np.array([1.0, condition])
    hessian = rotation @ np.diag(h) @ rotation.T
    covariance, lr = 9 * hessian, 1e-5
    root = np.sqrt(np.diag(covariance))
    floor, rate = noisy_descent(hessian, covariance, lr * np.diag(1 / root))
    # The floor of gradient descent is proportional to its rate, as small as this.
    other_floor, other_rate = noisy_descent(hessian, covariance, 1e-7 * np.eye(2))
    speed_up = rate / (other_rate * floor / other_floor)
    expected = float(equations.noisy_speed_up(h)) if degrees == 0 else 1.0
    assert speed_up == pytest.approx(expected, rel=0.01)


def test_speed_up_tends_to_the_root_of_the_condition_number():
    condition = sympy.symbols("kappa", positive=True)
    plane = (1 + condition) / (1 + sympy.sqrt(condition))
    assert sympy.limit(plane / sympy.sqrt(condition), condition, sympy.oo) == 1
    assert float(equations.noisy_speed_up([1.0, 7.0])) == pytest.approx(
        float(plane.subs(condition, 7))
    )
