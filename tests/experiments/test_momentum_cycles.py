"""Runs pushed off their cycle, against eigenvalues, and against PyTorch's optimizers."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.equations.edge import KINDS
from rmsprop.experiments.momentum_cycles import leave_cycle


@pytest.mark.parametrize("kind", KINDS)
def test_on_the_cycle_it_stays(kind):
    mu = np.array([0.0, 0.1, 0.9])
    path = leave_cycle(mu, 0.9, kind, steps=3, kept=3, push=0.0)
    assert_allclose(path, np.tile(1 / equations.edge(mu, kind), (3, 1)), rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mu", [0.1, 0.5])
def test_it_comes_back_or_leaves_at_the_pace_of_the_eigenvalue(kind, mu):
    push, steps = 1e-9, 60
    path = leave_cycle(mu, 0.9, kind, steps=steps, kept=steps, push=push)[:, 0]
    off = path * equations.edge(mu, kind) - 1
    size = np.abs(equations.cycle_eigenvalues(mu, 0.9, kind)).max()
    early, late = (np.abs(off[i : i + 15]).max() for i in (10, 40))
    assert_allclose((late / early) ** (1 / 30), size, rtol=0.02)


def test_heavy_ball_and_average_are_torchs():
    mu, alpha = 0.4, 0.9
    for kind, name in (("heavy ball", "RMSprop"), ("average", "Adam")):
        amplitude = float(1 / equations.edge(mu, kind))
        w = torch.nn.Parameter(torch.tensor([1.3 * amplitude], dtype=torch.float64))
        square = torch.tensor([amplitude**2], dtype=torch.float64)
        if kind == "average":
            optimizer = torch.optim.Adam([w], lr=1.0, betas=(mu, alpha), eps=0.0)
            mean = torch.tensor([-amplitude * (1 - mu) / (1 + mu)], dtype=torch.float64)
            state = {"step": torch.tensor(1e6), "exp_avg": mean, "exp_avg_sq": square}
        else:
            optimizer = torch.optim.RMSprop([w], lr=1.0, alpha=alpha, eps=0.0, momentum=mu)
            buffer = torch.tensor([-1 / (1 + mu)], dtype=torch.float64)
            state = {"step": torch.tensor(1.0), "square_avg": square, "momentum_buffer": buffer}
        optimizer.state[w] = state
        path = leave_cycle(mu, alpha, kind, steps=30, kept=30, push=0.3)[:, 0]
        for expected in path:
            w.grad = w.detach().clone()
            optimizer.step()
            assert_allclose(abs(w.item()), expected, rtol=1e-9, err_msg=name)
