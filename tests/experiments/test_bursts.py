"""Recovery from a burst, counted, against the formula and against torch's own steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from rmsprop import equations
from rmsprop.experiments.bursts import count_recovery
from rmsprop.experiments.one_parameter import follow_gradients


@given(
    alpha=st.floats(0.01, 0.99),
    ratio=st.floats(1.01, 100),
    length=st.integers(1, 50),
    share=st.floats(0.5, 0.99),
)
def test_count_is_the_formula_rounded_up(alpha, ratio, length, share):
    computed = equations.burst_memory(alpha, ratio, length, share)
    counted = count_recovery(alpha, ratio, length, share)
    assert -1e-6 < counted - computed < 1 + 1e-6


@pytest.mark.parametrize(("alpha", "ratio", "length"), [(0.5, 3, 1), (0.9, 10, 5), (0.95, 100, 40)])
def test_count_is_the_number_of_torchs_step_that_is_long_enough(alpha, ratio, length):
    steady = np.ones(1000)
    gradients = np.concatenate([steady, np.full(length, float(ratio)), steady])
    steps = np.diff(follow_gradients(gradients, alpha).distance)[-len(steady) :]
    number = np.argmax(steps >= 0.9) + 1
    assert count_recovery(alpha, ratio, length) == number


def test_bursts_of_a_grid_do_not_disturb_each_other():
    alphas, ratios, lengths = (
        np.array([0.5, 0.99]),
        np.array([[1.0], [30.0]]),
        [[[0]], [[1]], [[9]]],
    )
    together = count_recovery(alphas, ratios, lengths)
    alone = [[[count_recovery(a, r, m) for a in alphas] for (r,) in ratios] for ((m,),) in lengths]
    assert_array_equal(together, alone)
    assert together.shape == (3, 2, 2)
    assert not together[0].any()
    assert not together[:, 0].any()
