"""The cycle at a minimum against runs, eigenvalues and known values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad

from rmsprop import equations
from rmsprop.equations import State


@pytest.mark.parametrize("eps_in_sqrt", [False, True])
@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 1.1, 3.0])
def test_parabola_ends_in_the_cycle_that_eps_leaves(part, alpha, eps_in_sqrt):
    curvature, lr = 3.0, 0.02
    eps = part * ((lr * curvature) ** 2 / 4 if eps_in_sqrt else lr * curvature / 2)
    expected = equations.cycle_amplitude(curvature, lr, eps, eps_in_sqrt=eps_in_sqrt)
    w = 1.01 * expected if expected else np.array(0.5 * lr)
    state = State.start(())._replace(square_avg=(curvature * w) ** 2)
    for _ in range(6000):
        w, state = equations.step(
            w, curvature * w, state, lr=lr, alpha=alpha, eps=eps, eps_in_sqrt=eps_in_sqrt
        )
    assert (expected == 0) == (part > 1)
    assert_allclose(abs(w), expected, rtol=1e-9, atol=1e-12)


@given(alpha=st.floats(0.01, 0.999))
def test_ring_down_has_the_eigenvalues_of_the_linearized_step(alpha):
    matrix = [[2 * alpha - 1, -alpha], [2 * (1 - alpha), alpha]]
    eigenvalues = np.linalg.eigvals(matrix)
    slowest = eigenvalues[np.abs(eigenvalues).argmax()]
    decay, period = equations.ring_down(alpha)
    # Near 1/9 the two eigenvalues meet, and rounding moves them by its root.
    assert_allclose(decay, np.abs(slowest), rtol=1e-7)
    if abs(alpha - 1 / 9) > 1e-3:
        assert_allclose(period, 2 * np.pi / np.abs(np.angle(slowest)), rtol=1e-7)


@pytest.mark.parametrize(
    ("alpha", "period"), [(0.05, 2), (0.9, 13.65), (0.99, 44.31), (0.999, 140.5)]
)
def test_ring_down_has_its_known_period(alpha, period):
    assert_allclose(equations.ring_down(alpha)[1], period, rtol=4e-4)


@pytest.mark.parametrize("first", [0.0, 0.2, 0.9])
def test_dip_is_the_integral_over_the_logarithm_of_s(first):
    def shrinking(s):
        return -np.log(abs(1 - s)) / s

    integral = quad(shrinking, max(first, 1e-12), 1)[0] + quad(shrinking, 1, 2)[0]
    expected = -2 * integral / np.abs(np.log([0.9, 0.99]))
    assert_allclose(equations.dip([0.9, 0.99], first), expected, rtol=1e-7)
