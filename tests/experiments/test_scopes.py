"""Races under other conditions, against the races themselves and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rmsprop.experiments.problems import quadratic
from rmsprop.experiments.rules import GradientDescent, RMSpropRule
from rmsprop.experiments.scopes import Conditions, compare, curvature_noise, heavy_ball


def rmsprop(lr):
    return RMSpropRule(lr, alpha=0.9)


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 4])
def test_covariance_of_the_noise_is_a_multiple_of_the_hessian(angle):
    root = curvature_noise(50.0, angle, 0.3)
    hessian = quadratic(50.0, angle).gradient(np.eye(2))
    assert_allclose(root @ root.T, 0.09 * hessian, rtol=1e-12)


@pytest.mark.parametrize("within", [0.1, 0.01])
def test_gradient_descent_takes_the_steps_of_the_best_contraction(within):
    best = Conditions(within=within).best(300, 0.0, GradientDescent)
    # The median start is at 45 degrees to the floor.
    exact = np.log(within * np.sqrt(2)) / np.log(299 / 301)
    assert best.lr == pytest.approx(2 / 301, rel=0.04)
    assert best.steps == pytest.approx(exact, rel=0.03)


def test_farther_starts_are_narrower_thresholds():
    near = Conditions(within=0.01)
    far = Conditions(within=0.1, starts=10 * near.starts)
    assert far.best(30, 0.3, GradientDescent).steps == near.best(30, 0.3, GradientDescent).steps


def test_falling_rate_ends_inside_in_the_run_found_and_in_all_longer_ones():
    conditions = Conditions(falling=True)
    best = conditions.best(100, 0.0, rmsprop)
    for budget in (int(best.steps), int(best.steps) + 1, 60):
        race = replace(conditions.race(100, 0.0), budget=budget, falling=True)
        assert np.isfinite(race.search(rmsprop).steps)
    shorter = replace(conditions.race(100, 0.0), budget=int(best.steps) - 1, falling=True)
    assert np.isinf(shorter.search(rmsprop).steps)


def test_a_method_is_as_fast_as_itself_and_its_way_as_short():
    noisy = Conditions(noise=0.001)  # for which no crossing is sought
    outcome = compare(noisy, GradientDescent, lambda condition: GradientDescent)
    assert_allclose([*outcome.faster, *outcome.shorter], 1)
    assert np.isnan(outcome.crossing)


def test_comparison_is_that_of_the_two_races():
    usual = Conditions()
    outcome = compare(usual, rmsprop, lambda condition: GradientDescent)
    for place, angle in enumerate((0.0, np.pi / 4)):
        mine, theirs = (usual.best(10_000, angle, rule) for rule in (rmsprop, GradientDescent))
        assert outcome.steps[place] == mine.steps
        assert outcome.faster[place] == theirs.steps / mine.steps
        assert outcome.shorter[place] == pytest.approx(theirs.length / mine.length)
    # Gradient descent's steps grow like ln(70.7) (condition + 1) / 2.
    assert outcome.crossing == pytest.approx(2 * outcome.steps[0] / np.log(70.7), rel=0.05)


def test_tuned_momentum_takes_about_the_root_of_the_steps():
    tuned = Conditions().best(2500, 0.0, heavy_ball(2500)).steps
    assert tuned == pytest.approx(np.log(100) / -np.log(49 / 51), rel=0.5)
    for other in (heavy_ball(500), heavy_ball(20_000)):
        assert Conditions().best(2500, 0.0, other).steps > 1.3 * tuned
