"""Lengths of steps against PyTorch's optimizer and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rmsprop import equations
from rmsprop.experiments.step_lengths import steady_step_length, step_lengths


def torch_lengths(grads, **options):
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RMSprop([w], lr=1.0, **options)
    lengths = []
    for g in grads:
        with torch.no_grad():
            w.zero_()
        w.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        lengths.append(abs(w.item()))
    return lengths


sizes = st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3)


@given(grads=st.lists(sizes, min_size=1, max_size=20), alpha=st.floats(0, 0.999))
def test_lengths_are_those_of_torch_and_within_the_bound(grads, alpha):
    lengths = step_lengths(grads, alpha)
    assert_allclose(lengths, torch_lengths(grads, alpha=alpha, eps=0.0), rtol=1e-9)
    assert lengths.max() <= equations.largest_step(alpha) * (1 + 1e-9)


def test_alphas_and_a_start_that_is_not_empty():
    alphas = np.array([0.5, 0.9])
    lengths = step_lengths([3.0, -1.0], alphas, initial=4.0)
    first = alphas * 4 + (1 - alphas) * 9
    second = alphas * first + (1 - alphas)
    assert_allclose(lengths, np.transpose([3 / np.sqrt(first), 1 / np.sqrt(second)]), rtol=1e-15)


@given(grad=st.floats(1e-6, 1e3), eps=st.floats(1e-8, 1e3))
def test_steady_step_is_the_gradient_over_itself_and_eps(grad, eps):
    length = steady_step_length(grad, eps, alpha=0.5, steps=60)
    assert_allclose(length, grad / (grad + eps), rtol=1e-12, atol=1e-13)
    inside = steady_step_length(grad, eps, alpha=0.5, steps=60, eps_in_sqrt=True)
    assert_allclose(inside, grad / np.sqrt(grad**2 + eps), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_steady_step_is_the_last_of_so_many(steps):
    lengths = steady_step_length([0.2, 5.0], [[1e-8], [0.1]], alpha=0.9, steps=steps)
    for (row, column), length in np.ndenumerate(lengths):
        grads, eps = [(0.2, 5.0)[column]] * steps, (1e-8, 0.1)[row]
        assert_allclose(length, torch_lengths(grads, alpha=0.9, eps=eps)[-1], rtol=1e-12)
