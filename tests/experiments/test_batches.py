"""Training on batches of any size: against training by hand, and the order of the examples."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rmsprop.experiments.batches import loss_after, steps_of
from rmsprop.experiments.rules import GradientDescent, RMSpropRule
from rmsprop.experiments.students import student_loss

PROBLEM = student_loss(0)
EXAMPLES = PROBLEM.y.shape[1]


def test_a_batch_of_all_examples_is_the_whole_loss():
    rule = RMSpropRule(np.array([0.01, 0.03]), alpha=0.5)
    loss = loss_after(PROBLEM, rule, size=EXAMPLES, steps=3, seed=0)
    point = np.tile(PROBLEM.start, (2, 1))
    state = rule.start(point.shape)
    for _ in range(3):
        point, state = rule.step(point, PROBLEM.gradient(point), state)
    assert_allclose(loss, PROBLEM.value(point), rtol=1e-12)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_every_example_is_seen_once_in_an_epoch(size):
    """At a tiny rate gradient descent adds up the gradients of what it has seen."""
    rate, steps = 1e-9, steps_of(2, size, EXAMPLES)
    losses = [
        loss_after(PROBLEM, GradientDescent([rate]), size=size, steps=steps, seed=seed)
        for seed in range(2)
    ]
    slope = (PROBLEM.gradient(PROBLEM.start[None]) ** 2).sum()
    start = PROBLEM.value(PROBLEM.start[None])
    whole = 2 * EXAMPLES % size == 0
    for loss in losses:
        expected = start - rate * steps * slope
        assert_allclose(loss - start, expected - start, rtol=1e-4 if whole else 0.2)


def test_seeds_differ_and_repeat():
    rule = RMSpropRule(np.array([0.01]))
    losses = [loss_after(PROBLEM, rule, size=16, steps=40, seed=seed) for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_all_sizes_see_the_same_number_of_examples():
    for size in (8, 32, 512):
        assert 0 <= 10 * 1437 - size * steps_of(10, size, 1437) < size
