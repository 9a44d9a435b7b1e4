"""Ringing: runs against PyTorch's, measurements against oscillations that are known."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.experiments.ringing import measure_ring_down, push_off_cycle


def test_run_is_that_of_torch_from_the_cycle():
    lr, curvature, alphas = 0.1, 2.0, [0.5, 0.9]
    ours = push_off_cycle(alphas, 0.3, 40, lr=lr, curvature=curvature)
    assert ours.shape == (41, 2)
    for column, alpha in zip(ours.T, alphas, strict=True):
        w = torch.tensor(1.3 * lr / 2, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.RMSprop([w], lr=lr, alpha=alpha, eps=0.0)
        square_avg = torch.tensor((curvature * lr / 2) ** 2, dtype=torch.float64)
        optimizer.state[w] = {"step": torch.tensor(0.0), "square_avg": square_avg}
        for p in column:
            assert_allclose(p, np.log(abs(w.item()) / (lr / 2)), rtol=0, atol=1e-12)
            w.grad = curvature * w.detach()
            optimizer.step()


@given(lr=st.floats(1e-4, 1), curvature=st.floats(0.01, 100), push=st.floats(-0.5, 1))
def test_ringing_knows_neither_rate_nor_curvature(lr, curvature, push):
    ours = push_off_cycle(0.9, push, 30, lr=lr, curvature=curvature)
    # Rounding grows while a push is large.
    assert_allclose(ours, push_off_cycle(0.9, push, 30), rtol=1e-6, atol=1e-9)


def test_cycle_rings_as_the_linearized_step_does():
    alphas = np.array([0.3, 0.7, 0.95])
    measured = measure_ring_down(push_off_cycle(alphas, 1e-6, 200))
    assert_allclose(measured, equations.ring_down(alphas), rtol=1e-4)


@given(
    decay=st.floats(0.8, 1.0),
    period=st.floats(3, 30),
    phase=st.floats(0, 2 * np.pi),
)
def test_measurement_finds_decay_and_period_of_each_oscillation(decay, period, phase):
    t = np.arange(60)
    first = decay**t * np.cos(2 * np.pi * t / period + phase)
    second = 0.9**t * np.cos(t)
    found = measure_ring_down(np.stack([first, second], axis=1))
    assert_allclose(found, [[decay, 0.9], [period, 2 * np.pi]], rtol=1e-6)
