"""Margins, the trap, rare words, the eigenbasis: closed forms, duality, other code's answers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.svm import SVC

from rmsprop.experiments import margins, rare_words, unseen
from rmsprop.experiments.eigenbasis import steps_in_eigenbasis
from rmsprop.experiments.rules import GradientDescent, RMSpropRule
from rmsprop.experiments.valleys import circle

DATA = margins.separable(12, 20, seed=0)


def test_the_largest_margin_by_length_is_that_of_a_support_vector_machine():
    value, weights = margins.largest_margin(DATA, 2)
    both = np.vstack([DATA, -DATA])
    machine = SVC(kernel="linear", C=1e9, tol=1e-10).fit(both, np.repeat([1, -1], 12))
    assert value == pytest.approx(1 / np.linalg.norm(machine.coef_), rel=1e-4)
    assert margins.margin(DATA, weights, 2) == pytest.approx(value)


def test_no_weights_have_a_larger_margin_by_the_largest_weight():
    value, weights = margins.largest_margin(DATA, np.inf)
    assert np.abs(weights).max() == pytest.approx(1)
    others = weights + np.random.default_rng(0).standard_normal((500, 20)) * 0.05
    assert (margins.margin(DATA, others, np.inf) <= value).all()


def test_gradient_descent_comes_to_the_margin_by_length():
    rule = GradientDescent(np.array([0.5]))
    end = margins.follow_margins(DATA, rule, 1, [20_000])[0, 0]
    assert margins.margin(DATA, end, 2) > 0.93 * margins.largest_margin(DATA, 2)[0]


def test_an_epoch_of_batches_sees_every_example_once():
    rule = GradientDescent(np.array([1e-9]))
    by_one = margins.follow_margins(DATA, rule, 1, [12], batch=1)
    at_once = margins.follow_margins(DATA, rule, 1, [12])
    assert_allclose(by_one, at_once, rtol=1e-6)


def test_with_features_of_one_size_a_single_example_has_one_rate():
    signs = np.sign(DATA)
    rule = RMSpropRule(np.array([0.01]), alpha=0.9, eps=0.0, bias_correction=True)
    *_, last = margins.follow_margins(signs, rule, 1, range(1, 60), batch=1)
    # In the span of the examples, as gradient descent is.
    rest = np.linalg.lstsq(signs.T, last[0], rcond=None)[1]
    assert (rest < 1e-20).all()


def test_the_trap_ends_at_a_quarter_of_the_signs():
    labels = np.array([1.0, 1.0, -1.0])
    features = unseen.marked_examples(labels)
    rule = RMSpropRule(
        lambda t: np.array([0.01 * (1 - (t - 1) / 500)]), eps=0.0, bias_correction=True
    )
    end = unseen.fit(features, labels, rule, 1, 500)[0]
    assert_allclose(end, np.sign(features.T @ labels) / 4, atol=1e-9)
    assert (unseen.scores_of_unseen(end) > 0).all()
    assert_allclose(unseen.scores_of_unseen(np.eye(18)[0]), [1, -1])


def test_sign_descent_is_counted_as_a_plain_loop_counts():
    needed = rare_words.constant_steps(30, 0.2, alpha=0.0)
    lacking = 1 / np.arange(1, 31.0)
    best = np.inf
    for rate in np.geomspace(0.3, 3, 30) * np.sqrt(0.2 / 30):
        point, last = lacking.copy(), 0
        horizon = int(6 * np.sqrt(150))
        for t in range(1, horizon + 1):
            point = point - rate * np.sign(point)
            if (point**2).sum() > 0.2 * (lacking**2).sum():
                last = t
        if 2 * (last + 1) <= horizon:
            best = min(best, last + 1)
    assert needed == best


def test_gradient_descent_needs_nearly_as_many_steps_as_words():
    steps = [rare_words.descent_steps(n, 0.1) for n in (1000, 10_000)]
    assert np.log10(steps[1] / steps[0]) == pytest.approx(0.87, abs=0.04)


def test_steps_are_those_of_a_loop_with_numpys_eigenvectors():
    angle, start, rate = 0.5, np.array([[0.6, 0.8]]), 0.02
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    point, square_avg, outer, last = turn @ start[0], np.zeros(2), np.zeros((2, 2)), 0
    for t in range(1, 301):
        grad = turn @ np.diag([1.0, 30.0]) @ turn.T @ point
        outer = 0.9 * outer + 0.1 * np.outer(grad, grad)
        basis = np.linalg.eigh(outer).eigenvectors[:, ::-1]
        seen = basis.T @ grad
        square_avg = 0.9 * square_avg + 0.1 * seen**2
        point = point - rate * basis @ (seen / (np.sqrt(square_avg) + 1e-8))
        if np.linalg.norm(point) > 0.05:
            last = t
    found = steps_in_eigenbasis(30.0, [angle], [rate], start, alpha=0.9, steps=300, within=0.05)
    assert 10 < last < 150
    assert found[0, 0] == last + 1


def test_in_the_eigenbasis_the_angle_does_not_matter():
    angles = np.deg2rad([0.0, 20.0, 45.0])
    found = steps_in_eigenbasis(300.0, angles, [0.006], circle(12), alpha=0.9, steps=1000)[:, 0]
    assert found.max() < 1.2 * found.min()
