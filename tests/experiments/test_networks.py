"""Stacks of networks against torch.autograd and torch.optim, which know nothing of stacks."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import rmsprop
from rmsprop.experiments.networks import backpropagate, initial_weights, network, train
from rmsprop.experiments.rules import Adam, GradientDescent, RMSpropRule
from rmsprop.experiments.students import _error as squared_error

INPUTS, HIDDEN, OUTPUTS, EXAMPLES = 3, 5, 2, 7


def a_problem(steps):
    rng = np.random.default_rng(0)
    initial = initial_weights(rng, INPUTS, HIDDEN, OUTPUTS)
    x, y = rng.standard_normal((2, steps, INPUTS, EXAMPLES))
    return initial, list(zip(x, y[:, :OUTPUTS], strict=True))


def as_module(weights):
    linear = [torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Linear(HIDDEN, OUTPUTS)]
    module = torch.nn.Sequential(linear[0], torch.nn.Tanh(), linear[1]).double()
    with torch.no_grad():
        for parameter, weight in zip(module.parameters(), weights, strict=True):
            parameter.copy_(torch.as_tensor(weight).reshape(parameter.shape))
    return module


def loss_of(module, x, y):
    return ((module(torch.as_tensor(x.T)) - torch.as_tensor(y.T)) ** 2).sum(1).mean()


def test_outputs_and_gradients_are_those_of_torch_for_every_network():
    rng = np.random.default_rng(1)
    stack = [rng.standard_normal((4, *w.shape)) for w in a_problem(1)[0]]
    x, y = a_problem(1)[1][0]
    gradients = backpropagate(x, y, stack, squared_error)
    for i in range(4):
        module = as_module([layer[i] for layer in stack])
        assert_allclose(network(x, stack)[i], module(torch.as_tensor(x.T)).detach().T, rtol=1e-12)
        loss_of(module, x, y).backward()
        for gradient, parameter in zip(gradients, module.parameters(), strict=True):
            assert_allclose(gradient[i].reshape(parameter.shape), parameter.grad, rtol=1e-11)


@pytest.mark.parametrize(
    ("rule", "optimizer"),
    [
        (GradientDescent([0.1, 0.2], momentum=0.5), partial(torch.optim.SGD, momentum=0.5)),
        (Adam([0.1, 0.2], beta2=0.9), partial(torch.optim.Adam, betas=(0.9, 0.9))),
        (RMSpropRule([0.1, 0.2], alpha=0.9), partial(torch.optim.RMSprop, alpha=0.9)),
        *(
            (
                RMSpropRule(**(options | {"lr": [0.1, 0.2]})),
                partial(rmsprop.RMSprop, **{k: v for k, v in options.items() if k != "lr"}),
            )
            for options in (
                {"bias_correction": True},
                {"centered": True, "momentum": 0.9, "nesterov": True, "lr_in_momentum": True},
                {"weight_decay": 0.1, "initial_accumulator_value": 2.0, "eps_in_sqrt": True},
                {"weight_decay": 0.1, "decoupled_weight_decay": True, "eps": 0.1},
                *map(rmsprop.convention, ("keras", "tensorflow", "graves", "dqn")),
            )
        ),
    ],
)
def test_every_network_is_trained_as_torch_trains_it_alone(rule, optimizer):
    initial, batches = a_problem(steps=6)
    trained = train(rule, initial, batches, squared_error)
    for i, lr in enumerate((0.1, 0.2)):
        module = as_module(initial)
        alone = optimizer(module.parameters(), lr=lr)
        for x, y in batches:
            alone.zero_grad()
            loss_of(module, x, y).backward()
            alone.step()
        for layer, parameter in zip(trained.weights, module.parameters(), strict=True):
            expected = parameter.detach().numpy()
            assert_allclose(layer[i].reshape(expected.shape), expected, rtol=1e-9, atol=1e-12)


def test_numbers_other_than_the_rate_belong_to_their_network():
    initial, batches = a_problem(steps=5)
    together = train(RMSpropRule([[0.1], [0.2]], alpha=[0.5, 0.9]), initial, batches, squared_error)
    alone = train(RMSpropRule(0.2, alpha=0.5), initial, batches, squared_error)
    for stack, single in zip(together.weights, alone.weights, strict=True):
        assert_allclose(stack[2], single[0], rtol=1e-12)
    for stack, single in zip(together.averages, alone.averages, strict=True):
        assert_allclose(stack.square_avg[2], single.square_avg[0], rtol=1e-12)


def test_a_schedule_is_asked_for_every_step_from_one():
    initial, batches = a_problem(steps=3)
    factors = {1: 1.0, 2: 0.0, 3: 0.5}
    scheduled = train(
        GradientDescent(lambda t: 0.1 * factors[t]), initial, batches, squared_error
    ).weights
    weights = [layer[None] for layer in initial]
    for (x, y), factor in zip(batches, factors.values(), strict=True):
        slopes = backpropagate(x, y, weights, squared_error)
        weights = [w - 0.1 * factor * g for w, g in zip(weights, slopes, strict=True)]
    for layer, expected in zip(scheduled, weights, strict=True):
        assert_allclose(layer, expected, rtol=1e-12)


def test_a_network_that_diverges_leaves_the_others_alone():
    initial, batches = a_problem(steps=200)
    both = train(GradientDescent([0.01, 1e6]), initial, batches, squared_error).weights
    one = train(GradientDescent([0.01]), initial, batches, squared_error).weights
    assert not np.isfinite(both[2][1]).all()
    for stack, single in zip(both, one, strict=True):
        assert_allclose(stack[0], single[0], rtol=1e-9)


def test_the_initial_weights_are_left_as_they_were():
    initial, batches = a_problem(steps=2)
    before = [layer.copy() for layer in initial]
    train(GradientDescent(0.1), initial, batches, squared_error)
    for layer, copy in zip(initial, before, strict=True):
        assert_array_equal(layer, copy)
