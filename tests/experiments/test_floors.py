"""Hovering: means against a plain loop, noise and curvature as drawn, a decay that ends."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from rmsprop import equations, expected_floor
from rmsprop.experiments.floors import (
    anneal,
    hover,
    noisy_quadratic,
    quadratics,
    random_hessian,
)
from rmsprop.experiments.rules import RMSpropRule

HESSIAN = random_hessian(3, seed=1) + 0.2 * np.eye(3)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.7}, {"eps": 1e-3}], ids=str)
def test_means_are_over_the_last_steps_of_torchs_run(options):
    value, gradient = quadratics(HESSIAN[None])
    rule = RMSpropRule(np.array([0.01]), alpha=0.9, **({"eps": 0.0} | options))
    seen = hover(value, gradient, np.ones((1, 3)), rule, steps=40, watched=10)
    w = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = torch.optim.RMSprop([w], lr=0.01, alpha=0.9, **({"eps": 0.0} | options))
    losses, floors, points = [], [], []
    for _ in range(40):
        points.append(w.detach().numpy().copy())
        losses.append(points[-1] @ HESSIAN @ points[-1] / 2)
        w.grad = torch.tensor(HESSIAN @ points[-1])
        optimizer.step()
        floors.append(expected_floor(optimizer))
    assert_allclose(seen.loss, np.mean(losses[-10:]), rtol=1e-9)
    assert_allclose(seen.floor, np.mean(floors[-10:]), rtol=1e-9)
    assert_allclose(seen.center[0], np.mean(points[-10:], axis=0), rtol=1e-9)
    assert_allclose(seen.point[0], w.detach(), rtol=1e-9)
    assert seen.state.t == 40


def test_at_a_distance_the_loss_is_still_a_mean():
    value, gradient = noisy_quadratic(np.eye(2), [0.0], seed=0)
    rule = RMSpropRule(np.array([0.1]), alpha=0.5, eps=0.0)
    means = [
        hover(value, gradient, np.ones((1, 2)), rule, steps=400, watched=100, every=every).loss
        for every in (1, 4)
    ]
    assert_allclose(means[0], means[1], rtol=1e-6)


def test_the_noise_is_that_of_its_size_and_of_any_covariance():
    _, gradient = noisy_quadratic(HESSIAN, np.repeat([0.0, 1.0, 2.0], 20_000), seed=0)
    quiet, once, twice = gradient(np.ones((60_000, 3))).reshape(3, 20_000, 3)
    assert_allclose(quiet, np.tile(HESSIAN.sum(axis=0), (20_000, 1)))
    covariance = np.cov(once.T)
    assert_allclose(np.cov(twice.T), 4 * covariance, rtol=0.1, atol=0.05)
    assert_allclose(once.mean(axis=0), quiet[0], atol=0.05)
    assert np.linalg.norm(HESSIAN @ covariance - covariance @ HESSIAN) > 0.05


def test_annealing_goes_on_from_the_run_and_ends_at_the_minimum():
    value, gradient = quadratics(HESSIAN[None])
    rule = RMSpropRule(np.array([0.01]), alpha=0.9, eps=0.0)
    seen = hover(value, gradient, np.ones((1, 3)), rule, steps=500, watched=100)

    first = RMSpropRule.step(rule, seen.point, gradient(seen.point), seen.state)[0]
    assert_allclose(anneal(gradient, seen, rule, 1), first)
    assert value(anneal(gradient, seen, rule, 1000)) < 1e-3 * seen.loss


def test_quadratics_hover_at_the_floors_by_their_cuts():
    hessians = np.array([random_hessian(5, seed) for seed in range(3)])
    value, gradient = quadratics(hessians)
    rule = RMSpropRule(np.full(3, 0.01), alpha=0.99, eps=0.0)
    seen = hover(value, gradient, np.full((3, 5), 0.01), rule, steps=6000, watched=3000)
    cuts = [equations.max_cut(each).value for each in hessians]
    assert_allclose(seen.loss, equations.cut_floor(cuts, 0.01), rtol=0.02)
