"""Drifts: derivatives against differences, the least cut against a search, ends of runs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.experiments.drifts import drift, three_quarters, turning
from rmsprop.experiments.rules import GradientDescent, RMSpropRule

FAMILIES = {three_quarters: 0.75, turning: 0.0}


@pytest.mark.parametrize("family", FAMILIES)
def test_derivative_is_that_of_the_hessian(family):
    w = np.linspace(-1, 2, 7)
    _, slope = family(w)
    ahead, behind = (family(w + step)[0] for step in (1e-6, -1e-6))
    assert_allclose(slope, (ahead - behind) / 2e-6, atol=1e-8)
    assert_allclose(slope, np.swapaxes(slope, -1, -2))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_cut_is_least_where_it_is_said_to_be(family):
    w = np.linspace(-0.7, 1.4, 211)
    cuts = [equations.max_cut(each).value for each in family(w)[0]]
    assert w[np.argmin(cuts)] == pytest.approx(FAMILIES[family], abs=1e-9)


def test_turning_keeps_the_curvatures():
    assert_allclose(np.linalg.eigvalsh(turning(np.array([0.1, 2.0]))[0]), [[1, 10]] * 2)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("alpha", [0.5, 0.9])
def test_it_ends_there_and_gradient_descent_stays(family, alpha):
    starts = FAMILIES[family] + np.array([-0.2, 0.15])
    path = drift(family, RMSpropRule(1e-3, alpha=alpha, eps=0.0), starts, 1500)
    assert_allclose(path[:, 0], starts)
    assert_allclose(path[:, -500:].mean(axis=1), FAMILIES[family], atol=0.03)
    still = drift(family, GradientDescent(0.1), starts, 500)
    assert_allclose(still, np.tile(starts[:, None], 501), atol=1e-3)
