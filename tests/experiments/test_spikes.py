"""Spikes: walks against PyTorch while doubles last, limits against integrals."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad

from rmsprop.experiments.spikes import (
    Walk,
    clipped,
    depth,
    return_s,
    spike_height,
    survey,
    walk_in_logarithms,
)


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


def test_runs_side_by_side_are_the_runs_alone():
    lrs, eps = np.array([0.01, 0.02]), np.array([[0.0], [1e-3]])
    together = walk_in_logarithms(0.9, 500, lrs, eps)
    assert together.log_w.shape == (500, 2, 2)
    for i, j in np.ndindex(2, 2):
        alone = walk_in_logarithms(0.9, 500, lrs[j], eps[i, 0])
        assert_array_equal(together.log_w[:, i, j], alone.log_w)
        assert_array_equal(depth(together)[i, j], depth(alone))
        assert_array_equal(spike_height(together, lrs)[i, j], spike_height(alone, lrs[j]))


def test_walk_with_eps_is_that_of_torch():
    w = torch.ones((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RMSprop([w], lr=0.02, alpha=0.9, eps=3e-3)
    walk = walk_in_logarithms(0.9, 150, lr=0.02, eps=3e-3)
    for log_w in walk.log_w:
        assert_allclose(log_w, np.log(abs(w.item())), rtol=0, atol=1e-9)
        w.grad = w.detach().clone()
        optimizer.step()


def test_walk_goes_on_where_doubles_end():
    walk = walk_in_logarithms(0.999, steps=30_000)
    assert walk.log_w.min() < np.log(5e-324)
    assert np.exp(walk.log_w[-1]) == pytest.approx(0.01 / 2, rel=1e-3)


@pytest.mark.parametrize(("alpha", "steps", "gap"), [(0.99, 4000, 0.05), (0.999, 20_000, 0.005)])
def test_survey_finds_the_integrals_to_a_few_powers_and_to_the_limit(alpha, steps, gap):
    lrs = np.geomspace(0.003, 0.01, 25)
    found = survey(alpha, steps, lrs)
    assert np.median(np.abs(found.fall - found.expected)) < 2
    assert_allclose(found.greatest_s, found.expected_s, rtol=gap)
    walk = walk_in_logarithms(alpha, steps, lrs)
    assert_array_equal(found.height, spike_height(walk, lrs))


@pytest.mark.parametrize("first", [0.0, 0.2])
def test_w_has_grown_back_where_the_integral_vanishes(first):
    def shrinking(u):
        return np.log(abs(1 - u)) / u

    ends = ((max(first, 1e-12), 1), (1, 2), (2, return_s(first)))
    assert sum(quad(shrinking, *pair)[0] for pair in ends) == pytest.approx(0, abs=1e-7)


def test_clipped_quotients_make_small_spikes_after_the_same_fall():
    free, top, alarm = clipped(0.99, 0.01, 3000, np.inf)
    walk = walk_in_logarithms(0.99, 3000, 0.01)
    assert free == pytest.approx(float(spike_height(walk, 0.01)), rel=1e-6)
    assert top - 5 <= alarm <= top
    assert clipped(0.99, 0.01, 3000, 1.0)[0] < 5 < free
