"""Storage in few digits against the types that have them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from rmsprop.experiments.stored_averages import follow_stored, rounded, spacing


@given(st.lists(st.floats(2.0**-90, 2.0**90, width=32), min_size=1))
def test_to_nearest_it_is_bfloat16_but_for_ties(values):
    x = torch.tensor(values, dtype=torch.float32)
    away = ((x.view(torch.int32) & 0xFFFF) != 0x8000).numpy()
    ours = rounded(x.double().numpy(), 8, 0.5)[away]
    assert_array_equal(ours, x.bfloat16().double().numpy()[away])


@given(st.floats(1e-5, 1e5), st.integers(2, 20))
def test_next_number_is_a_spacing_away(value, digits):
    below = float(rounded(np.array(value), digits, 0.0))
    above = below + float(spacing(below, digits) * below)
    assert below <= value < above
    between = [below, (below + above) / 2, above]
    assert_array_equal(rounded(np.array(between), digits, 0.0), [below, below, above])


def test_exact_average_is_torchs():
    *_, stored = follow_stored(0.9, [8, 24], steps=40, parameters=3, seed=5)
    stream = np.random.default_rng(5)
    stream.random((2, 3))
    v = torch.full((3,), 2**0.5, dtype=torch.float64)
    for _ in range(40):
        g = torch.from_numpy(stream.standard_normal(3)) * 2**0.25
        v.mul_(0.9).addcmul_(g, g, value=0.1)
        stream.random((2, 3))
    assert stored.exact == pytest.approx(v.numpy(), rel=1e-12)
    assert stored.stochastic.shape == stored.nearest.shape == (2, 3)
