"""Compiled races against the same runs made by `rmsprop.experiments.paths`, and closed forms."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rmsprop.equations import State
from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.problems import Problem, beale, himmelblau, quadratic, rosenbrock, saddle
from rmsprop.experiments.races import COARSE, FINE, Race
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule, Rule

PROBLEMS = [quadratic(30, 0.3), quadratic(10), rosenbrock(), beale(), himmelblau(), saddle()]
METHODS = {
    "descent": lambda lr: GradientDescent(lr),
    "momentum": lambda lr: GradientDescent(lr, momentum=0.9),
    "rmsprop": lambda lr: RMSpropRule(lr, alpha=0.9),
    "eps": lambda lr: RMSpropRule(lr, alpha=0.99, eps=1e-3),
    "inside": lambda lr: RMSpropRule(lr, alpha=0.99, eps=1e-3, eps_in_sqrt=True),
    "momenta": lambda lr: RMSpropRule(lr, alpha=0.9, momentum=0.5),
    "centered": lambda lr: RMSpropRule(lr, alpha=0.9, centered=True),
    "adam": lambda lr: Adam(lr, beta1=0.8, beta2=0.99),
}


def test_lengths_are_those_of_the_trajectories():
    race = Race(quadratic(30, 0.3), np.array([[0.5, 0.3], [-0.4, 0.2]]), budget=900, patience=60)
    runs = race.run(GradientDescent(np.array([0.01, 0.05])))
    rule = GradientDescent(np.array([[0.01], [0.05]]))
    path = trajectory(race.problem.gradient, race.starts, rule, 900)
    moves = np.linalg.norm(np.diff(path, axis=0), axis=-1)
    for run in np.ndindex(2, 2):
        expected = moves[: int(runs.steps[run]), *run].sum()
        assert runs.lengths[run] == pytest.approx(expected, rel=1e-12)


def test_length_is_that_of_the_first_visit_that_lasts():
    # It is inside for good after one step, then creeps on.
    race = Race(quadratic(1), np.array([[3.0, 4.0]]), budget=50, patience=5, within=1.0)
    assert race.run(GradientDescent(np.array([0.9]))).lengths[0, 0] == pytest.approx(4.5)


def test_noise_is_added_to_gradients_and_shared_by_the_rates():
    noise = np.array([[0.1, 0.2], [0.0, 0.3]])
    starts = np.array([[0.6, 0.8], [1.0, 0.0]])
    race = Race(quadratic(3), starts, budget=300, patience=3, within=0.3, noise=noise, seed=4)
    rng, points, since = np.random.default_rng(4), np.stack([starts] * 2), np.zeros((2, 2))
    rates, expected = np.array([0.1, 0.2])[:, None, None], np.full((2, 2), np.inf)
    for t in range(304):
        inside = np.linalg.norm(points, axis=-1) <= 0.3
        since = np.where(inside, since, t + 1)
        expected = np.where((t - since >= 3) & np.isinf(expected), since, expected)
        draws = rng.standard_normal((2, 2)) @ noise.T
        points = points - rates * (points * [1, 3] + draws)
    assert_array_equal(race.steps_to_settle(GradientDescent(rates.ravel())), expected)
    assert np.isfinite(expected).all()


def test_rate_that_falls_settles_where_it_ends():
    race = Race(quadratic(1), np.array([[0.6, 0.8]]), budget=40, within=0.01, falling=True)
    lrs = np.array([0.05, 0.4, 1.0])
    rule = GradientDescent(lambda t: lrs * (1 - (t - 1) / 40))
    path = trajectory(race.problem.gradient, np.tile(race.starts, (3, 1)), rule, 40)
    ends = np.linalg.norm(path[-1], axis=-1) <= 0.01
    assert_array_equal(np.isfinite(race.steps_to_settle(GradientDescent(lrs))[:, 0]), ends)
    assert_array_equal(ends, [False, True, True])


def test_visit_that_does_not_last_until_the_rate_has_fallen_does_not_count():
    # The first step ends at the minimum; with momentum the run goes on, and ends elsewhere.
    race = Race(quadratic(1), np.array([[1.0, 0.0]]), budget=20, within=0.01, falling=True)
    assert race.steps_to_settle(GradientDescent(1.0)) == 1
    assert np.isinf(race.steps_to_settle(GradientDescent(1.0, momentum=0.9)))


@pytest.mark.parametrize("share", [0.5, 0.75, 0.9, 1.0])
def test_share_of_the_runs_has_settled_after_the_score(share):
    starts = np.array([[0.05 * k, 0.1] for k in range(1, 13)])
    race = Race(quadratic(10), starts, budget=200, patience=50)
    (best,) = race.searches(GradientDescent, [share])
    steps = race.steps_to_settle(GradientDescent(best.lr))[0]
    assert (steps <= best.steps).sum() >= share * 12
    assert (steps < best.steps).sum() <= share * 12
    if share == 0.5:
        assert best.steps == np.median(steps)


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
    starts = problem.minima[0] + np.array([[0.5, 0.3], [-0.4, 0.2], [0.01, 0.003]])
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


@dataclass(frozen=True)
class SignDescent(Rule):
    """A rule that no other module knows."""

    decay: float = 1.0

    @staticmethod
    def move(param, grad, state, lr, decay):
        t = state.t + 1
        kept = State(state.square_avg, state.grad_avg, state.grad_var, state.momentum_buffer, t)
        return param - lr * decay**t * np.sign(grad), kept


def test_a_new_problem_and_a_new_rule_race_as_they_are_written():
    bowl = Problem(
        name="bowl",
        function=lambda x, y, a: a * x**4 + y * y,
        partials=lambda x, y, a: (4 * a * x**3, 2 * y),
        parameters=(0.25,),
        minima=np.zeros((1, 2)),
        start=np.ones(2),
        source="none",
    )
    race = Race(bowl, np.array([[0.3, 0.7], [1.0, -0.2]]), budget=300, patience=50)
    rule = partial(SignDescent, decay=0.99)
    counts = race.steps_to_settle(rule(np.array([0.003, 0.01, 0.03])))
    assert_array_equal(counts, settled(race, rule(np.array([0.003, 0.01, 0.03])[:, None])))
    assert np.isfinite(counts).any()


@pytest.mark.parametrize(
    "rule", [RMSpropRule(0.1, alpha=[0.9, 0.99]), GradientDescent(0.1, momentum=[0.5])], ids=str
)
def test_rule_with_several_numbers_is_named(rule):
    race = Race(quadratic(1), np.zeros((1, 2)), budget=10)
    with pytest.raises(ValueError, match=r"rule must have one number for all runs.*, got .*\["):
        race.steps_to_settle(rule)


def test_problem_with_several_numbers_is_named():
    race = Race(quadratic([1.0, 2.0]), np.zeros((1, 2)), budget=10)
    with pytest.raises(ValueError, match=r"problem must have one number for .*, got quadratic"):
        race.steps_to_settle(GradientDescent(0.1))


def test_schedule_is_refused():
    race = Race(quadratic(1), np.zeros((1, 2)), budget=10)
    with pytest.raises(ValueError, match=r"lr must be a number for every run of a race, got"):
        race.steps_to_settle(GradientDescent(lambda t: 1 / t))


def test_problem_with_too_many_numbers_is_named():
    many = replace(quadratic(1), parameters=(1.0,) * 9)
    with pytest.raises(ValueError, match=r"problem must have at most 8 numbers, got 9"):
        Race(many, np.zeros((1, 2)), budget=10).steps_to_settle(GradientDescent(0.1))
