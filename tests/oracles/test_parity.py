"""Every preset takes the steps of the package that it is named after, to rounding.

The package gets the changes alone, under its own names, so that everything else is its default;
ours gets ``convention(name, **changes)``. Both see the same gradients and learning rates. All
packages compute in float64 here.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import jax
import keras
import numpy as np
import optax
import pytest
import tensorflow as tf
import torch

from rmsprop import RMSprop, convention
from rmsprop.conventions import NAMES, WITHOUT

# To import the packages themselves would need torchvision, for one file that does not.
for name in ("timm", "timm.optim"):
    sys.modules[name] = importlib.util.module_from_spec(importlib.util.find_spec(name))
from timm.optim.rmsprop_tf import RMSpropTF  # noqa: E402

keras.config.set_floatx("float64")

TOLERANCE = 1e-12
# Every pair of a starting value and a size of gradients; the smallest square is of the size of eps.
STARTS, SIZES = (axis.ravel() for axis in np.meshgrid([0.0, 1.0, -30.0], [1e-5, 1e-2, 1.0]))
GRADS = SIZES * np.random.default_rng(0).normal(size=(75, SIZES.size))
# A buffer that holds learning rates remembers the old one; one that does not, does not.
RATES = np.repeat([1e-2, 1e-1, 1e-3], 25)


def defaults(function):
    """Default of every argument, by name."""
    return {p.name: p.default for p in inspect.signature(function).parameters.values()}


def follow_torch(cls, **options):
    """Path of a torch.optim.Optimizer."""
    w = torch.nn.Parameter(torch.tensor(STARTS))
    optimizer = cls([w], **options)
    for grad, rate in zip(GRADS, RATES, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        w.grad = torch.tensor(grad)
        optimizer.step()
        yield w.detach().numpy().copy()


def follow_keras(cls, **options):
    """Path of a keras.optimizers.Optimizer, on the torch backend."""
    w = keras.Variable(STARTS)
    optimizer = cls(**options)
    for grad, rate in zip(GRADS, RATES, strict=True):
        optimizer.learning_rate = rate
        optimizer.apply([torch.tensor(grad)], [w])
        yield w.value.detach().numpy().copy()


def follow_optax(make, **options):
    """Path of an optax.GradientTransformation."""
    rates = jax.numpy.asarray(RATES)
    transformation = make(learning_rate=lambda count: rates[count], **options)
    w = jax.numpy.asarray(STARTS)
    state, update = transformation.init(w), jax.jit(transformation.update)
    for grad in GRADS:
        step, state = update(jax.numpy.asarray(grad), state, w)
        w = optax.apply_updates(w, step)
        yield np.asarray(w)


def follow_tensorflow(cls, **options):
    """Path of a tf.compat.v1.train.Optimizer, which takes numbers for float32 unless told."""
    options = {
        name: np.float64(value) if isinstance(value, float) else value
        for name, value in (defaults(cls) | options).items()
    }
    w, rates = tf.Variable(STARTS), iter(RATES)
    optimizer = cls(**options | {"learning_rate": lambda: next(rates)})
    for grad in GRADS:
        optimizer.apply_gradients([(tf.constant(grad), w)])
        yield w.numpy().copy()


class Package(NamedTuple):
    """The package behind a preset: what to call, how to follow it, what to compare."""

    distribution: str
    optimizer: Callable
    follow: Callable
    changes: list[dict[str, Any]]


def choices(*sets):
    """Every combination of one choice from each set."""
    return [dict(item for choice in every for item in choice.items()) for every in product(*sets)]


def is_well_conditioned(changes):
    """Tell whether optax can be compared with at all.

    Centered and corrected, the first variance is 0, of which v - m^2 leaves a rounding error: it
    must be small beside an eps under the root, and outside the root it can be below 0.
    """
    if not (changes.get("centered") and changes.get("bias_correction")):
        return True
    return "eps" in changes and "eps_in_sqrt" not in changes


NUMBERS = [{}, {"alpha": 0.95, "eps": 1e-2}]
CENTERED = [{}, {"centered": True}]
MOMENTUM = [{}, {"momentum": 0.9}]
WEIGHT_DECAY = [{}, {"weight_decay": 0.1}]
PACKAGES = {
    "pytorch": Package(
        "torch",
        torch.optim.RMSprop,
        follow_torch,
        choices(NUMBERS, CENTERED, MOMENTUM, WEIGHT_DECAY),
    ),
    "tensorflow": Package(
        "tensorflow-cpu",
        tf.compat.v1.train.RMSPropOptimizer,
        follow_tensorflow,
        choices(NUMBERS, CENTERED, MOMENTUM),
    ),
    "keras": Package(
        "keras",
        keras.optimizers.RMSprop,
        follow_keras,
        choices(NUMBERS, CENTERED, MOMENTUM, WEIGHT_DECAY),
    ),
    "optax": Package(
        "optax",
        optax.rmsprop,
        follow_optax,
        list(
            filter(
                is_well_conditioned,
                choices(
                    NUMBERS,
                    CENTERED,
                    [*MOMENTUM, {"momentum": 0.9, "nesterov": True}],
                    [{}, {"eps_in_sqrt": False}],
                    [{}, {"initial_accumulator_value": 1.0}, {"bias_correction": True}],
                ),
            )
        ),
    ),
    "timm": Package(
        "timm",
        RMSpropTF,
        follow_torch,
        choices(
            NUMBERS,
            CENTERED,
            [*MOMENTUM, {"momentum": 0.9, "lr_in_momentum": False}],
            [*WEIGHT_DECAY, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
        ),
    ),
}


@pytest.fixture
def assert_parity(record_property):
    """Compare our path with the one of `name`, and put the deviation into the table at the end."""

    def compare(ours, theirs, name, distribution):
        ours, theirs = np.array(list(ours)), np.array(list(theirs))
        deviation = np.max(np.abs(ours - theirs) / np.max(np.abs(theirs), axis=0))
        record_property(name, (f"{distribution} {version(distribution)}", float(deviation)))
        assert deviation <= TOLERANCE

    return compare


@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        pytest.param(preset, changes, id=f"{preset}-{changes}")
        for preset, package in PACKAGES.items()
        for changes in package.changes
    ],
)
def test_a_preset_takes_the_steps_of_its_package(preset, changes, assert_parity):
    package = PACKAGES[preset]
    theirs = {NAMES[preset].get(name, name): value for name, value in changes.items()}
    assert_parity(
        follow_torch(RMSprop, **convention(preset, **changes)),
        package.follow(package.optimizer, **theirs),
        preset,
        package.distribution,
    )


@pytest.mark.parametrize("preset", PACKAGES)
def test_the_defaults_of_a_preset_are_those_of_its_package(preset):
    package = PACKAGES[preset]
    theirs = defaults(package.optimizer)
    ours = RMSprop([torch.zeros(1)], **convention(preset)).defaults
    shared = {name: NAMES[preset].get(name, name) for name in ours}
    for name, their_name in shared.items():
        if theirs.get(their_name) is inspect.Parameter.empty:
            assert name not in convention(preset)
        elif their_name in theirs:
            # They write "none of it" as None, False or 0.
            assert (theirs[their_name] or 0) == (ours[name] or 0)
    assert {"lr", "alpha", "eps", "momentum", "centered"} <= {
        name for name, their_name in shared.items() if their_name in theirs
    }


@pytest.mark.parametrize("numbers", [{"alpha": 0.999, "eps": 1e-8}, {"alpha": 0.9, "eps": 1e-3}])
def test_bias_correction_is_that_of_adam_and_of_optax(numbers, assert_parity):
    alpha, eps = numbers.values()

    def scale_by_rms(learning_rate):
        scale = optax.scale_by_rms(alpha, eps, eps_in_sqrt=False, bias_correction=True)
        return optax.chain(scale, optax.scale_by_learning_rate(learning_rate))

    ours = list(follow_torch(RMSprop, bias_correction=True, **numbers))
    adam = follow_torch(torch.optim.Adam, betas=(0.0, alpha), eps=eps)
    assert_parity(ours, adam, "Adam(b1=0)", "torch")
    assert_parity(ours, follow_optax(scale_by_rms), "scale_by_rms", "optax")


@pytest.mark.parametrize("name", PACKAGES)
def test_package_has_weight_decay_unless_it_is_said_to_lack_it(name):
    has_it = "weight_decay" in inspect.signature(PACKAGES[name].optimizer).parameters
    assert has_it == ("weight_decay" not in WITHOUT.get(name, ()))


def test_the_book_s_table_of_names_has_every_argument_that_a_package_has():
    page = (Path(__file__).parents[2] / "book" / "symbols.md").read_text(encoding="utf-8")
    table = page.partition("| this book |")[2].partition("\n\n")[0].splitlines()
    packages = [cell.strip().lower() for cell in table[0].strip("|").split("|")]
    for line in table[2:]:
        option, *names = [cell.strip(" `") for cell in line.strip("|").split("|")]
        for package, name in zip(filter(None, packages), names, strict=True):
            has = NAMES[package].get(option, option)
            arguments = inspect.signature(PACKAGES[package].optimizer).parameters
            assert name == (has if has in arguments else "–"), (package, option)
