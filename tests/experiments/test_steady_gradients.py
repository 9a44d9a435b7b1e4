"""Steady gradients: what is counted, against a run made by hand and against the formula."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from rmsprop import RMSprop, equations
from rmsprop.experiments.steady_gradients import follow_steady_gradients

CENTERED = partial(torch.optim.RMSprop, lr=0.5, alpha=0.9, centered=True)


def test_run_is_that_of_the_parameters_left_alone():
    run = follow_steady_gradients(
        CENTERED, [0.2, 0.01], steps=30, parameters=7, mean=-3.0, dtype=torch.float64
    )
    generator = torch.Generator().manual_seed(0)
    noise = torch.stack([torch.randn(7, generator=generator) for _ in range(30)])
    for row, level in enumerate((0.2, 0.01)):
        w = torch.zeros(7, dtype=torch.float64)
        optimizer = CENTERED([w])
        for t in range(30):
            before = w.clone()
            w.grad = -3 * (1 + level * noise[t].double())
            optimizer.step()
            # Lengths are kept in float32.
            assert_allclose(run.longest[t, row], ((w - before).abs().max() / 0.5), rtol=1e-6)
    assert run.lost.max() == 0


def test_parameter_that_was_nan_once_stays_lost():
    class NanOnce(torch.optim.SGD):
        calls = 0

        def step(self):
            self.calls += 1
            w = self.param_groups[0]["params"][0].data
            w.fill_(2.0 * self.calls)
            if self.calls == 2:
                w[0, 0] = torch.nan

    run = follow_steady_gradients(partial(NanOnce, lr=2.0), [0.1], steps=3, parameters=4)
    assert run.lost[:, 0].tolist() == [0, 0.25, 0.25]
    assert run.longest[:, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_recursion_follows_the_formula_where_the_difference_turns_into_nan(dtype):
    noises = [0.1, 1e-3]
    optimizers = (torch.optim.RMSprop, RMSprop)
    theirs, ours = (
        follow_steady_gradients(
            partial(each, lr=1.0, alpha=0.9, eps=1e-12, centered=True),
            noises,
            steps=400,
            parameters=500,
            dtype=dtype,
        )
        for each in optimizers
    )
    assert theirs.lost[-1].max() > 0.05
    assert ours.lost.max() == 0
    # The longest of 500 is longer than the typical one, by less than 3 at this alpha.
    typical = 1 / np.sqrt(equations.expected_grad_var(0.9, 400, noises))
    if dtype == torch.float32:
        assert np.all((typical < ours.longest[-1]) & (ours.longest[-1] < 3 * typical))
