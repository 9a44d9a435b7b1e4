"""The studies of a short memory: points have rows for their rates, and conclusions name columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rmsprop.studies import biases_study, forgetting_study, rests_study


def test_a_point_of_the_biases_is_the_same_for_the_same_seed(monkeypatch):
    monkeypatch.setattr(biases_study, "STEPS", 50)
    method = "tumors, independent, 8"
    first, again, other = (biases_study.task(method, seed, 0.0) for seed in (1, 1, 2))
    for name in first:
        assert_allclose(first[name], again[name], rtol=1e-12)
        assert len(np.atleast_1d(first[name])) == len(biases_study.RATES)
    assert first["loss, current, 0.9"][0] != other["loss, current, 0.9"][0]
    named = {each.of for each in biases_study.STUDY.conclusions}
    assert named <= set(first)


@pytest.mark.parametrize("method", ["independent, 256", "reshuffled, 64"])
def test_the_slope_is_that_of_the_gradients_where_a_run_ends(method, monkeypatch):
    monkeypatch.setattr(rests_study, "STEPS", 50)
    first, again, other = (rests_study.task(method, seed, 0.0)["slope"] for seed in (1, 1, 2))
    assert_allclose(first, again, rtol=1e-12)
    assert len(first) == len(rests_study.RATES)
    assert first[0] != other[0]


@pytest.mark.parametrize("method", ["0.9", "0.9, lagged"])
def test_a_network_learns(method, monkeypatch):
    monkeypatch.setattr(forgetting_study, "STEPS", 100)
    found = forgetting_study.task(method, 1, 0.0)
    assert (np.asarray(found["loss"]) < 1.5).any()
    assert len(found["rate"]) == len(found["loss"])
