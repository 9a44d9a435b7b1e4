"""The studies of races: their tasks are the races, their recordings what closed forms say."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rmsprop.experiments.rules import GradientDescent
from rmsprop.experiments.valleys import valley_race
from rmsprop.records.recording import read
from rmsprop.records.repository import find_root
from rmsprop.studies import curves_study, scopes_study, valleys_study
from rmsprop.studies.scopes_study import CHANGES
from rmsprop.studies.valleys_study import STARTS, found


@pytest.fixture(scope="module")
def valleys():
    return read(valleys_study.STUDY, find_root() / "book" / "sweeps").columns


def test_a_point_is_a_search():
    result = valleys_study.task("gradient descent", 30.0, 10.0, patience=100, nudge=0.0)
    race = replace(valley_race(30.0, np.deg2rad(10.0), STARTS), patience=100)
    search = race.search(GradientDescent)
    assert_allclose(result["rate"], search.lrs)
    assert_allclose(result["steps"], search.scores)
    assert search.lr in result["rate"][result["best"] == 1]


def test_recorded_gradient_descent_takes_the_steps_of_the_best_contraction(valleys):
    for condition in (100.0, 1000.0, 10_000.0):
        best = found(valleys, "gradient descent", condition, 0.0)
        exact = np.log(0.01 * np.sqrt(2)) / np.log((condition - 1) / (condition + 1))
        assert best.steps == pytest.approx(exact, rel=0.05)
        assert best.lr == pytest.approx(2 / (condition + 1), rel=0.06)
        assert best.steps == best.scores.min()


def test_recorded_rmsprop_does_not_see_the_condition_number(valleys):
    steps = {found(valleys, "RMSprop, alpha 0.9", k, 0.0).steps for k in valleys_study.NARROWNESS}
    assert len(steps) == 1


def test_a_point_that_is_not_recorded_is_not_found(valleys):
    with pytest.raises(ValueError, match="empty"):
        found(valleys, "Adam", 7.0, 0.0)


def test_nudges_reach_the_runs():
    moved = valleys_study.task("RMSprop, alpha 0.9", 100.0, 0.0, patience=100, nudge=0.5)
    plain = valleys_study.task("RMSprop, alpha 0.9", 100.0, 0.0, patience=100, nudge=0.0)
    assert moved["steps"].min() > plain["steps"].min()
    half, nine_tenths = (
        curves_study.task("Himmelblau", "gradient descent", nudge=nudge)["steps"][-1]
        for nudge in (0.0, 0.1)
    )
    assert half != nine_tenths
    farther, near = (scopes_study.task("within 0.1", nudge=nudge) for nudge in (0.5, 0.0))
    assert farther["steps"][0] > near["steps"][0]


def test_scopes_change_one_condition_at_a_time():
    usual = CHANGES["as above"]
    for name, change in CHANGES.items():
        if name == "as above":
            continue
        same = [
            change.rule is usual.rule,
            change.rivals is usual.rivals,
            change.conditions is usual.conditions,
        ]
        assert sum(same) == 2, name


def test_recorded_scopes_are_those_of_their_names():
    columns = read(scopes_study.STUDY, find_root() / "book" / "sweeps").columns
    aligned = columns["angle"] == 0.0
    steps = dict(zip(columns["changed"][aligned], columns["steps"][aligned], strict=True))
    assert steps["as above"] == steps["rival: tuned momentum"]
    assert steps["within 0.1"] < steps["as above"] < steps["within 0.001"]
    assert steps["alpha 0.5"] < steps["as above"] < steps["alpha 0.99"]
    assert steps["falling rate"] < 10 < steps["noise 0.01"] < steps["noise 0.1"]


def test_half_have_settled_before_nine_tenths():
    columns = read(curves_study.STUDY, find_root() / "book" / "sweeps").columns
    steps = columns["steps"].reshape(-1, 2)
    assert np.all(steps[:, 0] <= steps[:, 1])
