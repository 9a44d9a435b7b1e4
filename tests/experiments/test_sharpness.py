"""Curvature from gradients, against autograd's Hessian."""

import numpy as np
import torch
from numpy.testing import assert_allclose

from rmsprop.experiments.rules import RMSpropRule
from rmsprop.experiments.sharpness import (
    follow_sharpness,
    hessian,
    hessian_product,
    sharpness,
)
from rmsprop.experiments.students import student_loss

LOSS = student_loss(seed=0)
POINT = LOSS.start


def autograds_hessian(point):
    def value(w):
        w1, b1, w2, b2 = (
            part.reshape(layer.shape)
            for part, layer in zip(
                w.split([layer.size for layer in LOSS.initial]), LOSS.initial, strict=True
            )
        )
        outputs = w2 @ torch.tanh(w1 @ torch.tensor(LOSS.x) + b1) + b2
        return ((outputs - torch.tensor(LOSS.y)) ** 2).mean()

    return torch.autograd.functional.hessian(value, torch.tensor(point)).numpy()


def test_hessian_and_products_are_autograds():
    exact = autograds_hessian(POINT)
    assert_allclose(hessian(LOSS.gradient, POINT), exact, rtol=0, atol=1e-7 * np.abs(exact).max())
    directions = np.random.default_rng(0).standard_normal((3, len(POINT)))
    products = hessian_product(LOSS.gradient, np.tile(POINT, (3, 1)), directions)
    assert_allclose(products, directions @ exact, atol=1e-7 * np.abs(products).max())


def test_sharpness_is_the_greatest_preconditioned_eigenvalue():
    rng = np.random.default_rng(1)
    divisor = rng.uniform(0.5, 2, (2, len(POINT)))
    start = rng.standard_normal(divisor.shape)
    points = np.tile(POINT, (2, 1))
    found, directions = sharpness(LOSS.gradient, points, divisor, start, rounds=300)
    exact = autograds_hessian(POINT)
    for value, direction, each in zip(found, directions, divisor, strict=True):
        scaled = exact / np.sqrt(np.outer(each, each))
        assert_allclose(value, np.linalg.eigvalsh(scaled)[-1], rtol=1e-6)
        unit = direction / np.linalg.norm(direction)
        assert_allclose(scaled @ unit, value * unit, atol=1e-3 * value)


def test_what_is_followed_is_the_rule_on_all_examples():
    rule = RMSpropRule(np.array([1e-3, 3e-3]), alpha=0.9, momentum=np.array([0.0, 0.5]))
    found = follow_sharpness(LOSS, rule, steps=3, every=3)[:, 0]
    w = torch.nn.Parameter(torch.tensor(POINT))
    optimizer = torch.optim.RMSprop([w], lr=3e-3, alpha=0.9, momentum=0.5)
    for _ in range(3):
        w.grad = torch.tensor(LOSS.gradient(w.detach().numpy()[None])[0])
        optimizer.step()
    divisor = np.sqrt(optimizer.state[w]["square_avg"].numpy())[None] / 3e-3
    directions = np.random.default_rng(0).standard_normal((2, len(POINT)))[1:]
    again, _ = sharpness(LOSS.gradient, w.detach().numpy()[None], divisor, directions, rounds=5)
    assert_allclose(found[1], again[0], rtol=1e-6)
