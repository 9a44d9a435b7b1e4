"""Regressions: gradients and Hessians by differences, batches' moments by drawing them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rmsprop.experiments import softmax
from rmsprop.experiments.regressions import REGRESSIONS

TUMORS = REGRESSIONS["tumors"]()
POINT = np.random.default_rng(0).standard_normal(62) * 0.1


def test_digits_are_those_of_the_floor():
    digits = REGRESSIONS["digits"]()
    points = np.random.default_rng(1).standard_normal((2, 650)) * 0.1
    assert_allclose(digits.value(points), softmax.value(points), rtol=1e-12)
    assert_allclose(digits.gradient(points, [3, 1]), softmax.gradient(points, [3, 1]), atol=1e-14)


def test_gradient_and_hessian_are_derivatives():
    direction = np.random.default_rng(2).standard_normal(62)
    ends = POINT + 1e-5 * np.array([[1.0], [-1.0]]) * direction
    slope = -np.diff(TUMORS.value(ends))[0] / 2e-5
    assert_allclose(TUMORS.gradient(POINT[None])[0] @ direction, slope, rtol=1e-6)
    bend = -np.diff(TUMORS.gradient(ends), axis=0)[0] / 2e-5
    assert_allclose(TUMORS.hessian(POINT) @ direction, bend, atol=1e-7)


@pytest.mark.parametrize("name", ["rare digits", "tumors"])
def test_the_minimum_is_one(name):
    regression = REGRESSIONS[name]()
    assert np.abs(regression.gradient(regression.minimum[None])).max() < 1e-6


def test_rare_classes_are_rarer():
    counts = REGRESSIONS["rare digits"]().truth.sum(axis=0)
    assert_allclose(counts / counts[0], 1 / np.arange(1, 11), rtol=0.15)


def test_cumulants_are_those_of_drawn_batches():
    rng = np.random.default_rng(3)
    drawn = np.array(
        [TUMORS.gradient(POINT[None], rng.integers(569, size=4))[0] for _ in range(20_000)]
    )
    mean, variance, third = TUMORS.cumulants(POINT, 4)
    around = drawn - mean
    assert_allclose(drawn.mean(axis=0), mean, atol=5 * np.sqrt(variance.max() / 20_000))
    assert_allclose((around**2).mean(axis=0), variance, rtol=0.1)
    found = (around**3).mean(axis=0)
    assert found @ third / (third @ third) == pytest.approx(1, abs=0.1)
