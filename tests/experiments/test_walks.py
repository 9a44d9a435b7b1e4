"""Walks against races, which count the same steps, and against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.problems import beale, himmelblau, quadratic
from rmsprop.experiments.races import Race
from rmsprop.experiments.rules import GradientDescent, RMSpropRule
from rmsprop.experiments.walks import drawn_steps, turning_back, walk


@pytest.mark.parametrize(
    "problem", [quadratic(30, 0.3), beale(), himmelblau()], ids=lambda p: p.name
)
def test_walk_takes_the_steps_that_a_race_counts(problem):
    race = Race(problem, problem.start[None], budget=3000, patience=500)
    path = walk(problem, problem.start, RMSpropRule(0.01, alpha=0.9), budget=3000)
    (steps,) = race.steps_to_settle(RMSpropRule([0.01], alpha=0.9))[0]
    assert len(path) - 1 == steps
    whole = trajectory(problem.gradient, problem.start, RMSpropRule(0.01, alpha=0.9), 3000)
    assert_array_equal(path, whole[: len(path)])


def test_walk_that_never_settles_is_kept_whole():
    path = walk(quadratic(1), [1.0, 0.0], GradientDescent(2.0), budget=20)
    assert len(path) == 21


def test_walk_that_passes_through_goes_on():
    # Heavy ball without friction: it is near the minimum twice a period.
    path = walk(quadratic(1), [1.0, 0.0], GradientDescent(1e-3, momentum=1.0), budget=200)
    assert np.abs(path[:, 0]).min() < 0.01
    assert len(path) == 201


@given(st.integers(0, 300), st.integers(0, 60), st.integers(1, 40))
def test_drawn_steps_are_all_then_some_and_the_last(steps, all_until, then_every):
    drawn = drawn_steps(steps, all_until=all_until, then_every=then_every).tolist()
    later = [t for t in range(all_until, steps + 1) if t % then_every == 0]
    assert drawn == sorted({*range(min(all_until, steps + 1)), *later, steps})


@pytest.mark.parametrize(("lr", "zigzags"), [(0.05, False), (0.15, True)])
def test_gradient_descent_turns_back_across_the_valley_above_the_inverse_curvature(lr, zigzags):
    angle = 0.7
    path = trajectory(quadratic(10, angle).gradient, [1.0, -0.4], GradientDescent(lr), 20)
    assert (turning_back(path, angle) == zigzags).all()
    assert not turning_back(path, angle + np.pi / 2).any()  # along the floor
