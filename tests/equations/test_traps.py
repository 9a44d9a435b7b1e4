"""Drifts and safe windows against exact sums, roots and runs."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.experiments.traps import rare_large, smallest_safe_alpha


@given(n=st.integers(2, 40), rare=st.floats(1.5, 100), alpha=st.floats(0.01, 0.999))
def test_drift_of_one_rare_slope_is_the_closed_sum(n, rare, alpha):
    u = (1 - alpha) * (rare**2 - 1) / (1 - alpha**n)
    i = np.arange(1, n)
    expected = -rare / np.sqrt(1 + u) + (1 / np.sqrt(1 + alpha**i * u)).sum()
    assert_allclose(equations.drift(rare_large(rare, n), alpha), expected, rtol=1e-9, atol=1e-9)


@given(
    slopes=st.lists(st.floats(0.1, 5) | st.floats(-5, -0.1), min_size=1, max_size=8),
    alpha=st.floats(0, 0.95),
)
def test_drift_is_what_torch_goes_per_period(slopes, alpha):
    periods = int(40 / -np.log(max(alpha, 1e-9)) / len(slopes)) + 2
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RMSprop([w], lr=1.0, alpha=alpha, eps=0.0)
    for g in slopes * periods:
        w.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
    start = w.item()
    for g in slopes:
        w.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
    assert_allclose(equations.drift(slopes, alpha), w.item() - start, rtol=0, atol=1e-10)


@pytest.mark.parametrize("n", [100, 300, 1000])
@pytest.mark.parametrize("rare", [1.0, 1.1, 1.5, 2.0, 3.0])
def test_safe_window_is_the_limit_of_the_root(rare, n):
    window = 1 / (1 - smallest_safe_alpha(rare_large(rare * n, n)))
    assert_allclose(equations.safe_window(rare * n, n), window, rtol=2 / n)


@given(n=st.integers(3, 1000), excess=st.floats(0.01, 5))
def test_safe_window_solves_its_equation(n, excess):
    ratio = 1 + excess
    y = n / (2 * equations.safe_window(ratio * (n - 1), n))
    assert_allclose(np.expm1(y) / y, ratio, rtol=1e-9)
