"""Students: each learns what it would learn alone, by PyTorch, on draws of its seed."""

import numpy as np
import pytest
import torch

from rmsprop.experiments.rules import GradientDescent, RMSpropRule
from rmsprop.experiments.students import (
    BATCH,
    EXAMPLES,
    HIDDEN,
    INPUTS,
    score_students,
    train_students,
)


def train_alone(seed, lr, steps):
    rng = np.random.default_rng(seed)
    x = torch.as_tensor(rng.standard_normal((INPUTS, EXAMPLES)).T)

    def drawn():
        layers = torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Linear(HIDDEN, 1)
        module = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1]).double()
        with torch.no_grad():
            for layer in layers:
                weights = rng.standard_normal((layer.out_features, layer.in_features))
                layer.weight.copy_(torch.as_tensor(weights / layer.in_features**0.5))
                layer.bias.zero_()
        return module

    teacher = drawn()
    with torch.no_grad():
        teacher[0].weight.mul_(2)
        y = teacher(x)
    student = drawn()
    optimizer = torch.optim.RMSprop(student.parameters(), lr=lr, alpha=0.99)
    for rows in rng.integers(EXAMPLES, size=(steps, BATCH)):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(student(x[rows]), y[rows]).backward()
        optimizer.step()
    return torch.nn.functional.mse_loss(student(x), y).item()


@pytest.mark.parametrize("seed", range(3))
def test_each_student_of_the_stack_is_trained_as_if_alone(seed):
    losses = score_students(
        train_students(RMSpropRule([1e-3, 1e-2]), seed=seed, steps=30), seed=seed
    )
    for loss, lr in zip(losses, (1e-3, 1e-2), strict=True):
        assert loss == pytest.approx(train_alone(seed, lr, 30), rel=1e-9)


def test_the_nudge_moves_the_start():
    rule = GradientDescent([0.0])
    plain, nudged = (train_students(rule, seed=0, steps=1, nudge=n).weights for n in (0.0, 0.5))
    assert nudged[0] == pytest.approx(1.5 * plain[0])
