"""Centered, every package turns nearly constant gradients into NaN, and ours does not.

Each has its own defaults, but for `centered`, and computes in float32. The chapter "Centering"
shows PyTorch's; this is for the others what the chapter says of them.
"""

import importlib.util
import sys
from functools import partial

import jax
import keras
import numpy as np
import optax
import pytest
import tensorflow as tf
import torch

from rmsprop import RMSprop, convention
from rmsprop.experiments.cancellation import WEIGHTS, subtracted_variance

# To import the package itself would need torchvision, for one file that does not.
for name in ("timm", "timm.optim"):
    sys.modules.setdefault(name, importlib.util.module_from_spec(importlib.util.find_spec(name)))
from timm.optim.rmsprop_tf import RMSpropTF  # noqa: E402

PARAMETERS, STEPS, TINY = 300, 2000, 1e-30
NOISE = np.random.default_rng(0).normal(size=(STEPS, PARAMETERS))
GRADS = (1 + 1e-4 * NOISE).astype(np.float32)


def lost_by_torch(cls, grads=GRADS, **options):
    w = torch.nn.Parameter(torch.zeros(PARAMETERS))
    optimizer = cls([w], centered=True, **options)
    for grad in grads:
        w.grad = torch.from_numpy(grad)
        optimizer.step()
    return w.isnan().double().mean().item()


def lost_by_keras(grads=GRADS, **options):
    w = keras.Variable(np.zeros(PARAMETERS, np.float32), dtype="float32")
    optimizer = keras.optimizers.RMSprop(centered=True, **options)
    for grad in grads:
        optimizer.apply([torch.from_numpy(grad)], [w])
    assert w.value.dtype == torch.float32
    return w.value.isnan().double().mean().item()


def lost_by_optax(grads=GRADS, **options):
    transformation = optax.rmsprop(1e-3, centered=True, **options)
    w = jax.numpy.zeros(PARAMETERS, jax.numpy.float32)
    state, update = transformation.init(w), jax.jit(transformation.update)
    for grad in grads:
        step, state = update(jax.numpy.asarray(grad), state)
        w = optax.apply_updates(w, step)
    assert w.dtype == jax.numpy.float32
    return float(jax.numpy.isnan(w).mean())


def lost_by_tensorflow(grads=GRADS, **options):
    w = tf.Variable(np.zeros(PARAMETERS, np.float32))
    optimizer = tf.compat.v1.train.RMSPropOptimizer(1e-3, centered=True, **options)
    for grad in grads:
        optimizer.apply_gradients([(tf.constant(grad), w)])
    return float(np.isnan(w.numpy()).mean())


LOST = {
    "pytorch": partial(lost_by_torch, torch.optim.RMSprop),
    "tensorflow": lost_by_tensorflow,
    "keras": lost_by_keras,
    "optax": lost_by_optax,
    "timm": partial(lost_by_torch, RMSpropTF),
}


@pytest.mark.parametrize("name", LOST)
def test_package_loses_parameters_that_ours_keeps(name):
    assert LOST[name]() > (0.1 if name == "pytorch" else 0.99)
    ours = {key: value for key, value in convention(name).items() if key != "lr"}
    assert lost_by_torch(RMSprop, lr=1e-3, **ours) == 0


# With an alpha whose bias tells the ways to average apart, and no eps to speak of.
AVERAGED = {
    "pytorch": {"alpha": 0.99, "eps": TINY},
    "tensorflow": {"decay": 0.99, "epsilon": TINY},
    "keras": {"rho": 0.99, "epsilon": TINY},
    "optax": {"decay": 0.99, "eps": TINY},
    "timm": {"alpha": 0.99, "eps": TINY},
}


@pytest.mark.parametrize("name", AVERAGED)
@pytest.mark.parametrize("steps", [1450, 1600])
def test_package_averages_with_as_many_weights_as_is_said(name, steps):
    start = 1.0 if name in ("tensorflow", "timm") else 0.0
    variance = subtracted_variance(
        GRADS[:steps], 0.99, initial_accumulator_value=start, weights=WEIGHTS[name]
    )
    expected = (variance < 0).any(axis=0).mean()
    assert LOST[name](GRADS[:steps], **AVERAGED[name]) == pytest.approx(expected, abs=0.1)
