"""The presets against the equations that they come from; `make parity` has the packages."""

import math

import numpy as np
import pytest
import torch

from rmsprop import RMSprop, convention
from rmsprop.conventions import CONVENTIONS, WITHOUT

START = 0.5
GRADS = (np.random.default_rng(0).normal(size=60) + 0.5).tolist()
RATES = [0.01] * 20 + [0.1] * 20 + [0.001] * 20


def follow(name, rates=None, **changes):
    """Path of the preset, at its own learning rate unless told."""
    w = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = RMSprop([w], **convention(name, **changes))
    for i, grad in enumerate(GRADS):
        if rates is not None:
            optimizer.param_groups[0]["lr"] = rates[i]
        w.grad = torch.tensor(grad, dtype=torch.float64)
        optimizer.step()
        yield w.item()


def test_hinton_divides_the_gradient_by_the_root_of_its_mean_square():
    """Lecture 6e, slide 29."""
    w, mean_square, path = START, 0.0, []
    for gradient, rate in zip(GRADS, RATES, strict=True):
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        w -= rate * gradient / math.sqrt(mean_square)
        path.append(w)
    assert list(follow("hinton", RATES)) == pytest.approx(path, rel=1e-12)


@pytest.mark.parametrize("rates", [None, RATES])
def test_graves_takes_the_steps_of_his_equations(rates):
    """Graves (2013), equations 38 to 41 with the numbers of 42 to 45, in his letters."""
    w, n, g, delta, path = START, 0.0, 0.0, 0.0, []
    for epsilon, rate in zip(GRADS, rates or [0.0001] * len(GRADS), strict=True):
        n = 0.95 * n + (1 - 0.95) * epsilon**2
        g = 0.95 * g + (1 - 0.95) * epsilon
        delta = 0.9 * delta - rate * epsilon / math.sqrt(n - g**2 + 0.0001)
        w = w + delta
        path.append(w)
    assert list(follow("graves", rates)) == pytest.approx(path, rel=1e-12)


@pytest.mark.parametrize("rates", [None, RATES])
def test_dqn_takes_the_steps_of_the_released_code(rates):
    """NeuralQLearner.lua climbs along `dw`, the negative gradient of the loss."""
    w, g, g2, path = START, 0.0, 0.0, []
    for gradient, rate in zip(GRADS, rates or [0.00025] * len(GRADS), strict=True):
        dw = -gradient
        g = g * 0.95 + 0.05 * dw
        g2 = g2 * 0.95 + 0.05 * dw * dw
        w += rate * dw / math.sqrt(-g * g + g2 + 0.01)
        path.append(w)
    assert list(follow("dqn", rates)) == pytest.approx(path, rel=1e-12)


@pytest.mark.parametrize("name", ["tensorflow", "timm"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("centered", [False, True])
def test_tensorflow_takes_the_steps_of_its_documentation(name, momentum, centered):
    """The docstring of tensorflow/python/training/rmsprop.py; `mean_square` starts from ones."""
    w, mean_square, mean_grad, mom, path = START, 1.0, 0.0, 0.0, []
    for gradient, rate in zip(GRADS, RATES, strict=True):
        mean_grad = 0.9 * mean_grad + 0.1 * gradient
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        variance = mean_square - mean_grad**2 if centered else mean_square
        mom = momentum * mom + rate * gradient / math.sqrt(variance + 1e-10)
        w -= mom
        path.append(w)
    ours = follow(name, RATES, momentum=momentum, centered=centered)
    assert list(ours) == pytest.approx(path, rel=1e-12)


def test_pytorch_is_what_rmsprop_does_unasked():
    params = [torch.zeros(1)]
    assert RMSprop(params, **convention("pytorch")).defaults == RMSprop(params).defaults


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_preset_steps_against_the_gradient(name):
    assert (next(follow(name)) - START) * GRADS[0] < 0


@pytest.mark.parametrize("name", CONVENTIONS)
def test_changes_win_over_the_preset_and_leave_it_alone(name):
    before = convention(name)
    changed = convention(name, lr=0.5, eps_in_sqrt=not before.get("eps_in_sqrt"), nesterov=True)
    assert changed == before | {
        "lr": 0.5,
        "eps_in_sqrt": not before.get("eps_in_sqrt"),
        "nesterov": True,
    }
    assert convention(name) == before


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=", ".join(CONVENTIONS) + ", got 'adam'"):
        convention("adam")


@pytest.mark.parametrize(("name", "lacks"), WITHOUT.items())
def test_what_an_implementation_lacks_is_off(name, lacks):
    optimizer = RMSprop([torch.nn.Parameter(torch.zeros(1))], **convention(name))
    assert all(optimizer.defaults[option] == 0 for option in lacks)
    assert "lr_in_momentum" not in convention(name) or "momentum" not in lacks
    assert "decoupled_weight_decay" not in convention(name) or "weight_decay" not in lacks
