"""Drifts of gradients that cancel: limits, long runs, and memories that leave nothing to chance."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.signal import lfilter

from rmsprop import equations
from rmsprop.experiments.one_parameter import follow_gradients
from rmsprop.experiments.repeating_gradients import (
    drift_divided_first,
    drift_slope,
    shuffled_moves,
)

NINE_AND_ONE = np.array([0.1] * 9 + [-0.9])


@st.composite
def cancelling(draw):
    """Draw a period of gradients that cancel and have the mean square 1."""
    gradients = np.array(draw(st.lists(st.integers(-9, 9), min_size=2, max_size=8)), dtype=float)
    gradients[-1] += 0.5 - gradients.sum()
    gradients -= gradients.mean()
    return gradients / np.sqrt(np.mean(gradients**2))


@given(cancelling())
def test_slope_is_the_limit_of_the_drift(period):
    slope, alpha = drift_slope(period), 1 - 1e-5
    assert_allclose(-equations.drift(period, alpha) / (1 - alpha), slope, rtol=0, atol=1e-2)
    # A gradient that does not enter its own divisor leaves out its own square.
    late = slope + (period**3).sum() / 2
    assert_allclose(drift_divided_first(period, alpha) / (1 - alpha), late, rtol=0, atol=1e-2)


@given(
    period=st.lists(st.floats(0.1, 5) | st.floats(-5, -0.1), min_size=1, max_size=8),
    alpha=st.floats(0, 0.95),
)
def test_divided_first_is_the_last_period_of_a_long_run(period, alpha):
    n = len(period)
    gradients = np.tile(period, int(40 / -np.log(max(alpha, 1e-9)) / n) + 3)
    before = lfilter([1 - alpha], [1, -alpha], gradients**2)[-n - 1 : -1]
    expected = (gradients[-n:] / np.sqrt(before)).sum()
    assert_allclose(drift_divided_first(period, alpha), expected, rtol=0, atol=1e-9)


def test_divided_first_has_one_drift_for_each_alpha():
    together = drift_divided_first(NINE_AND_ONE, [0.5, 0.9])
    alone = [drift_divided_first(NINE_AND_ONE, alpha) for alpha in (0.5, 0.9)]
    assert_allclose(together, alone, rtol=1e-12)


def test_shuffled_moves_are_signs_without_memory():
    moves = shuffled_moves(NINE_AND_ONE, 0.0, blocks=5, seeds=2, seed=0)
    assert_allclose(moves, [[9, -1]] * 2, rtol=1e-12)


def test_shuffled_moves_cancel_where_the_divisor_stays():
    # Every block has all its gradients: drawn with replacement, they would not cancel.
    moves = shuffled_moves(NINE_AND_ONE, 1 - 1e-12, blocks=50, seeds=3, seed=0)
    assert_allclose(moves, [[3, -3]] * 3, rtol=1e-6)


def test_shuffling_makes_the_drift_greater_than_any_one_order_does():
    moves = shuffled_moves(NINE_AND_ONE, 0.9, blocks=1000, seeds=4, seed=0)
    drifts = moves.sum(axis=1)
    assert len(set(drifts)) == 4
    assert drifts.min() > -1.05 * equations.drift(NINE_AND_ONE, 0.9)


def test_shuffled_moves_are_those_of_torch_in_blocks_of_its_own_order():
    stream, blocks = random.Random(1), 2000
    gradients = [g for _ in range(blocks) for g in stream.sample([1, 1, -2], 3)]
    steps = np.diff(follow_gradients(gradients, 0.5).distance, prepend=0)
    expected = np.array([steps[steps > 0].sum(), steps[steps < 0].sum()]) / blocks
    moves = shuffled_moves([1, 1, -2], 0.5, blocks=blocks, seeds=4, seed=0)
    assert_allclose(moves.mean(axis=0), expected, rtol=0.01)
