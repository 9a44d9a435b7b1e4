"""Scheduled runs against torch's schedulers, and against a constant rate."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.problems import beale
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule
from rmsprop.experiments.schedules import scheduled_trajectory


@pytest.mark.parametrize(
    ("rule", "optimizer", "options"),
    [
        (RMSpropRule(9.0, alpha=0.9), torch.optim.RMSprop, {"alpha": 0.9}),
        (GradientDescent(9.0, momentum=0.9), torch.optim.SGD, {"momentum": 0.9}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_run_is_that_of_torchs_scheduler(rule, optimizer, options):
    problem = beale()
    w = torch.nn.Parameter(torch.from_numpy(problem.start.copy()))
    optimizer = optimizer([w], lr=1.0, **options)
    # It counts from 0 what is the first step here.
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 0.01 / (2 + t))
    points = [w.detach().numpy().copy()]
    for _ in range(50):
        optimizer.zero_grad()
        problem.value(w).backward()
        optimizer.step()
        scheduler.step()
        points.append(w.detach().numpy().copy())
    path = scheduled_trajectory(problem.gradient, problem.start, rule, lambda t: 0.01 / (1 + t), 50)
    assert_allclose(path, points, rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [0, 1, 30])
@pytest.mark.parametrize("rule", [RMSpropRule(0.01), Adam(0.01)], ids=str)
def test_constant_schedule_is_no_schedule(rule, steps):
    problem, starts = beale(), np.random.default_rng(0).normal(size=(4, 2))
    path = scheduled_trajectory(problem.gradient, starts, rule, lambda t: 0.01, steps)
    assert_array_equal(path, trajectory(problem.gradient, starts, rule, steps))
