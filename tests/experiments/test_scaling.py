"""Scaled problems against PyTorch, whose autograd differentiates them, and exact invariance."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop.experiments.problems import rosenbrock
from rmsprop.experiments.rules import GradientDescent, RMSpropRule
from rmsprop.experiments.scaling import decayed_end, scaled_losses, scaled_paths

PROBLEM = rosenbrock()


def torch_end(factor, steps, *, decoupled=0.0, **options):
    w = torch.nn.Parameter(torch.from_numpy(PROBLEM.start.copy()))
    optimizer = torch.optim.RMSprop([w], **options)
    for _ in range(steps):
        optimizer.zero_grad()
        (factor * PROBLEM.value(w)).backward()
        with torch.no_grad():
            w *= 1 - options["lr"] * decoupled
        optimizer.step()
    return w.detach().numpy()


def test_path_is_that_of_torch_on_the_scaled_loss():
    factors = [1e-5, 1.0, 300.0]
    ends = scaled_paths(PROBLEM, factors, RMSpropRule(lr=0.01, eps=1e-3), steps=40)[-1]
    for end, factor in zip(ends, factors, strict=True):
        assert_allclose(end, torch_end(factor, 40, lr=0.01, eps=1e-3), rtol=1e-10)


@given(exponent=st.integers(-200, 200), centered=st.booleans(), momentum=st.sampled_from([0, 0.9]))
def test_power_of_two_changes_no_bit_of_a_path_without_eps(exponent, centered, momentum):
    rule = RMSpropRule(lr=0.01, eps=0.0, centered=centered, momentum=momentum)
    paths = scaled_paths(PROBLEM, [1.0, 2.0**exponent], rule, steps=20)
    assert_array_equal(paths[:, 0], paths[:, 1])


@given(exponent=st.integers(-20, 0))
def test_power_of_two_scales_the_rate_of_gradient_descent(exponent):
    factor = 2.0**exponent
    scaled = scaled_paths(PROBLEM, [factor], GradientDescent(lr=1e-3), steps=20)
    slower = scaled_paths(PROBLEM, [1.0], GradientDescent(lr=1e-3 * factor), steps=20)
    assert_allclose(scaled, slower, rtol=1e-12)


def test_losses_are_those_of_the_unscaled_problem_and_may_diverge():
    rule, factors = GradientDescent(lr=1e-3), [1e-3, 1.0, 1e3]
    losses = scaled_losses(PROBLEM, factors, rule, steps=30)
    ends = scaled_paths(PROBLEM, factors[:2], rule, steps=30)[-1]
    assert_array_equal(losses[:2], PROBLEM.value(ends))
    assert losses[1] < losses[0] < PROBLEM.value(PROBLEM.start)
    assert not np.isfinite(losses[2])


@pytest.mark.parametrize("decoupled", [False, True])
def test_decay_is_that_of_torch_or_shrinks_the_weights_before_its_step(decoupled):
    factors, decays = [0.5, 8.0], [0.3, 2.0]
    ends = decayed_end(PROBLEM, factors, decays, lr=0.01, steps=25, decoupled=decoupled)
    for end, factor, decay in zip(ends, factors, decays, strict=True):
        options = {"decoupled": decay} if decoupled else {"weight_decay": decay}
        assert_allclose(end, torch_end(factor, 25, lr=0.01, eps=0.0, **options), rtol=1e-9)
