"""What must hold of the CUDA kernel: on a GPU, or without one in Triton's interpreter.

`test_cuda.py` runs this file, in a process of its own: TRITON_INTERPRET is read when Triton is
imported.
"""

import contextlib
import math
import os

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rmsprop import equations
from rmsprop.kernels import cuda, rounding, triton_step
from rmsprop.kernels.batch import GRAD, Batch, Row

DEVICE = "cpu" if os.environ.get("TRITON_INTERPRET") == "1" else "cuda"
FLOAT32 = torch.finfo(torch.float32).eps
LENGTHS = [0, 1, 3, 4, cuda.CHUNK - 1, cuda.CHUNK, cuda.CHUNK + 1, 2 * cuda.CHUNK + 4]
MARGIN = 8


@pytest.fixture(autouse=True, scope="module")
def _cpu_in_the_place_of_a_gpu():
    with pytest.MonkeyPatch.context() as patch:
        if DEVICE == "cpu":
            patch.setattr(torch.cuda, "device", lambda _: contextlib.nullcontext())
            patch.setattr(
                cuda,
                "_on_device",
                lambda batch: tuple(
                    map(torch.from_numpy, (*cuda._tables(batch), batch.addresses[GRAD]))
                ),
            )
        yield


class Buffer:
    """Memory that begins at any element, with margins that nobody may write to."""

    def __init__(self, values, dtype, offset):
        start = MARGIN + offset
        self.memory = torch.full((start + len(values) + MARGIN,), 77.0, dtype=dtype, device=DEVICE)
        self.tensor = self.memory[start : start + len(values)]
        self.tensor.copy_(torch.as_tensor(values))
        self.outside = torch.ones(len(self.memory), dtype=torch.bool)
        self.outside[start : start + len(values)] = False

    def numpy(self):
        assert (self.memory.cpu()[self.outside] == 77).all()
        return self.tensor.double().cpu().numpy()


class Parameter:
    """A parameter and its state, anywhere in memory, with some zeros."""

    def __init__(self, rng, length, offset, dtype, t):
        def random(low, high):
            return np.where(rng.random(length) < 0.1, 0, rng.uniform(low, high, length))

        offsets = rng.integers(0, 4, 5) if offset == "any" else np.full(5, offset)
        self.buffers = [
            Buffer(random(low, high), dtype, offset)
            for low, high, dtype, offset in zip(
                (-2, -2, 0.1, -1, -1),
                (2, 2, 1, 1, 1),
                (dtype, dtype, *[torch.float32] * 3),
                offsets,
                strict=True,
            )
        ]
        self.step = Buffer([float(t)], torch.float32, 0)

    def addresses(self, options):
        tensors = [buffer.tensor for buffer in (*self.buffers, self.step)]
        param, grad, average, grad_avg, momentum_buffer, step = tensors
        row = Row(
            param=param,
            grad=grad,
            average=average,
            grad_avg=grad_avg if options["centered"] else None,
            momentum_buffer=momentum_buffer if options["momentum"] > 0 else None,
            step=step,
        )
        return [0 if tensor is None else tensor.data_ptr() for tensor in row]

    def bits(self):
        return [b.memory.clone() for b in (*self.buffers, self.step)]

    def numpy(self):
        return [buffer.numpy() for buffer in (*self.buffers, self.step)]

    def expected(self, options, nudge=0.0):
        """Return the next values, of a gradient that has a rounding error of this relative size."""
        param, grad, average, grad_avg, momentum_buffer, t = self.numpy()
        numbers = dict(options)
        unscaled = grad / numbers.pop("grad_scale", 1)
        grad = unscaled + nudge * (abs(unscaled) + numbers["weight_decay"] * abs(param))
        state = equations.State(average, grad_avg, average, momentum_buffer, t)
        param, state = equations.step(param, grad, state, **numbers)
        average = state.grad_var if options["centered"] else state.square_avg
        if options["momentum"] > 0:
            momentum_buffer = state.momentum_buffer
        return param, unscaled, average, state.grad_avg, momentum_buffer, state.t


def batch_of(parameters, options, dtype):
    return Batch(
        np.array([p.addresses(options) for p in parameters], dtype=np.int64).T.copy(),
        np.array([len(p.buffers[0].tensor) for p in parameters], dtype=np.int64),
        dtype,
        torch.device(DEVICE),
    )


def on_device(number, dtype=torch.float32, shape=()):
    return torch.full(shape, number, dtype=dtype, device=DEVICE)


class Prediction:
    """What float64 says that a step will do to a parameter, give or take float32's rounding."""

    def __init__(self, parameter, options):
        self.parameter = parameter
        before, self.wanted = parameter.numpy(), parameter.expected(options)
        sizes = [abs(old) + abs(new) for old, new in zip(before, self.wanted, strict=True)]
        sizes[0] += sizes[4] * (1 if options["lr_in_momentum"] else options["lr"])
        self.tolerances = [20 * FLOAT32 * size for size in sizes]
        for nudge in (-4 * FLOAT32, 4 * FLOAT32):
            nudged = parameter.expected(options, nudge)
            for tolerance, new, other in zip(self.tolerances, self.wanted, nudged, strict=True):
                tolerance += abs(other - new)

    def fits(self):
        """Return whether the parameter's dtype can hold what is predicted."""
        largest = torch.finfo(self.parameter.buffers[0].tensor.dtype).max
        return (abs(self.wanted[0]) < largest / 2).all()

    def check(self):
        buffers = (*self.parameter.buffers, self.parameter.step)
        for buffer, wanted, tolerance in zip(buffers, self.wanted, self.tolerances, strict=True):
            dtype, got = buffer.tensor.dtype, buffer.numpy()
            if dtype != torch.float32:
                tolerance = tolerance + torch.finfo(dtype).eps * abs(wanted)
            rounded = torch.from_numpy(wanted).to(dtype).double().numpy()
            close = (got == rounded) | (abs(got - wanted) <= tolerance)
            assert close.all(), (dtype, got[~close], wanted[~close])


OPTIONS = st.fixed_dictionaries(
    {
        "lr": st.sampled_from([0.0, 0.01, 0.3]),
        "alpha": st.sampled_from([0.0, 0.5, 0.99, 1 - 1e-6]),
        "eps": st.sampled_from([0.0, 1e-10, 1e-8, 0.1]),
        "weight_decay": st.sampled_from([0.0, 0.1]),
        "momentum": st.sampled_from([0.0, 0.9]),
        "centered": st.booleans(),
        "maximize": st.booleans(),
        "eps_in_sqrt": st.booleans(),
        "lr_in_momentum": st.booleans(),
        "decoupled_weight_decay": st.booleans(),
        "bias_correction": st.booleans(),
        "nesterov": st.booleans(),
    }
)


OFF = {
    **dict.fromkeys(["weight_decay", "momentum"], 0.0),
    **dict.fromkeys(["centered", "maximize", "eps_in_sqrt", "lr_in_momentum"], False),
    **dict.fromkeys(["decoupled_weight_decay", "bias_correction", "nesterov"], False),
}


@settings(max_examples=200)
@given(
    options=OPTIONS,
    lengths=st.lists(st.sampled_from(LENGTHS), min_size=1, max_size=4),
    offset=st.sampled_from([0, 0, 1, 4, "any"]),
    dtype=st.sampled_from(cuda.DTYPES),
    lr_dtype=st.sampled_from([None, torch.float32, torch.float64, torch.bfloat16]),
    grad_scale=st.sampled_from([None, 1024.0]),
    found_inf=st.sampled_from([None, 0.0]),
    seed=st.integers(0, 10**6),
)
def test_steps_are_those_of_the_equations(
    options, lengths, offset, dtype, lr_dtype, grad_scale, found_inf, seed
):
    rng = np.random.default_rng(seed)
    parameters = [Parameter(rng, n, offset, dtype, rng.choice([0, 1, 2, 1000])) for n in lengths]
    options["nesterov"] &= options["momentum"] > 0
    batch, arguments = batch_of(parameters, options, dtype), dict(options)
    if lr_dtype is not None:
        arguments["lr"] = on_device(options["lr"], lr_dtype, (1,))
        options["lr"] = arguments["lr"].item()
    if grad_scale is not None:
        arguments["grad_scale"], options["grad_scale"] = on_device(grad_scale), grad_scale
    if found_inf is not None:
        arguments["found_inf"] = on_device(found_inf)
    for _ in range(2):
        predictions = [Prediction(parameter, options) for parameter in parameters]
        assume(all(prediction.fits() for prediction in predictions))
        cuda.step(batch, (), **arguments)
        for prediction in predictions:
            prediction.check()


@pytest.mark.parametrize("found_inf", [1.0, 2.0])
@pytest.mark.parametrize("bias_correction", [False, True])
def test_where_an_infinity_was_found_nothing_changes(bias_correction, found_inf):
    options = OFF | {"lr": 0.1, "alpha": 0.9, "eps": 1e-8, "momentum": 0.9, "centered": True}
    options["bias_correction"] = bias_correction
    parameters = [
        Parameter(np.random.default_rng(i), n, i, torch.float32, i) for i, n in enumerate(LENGTHS)
    ]
    for parameter in parameters:
        parameter.buffers[1].tensor.fill_(torch.inf)
    before = [buffer.memory.clone() for p in parameters for buffer in (*p.buffers, p.step)]
    batch = batch_of(parameters, options, torch.float32)
    cuda.step(batch, (), **options, grad_scale=on_device(2.0), found_inf=on_device(found_inf))
    after = [buffer.memory for p in parameters for buffer in (*p.buffers, p.step)]
    assert all(map(torch.equal, before, after))


@pytest.mark.parametrize("eps", [0.0, 1e-46, 1e-40])
@pytest.mark.parametrize("eps_in_sqrt", [False, True])
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("grad", [0.0, 1e-30])
def test_where_the_denominator_is_0_the_parameter_stays(grad, centered, eps_in_sqrt, eps):
    options = OFF | {"lr": 0.1, "alpha": 0.9, "eps": eps, "centered": centered}
    options["eps_in_sqrt"] = eps_in_sqrt
    parameter = Parameter(np.random.default_rng(0), 9, 0, torch.float32, 0)
    for buffer, value in zip(parameter.buffers, (1, grad, 0, grad, 0), strict=True):
        buffer.tensor.fill_(value)
    cuda.step(batch_of([parameter], options, torch.float32), (), **options)
    param, average = parameter.buffers[0].numpy(), parameter.buffers[2].numpy()
    assert (average == 0).all()
    # Unless eps is one that float32 can tell from 0, and then the step is what it makes of it.
    denominator = np.float32(eps) ** (0.5 if eps_in_sqrt else 1)
    step = 0.1 * np.float32(grad) / denominator if denominator > 0 else 0
    np.testing.assert_allclose(param, 1 - step, rtol=1e-5)


# The interpreter's NumPy warns of the product with 0 that is then not chosen.
@pytest.mark.filterwarnings("ignore:invalid value encountered in multiply")
def test_weight_decay_of_0_does_not_touch_the_gradient_of_an_infinite_parameter():
    options = OFF | {"lr": 0.1, "alpha": 0.75, "eps": 0.0}
    parameter = Parameter(np.random.default_rng(0), 4, 0, torch.float32, 0)
    for buffer, value in zip(parameter.buffers, (torch.inf, 4, 0, 0, 0), strict=True):
        buffer.tensor.fill_(value)
    cuda.step(batch_of([parameter], options, torch.float32), (), **options)
    assert (parameter.buffers[0].numpy() == np.inf).all()
    assert (parameter.buffers[2].numpy() == 4).all()


@pytest.mark.parametrize("t", [1, 2, 3, 1000, 2**24 - 1])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.99, 1 - 1e-6])
def test_bias_is_corrected_to_all_digits_of_float32(alpha, t):
    options = OFF | {"lr": 0.1, "alpha": alpha, "eps": 1e-8, "bias_correction": True}
    parameter = Parameter(np.random.default_rng(0), 2, 0, torch.float32, t - 1)
    # Then the average becomes alpha_t in one place, and 1 - alpha_t in the other.
    parameter.buffers[1].tensor.copy_(torch.tensor([0.0, 1.0]))
    parameter.buffers[2].tensor.copy_(torch.tensor([1.0, 0.0]))
    cuda.step(batch_of([parameter], options, torch.float32), (), **options)
    beta = (1 - alpha) / -math.expm1(t * math.log1p(alpha - 1)) if alpha > 0 else 1.0
    np.testing.assert_allclose(parameter.buffers[2].numpy(), [1 - beta, beta], rtol=2 * FLOAT32)
    assert parameter.step.numpy() == t
    if t == 1:
        assert parameter.buffers[2].numpy().tolist() == [0, 1]


@pytest.mark.skipif(DEVICE == "cuda", reason="needs the interpreter")
@pytest.mark.parametrize("dtype", cuda.DTYPES, ids=str)
@pytest.mark.parametrize("misaligned", [None, *range(5)])
def test_wide_accesses_are_where_all_addresses_allow_them(monkeypatch, misaligned, dtype):
    def recorded(address, start, DTYPE, BLOCK, ALIGNED):
        wide.append(ALIGNED)
        if ALIGNED:
            first = address.handle.data.item() + start.handle.data.item() * DTYPE.itemsize
            assert first % (4 * DTYPE.itemsize) == 0
        return elements(address, start, DTYPE, BLOCK, ALIGNED)

    elements, wide = triton_step.elements, []
    monkeypatch.setattr(triton_step, "elements", recorded)
    options = OFF | {"lr": 0.1, "alpha": 0.9, "eps": 1e-8, "momentum": 0.9, "centered": True}
    for length, odd in ((cuda.CHUNK + 4, 0), (cuda.CHUNK + 1, 1)):
        wide.clear()
        parameter = Parameter(np.random.default_rng(0), length, 0, dtype, 0)
        if misaligned is not None:
            buffer = parameter.buffers[misaligned]
            parameter.buffers[misaligned] = Buffer(buffer.numpy(), buffer.tensor.dtype, 1)
        prediction = Prediction(parameter, options)
        cuda.step(batch_of([parameter], options, dtype), (), **options)
        prediction.check()
        # Five buffers; a misaligned chunk is done in two blocks.
        assert (
            wide
            == [misaligned is None] * 5 * (1 if misaligned is None else 2)
            + [misaligned is None and not odd] * 5
        )


def test_elements_beyond_2_to_the_31_are_found(monkeypatch):
    options = OFF | {"lr": 0.1, "alpha": 0.9, "eps": 1e-8, "momentum": 0.9, "centered": True}
    parameter = Parameter(np.random.default_rng(0), cuda.CHUNK + 5, 0, torch.bfloat16, 0)
    chunks = 2**32 // cuda.CHUNK

    def last_two_chunks_of_a_huge_parameter(batch):
        row = np.array([*batch.addresses[columns, 0], 2**32 + batch.lengths[0], -chunks])
        row[:4] -= 2**32 * np.array([2, 4, 4, 4])
        return row, np.array([0, 0])

    columns = [Row._fields.index(name) for name in cuda.ADDRESSES]
    batch = batch_of([parameter], options, torch.bfloat16)
    prediction = Prediction(parameter, options)
    # The first chunk of all, which counts, is not among them.
    prediction.wanted = (*prediction.wanted[:5], parameter.step.numpy())
    monkeypatch.setattr(cuda, "_tables", last_two_chunks_of_a_huge_parameter)
    cuda.step(batch.with_grads(batch.addresses[GRAD] - 2 * 2**32), (), **options)
    prediction.check()


@pytest.mark.parametrize("dtype", cuda.DTYPES, ids=str)
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [False, True])
@pytest.mark.parametrize("state_dtype", [None, torch.bfloat16], ids=str)
def test_the_trial_step_works(dtype, centered, momentum, state_dtype):
    assert cuda._works(torch.device(DEVICE), dtype, centered, momentum, state_dtype)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_state_in_bfloat16_is_that_in_float32_rounded(dtype, momentum, centered):
    options = OFF | {"lr": 0.1, "alpha": 0.9, "eps": 1e-8}
    options |= {"centered": centered, "momentum": momentum, "bias_correction": centered}
    buffers = [*(["grad_avg"] if centered else []), "average", *(["momentum"] if momentum else [])]
    place = {"average": 2, "grad_avg": 3, "momentum": 4}
    ours, theirs = (
        [Parameter(np.random.default_rng(n), n, n % 4, dtype, n) for n in (0, 4, cuda.CHUNK + 1)]
        for _ in range(2)
    )
    for mine, its in zip(ours, theirs, strict=True):
        for i in (2, 3, 4):
            mine.buffers[i] = Buffer(mine.buffers[i].numpy(), torch.bfloat16, i)
            its.buffers[i] = Buffer(mine.buffers[i].numpy(), torch.float32, i)
        mine.seed = on_device(len(its.step.numpy()), torch.int64)
    wide, narrow = batch_of(theirs, options, dtype), batch_of(ours, options, dtype)
    narrow.state_dtype = torch.bfloat16
    narrow.addresses[Row._fields.index("rounding_seed")] = [p.seed.data_ptr() for p in ours]
    cuda.step(wide, (), **options)
    cuda.step(narrow, (), **options)
    for mine, its in zip(ours, theirs, strict=True):
        assert mine.step.numpy() == its.step.numpy()
        assert torch.equal(mine.buffers[0].tensor, its.buffers[0].tensor)
        stored = {name: mine.buffers[place[name]].tensor for name in buffers}
        values = {name: its.buffers[place[name]].tensor for name in buffers}
        expected = {name: torch.empty_like(tensor) for name, tensor in stored.items()}
        rounding.store(expected, values, its.step.tensor[0], mine.seed)
        for name in buffers:
            assert torch.equal(stored[name], expected[name])
        for buffer in mine.buffers:
            buffer.numpy()
