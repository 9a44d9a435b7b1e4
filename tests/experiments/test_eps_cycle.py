"""Ends on a parabola against PyTorch's optimizer and the amplitude of the cycle."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop import equations
from rmsprop.experiments.eps_cycle import final_distance, uphill_steps


@given(
    curvature=st.floats(0.1, 10),
    lr=st.floats(1e-3, 1),
    part=st.floats(0, 0.9) | st.floats(1.1, 2),
    alpha=st.floats(0.2, 0.8),
    eps_in_sqrt=st.booleans(),
)
def test_near_start_ends_on_the_cycle_or_at_rest(curvature, lr, part, alpha, eps_in_sqrt):
    threshold = curvature * lr / 2
    eps = part * (threshold**2 if eps_in_sqrt else threshold)
    expected = lr / 2 * max(1 - part, 0) ** (0.5 if eps_in_sqrt else 1)
    end = final_distance(curvature, lr, eps, alpha, eps_in_sqrt=eps_in_sqrt, steps=600)
    assert_allclose(end / lr, expected / lr, rtol=0, atol=1e-9)


def test_near_start_is_one_percent_off_the_cycle_with_its_average():
    cycle = equations.cycle_amplitude(3.0, 0.2, 0.1)
    assert_allclose(final_distance(3.0, 0.2, 0.1, 0.9, steps=0), 1.01 * cycle, rtol=1e-15)
    w = 1.01 * cycle
    assert_allclose(
        final_distance(3.0, 0.2, 0.1, 0.9, steps=1),
        abs(w - 0.2 * 3 * w / (3 * w + 0.1)),
        rtol=1e-12,
    )
    assert final_distance(3.0, 0.2, 1.0, 0.9, steps=0) == 0.1


@pytest.mark.parametrize("steps", [0, 1, 9])
def test_start_is_followed_as_torch_does(steps):
    w = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RMSprop([w], lr=0.05, alpha=0.9, eps=0.01)
    for _ in range(steps):
        w.grad = 3 * w.detach()
        optimizer.step()
    end = final_distance(3.0, 0.05, 0.01, 0.9, start=-0.7, steps=steps)
    assert_allclose(end, abs(w.item()), rtol=1e-12)


def test_runs_made_together_are_those_made_alone():
    eps, alphas, starts = np.array([1e-3, 0.1]), np.array([0.5, 0.9, 0.99])[:, None], [[[0.1]]] * 2
    together = final_distance(3.0, 0.02, eps, alphas, starts, steps=30)
    assert together.shape == (2, 3, 2)
    for (_, i, j), end in np.ndenumerate(together):
        alone = final_distance(3.0, 0.02, eps[j], alphas[i, 0], 0.1, steps=30)
        assert_array_equal(end, alone)


def test_an_eps_above_the_threshold_lets_no_step_go_uphill_and_one_below_does():
    options = {"alphas": [0.0, 0.9, 0.99], "runs": 4, "steps": 400, "seed": 5}
    assert uphill_steps(1.001, **options) == 0
    assert uphill_steps(0.8, **options) > 100
