"""The average of gradients that are known against runs and exact sums."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rmsprop import equations

EPSILON = np.finfo(np.float64).eps


@given(
    grads=st.lists(st.floats(-10, 10), min_size=1, max_size=12),
    alpha=st.floats(0, 0.99),
)
def test_settled_average_is_where_repeating_the_gradients_leads(grads, alpha):
    periods = int(40 / -np.log(max(alpha, 1e-9)) / len(grads)) + 2
    squares = np.square(grads)
    expected = equations.iterate_average(np.tile(squares, periods), alpha)[-len(grads) :]
    bound = 8 * EPSILON * squares.max() / (1 - alpha)
    settled = equations.settled_square_avg(grads, alpha)
    assert_allclose(settled, expected, rtol=0, atol=bound + 1e-16)


@pytest.mark.parametrize(
    ("alpha", "drift"), [(0.5, 4.2736), (0.9, 0.67950), (0.99, 0.066711), (0.999, 0.0066670)]
)
def test_nine_and_one_has_its_known_drift(alpha, drift):
    grads = np.array([0.1] * 9 + [-0.9])
    average = equations.settled_square_avg(grads, alpha)
    assert_allclose((grads / np.sqrt(average)).sum(), drift, rtol=2e-5)


@pytest.mark.parametrize(("alpha", "atol"), [(0.5, 2e-4), (0.9, 1e-5), (0.99, 3e-7), (0.999, 1e-8)])
def test_excess_displacement_is_the_sum_of_the_first_steps(alpha, atol):
    steps = 1 / np.sqrt(1 - alpha ** np.arange(1.0, 45_000))
    expected = math.fsum(steps - 1)
    assert_allclose(equations.excess_displacement(alpha), expected, rtol=0, atol=atol)


@pytest.mark.parametrize(("alpha", "atol"), [(0.9, 1e-2), (0.99, 1e-3), (0.999, 1e-4)])
@pytest.mark.parametrize("start", [1.0, 3.0, 1e3, 1e6])
def test_late_start_is_the_sum_of_what_the_steps_lack(alpha, atol, start):
    steps = 1 / np.sqrt(1 + alpha ** np.arange(1.0, 90_000) * (start**2 - 1))
    expected = math.fsum(1 - steps)
    assert_allclose(equations.late_start(alpha, start), expected, rtol=0, atol=atol)


@given(
    alpha=st.floats(0.5, 0.999),
    ratio=st.floats(1.5, 1e3),
    length=st.integers(1, 50),
    share=st.floats(0.1, 0.95),
)
def test_step_is_back_to_its_share_after_the_burst_memory(alpha, ratio, length, share):
    steps = equations.burst_memory(alpha, ratio, length, share)
    raised = equations.iterate_average(np.full(length, ratio**2), alpha, 1.0)[-1] - 1
    step = 1 / np.sqrt(1 + raised * alpha**steps)
    assert step >= share * (1 - 1e-9)
    if steps > 0:
        assert_allclose(step, share, rtol=1e-9)
