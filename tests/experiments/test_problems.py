"""The test functions against autograd, a general minimiser and their published numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from rmsprop.experiments.problems import Problem, beale, himmelblau, quadratic, rosenbrock, saddle

ANGLES = (0.0, 0.3, np.pi / 4, 2.0)
PUBLISHED = [rosenbrock(), beale(), himmelblau(), saddle()]
PROBLEMS = [
    *PUBLISHED,
    *(quadratic(condition, angle) for condition in (1, 10, 1e4) for angle in ANGLES),
]

every_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
angles, coordinates = st.floats(-7, 7), st.floats(-10, 10)
conditions = st.floats(1, 1e6)


@every_problem
def test_gradient_is_what_autograd_finds_at_any_leading_axes(problem: Problem):
    points = np.random.default_rng(0).uniform(-4, 4, size=(5, 20, 2))
    tensor = torch.from_numpy(points).requires_grad_()
    problem.value(tensor).sum().backward()
    gradient = problem.gradient(points)
    assert gradient.shape == points.shape
    assert_allclose(gradient, tensor.grad, rtol=0, atol=1e-14 * np.abs(gradient).max())


@every_problem
def test_value_of_an_array_is_the_value_of_the_tensor(problem: Problem):
    points = np.random.default_rng(1).uniform(-4, 4, size=(3, 2))
    values = problem.value(points)
    assert values.shape == (3,)
    assert_allclose(values, problem.value(torch.from_numpy(points)), rtol=1e-13)


@every_problem
def test_gradient_vanishes_at_every_minimum(problem: Problem):
    # One rounding of a coordinate of size 4, times a curvature of at most 1e4.
    assert_allclose(problem.gradient(problem.minima), 0, rtol=0, atol=1e-11)


@every_problem
def test_every_minimum_has_the_least_value_around_it(problem: Problem):
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    for minimum in problem.minima:
        assert_allclose(problem.value(minimum), problem.minimum, rtol=1e-14, atol=1e-24)
        for radius in (1e-4, 1e-2, 0.1):
            assert np.all(problem.value(minimum + radius * ring) > problem.minimum)


@every_problem
def test_minimiser_from_anywhere_finds_nothing_lower_and_no_other_minimum(problem: Problem):
    found = set()
    for start in np.random.default_rng(2).uniform(-4, 4, size=(24, 2)):
        result = minimize(problem.value, start, jac=problem.gradient, method="L-BFGS-B", tol=1e-15)
        assert result.fun >= problem.minimum - 1e-15
        if result.fun < problem.minimum + 1e-9:
            distances = np.linalg.norm(problem.minima - result.x, axis=1)
            assert distances.min() < 1e-3
            found.add(int(distances.argmin()))
    assert found == set(range(len(problem.minima)))


@pytest.mark.parametrize(
    ("problem", "minima", "minimum"),
    [
        (rosenbrock(), [(1, 1)], "0.000000"),
        (beale(), [(3, 0.5)], "0.000000"),
        (
            himmelblau(),
            [(3, 2), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)],
            "0.000000",
        ),
        (saddle(), [(0, 0.562341), (0, -0.562341)], "-0.012649"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_minima_are_the_published_ones(problem, minima, minimum):
    assert_allclose(problem.minima, minima, rtol=0, atol=1e-6)
    assert f"{problem.minimum:.6f}" == minimum


@pytest.mark.parametrize(
    ("problem", "start", "value"),
    [
        (quadratic(10), (1, 1), 5.5),
        (rosenbrock(), (-1.2, 1), 24.2),
        (beale(), (1, 1), 14.203125),
        (himmelblau(), (0, 0), 170),
        (saddle(), (0, 0), 0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_start_is_the_customary_one(problem, start, value):
    assert tuple(problem.start) == start
    assert_allclose(problem.value(problem.start), value, rtol=1e-14)


def test_saddle_starts_where_the_gradient_vanishes_but_the_value_can_fall():
    problem = saddle()
    assert np.all(problem.gradient(problem.start) == 0)
    assert problem.value(np.array([0.0, 0.01])) < problem.value(problem.start)
    assert problem.value(np.array([0.01, 0.0])) > problem.value(problem.start)


@given(condition=conditions, angle=angles, x=coordinates, y=coordinates)
def test_turning_the_valley_and_the_point_together_changes_nothing(condition, angle, x, y):
    c, s = np.cos(angle), np.sin(angle)
    turned = quadratic(condition, angle).value(np.array([c * x - s * y, s * x + c * y]))
    expected = quadratic(condition).value(np.array([x, y]))
    scale = condition * (x * x + y * y)
    assert_allclose(turned, expected, rtol=0, atol=1e-15 * scale + 1e-300)


@given(condition=conditions, angle=angles)
def test_valley_has_curvature_one_along_its_angle_and_the_condition_number_across(condition, angle):
    gradient = quadratic(condition, angle).gradient
    floor = np.array([np.cos(angle), np.sin(angle)])
    wall = np.array([-np.sin(angle), np.cos(angle)])
    assert_allclose(gradient(floor), floor, rtol=0, atol=1e-15 * condition)
    assert_allclose(gradient(wall), condition * wall, rtol=0, atol=1e-15 * condition)


@pytest.mark.parametrize("condition", [0.5, 0, -1, np.nan, np.inf])
def test_impossible_condition_number_is_named(condition):
    with pytest.raises(ValueError, match=f"condition must be .* at least 1, got {condition}"):
        quadratic(condition)
