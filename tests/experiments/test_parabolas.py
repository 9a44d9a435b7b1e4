"""Parabolas: slopes against autograd, places of rest against runs."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rmsprop.experiments.parabolas import place_of_rest, slope, slopes_at
from rmsprop.experiments.traps import run, tail_mean


@given(t=st.integers(1, 100), x=st.floats(-10, 10), delta=st.floats(-3, 3))
def test_slope_is_the_gradient_of_its_parabola(t, x, delta):
    point = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    steep, flat = 5 * (point - delta) ** 2, -((point - 10 / 9 * delta) ** 2) / 2
    (steep if t in range(10, 101, 10) else flat).backward()
    assert_allclose(slope(t, x, delta), point.grad.item(), rtol=1e-12, atol=1e-12)


@given(x=st.floats(-10, 10), delta=st.floats(-3, 3))
def test_ten_parabolas_have_their_common_minimum_at_zero(x, delta):
    slopes = slopes_at(x, delta)
    assert slopes.shape == (10,)
    assert_allclose(slopes.sum(), x, rtol=0, atol=1e-12)


def test_runs_from_both_sides_come_to_the_place_of_rest_as_the_rate_tends_to_zero():
    place = place_of_rest(0.98)
    rates = np.array([[0.016], [0.008]])
    start = np.broadcast_to([0.8 * place, 1.2 * place], (2, 2))
    points = run(partial(slope, delta=1.0), 0.98, lr=lambda t: rates, steps=80_000, start=start)
    fast, slow = tail_mean(points, 1000)
    assert_allclose(2 * slow - fast, place, rtol=0.01)  # the deviation is proportional to the rate


def test_place_of_rest_approaches_the_minimum_like_the_reciprocal_window():
    near, nearer = (window * place_of_rest(1 - 1 / window) for window in (1e4, 1e5))
    assert near == pytest.approx(nearer, rel=0.01)


@pytest.mark.parametrize("alpha", [0.5, 0.9554])
def test_alpha_without_a_place_of_rest_is_refused(alpha):
    with pytest.raises(ValueError, match=rf"alpha must be at least 0\.956, got {alpha}"):
        place_of_rest(alpha)
