"""Starts, races and rates in straight valleys, against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop import equations
from rmsprop.experiments.problems import quadratic
from rmsprop.experiments.rules import GradientDescent, RMSpropRule
from rmsprop.experiments.valleys import (
    circle,
    crossing,
    measured_floor_rate,
    turned,
    valley_race,
)


@given(st.integers(1, 40))
def test_circle_is_that_of_the_roots_of_minus_one(n):
    points = circle(n) @ [1, 1j]
    assert_allclose(points**n, -1, atol=1e-12)
    assert len(np.unique(points.round(9))) == n


@given(st.floats(-7, 7))
def test_turning_is_multiplication_by_a_unit_number(angle):
    points = np.random.default_rng(0).normal(size=(3, 5, 2))
    assert_allclose(turned(points, angle) @ [1, 1j], points @ [1, 1j] * np.exp(1j * angle), 1e-9)


@given(st.floats(0, np.pi / 2), st.floats(1, 1e4))
def test_turned_starts_see_the_turned_valley_as_the_others_see_the_aligned_one(angle, condition):
    race = valley_race(condition, angle, circle(12))
    assert_allclose(
        race.problem.value(race.starts), quadratic(condition).value(circle(12)), rtol=1e-6
    )


def test_narrower_valleys_have_more_time():
    budgets = [valley_race(k, 0.0, circle(3)).budget for k in (1, 100, 10_000)]
    assert budgets == [2003, 2300, 32_000]


def test_gradient_descent_covers_its_learning_rate_whatever_the_angle():
    rule = GradientDescent(np.full(3, 0.01))
    rate = measured_floor_rate(30, np.deg2rad([0, 20, 45]), rule, first=50, last=400)
    assert_allclose(rate, -np.log(1 - 0.01), rtol=1e-9)


def test_rmsprop_covers_what_the_book_derives():
    angles = np.deg2rad([10, 45])
    rule = RMSpropRule(np.full(2, 0.01), alpha=0.9, eps=0.0)
    rate = measured_floor_rate(1e4, angles, rule, first=1000, last=3000)
    assert_allclose(rate, equations.floor_rate(1e4, angles, 0.9), rtol=1e-3)


@given(st.floats(0.1, 3), st.floats(-3, -0.1), st.floats(2, 90))
def test_power_laws_cross_where_they_are_equal(rising, falling, place):
    x = np.geomspace(1, 100, 7)
    first, second = (x / place) ** rising, (x / place) ** falling
    if not np.isclose(x, place).any():
        assert crossing(x, first, second) == pytest.approx(place)
        assert crossing(x, second, first) == pytest.approx(place)


@pytest.mark.parametrize("second", [[2, 2, 2], [2, 0.5, 2]], ids=["never", "twice"])
def test_curves_that_do_not_cross_once_are_refused(second):
    with pytest.raises(ValueError, match="exactly once"):
        crossing([1, 2, 3], [1, 1, 1], second)


def test_race_begins_at_the_starts():
    race = valley_race(10, 0.0, circle(4))
    assert_array_equal(race.starts, circle(4).round(12))
