"""Trajectories against PyTorch's optimizers, and runs made together against runs made alone."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop.experiments import problems
from rmsprop.experiments.paths import endpoint, steps_to_reach, steps_to_settle, trajectory
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule


def torch_trajectory(problem, steps, optimizer, **options):
    weight = torch.nn.Parameter(torch.from_numpy(problem.start.copy()))
    optimizer = optimizer([weight], **options)
    points = [weight.detach().numpy().copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        problem.value(weight).backward()
        optimizer.step()
        points.append(weight.detach().numpy().copy())
    return np.stack(points)


@pytest.mark.parametrize(
    ("rule", "optimizer", "options"),
    [
        (GradientDescent(1e-3), torch.optim.SGD, {}),
        (GradientDescent(2e-4, 0.9), torch.optim.SGD, {"momentum": 0.9}),
        (RMSpropRule(0.01), torch.optim.RMSprop, {}),
        (
            RMSpropRule(1e-3, 0.9, 1e-4, 0.5),
            torch.optim.RMSprop,
            {"alpha": 0.9, "eps": 1e-4, "momentum": 0.5},
        ),
        (RMSpropRule(1e-3, centered=True), torch.optim.RMSprop, {"centered": True}),
        (Adam(0.05), torch.optim.Adam, {}),
        (Adam(0.01, 0.5, 0.9, 1e-3), torch.optim.Adam, {"betas": (0.5, 0.9), "eps": 1e-3}),
    ],
    ids=str,
)
def test_rule_follows_torch_for_two_hundred_steps_on_rosenbrock(rule, optimizer, options):
    problem = problems.rosenbrock()
    expected = torch_trajectory(problem, 200, optimizer, lr=rule.lr, **options)
    # These rates let the runs descend; where a run jumps from wall to wall, rounding grows.
    path = trajectory(problem.gradient, problem.start, rule, 200)
    assert_allclose(path, expected, rtol=0, atol=1e-14)
    assert problem.value(path[-1]) < problem.value(path[0])


RULES = [
    GradientDescent(lr=[1e-4, 2e-4, 1e-3], momentum=[[0.0], [0.9]]),
    RMSpropRule(lr=[0.01, 0.1, 1.0], alpha=[[0.0], [0.99]], eps=1e-6, momentum=[0.0, 0.5, 0.9]),
    RMSpropRule(lr=[0.01, 0.1, 1.0], alpha=[[0.5], [0.99]], centered=True),
    Adam(lr=[0.01, 0.1, 1.0], beta1=[[0.0], [0.9]], beta2=[0.9, 0.99, 0.999]),
]


@pytest.mark.parametrize("problem", [problems.beale(), problems.himmelblau()])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_grid_of_settings_equals_each_run_alone_bit_for_bit(rule, problem):
    together = trajectory(problem.gradient, problem.start, rule, 40)
    assert together.shape == (41, 2, 3, 2)
    for run in np.ndindex(2, 3):
        setting = {
            field.name: np.broadcast_to(getattr(rule, field.name), (2, 3))[run].item()
            for field in fields(rule)
        }
        alone = trajectory(problem.gradient, problem.start, replace(rule, **setting), 40)
        assert_array_equal(together[:, *run], alone)


def test_settings_broadcast_against_many_starts():
    problem, starts = problems.himmelblau(), np.random.default_rng(0).normal(size=(4, 1, 2))
    together = trajectory(problem.gradient, starts, RMSpropRule(lr=[0.01, 0.1]), 10)
    assert together.shape == (11, 4, 2, 2)
    alone = trajectory(problem.gradient, starts[2, 0], RMSpropRule(lr=0.1), 10)
    assert_array_equal(together[:, 2, 1], alone)


@pytest.mark.parametrize("steps", [0, 1, 25])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_endpoint_is_where_the_trajectory_ends(rule, steps):
    problem = problems.beale()
    path = trajectory(problem.gradient, problem.start, rule, steps)
    assert len(path) == steps + 1
    assert_array_equal(path[0], np.broadcast_to(problem.start, (2, 3, 2)))
    assert_array_equal(endpoint(problem.gradient, problem.start, rule, steps), path[-1])


@pytest.mark.parametrize("steps", [0, 1])
def test_endpoint_is_an_array_of_its_own(steps):
    start = np.array([1.0, 1.0])
    end = endpoint(lambda w: w, start, GradientDescent(0.5), steps)
    end += 1
    assert_array_equal(start, 1)


@pytest.mark.parametrize(
    "rule",
    [GradientDescent(1.0), RMSpropRule(1e200), Adam(1e200)],
    ids=lambda rule: type(rule).__name__,
)
def test_divergence_ends_in_infinity_or_nan_without_a_warning(rule):
    problem = problems.rosenbrock()
    path = trajectory(problem.gradient, problem.start, rule, 50)
    assert not np.isfinite(path[-1]).all()
    assert np.isfinite(path[0]).all()


def test_steps_to_reach_counts_to_the_first_value_at_or_below_the_threshold():
    values = np.array([[4.0, 0.5, 9.0, np.nan], [2.0, 3.0, 8.0, np.nan], [1.0, 0.1, 7.0, 1.0]])
    assert_array_equal(steps_to_reach(values, 2.0), [1, 0, np.inf, 2])
    assert steps_to_reach(values[:, 2], 2.0) == np.inf


def test_steps_to_settle_counts_to_the_first_value_that_none_above_the_threshold_follows():
    values = np.array([[4.0, 0.5, 0.5, np.nan], [1.0, 3.0, 0.5, 1.0], [1.0, 0.1, 9.0, 1.0]])
    assert_array_equal(steps_to_settle(values, 2.0), [1, 2, np.inf, 1])
    assert steps_to_settle(values[:2, 2], 2.0) == 0


@given(values=st.lists(st.sampled_from([0.0, 1.0, np.nan]), min_size=1, max_size=8))
def test_no_run_settles_before_it_arrives(values):
    reached, settled = steps_to_reach(values, 0.5), steps_to_settle(values, 0.5)
    assert settled >= reached
    if np.isfinite(settled):
        tail = values[int(settled) :]
        assert set(tail) == {0.0}
        assert settled == 0 or values[int(settled) - 1] != 0.0
