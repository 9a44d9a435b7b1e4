r"""Thousands of random configurations: where finite gradients can never make a parameter infinite.

The domain. With G the largest gradient (weight decay added), the square of G must be finite in the
dtype of the arithmetic, which is float32 for parameters of lower precision: :math:`G < 10^{19}` in
float32, :math:`10^{154}` in float64. The largest step is

.. math:: \eta\, U \frac{1 + \mu}{1 - \mu}, \qquad
   U = \frac{1}{\sqrt{1 - \alpha}} \max\left(1, \frac{r}{D}\right)
   \text{ or, centered, } \frac{G}{D},

with r the root of the smallest subnormal number, and D the smallest denominator: :math:`\epsilon`
(or its root), or r where the dtype cannot tell that from 0. (Between 0 and r lies an
:math:`\epsilon` of nobody: one that divides gradients which are too small to square.)
U must be finite in the dtype of the arithmetic, and parameters that go that far in theirs.
Decoupled weight decay must not overshoot: :math:`\eta \lambda \le 2`. Nothing else is asked.
"""

import math
import os
import random

import pytest
import torch
from torch.nn import Parameter

from rmsprop import RMSprop

# All 10,000 take a minute: RMSPROP_FUZZ=10000 pytest tests/test_fuzz.py
CONFIGURATIONS = int(os.environ.get("RMSPROP_FUZZ", "1000"))
PER_TEST = 250
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
SHAPES = [(), (1,), (7,), (2, 3), (0,), (2, 1, 2)]
KINDS = [
    "zero",
    "constant",
    "alternating",
    "near-constant",
    "noise",
    "spike",
    "pause",
    "any size",
]


def arithmetic(dtype):
    return torch.finfo(torch.promote_types(dtype, torch.float32))


def random_gradients(rng, dtype, shape, steps):
    """One kind of series for every element, over all magnitudes that the domain has."""
    generator = torch.Generator().manual_seed(rng.getrandbits(60))
    count = math.prod(shape)
    limit = min(math.sqrt(arithmetic(dtype).max) / 4, torch.finfo(dtype).max)
    smallest = math.log10(torch.finfo(dtype).smallest_normal) - 2  # a hundredth is subnormal
    size = 10 ** rng.uniform(*rng.choice([(-3, 1), (smallest, math.log10(limit) - 1)]))
    noise = torch.randn(steps, count, dtype=torch.float64, generator=generator)
    sign = noise[:1].sign()
    time = torch.arange(steps)[:, None]
    start = rng.randrange(steps)
    series = {
        "zero": torch.zeros_like(noise),
        "constant": sign.expand_as(noise),
        "alternating": sign * (-1.0) ** time,
        "near-constant": sign * (1 + 10 ** rng.uniform(-9, -1) * noise),
        "noise": noise,
        "spike": noise * (time == start),
        "pause": sign * (time < start),
        "any size": sign * 10 ** (20 * torch.rand(noise.shape, generator=generator) - 20),
    }
    kinds = torch.tensor([rng.randrange(len(KINDS)) for _ in range(count)], dtype=torch.long)
    chosen = sum(torch.where(kinds == i, series[kind], 0) for i, kind in enumerate(KINDS))
    return (size * chosen).clamp(-limit, limit).to(dtype).reshape(steps, *shape)


def random_options(rng):
    options = {
        "lr": rng.choice([0.0, 10 ** rng.uniform(-6, 0), 10 ** rng.uniform(0, 3)]),
        "alpha": rng.choice([0.0, 1e-9, rng.random(), 0.99, 1 - 10 ** rng.uniform(-12, -1)]),
        "eps": rng.choice([0.0, 1e-320, 1e-46, 1e-40, 1e-8, 1e-8, 10 ** rng.uniform(-16, 2)]),
        "momentum": rng.choice([0.0, 0.0, rng.random(), 0.9, 0.999]),
        "weight_decay": rng.choice([0.0, 0.0, 10 ** rng.uniform(-6, 1)]),
        "initial_accumulator_value": rng.choice([0.0, 0.0, 1.0, 10 ** rng.uniform(-40, 10)]),
    }
    for switch in (
        *("centered", "maximize", "capturable", "eps_in_sqrt", "lr_in_momentum"),
        *("decoupled_weight_decay", "bias_correction"),
    ):
        options[switch] = rng.random() < 0.4
    options["nesterov"] = options["momentum"] > 0 and rng.random() < 0.4
    if options["bias_correction"]:
        options["initial_accumulator_value"] = 0.0
    return options


def farthest(options, start, gradient, steps, dtype):
    """Return the bounds of the domain: U, and how far a parameter can come in these steps."""
    wide = torch.promote_types(dtype, torch.float32)
    eps = torch.tensor(options["eps"], dtype=wide).item()
    root = math.sqrt(torch.finfo(wide).smallest_normal * torch.finfo(wide).eps)
    smallest = root if eps == 0 else math.sqrt(eps) if options["eps_in_sqrt"] else eps
    if options["centered"]:
        unit = gradient / smallest
    else:
        unit = max(1, root / smallest) / math.sqrt(1 - options["alpha"])
    momentum = options["momentum"]
    direction = unit * (1 + momentum * options["nesterov"]) / (1 - momentum)
    return direction, start + steps * options["lr"] * direction


def draw(rng, dtype):
    """Return a configuration within the domain, one drawn anywhere with its rates lowered to fit.

    With it, how far from 0 its parameters can come.
    """
    options = random_options(rng)
    steps = rng.choice([3, 12, 12, 40])
    grads = random_gradients(rng, dtype, rng.choice(SHAPES), steps)
    start = torch.full(grads.shape[1:], rng.choice([0.0, 1.0, -100.0])).to(dtype)
    reach = min(torch.finfo(dtype).max / 4, math.sqrt(arithmetic(dtype).max) / 4)
    decay = options["weight_decay"]
    options["weight_decay"] = decay = min(decay, math.sqrt(arithmetic(dtype).max) / 4 / reach)
    largest = max(map(float, grads.abs().flatten()), default=0.0)
    gradient = largest + decay * reach * (not options["decoupled_weight_decay"])
    unit, far = farthest(options, 100, gradient, steps, dtype)
    if unit > arithmetic(dtype).max / 4:
        options["eps"] = max(options["eps"], 1.0)
        unit, far = farthest(options, 100, gradient, steps, dtype)
    if far > reach:
        options["lr"] = (reach - 100) / (steps * unit)
    if options["lr"] * decay > 2:
        options["weight_decay"] = 2 / options["lr"]
    return options, start, grads, farthest(options, 100, gradient, steps, dtype)[1]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("seed", range(CONFIGURATIONS // PER_TEST // len(DTYPES)))
def test_finite_gradients_make_finite_state_and_bounded_parameters(seed, dtype):
    rng = random.Random(f"{seed} {dtype}")
    for _ in range(PER_TEST):
        options, start, grads, far = draw(rng, dtype)
        if rng.random() < 0.2:
            options["lr"] = torch.tensor(options["lr"], dtype=torch.float64)
        param = Parameter(start.clone())
        optimizer = RMSprop([param], **options)
        for grad in grads:
            assert grad.isfinite().all()
            param.grad = grad
            optimizer.step()
        for name, value in {"param": param, **optimizer.state[param]}.items():
            assert value.isfinite().all(), (name, value, options, start, grads)
        # Half as much again for rounding: of bfloat16, and of averages among the subnormals.
        assert (param.abs() <= 1.5 * far).all(), (param, far, options, start, grads)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_gradient_whose_square_overflows_stops_its_parameter_for_good_as_torchs(dtype):
    """Just outside the domain: v is infinite from then on, and every step is 0."""
    for cls in (RMSprop, torch.optim.RMSprop):
        param = Parameter(torch.ones(2, dtype=dtype))
        optimizer = cls([param], alpha=0.5)
        for grad in ([1e20, 1.0], [1.0, 1.0]):
            param.grad = torch.tensor(grad, dtype=dtype)
            optimizer.step()
        assert param[0] == 1
        assert param[1] < 1
