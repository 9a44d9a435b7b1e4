"""Steps along given gradients, against torch's optimizers and closed forms."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop import equations
from rmsprop.experiments.given_gradients import mean_step, steps_along
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule


@pytest.mark.parametrize(
    ("rule", "optimizer", "options"),
    [
        (GradientDescent(0.5, 0.9), torch.optim.SGD, {"lr": 0.5, "momentum": 0.9}),
        (RMSpropRule(0.1, centered=True), torch.optim.RMSprop, {"lr": 0.1, "centered": True}),
        (Adam(0.1), torch.optim.Adam, {"lr": 0.1}),
    ],
    ids=str,
)
def test_steps_are_those_of_torch(rule, optimizer, options):
    gradients = np.random.default_rng(0).normal(0.3, 1.0, size=(50, 2, 3))
    w = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    optimizer = optimizer([w], **options)
    expected = []
    for grad in gradients:
        before = w.detach().clone()
        w.grad = torch.from_numpy(grad.copy())
        optimizer.step()
        expected.append((before - w.detach()).numpy())
    assert_allclose(steps_along(gradients, rule), expected, rtol=0, atol=1e-12)


def test_each_run_has_its_own_rate_and_is_as_if_alone():
    gradients = np.random.default_rng(0).normal(size=(20, 2, 3))
    together = steps_along(gradients, RMSpropRule([0.1, 1.0], alpha=0.9))
    for run, lr in enumerate((0.1, 1.0)):
        alone = steps_along(gradients[:, run], RMSpropRule(lr, alpha=0.9))
        assert_array_equal(together[:, run], alone)


def test_layout_of_the_gradients_does_not_matter():
    """Sums over steps are rounded in the order in which numbers lie in memory."""
    repeated = np.broadcast_to(np.geomspace(1e-5, 1e3, 33)[:, None], (500, 33, 1))
    rule = RMSpropRule(1.0, centered=True)
    steps = [steps_along(each, rule) for each in (repeated, repeated.copy())]
    assert_array_equal(*(np.mean(each**2, axis=0) for each in steps))


def test_constant_gradient_makes_steps_of_the_closed_form():
    steps = steps_along(np.full((300, 1), 7.0), RMSpropRule(1.0, 0.9, eps=0.0, centered=True))
    expected = equations.constant_gradient_step(0.9, np.arange(1, 301))
    assert_allclose(steps[:100, 0], expected[:100], rtol=1e-8)


@pytest.mark.parametrize("centered", [False, True])
def test_mean_step_is_the_ratio_of_mean_and_root_mean_square(centered):
    mean = np.array([0.5, 2.0, 8.0])
    rule = RMSpropRule(0.1, alpha=0.99, centered=centered)
    simulated = mean_step(mean, rule, runs=64, steps=4000, seed=0)
    expected = 0.1 * mean / (1 if centered else np.sqrt(1 + mean**2))
    assert_allclose(simulated, expected, rtol=0.05)


def test_mean_step_leaves_out_the_first_half():
    """The first gradients move the uncentered rule ten times as far as later ones do."""
    rule = RMSpropRule(1.0, alpha=0.99)
    assert mean_step([1e9], rule, runs=1, steps=2000, seed=0) == pytest.approx(1.0, abs=1e-4)


def test_every_run_and_every_mean_has_its_own_noise():
    steps = mean_step(np.zeros(200), GradientDescent(1.0), runs=100, steps=2, seed=0)
    assert steps.std() == pytest.approx(1 / np.sqrt(100), rel=0.15)
