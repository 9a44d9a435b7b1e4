"""The CPU kernel against the same operations in NumPy, bit for bit, and what it may not touch."""

import math
import os
import re
import resource
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import binding

from rmsprop import equations
from rmsprop.kernels import cpu, instructions, numba_step
from rmsprop.kernels.batch import Batch

DTYPES = list(cpu.STORAGE)
LENGTHS = (0, 1, 7, 1000, cpu.GRAIN - 1, cpu.GRAIN, 3 * cpu.GRAIN + 3)

numbers = st.fixed_dictionaries(
    {
        "lr": st.floats(0, 0.1),
        "alpha": st.floats(0, 0.999),
        "eps": st.sampled_from([0, 1e-40, 1e-8, 0.1]),
        "weight_decay": st.sampled_from([0, 0.1]),
        "momentum": st.sampled_from([0, 0.9]),
    }
)
switches = st.fixed_dictionaries(
    dict.fromkeys(
        (
            *("centered", "maximize", "eps_in_sqrt", "lr_in_momentum"),
            *("decoupled_weight_decay", "bias_correction", "nesterov"),
        ),
        st.booleans(),
    )
)


def state_dtype(dtype):
    return torch.promote_types(dtype, torch.float32)


class Tensors:
    """Tensors for a batch, each at an offset of its own into its memory."""

    def __init__(self, lengths, dtype, offset=0, seed=0):
        generator = torch.Generator().manual_seed(seed)

        def random(n, dtype):
            values = torch.randn(n + offset, generator=generator, dtype=torch.float64)
            return values.to(dtype)[offset:]

        self.dtype, self.lengths = dtype, lengths
        self.params = [random(n, dtype) for n in lengths]
        self.grads = [random(n, dtype) for n in lengths]
        self.steps = [torch.tensor(float(k)) for k in range(len(lengths))]
        wide = state_dtype(dtype)
        self.seeds = [torch.tensor(k) for k in range(len(lengths))]
        self.averages = [random(n, wide).square() for n in lengths]
        self.grad_avgs = [random(n, wide) for n in lengths]
        self.momentum_buffers = [random(n, wide) for n in lengths]

    def columns(self):
        return (
            *(self.params, self.grads, self.steps),
            *(self.averages, self.grad_avgs, self.momentum_buffers),
        )

    def batch(self):
        rows = zip(*self.columns(), self.seeds, strict=True)
        table = [[tensor.data_ptr() for tensor in row] for row in rows]
        lengths = np.array(self.lengths, dtype=np.int64)
        return Batch(np.array(table, np.int64).T.copy(), lengths, self.dtype, torch.device("cpu"))


@np.errstate(all="ignore")
def reference(tensors, *, lr, alpha, eps, weight_decay, momentum, **on):
    """Take the step in NumPy, one rounded operation at a time."""
    real = np.float64 if tensors.dtype == torch.float64 else np.float32
    for row in zip(*tensors.columns(), strict=True):
        step = row[2]
        step += 1
        t, a = step.item(), alpha
        if on["bias_correction"]:
            a = alpha * (1 - alpha ** (t - 1)) / (1 - alpha**t)
        old, new = real(a), real(1 - a)
        w, g = (tensor.to(state_dtype(tensors.dtype)).numpy() for tensor in row[:2])
        v, m, b = (tensor.numpy() for tensor in row[3:])
        g = -g if on["maximize"] else g
        if on["decoupled_weight_decay"]:
            shrunk = w * real(1 - lr * weight_decay)
        else:
            shrunk = w
            g = g + w * real(weight_decay) if weight_decay else g
        if on["centered"]:
            d = g - m
            m[:] = m + d * new
            v[:] = (v + d * d * new) * old
        else:
            v[:] = v * old + g * g * new
        root = np.sqrt(v + real(eps)) if on["eps_in_sqrt"] else np.sqrt(v) + real(eps)
        update = g / np.where(root == 0, real(np.inf), root)
        if on["lr_in_momentum"]:
            update = update * real(lr)
        if momentum:
            b[:] = update + b * real(momentum)
            update = update + b * real(momentum) if on["nesterov"] else b
        if not on["lr_in_momentum"]:
            update = update * real(lr)
        row[0].copy_(torch.from_numpy(np.asarray(shrunk - update)))


def assert_identical(ours, theirs):
    for mine, its in zip(ours.columns(), theirs.columns(), strict=True):
        for a, b in zip(mine, its, strict=True):
            assert a.dtype == b.dtype
            assert torch.equal(a.nan_to_num(7), b.nan_to_num(7))
            assert torch.equal(a.isnan(), b.isnan())


# --- the arithmetic ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@settings(max_examples=30)
@given(
    lengths=st.lists(st.sampled_from(LENGTHS), min_size=1, max_size=5),
    offset=st.integers(0, 5),
    threads=st.sampled_from([1, 2, 5]),
    numbers=numbers,
    switches=switches,
)
def test_step_is_bit_for_bit_that_of_numpy(dtype, lengths, offset, threads, numbers, switches):
    ours, theirs = (Tensors(lengths, dtype, offset) for _ in range(2))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for _ in range(2):
            cpu.step(ours.batch(), (), **numbers, **switches)
            reference(theirs, **numbers, **switches)
    finally:
        torch.set_num_threads(before)
    assert_identical(ours, theirs)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [0, 0.9])
def test_a_step_with_options_that_change_nothing_is_bit_for_bit_that_without(
    dtype, centered, momentum, monkeypatch
):
    options = OFF | {"centered": centered, "momentum": momentum}
    plain, general = (Tensors(LENGTHS, dtype) for _ in range(2))
    for tensors in plain, general:
        tensors.grads[3][::7], tensors.averages[3][::5] = 0, 0
        tensors.grads[3][1], tensors.averages[3][2], tensors.grads[3][3] = math.inf, math.nan, 1e-6
    for tensors, extras in ((plain, cpu.NO_EXTRAS), (general, None)):
        monkeypatch.setattr(cpu, "NO_EXTRAS", extras)
        cpu.step(tensors.batch(), (), **options)
    assert_identical(plain, general)


@pytest.mark.parametrize("eps", [0, 1e-40])
def test_where_the_denominator_is_zero_the_parameter_stays(eps):
    tensors = Tensors([100], torch.float32)
    before = tensors.params[0].clone()
    tensors.grads[0].zero_()
    tensors.averages[0].zero_()
    flushes = torch.tensor(1e-40) * 1 == 0
    torch.set_flush_denormal(True)
    try:
        cpu.step(tensors.batch(), (), **OFF | {"eps": eps})
    finally:
        torch.set_flush_denormal(bool(flushes))
    assert torch.equal(tensors.params[0], before)


@given(numbers=numbers, switches=switches)
def test_step_in_float64_is_that_of_the_equations(numbers, switches):
    switches |= {"nesterov": switches["nesterov"] and numbers["momentum"] > 0}
    tensors = Tensors([5], torch.float64)
    state = equations.State.start((5,))
    for column in tensors.columns()[2:]:
        column[0].zero_()
    param = tensors.params[0].numpy().copy()
    for seed in range(3):
        grad = np.random.default_rng(seed).normal(size=5)
        tensors.grads[0].copy_(torch.from_numpy(grad))
        param, state = equations.step(param, grad, state, **numbers, **switches)
        cpu.step(tensors.batch(), (), **numbers, **switches)
    np.testing.assert_allclose(tensors.params[0].numpy(), param, rtol=1e-12, atol=1e-12)
    assert tensors.steps[0] == 3


OFF = {
    "centered": False,
    "lr": 0.1,
    "alpha": 0.9,
    "eps": 1e-8,
    "weight_decay": 0,
    "momentum": 0,
    "maximize": False,
    "eps_in_sqrt": False,
    "lr_in_momentum": False,
    "nesterov": False,
    "decoupled_weight_decay": False,
    "bias_correction": False,
}


def all_numbers(dtype):
    """Every number of 16 bits."""
    return torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_every_gradient_of_16_bits_is_read_exactly(dtype):
    tensors = Tensors([2**16], dtype)
    tensors.grads[0].copy_(all_numbers(dtype))
    cpu.step(tensors.batch(), (), **OFF | {"alpha": 0})
    expected = all_numbers(dtype).float().square()
    torch.testing.assert_close(tensors.averages[0], expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("lr", [0.0, 1e-3, 0.0625 + 2**-12, 3.0])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_every_parameter_of_16_bits_is_rounded_as_torch_rounds(dtype, lr):
    tensors = Tensors([2**16], dtype)
    tensors.params[0].copy_(all_numbers(dtype))
    tensors.grads[0].fill_(1)
    cpu.step(tensors.batch(), (), **OFF | {"lr": lr, "alpha": 0, "eps": 0})
    expected = (all_numbers(dtype).float() - np.float32(lr)).to(dtype)
    torch.testing.assert_close(tensors.params[0], expected, rtol=0, atol=0, equal_nan=True)


def test_a_scale_divides_and_an_infinity_found_stops_the_step():
    scaled, plain = Tensors([9], torch.float32), Tensors([9], torch.float32)
    scaled.grads[0] *= 1024
    before = Tensors([9], torch.float32)
    before.grads[0] *= 1024
    cpu.step(scaled.batch(), (), grad_scale=torch.tensor(1024.0), found_inf=torch.ones(1), **OFF)
    assert_identical(scaled, before)
    cpu.step(scaled.batch(), (), grad_scale=torch.tensor(1024.0), found_inf=torch.zeros(1), **OFF)
    cpu.step(plain.batch(), (), **OFF)
    assert_identical(scaled, plain)


def test_an_element_beyond_two_to_the_31_is_found():
    values = np.arange(4, dtype=np.float32)
    far = 2**33

    @cpu.numba.njit
    def read(address, index):
        return instructions.pointer(address, index, np.float32(0))[0]

    assert read(values.ctypes.data - 4 * far, far + 2) == 2


# --- memory, threads, processes ---------------------------------------------------------------


def test_a_step_allocates_no_memory():
    tensors = Tensors([5_000_000], torch.float32)
    small = Tensors([9], torch.float32)
    cpu.step(small.batch(), (), **OFF)  # compiled before
    batch = tensors.batch()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu.step(batch, (), **OFF)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 4000  # kilobytes; one temporary has 20,000


def test_threads_may_step_at_the_same_time():
    together = [Tensors([50_000], torch.float32, seed=k) for k in range(4)]
    alone = [Tensors([50_000], torch.float32, seed=k) for k in range(4)]
    threads = [
        threading.Thread(target=lambda t=t: [cpu.step(t.batch(), (), **OFF) for _ in range(20)])
        for t in together
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ours, theirs in zip(together, alone, strict=True):
        for _ in range(20):
            cpu.step(theirs.batch(), (), **OFF)
        assert_identical(ours, theirs)


THREADS = """
import torch, rmsprop
w = torch.nn.Parameter(torch.ones(200_000))
w.grad = torch.ones_like(w)
rmsprop.RMSprop([w], fused=True).step()
print(torch.get_num_threads())
"""


def test_a_step_leaves_the_threads_of_torch_as_they_were():
    done = subprocess.run(
        [sys.executable, "-c", THREADS],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\n"


FORK = """
import os, numba, numpy, torch, rmsprop

@numba.njit(parallel=True)
def of_the_user(n):
    total = 0
    for i in numba.prange(n):
        total += i
    return total

def trained():
    torch.set_num_threads(1)  # torch's own threads do not outlive a fork
    w = torch.nn.Parameter(torch.ones(2_000_000))
    w.grad = torch.ones_like(w)
    optimizer = rmsprop.RMSprop([w], fused=True)
    optimizer.step()
    torch.set_num_threads(2)
    optimizer.step()
    torch.set_num_threads(1)
    return w.detach()

expected = trained()
of_the_user(1000)
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(trained(), expected) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_a_forked_process_steps_with_the_kernel_whatever_ran_before():
    done = subprocess.run([sys.executable, "-c", FORK], timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


EXTRAS = (False, *[np.float32(1)] * 2, False, *[np.float32(1)] * 4)


def compiled(centered, momentum, rounds):
    """Return the loop compiled for these, from no cache, which has no code to look at."""
    loop = cpu.numba.njit(error_model="numpy")(numba_step.rmsprop_step)
    tensors, zero, one = Tensors([100], torch.float32), np.float32(0), np.float32(1)
    batch, state = tensors.batch(), np.uint16(0) if rounds else zero
    loop(
        *(True, 0, np.zeros(4, np.int64), 1, batch.addresses, batch.ends),
        *(zero, zero, state, 0.9, False),
        *(one, one, False, EXTRAS, False, centered, momentum, rounds),
    )
    return loop


@pytest.mark.parametrize("centered", [None, True])
@pytest.mark.parametrize("momentum", [None, np.float32(0.9)])
@pytest.mark.parametrize("rounds", [None, True])
def test_loop_is_compiled_to_vector_instructions(centered, momentum, rounds):
    (code,) = compiled(centered, momentum, rounds).inspect_llvm().values()
    assert re.search(r"<\d+ x float> @llvm.sqrt", code)
    assert re.search(r"fdiv <\d+ x float>", code)
    assert "vector.memcheck" not in code  # whether tensors overlap: no two do
    if rounds:
        assert re.search(r"mul <\d+ x i32>", code)
        assert not re.search(r"mul <\d+ x i64>", code)


@pytest.mark.parametrize("centered", [None, True])
@pytest.mark.parametrize("momentum", [None, np.float32(0.9)])
@pytest.mark.parametrize(("rounds", "lines"), [(None, 2), (True, 1)])
def test_every_line_of_a_block_is_asked_for(centered, momentum, rounds, lines):
    (code,) = compiled(centered, momentum, rounds).inspect_llvm().values()
    buffers = 1 + bool(centered) + (momentum is not None)
    times, rest = divmod(code.count("call void @llvm.prefetch"), 2 * 2 + lines * buffers)
    assert times in (1, 2)  # loops, one of them for steps without extras
    assert rest == 0


HAS_512_BITS = binding.get_host_cpu_features().get("avx512f", False)


@pytest.mark.skipif(not HAS_512_BITS, reason="needs a processor with vectors of 512 bits")
@pytest.mark.parametrize("centered", [None, True])
@pytest.mark.parametrize("momentum", [None, np.float32(0.9)])
def test_loop_that_rounds_has_the_widest_vectors(centered, momentum):
    (code,) = compiled(centered, momentum, True).inspect_asm().values()
    assert re.search(r"vsqrtps\s.*%zmm", code)
    assert re.search(r"vpmulld\s.*%zmm", code)
    assert not re.search(r"vsqrtps\s.*%ymm", code)


@pytest.mark.skipif(not HAS_512_BITS, reason="needs a processor with vectors of 512 bits")
@pytest.mark.parametrize("centered", [None, True])
def test_a_loop_that_does_not_round_has_vectors_of_the_width_that_llvm_prefers(centered):
    @cpu.numba.njit
    def roots(numbers):
        for i in range(len(numbers)):
            numbers[i] = np.sqrt(numbers[i])

    roots(np.ones(8, np.float32))
    ours, theirs = (
        {*re.findall(r"vsqrtps\s.*%([yz])mm", *loop.inspect_asm().values())}
        for loop in (compiled(centered, None, None), roots)
    )
    assert max(ours) == max(theirs)


def started(is_host, progress, tensors):
    """Let a thread begin its share of two parts of a step with alpha 0 and rate 1."""
    loop = cpu._compiled(torch.float32, centered=False, momentum=False, state_dtype=None)
    batch, one, zero = tensors.batch(), np.float32(1), np.float32(0)
    numbers = (zero, zero, 0.0, False, zero, one, False)
    arguments = (is_host, 0, progress, 2, batch.addresses, batch.ends, zero, *numbers)
    thread = threading.Thread(target=loop, args=(*arguments, EXTRAS, False, None, None, None))
    thread.start()
    return thread


def test_host_stays_until_the_last_guest_has_done_its_part():
    tensors = Tensors([100], torch.float32)
    before = tensors.params[0].clone()
    progress = np.array([0, 1, 0, 0])  # somebody is at work on the first part
    host = started(True, progress, tensors)
    host.join(0.5)
    changed = tensors.params[0] != before
    assert host.is_alive()
    assert changed[50:].all()
    assert not changed[:50].any()
    progress[numba_step.FINISHED] = 1
    host.join(10)
    assert not host.is_alive()


def test_guest_touches_nothing_before_the_host_has_begun():
    tensors = Tensors([100], torch.float32)
    before, progress = tensors.params[0].clone(), np.zeros(4, np.int64)
    guest = started(False, progress, tensors)
    guest.join(10)
    assert not guest.is_alive()
    assert torch.equal(tensors.params[0], before)
    assert not progress.any()


def test_root_of_a_denormal_is_no_zero():
    tensors = Tensors([1], torch.float32)
    tensors.averages[0].zero_()
    tensors.grads[0].fill_(1e-22)
    cpu.step(tensors.batch(), (), **OFF | {"eps": 0, "alpha": 0})
    assert math.isfinite(tensors.params[0].item())
