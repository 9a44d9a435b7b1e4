"""The CUDA kernel without a GPU: interpreted, compiled but not launched, and on its host side."""

import contextlib
import math
import os
import re
import subprocess
import sys
import weakref
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rmsprop.kernels import cuda, triton_step, warning
from rmsprop.kernels.batch import GRAD, Batch, Row

try:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.runtime import driver
    from triton.runtime.jit import JITFunction
except ModuleNotFoundError:
    triton = None

needs_triton = pytest.mark.skipif(not triton_step.IS_IEEE_754, reason="needs Triton 3.6")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")


# --- what it computes -------------------------------------------------------------------------


@needs_triton
@pytest.mark.parametrize(
    "interpret", ["1", pytest.param("0", marks=[pytest.mark.gpu, needs_cuda])], ids=["cpu", "gpu"]
)
def test_properties_hold(interpret):
    properties = Path(__file__).with_name("cuda_properties.py")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", properties],
        env=os.environ | {"TRITON_INTERPRET": interpret},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, run.stdout


# --- what it is compiled to -------------------------------------------------------------------

VARIANTS = {
    "uncentered": {"centered": False, "momentum": 0.0},
    "centered": {"centered": True, "momentum": 0.0},
    "momentum": {"centered": False, "momentum": 0.9},
    "all": {
        "centered": True,
        "momentum": 0.9,
        "nesterov": True,
        "bias_correction": True,
        "lr": torch.tensor(0.1),
        "grad_scale": torch.tensor(2.0),
        "found_inf": torch.tensor(0.0),
    },
}
OPTIONS = {
    "lr": 0.1,
    "alpha": 0.9,
    "eps": 1e-8,
    "weight_decay": 0.1,
    **dict.fromkeys(["maximize", "eps_in_sqrt", "lr_in_momentum"], False),
    **dict.fromkeys(["decoupled_weight_decay", "bias_correction", "nesterov"], False),
}
needs_compiler = pytest.mark.skipif(
    not triton_step.IS_IEEE_754 or os.environ.get("TRITON_INTERPRET") == "1",
    reason="needs Triton 3.6, and not its interpreter",
)


def batch_of(lengths, dtype=torch.float32, device="cpu", state_dtype=None):
    addresses = np.arange(len(Row._fields) * len(lengths)).reshape(-1, len(lengths))
    lengths = np.array(lengths, dtype=np.int64)
    return Batch(addresses, lengths, dtype, torch.device(device), state_dtype)


@pytest.fixture
def launches(monkeypatch, tmp_path):
    """Return a function that compiles, for a compute capability, what a step launches."""

    def compiled(capability, dtype, state_dtype=None, **options):
        kernels = []

        def compile_only(function, *args, grid, warmup, **kwargs):
            kernels.append(run(function, *args, grid=grid, warmup=True, **kwargs))

        run = JITFunction.run
        no_gpu = SimpleNamespace(
            get_current_device=lambda: capability,
            get_current_stream=lambda device: 0,
            get_current_target=lambda: GPUTarget("cuda", capability, 32),
        )
        with monkeypatch.context() as patch:
            patch.setenv("TRITON_CACHE_DIR", str(tmp_path))
            patch.setattr(driver, "_active", no_gpu)
            patch.setattr(JITFunction, "run", compile_only)
            patch.setattr(torch.cuda, "device", lambda _: contextlib.nullcontext())
            patch.setattr(
                cuda,
                "_on_device",
                lambda batch: tuple(
                    map(torch.from_numpy, (*cuda._tables(batch), batch.addresses[GRAD]))
                ),
            )
            batch = batch_of([3], dtype, state_dtype=state_dtype)
            cuda.step(batch, (), **OPTIONS | options)
        return kernels

    return compiled


def resources(kernel, folder):
    """Return the registers and the bytes of each kind of memory that a kernel needs."""
    path = folder / "kernel.cubin"
    path.write_bytes(kernel.asm["cubin"])
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    output = subprocess.run([tool, "-res-usage", path], capture_output=True, text=True, check=True)
    return {
        name: int(n) for name, n in re.findall(r"(REG|STACK|SHARED|LOCAL):(\d+)", output.stdout)
    }


@needs_compiler
@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize("dtype", cuda.DTYPES, ids=str)
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_aligned_tensors_are_read_and_written_once_in_wide_accesses(
    launches, tmp_path, variant, dtype, capability
):
    kernel = launches(capability, dtype, **variant)[-1]
    ptx = kernel.asm["ptx"]
    found = Counter(re.findall(r"\b(ld|st)\.global\.(v\d)\.b(\d+)", ptx))
    state = 1 + variant["centered"] + (variant["momentum"] > 0)
    # A thread has 8 elements: of float32 two accesses of 128 bits, of 16-bit types two of 64.
    expected = Counter({("ld", "v4", "32"): 2 * state, ("st", "v4", "32"): 2 * state})
    param = "v4" if dtype == torch.float32 else "v2"
    written = 1 + ("grad_scale" in variant)  # a gradient too, where it is unscaled
    expected.update({("ld", param, "32"): 4, ("st", param, "32"): 2 * written})
    assert found == expected
    # Nothing is exchanged between threads, and where a block begins is not a 32-bit number.
    assert not re.search(r"shared|shfl|bar\.", ptx)
    starts = r"tt\.addptr %\w+, %(?!c\d)\w+ : !tt\.ptr<b?f\d+>, i(\d+)"
    assert set(re.findall(starts, kernel.asm["ttir"])) == {"64"}
    # Without spilling, and with three programs at a time on a multiprocessor's 65,536 registers.
    used = resources(kernel, tmp_path)
    assert used["STACK"] == used["LOCAL"] == 0
    assert used["REG"] <= 80


@needs_compiler
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_state_in_bfloat16_has_accesses_of_half_the_width(launches, tmp_path, variant):
    count, kernel = launches(80, torch.float32, state_dtype=torch.bfloat16, **variant)
    assert count.metadata.name.startswith("rmsprop_count")
    found = Counter(re.findall(r"\bld\.global\.(v\d)\.b(\d+)", kernel.asm["ptx"]))
    state = 1 + variant["centered"] + (variant["momentum"] > 0)
    assert found == Counter({("v4", "32"): 4, ("v2", "32"): 2 * state})
    assert not re.search(r"shared|shfl|bar\.", kernel.asm["ptx"])
    # Random bits take registers: two programs at a time, where float32 has three.
    used = resources(kernel, tmp_path)
    assert used["STACK"] == used["LOCAL"] == 0
    assert used["REG"] <= 128


@needs_compiler
@pytest.mark.parametrize("capability", [80, 90])
def test_numbers_are_computed_as_ieee_754_says(launches, capability):
    ptx = launches(capability, torch.float32, **VARIANTS["all"])[-1].asm["ptx"]
    assert not re.search(r"\.approx|\.ftz|\.full|\bfma\b", ptx)
    assert "sqrt.rn.f32" in ptx
    assert "div.rn.f32" in ptx


@needs_compiler
@pytest.mark.parametrize("capability", [80, 90])
def test_one_launch_steps_a_batch_and_another_corrects_the_bias(launches, capability):
    (step,) = launches(capability, torch.float32, **VARIANTS["uncentered"])
    assert step.metadata.name == "rmsprop_step"
    correction, step = launches(capability, torch.float32, **VARIANTS["all"])
    assert (correction.metadata.name, step.metadata.name) == (
        "rmsprop_count_and_correct",
        "rmsprop_step",
    )
    assert {correction.src.signature[name] for name in ("alpha", "log_alpha")} == {"fp64"}
    assert "div.rn.f64" in correction.asm["ptx"]


@needs_compiler
def test_numbers_may_change_without_compiling_anew(launches):
    variants = [
        *({}, {"lr": 1, "alpha": 0, "eps": 0}, {"lr": torch.tensor(0.1, dtype=torch.float64)}),
        *({"maximize": True, "weight_decay": 0}, {"eps_in_sqrt": True}),
        {"decoupled_weight_decay": True, "lr": 16},
        {"lr": torch.ones(3)[1:2]},  # off any 16 bytes
    ]
    kernels = [
        launches(80, torch.float32, centered=False, momentum=0, **options)[-1]
        for options in variants
    ]
    # A number, a tensor in float64 or one in float32 as learning rate.
    assert len({kernel.hash for kernel in kernels}) == 3
    (aligned,) = launches(80, torch.float32, centered=False, momentum=0, lr=torch.ones(1))
    assert aligned.hash == kernels[-1].hash


# --- its host side ----------------------------------------------------------------------------


def test_import_needs_no_triton_and_imports_none():
    code = """
import sys
import rmsprop.kernels.cuda
assert "triton" not in sys.modules
sys.modules["triton"] = None
from rmsprop.kernels import triton_step
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_table_has_every_element_in_one_chunk():
    lengths = [3, 0, cuda.CHUNK, cuda.CHUNK + 1, 5 * cuda.CHUNK - 1]
    batch = batch_of(lengths)
    rows, row_of_chunk = cuda._tables(batch)
    rows = rows.reshape(len(lengths), -1)
    for j, name in enumerate(cuda.ADDRESSES):
        assert rows[:, j].tolist() == batch.addresses[Row._fields.index(name)].tolist()
    chunks = [max(1, math.ceil(n / cuda.CHUNK)) for n in lengths]
    assert rows[:, -2].tolist() == lengths
    assert rows[:, -1].tolist() == [sum(chunks[:i]) for i in range(len(chunks))]
    assert row_of_chunk.tolist() == [i for i, n in enumerate(chunks) for _ in range(n)]


@pytest.fixture
def copies(monkeypatch):
    """Let the CPU stand for the GPU: its stream, whether that is captured, and what was pinned."""
    gpu = SimpleNamespace(stream=0, capturing=False, pinned=[])

    def pin_memory(tensor):
        gpu.pinned.append(weakref.ref(tensor))
        return tensor

    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: gpu.capturing)
    monkeypatch.setattr(cuda, "_current_stream", lambda: gpu.stream)
    monkeypatch.setattr(torch.Tensor, "pin_memory", pin_memory)
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, device, non_blocking: tensor.clone())
    monkeypatch.setattr(cuda, "_captured", [])
    return gpu


def places(tensors):
    return [tensor.data_ptr() for tensor in tensors]


def test_tables_are_copied_once_for_all_places_of_gradients(copies):
    batch = batch_of([3])
    rows, row_of_chunk, grads = cuda._on_device(batch)
    assert places(cuda._on_device(batch)) == places((rows, row_of_chunk, grads))
    moved = batch.with_grads(np.array([77]))
    assert places(cuda._on_device(moved))[:2] == places((rows, row_of_chunk))
    assert (grads.tolist(), cuda._on_device(moved)[2].tolist()) == ([1], [77])
    assert len(copies.pinned) == 3
    assert places(cuda._on_device(batch_of([3])))[0] != rows.data_ptr()


def test_tables_live_as_long_as_what_they_were_copied_for(copies):
    batch = batch_of([3])
    tables = weakref.ref(cuda._on_device(batch)[0])
    moved = batch.with_grads(np.array([77]))
    elsewhere = weakref.ref(cuda._on_device(moved)[2])
    moved_again = moved.with_grads(np.array([78]))
    del moved
    assert elsewhere() is None
    del batch
    assert tables() is not None
    del moved_again
    assert tables() is None
    assert all(pinned() is None for pinned in copies.pinned)


def test_each_stream_has_tables_of_its_own(copies):
    batch = batch_of([3, 5000])
    first = cuda._on_device(batch)
    copies.stream = 1
    second = cuda._on_device(batch)
    assert [t.tolist() for t in first] == [t.tolist() for t in second]
    assert not {*places(first)} & {*places(second)}
    copies.stream = 0
    assert places(cuda._on_device(batch)) == places(first)


def test_graph_has_tables_of_its_own_and_their_source_is_kept(copies):
    batch = batch_of([3, 5000, 4])
    copies.capturing = True
    captured = cuda._on_device(batch)
    assert copies.pinned[0]() is not None
    copies.capturing = False
    outside = cuda._on_device(batch)
    assert [t.tolist() for t in outside] == [t.tolist() for t in captured]
    copies.capturing = True
    later = cuda._on_device(batch)
    assert len({*places(captured), *places(outside), *places(later)}) == 9
    assert [pinned() is None for pinned in copies.pinned] == [False, True, True, False]


@pytest.fixture
def gpu(monkeypatch):
    """Pretend that there is a GPU of a capability, on which a step counts if it works."""
    here = SimpleNamespace(device=torch.device("cuda", 0), capability=(9, 0), error=None, trials=0)

    def step(batch, changed, **options):
        here.trials += 1
        if here.error is not None:
            raise here.error
        here.count += 1

    def ones(shape, dtype, device):
        return torch.full(shape, 1, dtype=dtype)

    def zeros(shape, device):
        here.count = torch.full(shape, 0.0)
        return here.count

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: here.capturing)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: here.capability)
    monkeypatch.setattr(torch, "ones", ones)
    monkeypatch.setattr(torch, "zeros", zeros)
    monkeypatch.setattr(cuda, "step", step)
    monkeypatch.setattr(triton_step, "IS_IEEE_754", True)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(warning, "_said", set())
    here.capturing = False
    for cached in (cuda.available, cuda._works):
        cached.cache_clear()
    yield here
    for cached in (cuda.available, cuda._works):
        cached.cache_clear()


ON = {"centered": True, "momentum": False}


@pytest.mark.parametrize(
    ("capability", "usable"), [((8, 0), True), ((9, 0), True), ((7, 5), False)]
)
def test_usable_on_new_gpus(gpu, capability, usable):
    gpu.capability = capability
    assert cuda.is_usable(gpu.device, torch.bfloat16, **ON) == usable
    assert not cuda.is_usable(gpu.device, torch.float64, **ON)
    assert not cuda.is_usable(torch.device("cpu"), torch.float32, **ON)
    assert gpu.trials == usable


def test_not_usable_where_triton_interprets(gpu, monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert not cuda.is_usable(gpu.device, torch.float32, **ON)
    assert gpu.trials == 0


@pytest.mark.parametrize("capturing", [False, True])
def test_not_usable_with_a_triton_that_rounds_otherwise(gpu, monkeypatch, capturing):
    monkeypatch.setattr(triton_step, "IS_IEEE_754", False)
    gpu.capturing = capturing
    assert not cuda.is_usable(gpu.device, torch.float32, **ON)
    assert gpu.trials == 0


def test_a_kernel_that_cannot_be_compiled_is_tried_once_and_a_warning_says_why(gpu):
    gpu.error = RuntimeError("no ptxas")
    with pytest.warns(RuntimeWarning, match=r"because Triton fails here: RuntimeError\('no ptxas'"):
        assert not cuda.is_usable(gpu.device, torch.float32, **ON)
    assert not cuda.is_usable(gpu.device, torch.float32, **ON)
    assert gpu.trials == 1


def test_nothing_is_tried_while_a_graph_is_captured(gpu):
    gpu.capturing = True
    assert cuda.is_usable(gpu.device, torch.float32, **ON)
    assert gpu.trials == 0
