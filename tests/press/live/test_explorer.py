"""What the explorer's stories say is what their settings show."""

import math
from dataclasses import replace

import numpy as np
import pytest

from rmsprop.experiments import problems
from rmsprop.experiments.paths import trajectory
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule
from rmsprop.press.live.explorer import DEFAULTS, NEAR, STORIES, SURFACES, rules

TEXTS = {story["id"]: story["text"] for story in STORIES}
METHODS = ("rmsprop", "descent", "momentum", "adam")


def settings(story, **changes):
    """Return a story's full settings, with some of them changed."""
    (told,) = (entry["settings"] for entry in STORIES if entry["id"] == story)
    return DEFAULTS | told | changes


def path(story, method, **changes):
    """Run a story's method on the story's problem, and return its points."""
    s = settings(story, **changes)
    rule = rules(s | {"methods": ",".join(METHODS)})[method]
    problem = SURFACES[s["surface"]].problem
    if s["surface"] == "quadratic":
        problem = problems.quadratic(s["condition"], math.radians(s["angle"]))
    if s["surface"] != "trap":
        return trajectory(problem.gradient, [s["x"], s["y"]], rule, s["steps"])
    w = np.array([s["x"], s["y"]], dtype=np.float64)
    state, points = rule.start(w.shape), [w]
    for t in range(1, s["steps"] + 1):
        grad = np.array([3.0 if t % 3 == 1 else -1.0, w[1]])
        w, state = rule.step(w, grad, state)
        w = np.array([np.clip(w[0], -1, 1), w[1]])
        points.append(w)
    return np.array(points)


def lengths(points):
    return np.abs(np.diff(points, axis=0))


def test_every_story_is_told_and_tested():
    assert list(TEXTS) == ["aligned", "turned", "start", "cycle", "trap", "centering", "curved"]
    for story in STORIES:
        assert set(story["settings"]) <= set(DEFAULTS)


def arrival(points):
    """Return the step from which on a run is near the origin, infinity if there is none."""
    far = np.flatnonzero(np.hypot(*points.T) >= NEAR)
    return far[-1] + 1 if far[-1] + 1 < len(points) else math.inf


def test_aligned_rmsprop_does_not_notice_the_condition_number():
    y = path("aligned", "descent")[:20, 1]
    assert np.all(y[1:] * y[:-1] < 0), "gradient descent does not zigzag"
    there = path("aligned", "rmsprop")
    for condition in (10, 1000):
        elsewhere = path("aligned", "rmsprop", condition=condition)
        # A hundredth of what the picture can show; what differs is eps against the gradient.
        np.testing.assert_allclose(elsewhere, there, atol=1e-4)


@pytest.mark.parametrize("condition", [100, 200, 500, 1000])
def test_aligned_rmsprop_is_the_first_near_the_minimum(condition):
    arrivals = {method: arrival(path("aligned", method, condition=condition)) for method in METHODS}
    assert arrivals["rmsprop"] < 50
    assert all(
        arrivals["rmsprop"] < 0.7 * late for method, late in arrivals.items() if method != "rmsprop"
    )
    assert arrivals["descent"] == math.inf


@pytest.mark.parametrize("method", ["descent", "momentum"])
def test_aligned_the_others_slow_down_and_do_not_diverge(method):
    ends = [
        np.hypot(*path("aligned", method, condition=condition)[-1])
        for condition in (50, 100, 200, 500, 1000)
    ]
    # In wider valleys momentum's end depends on where it happens to be in its oscillation.
    assert ends[2:] == sorted(ends[2:])
    assert ends[0] < 0.1
    assert 10 * ends[0] < ends[-1] < np.hypot(DEFAULTS["x"], DEFAULTS["y"])


def test_turned_gradient_descent_turns_along_and_rmsprop_does_not():
    c = math.sqrt(0.5)
    turn = np.array([[c, -c], [c, c]])
    descent, rmsprop = path("turned", "descent"), path("turned", "rmsprop")
    np.testing.assert_allclose(descent, path("aligned", "descent") @ turn.T, atol=2e-3)
    assert np.abs(rmsprop - path("aligned", "rmsprop") @ turn.T).max() > 0.3
    problem = problems.quadratic(100, math.pi / 4)
    assert problem.value(rmsprop[-1]) > 2 * problem.value(descent[-1])
    grads = problem.gradient(rmsprop)
    square_avg = np.zeros(2)
    for grad in grads[:-1]:
        square_avg = 0.9 * square_avg + 0.1 * grad**2
    assert np.sqrt(square_avg[0] / square_avg[1]) == pytest.approx(1, abs=0.1)


def test_start_the_first_step_is_the_longest():
    lr = settings("start")["rmsprop.lr"]
    rmsprop, adam = lengths(path("start", "rmsprop")), lengths(path("start", "adam"))
    np.testing.assert_allclose(rmsprop[0], lr / math.sqrt(1 - 0.999), rtol=1e-6)
    assert round(rmsprop[0, 0] / lr) == 32
    assert np.all(rmsprop[1:] < rmsprop[0])
    np.testing.assert_allclose(adam[0], settings("start")["adam.lr"], rtol=1e-6)
    forgetful = lengths(path("start", "rmsprop", **{"rmsprop.alpha": 0}))
    np.testing.assert_allclose(forgetful[0], lr, rtol=1e-6)


def test_cycle_jumps_by_lr_until_eps_ends_it():
    lr = settings("cycle")["rmsprop.lr"]
    end = path("cycle", "rmsprop")[-2:]
    np.testing.assert_allclose(np.abs(end), lr / 2, rtol=0.05)
    assert np.all(end[0] * end[1] < 0)
    for coordinate, limit in ((0, 0.1), (1, 0.3)):
        for factor, rests in ((0.9, False), (1.1, True)):
            changes = {"steps": 5000, "rmsprop.eps": factor * limit}
            last = path("cycle", "rmsprop", **changes)[-1, coordinate]
            assert bool(abs(last) < 1e-6) == rests
    falling = path("cycle", "rmsprop", decay=True)[-1]
    assert np.abs(falling).max() < 0.02 * lr


def test_trap_turns_around_between_two_alphas():
    def end(alpha):
        return path("trap", "rmsprop", **{"rmsprop.alpha": alpha})[-1, 0]

    assert end(0.2) == pytest.approx(1, abs=0.05)
    assert path("trap", "descent")[-1, 0] == pytest.approx(-1, abs=0.06)
    assert end(0.47) > 0 > end(0.48)
    assert end(0.9) == pytest.approx(-1, abs=0.05)


def test_centering_blows_up():
    steps = lengths(path("centering", "rmsprop"))
    ratios = steps[-20:] / steps[-21:-1]
    np.testing.assert_allclose(ratios, 1 / math.sqrt(0.9), rtol=1e-4)
    assert round(100 * (ratios[0, 0] - 1)) == 5
    assert steps[-1].min() > 100 * settings("centering")["rmsprop.lr"]
    stopped = lengths(path("centering", "rmsprop", **{"rmsprop.eps": 0.1, "steps": 300}))
    assert np.all(stopped < 11 * settings("centering")["rmsprop.lr"])
    plain = lengths(path("centering", "rmsprop", **{"rmsprop.centered": False}))
    np.testing.assert_allclose(plain[-1], settings("centering")["rmsprop.lr"], rtol=1e-4)


def test_curved_every_method_has_the_best_rate_of_the_grid():
    grid = np.array([m * 10.0**e for e in range(4) for m in (1, 1.5, 2, 3, 4, 5, 7)])
    assert len(grid) == 28
    assert 3.5 < np.log10(grid.max() / grid.min()) < 4
    problem, best = problems.rosenbrock(), {}
    own = settings("curved")
    for method, least in (("rmsprop", 1e-4), ("descent", 1e-3), ("momentum", 1e-3)):
        key = f"{method}.{'lr' if method == 'rmsprop' else 'rate'}"
        rates = least * grid
        (lrs,) = (rules(own | {key: rates})[method].lr,)
        rule = replace(rules(own)[method], lr=lrs)
        start = np.tile(problem.start, (28, 1))
        with np.errstate(all="ignore"):
            ends = problem.value(trajectory(problem.gradient, start, rule, own["steps"])[-1])
        best[method] = np.nanmin(ends)
        assert rates[np.nanargmin(ends)] == pytest.approx(own[key])
    assert best["descent"] < best["rmsprop"] < 2 * best["descent"]
    assert best["momentum"] < 1e-3 * best["rmsprop"]


def test_rules_are_those_of_the_library():
    constant = DEFAULTS | {"decay": False}
    assert rules(constant) == {
        "rmsprop": RMSpropRule(0.05, 0.9, 1e-8, 0, centered=False),
        "descent": GradientDescent(0.9 * (2 / 100)),
        "momentum": GradientDescent(0.5 * (2 * 1.9 / 100), 0.9),
        "adam": Adam(0.05),
    }


def test_rates_that_fall_end_at_zero():
    lr = rules(DEFAULTS)["rmsprop"].lr
    steps = DEFAULTS["steps"]
    assert [lr(1), lr(steps // 2 + 1), lr(steps + 1)] == [0.05, 0.025, 0]


@pytest.mark.parametrize("name", ["rosenbrock", "beale", "himmelblau", "trap"])
def test_a_share_of_one_is_the_limit_of_stability(name):
    problem = SURFACES[name].problem
    h = 1e-6
    sharpest = max(
        np.linalg.eigvalsh(
            [
                (problem.gradient(at + side) - problem.gradient(at - side)) / (2 * h)
                for side in h * np.eye(2)
            ]
        )[-1]
        for at in problem.minima
    )
    assert SURFACES[name].curvature == pytest.approx(sharpest, rel=1e-6)
    limits = rules(DEFAULTS | {"surface": name, "descent.rate": 1.0, "momentum.rate": 1.0})
    assert limits["descent"].lr == pytest.approx(2 / sharpest, rel=1e-6)
    assert limits["momentum"].lr == pytest.approx(2 * 1.9 / sharpest, rel=1e-6)
