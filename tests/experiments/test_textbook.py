"""The textbook's run against its published end, PyTorch and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop import equations
from rmsprop.experiments import textbook

TURN = np.array([[1.0, 1.0], [1.0, -1.0]])
TURNED = TURN @ textbook.HESSIAN @ TURN


def torch_run(hessian, steps, optimizer, **options):
    x = torch.tensor(textbook.START, requires_grad=True)
    optimizer = optimizer([x], **options)
    points = [textbook.START]
    for _ in range(steps):
        x.grad = torch.from_numpy(hessian) @ x.detach()
        optimizer.step()
        points.append(x.detach().numpy().copy())
    return np.array(points)


def test_run_ends_where_the_textbook_prints():
    # "epoch 20, x1: -0.010599, x2: 0.000000"
    assert_allclose(textbook.run()[-1], [-0.010599, 0.0], rtol=0, atol=5e-7)


@pytest.mark.parametrize("hessian", [textbook.HESSIAN, TURNED], ids=["plain", "turned"])
def test_run_without_eps_is_that_of_torch(hessian):
    ours = textbook.run(hessian, steps=30, alpha=0.8, lr=0.1, eps=0.0)
    theirs = torch_run(hessian, 30, torch.optim.RMSprop, lr=0.1, alpha=0.8, eps=0.0)
    assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_eps_is_inside_the_root():
    x, state = textbook.START, equations.State.start((2,))
    for _ in range(20):
        gradient = textbook.HESSIAN @ x
        x, state = equations.step(x, gradient, state, lr=0.4, alpha=0.9, eps=0.3, eps_in_sqrt=True)
    assert_allclose(textbook.run(eps=0.3)[-1], x, rtol=0, atol=1e-12)


def test_average_of_all_gradients_with_a_falling_rate_is_adagrad():
    ours = textbook.run(steps=50, alpha=lambda t: 1 - 1 / t, lr=lambda t: 0.4 / t**0.5, eps=0.0)
    theirs = torch_run(textbook.HESSIAN, 50, torch.optim.Adagrad, lr=0.4, eps=0.0)
    assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_alpha_of_one_never_leaves_the_start():
    factors = 1 - np.array([0.2, 4.0]) * 0.4 / np.sqrt(1e-2)
    expected = textbook.START * factors ** np.arange(6)[:, None]
    assert_allclose(textbook.run(steps=5, alpha=1.0, eps=1e-2), expected, rtol=1e-12)


def test_runs_made_together_are_those_made_alone():
    alphas, lrs = np.array([0.5, 0.9, 0.99]), np.array([0.4, 0.1, 0.2])
    together = textbook.run(TURNED, steps=9, alpha=alphas, lr=lambda t: lrs / t)
    assert together.shape == (10, 3, 2)
    for i, (alpha, lr) in enumerate(zip(alphas, lrs, strict=True)):
        alone = textbook.run(TURNED, steps=9, alpha=alpha, lr=lambda t, lr=lr: lr / t)
        assert_array_equal(together[:, i], alone)


@given(x=st.floats(-9, 9), y=st.floats(-9, 9))
def test_loss_is_the_function_of_the_exercise(x, y):
    points = np.array([[x, y], [y, x]])
    expected = [0.1 * a**2 + 2 * b**2 for a, b in points]
    assert_allclose(textbook.loss(points), expected, rtol=1e-12, atol=1e-12)
    turned = [0.1 * (a + b) ** 2 + 2 * (a - b) ** 2 for a, b in points]
    assert_allclose(textbook.loss(points, TURNED), turned, rtol=1e-12, atol=1e-12)
