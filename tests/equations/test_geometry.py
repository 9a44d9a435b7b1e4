"""The turn from one margin to another, against gradients that shrink at the largest margin."""

import numpy as np
from numpy.testing import assert_allclose

from rmsprop import equations


def test_at_the_turn_gradients_are_as_small_as_eps():
    eps, margin = np.array([1e-4, 1e-8]), 3.0
    assert_allclose(np.exp(-margin * equations.margin_turn(eps, margin)), eps, rtol=1e-12)
