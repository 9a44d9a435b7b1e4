"""The centered variance against exact differences, chains and float32."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.equations import State

EPSILON = np.finfo(np.float64).eps
alphas = st.floats(0, 0.999)
numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
SPREADS = (0.0, 1e-12, 1e-6, 1.0, 1e3)


def series(spreads=SPREADS):
    """Gradients around a level: constant, nearly constant or wild."""
    noise = st.lists(st.floats(-1, 1), min_size=1, max_size=40)
    return st.builds(
        lambda level, s, x: level + s * np.array(x), numbers, st.sampled_from(spreads), noise
    )


def iterate_variance(grads, alpha):
    mean, variance, variances = 0.0, 0.0, []
    for grad in grads:
        mean, variance = equations.update_variance(mean, variance, grad, alpha)
        variances.append(variance)
    return np.array(variances)


@given(grads=series(), alpha=alphas)
def test_centered_variance_is_the_mean_square_less_the_squared_mean(grads, alpha):
    naive = (
        equations.iterate_average(grads**2, alpha) - equations.iterate_average(grads, alpha) ** 2
    )
    # Let u = eps / 2 and G = max g^2. A step errs by 4uG in the average of squares and by
    # 3u sqrt(G) in that of g; averages forget at the rate 1 - alpha, so v - m^2 errs by
    # (4 + 6 + 2) uG / (1 - alpha). In the recursion d errs by 9u sqrt(G) / (1 - alpha), its square
    # by 4 sqrt(G) times that, and rounding adds less than 16 uG / (1 - alpha). In all 32 eps G.
    bound = 32 * EPSILON * (grads**2).max() / (1 - alpha)
    assert_allclose(iterate_variance(grads, alpha), naive, rtol=0, atol=bound)


@given(grads=series(SPREADS[:4]), alpha=alphas)
def test_centered_variance_is_never_negative(grads, alpha):
    assert np.all(iterate_variance(grads, alpha) >= 0)


@pytest.mark.parametrize(("dtype", "spread"), [(np.float32, 1e-4), (np.float64, 1e-9)])
def test_difference_of_averages_turns_negative_where_the_recursion_does_not(dtype, spread):
    rng, alpha = np.random.default_rng(2), dtype(0.9)
    mean = square = np.zeros(1000, dtype)
    stable = (np.zeros(1000), np.zeros(1000))
    lowest = np.inf
    for _ in range(500):  # 0.9^500 is 1e-23: nothing is left of the start
        grad = (1 + spread * rng.normal(size=1000)).astype(dtype)
        mean = alpha * mean + (1 - alpha) * grad
        square = alpha * square + (1 - alpha) * grad**2
        stable = equations.update_variance(*stable, grad.astype(np.float64), 0.9)
        lowest = min(lowest, (square - mean**2).min())
        assert stable[1].min() >= 0
    assert lowest < 0
    expected = spread**2 * (1 - equations.variance_factor(0.9))
    assert_allclose(stable[1].mean(), expected, rtol=0.05)  # 1.4 % is one standard deviation


@given(alpha=st.floats(0.05, 0.999), grad=st.floats(1e-3, 1e3), sign=st.sampled_from([-1, 1]))
def test_constant_gradient_makes_the_steps_of_its_formula(alpha, grad, sign):
    state, t = State.start(()), 0
    # Below a variance of 1e-8 of v, the deviation g - m has lost half of its digits.
    while t < 400 and alpha**t > 1e-8:
        t += 1
        moved, state = equations.step(
            0.0, sign * grad, state, lr=1.0, alpha=alpha, eps=0.0, centered=True
        )
        assert_allclose(-sign * moved, equations.constant_gradient_step(alpha, t), rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.99, 0.999])
def test_shortest_step_for_a_constant_gradient_is_two_at_the_half_life(alpha):
    t = equations.half_life(alpha)
    assert_allclose(equations.constant_gradient_step(alpha, t), 2, rtol=1e-12)
    assert np.all(equations.constant_gradient_step(alpha, t * np.array([0.9, 1.1])) > 2)


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("noise", [0.0, 0.1, 3.0])
def test_mean_of_the_variance_is_that_of_many_chains(alpha, noise):
    rng, steps, chains = np.random.default_rng(7), 60, 40_000
    grads = 1 + noise * rng.standard_normal((chains, steps))
    variance = iterate_variance(grads.T, alpha)
    expected = equations.expected_grad_var(alpha, np.arange(1, steps + 1), noise)
    error = variance.std(axis=1) / chains**0.5
    assert np.all(np.abs(variance.mean(axis=1) - expected) <= 5 * error + 1e-12)
