"""Drifts and thresholds against exact sums, published values and runs."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop import equations
from rmsprop.experiments.traps import (
    needed_windows,
    rare_large,
    repeat,
    run,
    settled_in_traps,
    smallest_safe_alpha,
    tail_mean,
)


@pytest.mark.parametrize(
    ("slopes", "alpha"),
    [
        (rare_large(3, 3), 0.47231),
        (rare_large(10, 3), 0.09835),
        (rare_large(10, 10), 0.95544),
        (rare_large(10, 10, copies=2), 0.63437),
        (rare_large(101, 101), 0.99960),
        (rare_large(3, 3, copies=2), 0.0),
    ],
    ids=str,
)
def test_smallest_safe_alpha_has_its_known_value(slopes, alpha):
    assert_allclose(smallest_safe_alpha(slopes), alpha, rtol=0, atol=6e-6)


def test_slopes_that_lead_nowhere_are_refused():
    with pytest.raises(ValueError, match=r"positive mean, got -0\.5"):
        smallest_safe_alpha([1.0, -2.0])


@given(n=st.integers(3, 60), excess=st.floats(0.2, 20))
def test_drift_changes_its_sign_at_the_smallest_safe_alpha(n, excess):
    slopes = rare_large(n - 1 + excess, n)
    root = smallest_safe_alpha(slopes)
    gap = 1 - root
    assert equations.drift(slopes, 1 - gap * 0.999) < 0
    if root > 0:
        assert equations.drift(slopes, 1 - min(gap * 1.001, 1.0)) > 0


@given(n=st.integers(3, 60), excess=st.floats(0.2, 20))
def test_drift_has_no_other_root(n, excess):
    slopes = rare_large(n - 1 + excess, n)
    alphas = np.append(np.linspace(0.001, 0.999, 999), 1 - np.geomspace(1e-3, 1e-6, 50))
    assert_array_equal(equations.drift(slopes, alphas) > 0, alphas < smallest_safe_alpha(slopes))


def test_needed_windows_are_those_of_each_trap():
    windows, limits, longest = needed_windows([1.0, 2.0], [5, 50, 500], usual=0.99)
    assert windows.shape == (2, 3)
    assert_allclose(1 - 1 / windows[1, 0], smallest_safe_alpha(rare_large(10, 5)), rtol=1e-12)
    assert_allclose(windows[:, 2], limits[:, 2], rtol=2 / 500)
    for weight, n in zip([1.0, 2.0], longest, strict=True):
        assert smallest_safe_alpha(rare_large(weight * n, n)) <= 0.99
        assert smallest_safe_alpha(rare_large(weight * (n + 1), n + 1)) > 0.99


def test_slopes_repeat_from_the_first():
    slope = repeat([3.0, -1.0, -2.0])
    assert [slope(t, np.zeros(2)) for t in range(1, 8)] == [3, -1, -2, 3, -1, -2, 3]


@given(steps=st.integers(0, 30), last=st.integers(1, 40))
def test_tail_mean_is_that_of_the_last_points(steps, last):
    def points():
        return run(repeat([3.0, -1.0]), [0.1, 0.9], lr=lambda t: 0.5, steps=steps, start=2.0)

    if last > steps + 1:
        with pytest.raises(ValueError, match=f"{last} points to average, got {steps + 1}"):
            tail_mean(points(), last)
    else:
        expected = np.mean(list(points())[steps + 1 - last :], axis=0)
        assert_allclose(tail_mean(points(), last), expected, rtol=1e-12)


def test_run_repeats_each_alpha_alone_and_stays_within_its_bound():
    def slope(t, x):
        return 3.0 if t % 3 == 1 else -1.0

    def lr(t):
        return 0.5 / np.sqrt(t)

    together = np.array(list(run(slope, [0.1, 0.9], lr=lr, steps=50, bound=0.4)))
    assert together.shape == (51, 2)
    assert np.abs(together).max() == 0.4
    for i, alpha in enumerate([0.1, 0.9]):
        alone = np.array(list(run(slope, alpha, lr=lr, steps=50, bound=0.4)))
        assert_array_equal(together[:, i], alone)


def test_amsgrad_is_that_of_torch_without_momentum():
    rng = np.random.default_rng(0)
    slopes = rng.normal(size=40)
    points = list(
        run(lambda t, x: slopes[t - 1], 0.9, lr=lambda t: 0.1 / np.sqrt(t), steps=40, amsgrad=True)
    )
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([w], betas=(0.0, 0.9), eps=0.0, amsgrad=True)
    for t, g in enumerate(slopes, start=1):
        # Adam corrects the bias; without it, each step is longer by the root of the factor.
        optimizer.param_groups[0]["lr"] = 0.1 / np.sqrt(t) / np.sqrt(1 - 0.9**t)
        w.grad = torch.tensor(g)
        optimizer.step()
        assert_allclose(points[t], w.item(), rtol=0, atol=1e-12)


def test_runs_settle_on_the_side_that_the_root_says():
    alphas, periods = np.array([[0.3], [0.8], [0.99]]), np.array([4, 7, 12])
    ends = settled_in_traps(alphas, periods, steps=20_000)
    roots = np.array([smallest_safe_alpha(rare_large(n, n)) for n in periods])
    assert_array_equal(np.sign(ends), np.where(alphas < roots, 1, -1))
    alone = run(repeat(rare_large(7, 7)), 0.8, lr=lambda t: 1 / np.sqrt(t), steps=20_000, bound=1.0)
    assert_allclose(ends[1, 1], tail_mean(alone, 2000), rtol=1e-12)
