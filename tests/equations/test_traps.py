"""Drifts and safe windows against exact sums, roots and runs."""

import itertools

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


@pytest.mark.parametrize("order", ["reshuffled", "fixed"])
@pytest.mark.parametrize("lagged", [False, True])
def test_the_share_of_an_order_is_the_covariance_over_all_epochs(order, lagged):
    """Count it: the mean of a gradient times an average of squares, over all orders."""
    alpha, period = 0.3, np.array([2.0, -1.0, -1.5, 0.5])
    n = len(period)
    orders = list(itertools.permutations(range(n)))
    pairs = itertools.product(orders, orders) if order == "reshuffled" else ((o, o) for o in orders)
    weights = (1 - alpha) * alpha ** np.arange(n)
    if order == "fixed":
        weights /= 1 - alpha**n  # of all the epochs before, which are alike
    found = []
    for pair in pairs:
        grads = period[np.concatenate(pair)]
        for at in range(n, 2 * n):
            squares = grads[at - lagged - np.arange(n)] ** 2
            found.append(grads[at] * (weights * squares).sum())
    direct = np.mean(found) / ((1 - alpha) * np.mean(period**3))
    assert_allclose(direct, equations.order_share(alpha, n, order, lagged=lagged), rtol=1e-9)


def test_a_longer_epoch_leaves_more_of_the_bias_and_less_of_the_lagged_one():
    shares = equations.order_share(0.9, [2, 10, 100, 10_000], "reshuffled")
    assert (np.diff(shares) > 0).all()
    assert shares[-1] == pytest.approx(1, abs=1e-2)
    lagged = equations.order_share(0.9, [2, 10, 100, 10_000], "reshuffled", lagged=True)
    assert (np.diff(lagged) > 0).all()
    assert lagged[-1] == pytest.approx(0, abs=1e-2)


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match="independent, reshuffled or fixed"):
        equations.order_share(0.9, 10, "sorted")


def test_where_rmsprop_rests_is_where_its_window_is_just_enough():
    mean, square, cube = 0.02, 1.0, 3.0
    alpha = 1 - 1 / equations.safe_window_random(mean, square, cube)
    # The window's root has the mean's own part of the cube taken off.
    assert_allclose(equations.rest_gradient(square, cube - mean, alpha), mean, rtol=1e-9)


def test_the_price_of_a_spike_is_that_of_amsgrads_steps():
    grads = np.ones(400)
    grads[200] = 50.0
    v = equations.iterate_average(grads**2, 0.9, 1.0)
    after = 1 / np.sqrt(np.maximum.accumulate(v))[-1]
    assert_allclose(after, equations.greatest_price(50.0, 0.9), rtol=1e-9)
