"""Random slopes: their moments, and mean steps against PyTorch and the equation."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.experiments.random_slopes import expected_step, mean_step, moments


@given(rare=st.floats(1, 50), mean=st.floats(-0.5, 0.9))
def test_moments_are_those_of_two_values(rare, mean):
    p = (1 + mean) / (rare + 1)
    values = np.array([rare, -1.0])
    expected = [np.average(values**k, weights=[p, 1 - p]) for k in (1, 2, 3)]
    assert_allclose(moments(rare, mean), expected, rtol=1e-9, atol=1e-9)
    assert_allclose(moments(rare, mean)[0], mean, rtol=0, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.5, 0.9])
def test_mean_step_is_how_far_torch_goes(alpha):
    rng = np.random.default_rng(1)
    w = torch.zeros(4000, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RMSprop([w], lr=1.0, alpha=alpha, eps=0.0)
    for t in range(400):
        if t == 100:  # v has settled
            start = w.detach().clone()
        w.grad = torch.from_numpy(np.where(rng.random(4000) < 1.1 / 11, 10.0, -1.0))
        optimizer.step()
    theirs = ((w.detach() - start) / 300).numpy()
    ours = mean_step(alpha, 10.0, 0.1, chains=400, steps=1000)
    assert ours.shape == (400,)
    error = np.hypot(theirs.std() / 4000**0.5, ours.std() / 400**0.5)
    assert abs(ours.mean() - theirs.mean()) < 4 * error
    assert error < 0.005


@given(rare=st.floats(1, 50), mean=st.floats(-0.5, 0.9))
def test_without_memory_a_step_is_the_sign_of_its_slope(rare, mean):
    p = (1 + mean) / (rare + 1)
    assert_allclose(mean_step(0.0, rare, mean, chains=3, steps=7), 1 - 2 * p, atol=1e-12)


@pytest.mark.parametrize(("rare", "mean"), [(10.0, 0.1), (3.0, 0.5)])
def test_expected_step_is_the_sum_over_all_histories(rare, mean):
    alpha, depth, p = 0.3, 16, (1 + mean) / (rare + 1)
    slopes = np.where(np.arange(2**depth)[:, None] >> np.arange(depth) & 1, rare, -1.0)
    chance = np.where(slopes > 0, p, 1 - p).prod(axis=1)
    v = (slopes**2) @ ((1 - alpha) * alpha ** np.arange(depth))
    expected = -(chance * slopes[:, 0] / np.sqrt(v)).sum()
    assert_allclose(expected_step(alpha, rare, mean), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.99])
def test_mean_step_is_the_expected_one(alpha):
    measured = mean_step(alpha, 10.0, 0.1, chains=400, steps=4000).mean()
    assert_allclose(measured, expected_step(alpha, 10.0, 0.1), rtol=0, atol=2e-3)


@pytest.mark.parametrize("rare", [3.0, 10.0])
def test_expected_step_changes_direction_at_the_safe_window(rare):
    """To a small part of a step, where the mean is small: the term of half a step counts."""
    for mean in (0.1, 0.03):
        window = equations.safe_window_random(*moments(rare, mean))
        shorter, longer = (
            expected_step(1 - 1 / (window + off), rare, mean) for off in (-mean, mean)
        )
        assert shorter > 0 > longer
