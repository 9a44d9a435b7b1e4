"""Noisy runs against the variance of an autoregression and the time of escape."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rmsprop import equations
from rmsprop.experiments.escapes import noisy_losses
from rmsprop.experiments.problems import quadratic, rosenbrock, saddle
from rmsprop.experiments.rules import GradientDescent, RMSpropRule


def test_losses_without_noise_are_those_of_one_run():
    problem, rule = rosenbrock(), RMSpropRule(0.01)
    losses = noisy_losses(problem, rule, [0, 0], chains=3, steps=50, every=10)
    assert losses.shape == (6, 3)
    point, state, expected = problem.start, rule.start((2,)), [problem.value(problem.start)]
    for t in range(1, 51):
        point, state = rule.step(point, problem.gradient(point), state)
        if t % 10 == 0:
            expected.append(problem.value(point))
    assert_array_equal(losses, np.array(expected)[:, None].repeat(3, axis=1))


def test_loss_of_gradient_descent_is_that_of_an_autoregression():
    """In a valley both coordinates settle at the variance lr sigma^2 / (h (2 - lr h))."""
    lr, noise, curvature = 0.1, np.array([1.0, 0.5]), np.array([1.0, 4.0])
    rule = GradientDescent(lr)
    losses = noisy_losses(quadratic(4), rule, noise, chains=4000, steps=300, every=100)
    expected = (curvature / 2 * lr * noise**2 / (curvature * (2 - lr * curvature))).sum()
    assert losses[-1].mean() == pytest.approx(expected, rel=0.1)


def test_half_of_the_chains_have_escaped_when_it_is_foretold():
    problem, rule = saddle(), GradientDescent(0.05)
    losses = noisy_losses(problem, rule, [0.0, 0.1], chains=1000, steps=2000, every=1)
    # While y is small, a loss of -y^2 / 20: half of the chains are farther out than 0.2.
    predicted = equations.escape_time(0.2, 0.1, lr=0.05, noise=0.1)
    escaped = (losses <= problem.value(np.array([0.0, 0.2]))).mean(axis=1)
    assert escaped[round(float(predicted))] == pytest.approx(0.5, abs=0.05)


def test_chains_differ_and_rules_share_their_noise():
    slow, fast = (
        noisy_losses(quadratic(1), GradientDescent(lr), [1.0, 0.0], chains=5, steps=1, every=1)
        for lr in (0.1, 0.2)
    )
    assert len(np.unique(slow[1])) == 5
    # From the start at (1, 1), where each chain has one draw z: x = 1 - lr (1 + z).
    draws = [
        (1 - np.sqrt(2 * losses[1] - (1 - lr) ** 2)) / lr - 1
        for losses, lr in ((slow, 0.1), (fast, 0.2))
    ]
    assert draws[0] == pytest.approx(draws[1])
