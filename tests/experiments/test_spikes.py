"""Spikes: walks against PyTorch while doubles last, the bound against the integral."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.integrate import quad

from rmsprop import equations
from rmsprop.experiments.spikes import Walk, greatest_s, spike_height, walk_in_logarithms


@pytest.fixture(scope="module")
def in_doubles():
    """|w| and s of torch at 0.9, whose dip of some 47 powers of e doubles still hold."""
    w = torch.ones((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RMSprop([w], lr=0.01, alpha=0.9, eps=0.0)
    sizes, rates = [], []
    for _ in range(600):
        sizes.append(abs(w.item()))
        w.grad = w.detach().clone()
        optimizer.step()
        rates.append(0.01 / optimizer.state[w]["square_avg"].sqrt().item())
    return np.array(sizes), np.array(rates)


def test_walk_is_that_of_torch(in_doubles):
    sizes, rates = in_doubles
    walk = walk_in_logarithms(0.9, steps=600)
    assert sizes.min() < 1e-18
    assert_allclose(walk.log_w, np.log(sizes), rtol=0, atol=1e-7)
    assert_allclose(walk.s, rates, rtol=1e-7)


def test_height_is_the_greatest_loss_after_the_dip(in_doubles):
    sizes, _ = in_doubles
    after = sizes[sizes.argmin() :]
    expected = (after.max() / (0.01 / 2)) ** 2
    assert_allclose(spike_height(walk_in_logarithms(0.9, steps=600)), expected, rtol=1e-7)


def test_height_leaves_out_what_came_before_the_dip_and_counts_in_cycles():
    log_w = np.array([5.0, -70.0, np.log(0.3), np.log(0.1)])
    assert spike_height(Walk(log_w, np.ones(4)), lr=0.2) == pytest.approx(9)


def test_walk_goes_on_where_doubles_end():
    walk = walk_in_logarithms(0.999, steps=30_000)
    assert walk.log_w.min() < np.log(5e-324)
    assert walk.log_w.min() == pytest.approx(float(equations.dip(0.999)), rel=0.1)
    assert np.exp(walk.log_w[-1]) == pytest.approx(0.01 / 2, rel=1e-3)


def test_bound_is_where_the_integral_vanishes():
    def shrinking(u):
        return np.log(abs(1 - u)) / u

    integral = sum(quad(shrinking, *ends)[0] for ends in ((0, 1), (1, 2), (2, greatest_s())))
    assert integral == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("alpha", [0.8, 0.95, 0.99])
def test_no_walk_exceeds_the_bound(alpha):
    assert 2 < walk_in_logarithms(alpha, steps=3000).s.max() < greatest_s()
