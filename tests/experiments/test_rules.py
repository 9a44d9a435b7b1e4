"""Rules with schedules against torch's schedulers, and what rules refuse."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.problems import rosenbrock
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule

RULES = {
    GradientDescent: torch.optim.SGD,
    RMSpropRule: torch.optim.RMSprop,
    Adam: torch.optim.Adam,
}


@pytest.mark.parametrize("rule", RULES)
def test_schedule_is_that_of_torchs_scheduler(rule):
    problem = rosenbrock()
    path = trajectory(problem.gradient, problem.start, rule(lambda t: 1e-3 / np.sqrt(t)), 40)
    w = torch.tensor(problem.start, requires_grad=True)
    optimizer = RULES[rule]([w], lr=1e-3)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: 1 / np.sqrt(k + 1))
    for point in path:
        assert_allclose(w.detach(), point, rtol=1e-9)
        optimizer.zero_grad()
        problem.value(w).backward()
        optimizer.step()
        scheduler.step()


def test_schedule_may_differ_between_runs():
    rates = np.array([0.1, 0.2])
    rule = GradientDescent(lambda t: rates / t, momentum=np.zeros(2))
    path = trajectory(lambda w: np.ones_like(w), [0.0], rule, 3)[..., 0]
    assert_allclose(path[-1], -rates * (1 + 1 / 2 + 1 / 3))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda: RMSpropRule(0.1, alpha=1.0), r"alpha must lie in \[0, 1\), got 1.0"),
        (lambda: Adam(0.1, beta1=-0.5), r"beta1 must lie in \[0, 1\), got -0.5"),
        (lambda: Adam(0.1, beta2=[0.9, 1.5]), r"beta2 must lie in \[0, 1\), got \[0.9 1.5\]"),
    ],
)
def test_impossible_smoothing_constant_is_named(rule, message):
    with pytest.raises(ValueError, match=message):
        rule()


def test_averages_start_from_one_number():
    rule = RMSpropRule(0.1, initial_accumulator_value=[1.0, 2.0])
    with pytest.raises(ValueError, match="initial_accumulator_value must be one number"):
        rule.start((2,))
