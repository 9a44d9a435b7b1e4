"""Noisy weights: against linear recursions, and runs whose end is known."""

import numpy as np
import pytest

from rmsprop.experiments.decayed import follow, pulled
from rmsprop.experiments.noisy_weights import exact_steps, noisy_ends, noisy_steps
from rmsprop.experiments.rules import GradientDescent, RMSpropRule


def test_ends_have_the_moments_of_a_linear_recursion():
    """A divisor that never moves makes RMSprop gradient descent, whose moments are exact."""
    rule = RMSpropRule(0.1, alpha=1 - 1e-12, eps=0.0, initial_accumulator_value=4.0)
    ends = noisy_ends(rule, noise=2.0, start=3.0, steps=50, chains=20_000, seed=1)
    keep = 1 - 0.1 / 2
    assert ends.mean() == pytest.approx(3 * keep**50, abs=0.01)
    assert ends.var() == pytest.approx(0.1**2 * (1 - keep**100) / (1 - keep**2), rel=0.03)


@pytest.mark.parametrize("rate", [0.01, 0.03])
def test_steps_of_descent_are_those_of_its_mean(rate):
    hessian = np.diag([1.0, 5.0])
    steps = noisy_steps(
        hessian,
        0.1 * np.eye(2),
        np.array([1.0, 0.0]),
        GradientDescent(rate),
        limit=999,
        chains=500,
        seed=0,
    )
    assert steps == pytest.approx(np.log(0.5) / np.log(1 - rate), abs=1.5)


def test_steps_that_do_not_arrive_are_as_many_as_there_are():
    one = np.eye(1)
    assert (
        noisy_steps(one, 0 * one, np.ones(1), GradientDescent(1e-6), limit=9, chains=1, seed=0) == 9
    )
    rates = GradientDescent([0.5, 1e-6, 3.0])
    assert exact_steps(one, np.ones(1), rates, limit=9, within=0.1).tolist() == [4, 9, 9]


def test_coupled_decay_leads_to_the_ridge_and_decoupled_to_the_box():
    problem = pulled(6, 1.0, seed=2)
    ends = [
        follow(
            problem,
            RMSpropRule(
                lambda t: 0.1 / np.sqrt(t),
                eps=0.0,
                weight_decay=1.0,
                decoupled_weight_decay=decoupled,
            ),
            [10_000],
        )[0]
        for decoupled in (False, True)
    ]
    assert np.abs(ends[0] - problem.ridge).max() < 0.01
    assert np.abs(ends[1] - problem.boxed).max() < 0.02
    assert np.abs(problem.ridge - problem.boxed).max() > 0.1
