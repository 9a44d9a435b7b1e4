"""The ways to the variance against plain sums, SciPy's filter and torch's own step."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.signal import lfilter

from rmsprop.experiments.variance import (
    gap_of_fractions,
    recursive_variance,
    torch_variance,
    weighted_variance,
)

rationals = st.fractions(-100, 100, max_denominator=1000)


@given(st.lists(rationals, min_size=1, max_size=12), st.fractions(0, Fraction(99, 100)))
def test_recursion_is_the_difference_of_averages_for_all_fractions(gradients, alpha):
    assert gap_of_fractions(gradients, alpha) == 0


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.99])
def test_recursion_is_that_of_filtered_series(alpha):
    gradients = np.random.default_rng(0).normal(1.0, 2.0, size=(3, 4, 60))
    m, v = (lfilter([1 - alpha], [1, -alpha], x) for x in (gradients, gradients**2))
    assert_allclose(recursive_variance(gradients, alpha), v - m**2, rtol=0, atol=1e-13)


def test_torch_divides_by_the_root_of_what_is_called_its_variance():
    gradients = np.random.default_rng(0).normal(1.0, 2.0, size=(5, 40))
    variances = torch_variance(gradients, alpha=0.9)
    w = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RMSprop([w], lr=1.0, alpha=0.9, eps=0.0, centered=True)
    for t in range(40):
        before = w.detach().clone()
        w.grad = torch.from_numpy(gradients[:, t].copy())
        optimizer.step()
        step = (before - w.detach()).numpy()
        assert_allclose(variances[:, t], (gradients[:, t] / step) ** 2, rtol=1e-9)


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.5, 0.9, 0.99]),
)
def test_definition_is_the_variance_of_gradients_after_infinitely_many_zeros(gradients, alpha):
    padded = np.concatenate([np.zeros(4000), gradients])
    weights = (1 - alpha) * alpha ** np.arange(len(padded))[::-1]
    assert weights.sum() == pytest.approx(1)
    expected = np.average((padded - np.average(padded, weights=weights)) ** 2, weights=weights)
    assert weighted_variance(gradients, alpha) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_all_ways_lead_to_the_same_variance_for_each_row():
    gradients = np.random.default_rng(1).normal(0.5, 1.0, size=(6, 100))
    last = weighted_variance(gradients, 0.95)
    assert last.shape == (6,)
    assert_allclose(recursive_variance(gradients, 0.95)[:, -1], last, rtol=1e-12)
    assert_allclose(torch_variance(gradients, 0.95)[:, -1], last, rtol=1e-10)
