"""Compiled races against the same runs made by `rmsprop.experiments.paths`, and closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.problems import beale, himmelblau, quadratic, rosenbrock, saddle
from rmsprop.experiments.races import COARSE, FINE, Race
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule

PROBLEMS = [quadratic(30, 0.3), quadratic(10), rosenbrock(), beale(), himmelblau()]
METHODS = {
    "descent": lambda lr: GradientDescent(lr),
    "momentum": lambda lr: GradientDescent(lr, momentum=0.9),
    "rmsprop": lambda lr: RMSpropRule(lr, alpha=0.9),
    "eps": lambda lr: RMSpropRule(lr, alpha=0.99, eps=1e-3),
    "centered": lambda lr: RMSpropRule(lr, alpha=0.9, centered=True),
    "adam": lambda lr: Adam(lr, beta1=0.8, beta2=0.99),
}


def settled(race, rule):
    """What a race counts, from whole trajectories: the first visit that lasts."""
    steps = race.budget + race.patience
    path = trajectory(race.problem.gradient, race.starts, rule, steps)
    with np.errstate(over="ignore", invalid="ignore"):  # runs that diverge
        away = np.linalg.norm(path[..., None, :] - race.problem.minima, axis=-1).min(axis=-1)
    counts = np.full(away.shape[1:], np.inf)
    for run in np.ndindex(counts.shape):
        since = 0
        for t, distance in enumerate(away[:, *run]):
            since = since if distance <= race.within else t + 1
            if t - since >= race.patience:
                counts[run] = since
                break
    return counts


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_steps_are_those_of_the_trajectories(problem, method):
    starts = problem.minima[0] + np.array([[0.5, 0.3], [-0.4, 0.2], [0.01, 0.0]])
    race = Race(problem, starts, budget=400, patience=60, within=0.02)
    lrs = np.array([3e-4, 3e-3, 0.03, 0.3])
    counts = race.steps_to_settle(METHODS[method](lrs))
    assert_array_equal(counts, settled(race, METHODS[method](lrs[:, None])))
    assert counts.shape == (4, 3)
    assert np.isfinite(counts).any()
    assert len(np.unique(counts)) > 1


def test_run_settles_at_any_of_the_minima():
    problem = himmelblau()
    race = Race(problem, problem.minima + 0.01, budget=0, patience=5, within=0.02)
    assert_array_equal(race.steps_to_settle(GradientDescent(1e-3)), np.zeros((1, 4)))


def test_gradient_descent_in_a_round_basin_takes_the_steps_of_a_geometric_series():
    race = Race(quadratic(1), np.array([[0.6, 0.8]]), budget=1000)
    lrs = np.array([0.01, 0.1, 0.5, 1.5, 1.9])
    exact = np.ceil(np.log(race.within) / np.log(np.abs(1 - lrs)))
    assert_array_equal(race.steps_to_settle(GradientDescent(lrs))[:, 0], exact)


@pytest.mark.parametrize(("patience", "steps"), [(10, 4.0), (4000, np.inf)])
def test_a_visit_counts_if_it_lasts(patience, steps):
    # The first step is far too long, the next ones are Newton's, and later ones grow again.
    race = Race(quadratic(1), np.array([[0.6, 0.8]]), budget=100, patience=patience)
    assert race.steps_to_settle(RMSpropRule(1.0)) == steps


def test_search_finds_the_best_of_all_it_tries_and_it_is_near_the_best_there_is():
    race = Race(quadratic(100), np.array([[0.6, 0.8], [1.0, 0.0]]), budget=1000, patience=100)
    best = race.search(GradientDescent)
    assert len(best.lrs) == len(best.scores) == len(COARSE) + len(FINE)
    assert np.all(np.diff(best.lrs) >= 0)
    assert best.steps == best.scores.min()
    assert best.steps == np.median(race.steps_to_settle(GradientDescent(best.lr)))
    assert best.lr == pytest.approx(2 / 101, rel=0.05)


def test_search_among_rates_that_never_settle_says_so():
    race = Race(quadratic(1), np.array([[0.6, 0.8]]), budget=10, patience=10, within=1e-9)
    assert race.search(RMSpropRule).steps == np.inf


def test_problem_that_is_not_compiled_is_named():
    with pytest.raises(ValueError, match=r"problem must be one of .*Beale.*, got saddle"):
        Race(saddle(), np.zeros((1, 2)), budget=10).steps_to_settle(GradientDescent(0.1))


@pytest.mark.parametrize(
    "rule",
    [
        RMSpropRule(0.1, momentum=0.9),
        RMSpropRule(0.1, alpha=[0.9, 0.99]),
        GradientDescent(0.1, momentum=[0.5]),
    ],
    ids=str,
)
def test_rule_that_is_not_compiled_is_named(rule):
    race = Race(quadratic(1), np.zeros((1, 2)), budget=10)
    with pytest.raises(ValueError, match=r"rule must be .*, got "):
        race.steps_to_settle(rule)
