"""The update rule against PyTorch, and what holds for its steps."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop import equations
from rmsprop.equations import State

EPSILON = np.finfo(np.float64).eps
alphas = st.floats(0, 0.999)
numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


OPTIONS = [
    dict(zip(("centered", "momentum", "weight_decay", "maximize", "eps"), values, strict=True))
    for values in itertools.product(
        (False, True), (0.0, 0.9), (0.0, 0.1), (False, True), (0.0, 1e-8, 1e-2)
    )
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_step_equals_torch_with_every_combination_of_options(options):
    rng = np.random.default_rng(3)
    param, grads = rng.normal(size=16), rng.normal(size=(30, 16))
    weight = torch.nn.Parameter(torch.from_numpy(param.copy()))
    optimizer = torch.optim.RMSprop([weight], lr=0.01, alpha=0.9, **options)
    state = State.start(param.shape)
    # Gradients that scatter around 0 keep v - m^2 within a thousandth of v; torch loses no more
    # than three digits to the subtraction.
    rtol = 1e-11 if options["centered"] else 1e-13
    for grad in grads:
        weight.grad = torch.from_numpy(grad)
        optimizer.step()
        param, state = equations.step(param, grad, state, lr=0.01, alpha=0.9, **options)
        assert_allclose(param, weight.detach(), rtol=0, atol=rtol)
    theirs = {name: value.numpy() for name, value in optimizer.state[weight].items()}
    if options["centered"]:
        variance = theirs["square_avg"] - theirs["grad_avg"] ** 2
        assert_allclose(state.grad_avg, theirs["grad_avg"], rtol=0, atol=1e-14)
        assert_allclose(state.grad_var, variance, rtol=rtol)
    else:
        assert_allclose(state.square_avg, theirs["square_avg"], rtol=1e-14)
    if options["momentum"]:
        assert_allclose(state.momentum_buffer, theirs["momentum_buffer"], rtol=0, atol=100 * rtol)


@given(grads=st.lists(numbers, min_size=1, max_size=40), alpha=alphas, lr=st.floats(1e-6, 10))
def test_no_step_is_longer_than_the_largest(grads, alpha, lr):
    state, bound = State.start(()), equations.largest_step(alpha, lr)
    for grad in grads:
        moved, state = equations.step(0.0, grad, state, lr=lr, alpha=alpha, eps=1e-30)
        assert abs(moved) <= bound * (1 + 4 * EPSILON)


@given(alpha=alphas, grad=st.floats(1e-6, 1e6), silence=st.integers(0, 5))
def test_first_step_is_the_largest_even_after_silence(alpha, grad, silence):
    state = State.start(())
    for _ in range(silence):
        _, state = equations.step(0.0, 0.0, state, alpha=alpha)
    moved, _ = equations.step(0.0, grad, state, lr=1.0, alpha=alpha, eps=0.0)
    assert_allclose(-moved, equations.largest_step(alpha), rtol=4 * EPSILON)


@given(
    grads=st.lists(st.floats(0.1, 10), min_size=1, max_size=20),
    alpha=st.floats(0.1, 0.999),
    exponent=st.integers(-60, 60),
    centered=st.booleans(),
)
def test_without_eps_the_scale_of_the_gradient_does_not_matter(grads, alpha, exponent, centered):
    ends = []
    for scale in (1.0, 2.0**exponent):  # a power of two, so that scaling rounds nothing
        param, state = 1.0, State.start(())
        for grad in grads:
            param, state = equations.step(
                param, scale * grad, state, alpha=alpha, eps=0.0, momentum=0.5, centered=centered
            )
        ends.append(param)
    assert ends[0] == ends[1]


@pytest.mark.parametrize("centered", [False, True])
def test_step_of_many_settings_equals_each_alone(centered):
    rng = np.random.default_rng(4)
    settings = {
        "lr": [0.1, 0.01, 1.0],
        "alpha": [0.5, 0.9, 0.99],
        "eps": [1e-8, 0.0, 1.0],
        "weight_decay": [0.0, 0.1, 0.2],
        "momentum": [0.0, 0.9, 0.5],
    }
    start, grads = rng.normal(size=(4, 3)), rng.normal(size=(10, 4, 3))
    together, state = start, State.start((4, 3))
    for grad in grads:
        together, state = equations.step(together, grad, state, **settings, centered=centered)
    for run in range(3):
        alone, state = start[:, run], State.start((4,))
        for grad in grads[..., run]:
            alone, state = equations.step(
                alone, grad, state, centered=centered, **{k: v[run] for k, v in settings.items()}
            )
        assert_array_equal(together[:, run], alone)


@pytest.mark.parametrize("centered", [False, True])
def test_one_scalar_parameter_takes_a_list_of_settings(centered):
    param, state = 1.0, State.start(())
    for grad in (1.0, -2.0):
        param, state = equations.step(
            param, grad, state, lr=[0.1, 0.2], momentum=[0.0, 0.9], eps=[0.0, 1.0],
            weight_decay=[0.0, 0.1], centered=centered,
        )  # fmt: skip
    assert param.shape == (2,)


@pytest.mark.parametrize("centered", [False, True])
def test_step_changes_none_of_its_arguments(centered):
    param, grad, state = np.ones(2), np.ones(2), State.start((2,))
    equations.step(param, grad, state, momentum=0.9, weight_decay=0.1, centered=centered)
    assert_array_equal(param, 1)
    assert_array_equal(grad, 1)
    for buffer in state[:4]:
        assert_array_equal(buffer, 0)


def test_effective_rate_times_gradient_is_the_step():
    rng = np.random.default_rng(5)
    grad = rng.normal(size=50)
    moved, state = equations.step(np.zeros(50), grad, State.start((50,)), lr=0.3, eps=0.01)
    rate = equations.effective_rate(state.square_avg, lr=0.3, eps=0.01)
    assert_allclose(rate * grad, -moved, rtol=4 * EPSILON)
