"""Regret against torch's Adam, and against a run that is followed by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop.experiments.regret import average_regret


def decaying(t):
    return 0.3 / np.sqrt(t)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_regret_is_that_of_torch_with_projection(amsgrad):
    slopes = np.array([3.0, -1.0, -1.5, 0.5])
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([w], betas=(0.0, 0.6), eps=0.0, amsgrad=amsgrad)
    lost = []
    for t in range(1, 61):
        slope = slopes[(t - 1) % 4]
        lost.append(slope * w.item() - slope * -1)  # the mean slope is positive: -1 is best
        # Adam corrects the bias; without it, each step is longer by the root of the factor.
        optimizer.param_groups[0]["lr"] = decaying(t) / np.sqrt(1 - 0.6**t)
        w.grad = torch.tensor(slope)
        optimizer.step()
        with torch.no_grad():
            w.clamp_(-1, 1)
    expected = [np.mean(lost[:t]) for t in range(1, 61)]
    ours = average_regret(slopes, 0.6, lr=decaying, steps=60, amsgrad=amsgrad)
    assert_allclose(ours, expected, rtol=0, atol=1e-12)


def test_regret_of_sign_descent_in_the_trap_is_counted_by_hand():
    # From 0 to -1, 0, then 1, and from there 0, 1, 1 in every period: 2 are lost, then 3 each time.
    regret = average_regret([3.0, -1.0, -1.0], 0.0, lr=lambda t: 1.0, steps=30)
    periods = np.arange(1, 11)
    assert_allclose(regret[2::3], (2 + 3 * (periods - 1)) / (3 * periods), rtol=1e-12)


@given(
    slopes=st.lists(st.floats(0.1, 5) | st.floats(-5, -0.1), min_size=1, max_size=6),
    alpha=st.floats(0, 0.95),
)
def test_regret_does_not_know_left_from_right(slopes, alpha):
    regret = average_regret(slopes, alpha, lr=decaying, steps=20)
    assert regret.shape == (20,)
    mirrored = average_regret(-np.array(slopes), alpha, lr=decaying, steps=20)
    assert_array_equal(regret, mirrored)
