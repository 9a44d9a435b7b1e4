"""Runs that differ in one option against torch's own."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from rmsprop.experiments.one_difference import DIFFERENCES, distances_apart, final_weights

SIZES = [1e-4, 1.0]


def gradients(steps):
    noise = np.random.default_rng(0).standard_normal((steps, 50, len(SIZES)))
    return torch.from_numpy(np.array(SIZES) * (0.5 + noise))


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_without_a_difference_it_is_torch_with_a_rate_that_drops_half_way(weight_decay):
    w = torch.ones(50, 2, dtype=torch.float64, requires_grad=True)
    numbers = {"lr": 1e-3, "alpha": 0.9, "eps": 1e-8, "momentum": 0.9}
    optimizer = torch.optim.RMSprop([w], **numbers, weight_decay=weight_decay)
    for t, gradient in enumerate(gradients(21)):
        optimizer.param_groups[0]["lr"] = 1e-3 if t <= 10 else 1e-4
        w.grad = gradient
        optimizer.step()
    ends = final_weights(SIZES, 21, weight_decay=weight_decay)
    assert_allclose(ends, w.detach().numpy(), rtol=1e-12)


def test_every_difference_makes_one():
    assert (distances_apart(SIZES, steps=40).max(axis=1) > 1e-3).all()


def test_decay_is_that_of_both():
    with_decay, without = (
        final_weights(SIZES, 40, **options) for options in ({"weight_decay": 0.1}, {})
    )
    found = dict(zip(DIFFERENCES, distances_apart(SIZES, 40), strict=True))
    for name, own, other in (
        ("weight decay decoupled", with_decay, without),
        ("centering", without, with_decay),
    ):
        changed = final_weights(SIZES, 40, **DIFFERENCES[name])
        way = np.median(abs(own - 1), axis=0)
        expected = np.median(abs(changed - own), axis=0) / way
        assert_allclose(found[name], expected, rtol=1e-12)
        assert (np.median(abs(changed - other), axis=0) / way != expected).all()


def test_way_grows_with_the_steps():
    short, long = (final_weights([1e-6, 1.0], steps) - 1 for steps in (100, 1000))
    assert_allclose(np.median(long / short, axis=0), 10, rtol=0.1)
