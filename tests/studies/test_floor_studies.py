"""The studies of the floor: a point against its parts, recordings against each other."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rmsprop.records.conclusions import by_rate
from rmsprop.records.recording import read
from rmsprop.records.repository import find_root
from rmsprop.studies import floors_study, releases_study
from rmsprop.studies.releases_study import METHODS, Setting


def columns_of(study):
    return read(study, find_root() / "book" / "sweeps").columns


def test_every_way_to_the_floor_is_recorded_as_a_share_of_the_same_loss():
    columns = columns_of(floors_study.STUDY)
    for alpha in ("0.5", "0.9", "0.99"):
        loss = by_rate(columns, alpha, "loss")
        # Tenfold rates, a hundredfold floor, but that the Hessian is another one.
        assert (loss[-1] / loss[0] > 10).all()
        trace, cut = (by_rate(columns, alpha, of) for of in ("by_trace", "by_cut"))
        assert (trace < cut).all()


def test_without_noise_a_longer_memory_comes_closer_to_the_cut():
    columns = columns_of(floors_study.STUDY)
    off = [np.median(by_rate(columns, alpha, "by_cut")) for alpha in ("0.5", "0.9", "0.99")]
    assert off == sorted(off, reverse=True)


@pytest.mark.parametrize(
    "method", ["softmax, 0.99, 64", "network, 0.99, 32", "separable, 0.99, 32"]
)
def test_a_point_has_a_row_for_each_rate(method, monkeypatch):
    for name, steps in (("STEPS", 60), ("WATCHED", 40), ("DECAY", 20)):
        monkeypatch.setattr(releases_study, name, steps)
    result = releases_study.task(method, seed=1, nudge=0.0)
    again = releases_study.task(method, seed=1, nudge=0.0)
    other = releases_study.task(method, seed=2, nudge=0.0)
    assert {len(column) for column in result.values()} == {2}
    for name in result:
        assert_allclose(result[name], again[name], rtol=1e-12)
    assert (result["loss"] != other["loss"]).all()


def test_with_momentum_rates_are_a_tenth(monkeypatch):
    monkeypatch.setitem(METHODS, "heavy", Setting("softmax", 0.99, 64, 0.9))
    for name, steps in (("STEPS", 4), ("WATCHED", 2), ("DECAY", 1)):
        monkeypatch.setattr(releases_study, name, steps)
    result = releases_study.task("heavy", seed=0, nudge=0.0)
    assert_allclose(result["rate"], [1e-4, 3e-4])
