"""Losses of one long vector, against PyTorch's networks and the trainers' own scores."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from rmsprop.experiments.digits import digits_loss, score_digits, train_digits
from rmsprop.experiments.networks import Trained
from rmsprop.experiments.rules import RMSpropRule
from rmsprop.experiments.students import score_students, student_loss, train_students


def in_torch(loss, points, cost):
    """Return values and gradients of the same network in PyTorch."""
    w = torch.tensor(points, requires_grad=True)
    parts, begin = [], 0
    for layer in loss.initial:
        size = layer.size
        parts.append(w[:, begin : begin + size].reshape(len(points), *layer.shape))
        begin += size
    w1, b1, w2, b2 = parts
    outputs = w2 @ torch.tanh(w1 @ torch.tensor(loss.x) + b1) + b2
    values = cost(outputs, torch.tensor(loss.y))
    values.sum().backward()
    return values.detach().numpy(), w.grad.numpy()


def mean_square(outputs, truth):
    return ((outputs - truth) ** 2).mean(dim=(1, 2))


def cross_entropy(outputs, truth):
    return -(torch.log_softmax(outputs, dim=1) * truth).sum(dim=1).mean(dim=1)


@pytest.mark.parametrize(
    ("make", "cost"),
    [(student_loss, mean_square), (digits_loss, cross_entropy)],
    ids=["students", "digits"],
)
def test_value_and_gradient_are_torchs(make, cost):
    loss = make(seed=3)
    points = loss.start + 0.1 * np.random.default_rng(0).standard_normal((2, loss.start.size))
    values, gradients = in_torch(loss, points, cost)
    assert_allclose(loss.value(points), values, rtol=1e-12)
    assert_allclose(loss.gradient(points), gradients, rtol=1e-9, atol=1e-12)
    rows = [5, 1, 5]
    some = type(loss)(loss.x[:, rows], loss.y[:, rows], *list(vars(loss).values())[2:])
    assert_allclose(loss.gradient(points, rows), some.gradient(points), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("make", "train", "score"),
    [
        (student_loss, train_students, score_students),
        (digits_loss, train_digits, lambda *given, **seed: score_digits(*given, **seed).loss),
    ],
    ids=["students", "digits"],
)
def test_it_is_the_loss_that_is_trained_elsewhere(make, train, score):
    trained = train(RMSpropRule([1e-3, 1e-2]), seed=2, steps=0)
    loss = make(seed=2)
    points = np.concatenate([layer.reshape(2, -1) for layer in trained.weights], axis=1)
    assert_allclose(points, np.tile(loss.start, (2, 1)), rtol=0)
    assert isinstance(trained, Trained)
    assert_allclose(loss.value(points), score(trained, seed=2), rtol=1e-12)


def test_a_nudge_moves_the_start_by_its_share():
    plain, nudged = student_loss(seed=1), student_loss(seed=1, nudge=0.1)
    assert_allclose(nudged.start, 1.1 * plain.start)
