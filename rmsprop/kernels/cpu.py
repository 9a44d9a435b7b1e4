"""The update rule on the CPU, compiled by Numba: all tensors of a batch in one pass over memory.

What is compiled is in `rmsprop.kernels.numba_step`.
"""

import functools
import hashlib
import platform
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
import torch
from llvmlite import binding
from numba.core.registry import cpu_target
from torch import Tensor
from torch.autograd.graph import increment_version

from rmsprop.kernels import batch, sources
from rmsprop.kernels.atomic import pause_address
from rmsprop.kernels.batch import Batch, Integers, Row
from rmsprop.kernels.lock import LOCK
from rmsprop.kernels.numba_step import read_addresses, rmsprop_step
from rmsprop.kernels.threads import in_threads
from rmsprop.kernels.warning import warn_once

__all__ = ["data_ptrs", "is_usable", "step"]

# A number of each dtype as it lies in memory: of 16 bits Numba knows only integers. Numba takes far
# longer to recognize a type than a number that has it.
STORAGE = {
    torch.float32: np.float32(0),
    torch.float64: np.float64(0),
    torch.bfloat16: np.uint16(0),
    torch.float16: np.int16(0),
}
# Elements that are worth a part of their own.
GRAIN = 32768
LEAST_NORMAL = sys.float_info.min
# Of a step that neither scales nor maximizes nor decays, with eps and lr where torch has them.
NO_EXTRAS = (False, 1, 1, False, 0, 1, 0, 1)


def is_usable(
    device: torch.device,
    dtype: torch.dtype,
    *,
    centered: bool,
    momentum: bool,
    state_dtype: torch.dtype | None = None,
) -> bool:
    """Return whether `step` takes parameters of this device and dtype, with these options.

    It compiles the kernel for them, once, or loads it. Where Numba fails a warning says why.
    """
    return (
        device.type == "cpu"
        and dtype in STORAGE
        and (dtype != torch.float16 or _has_halves())
        and _compiled(dtype, centered, momentum, state_dtype) is not None
    )


def step(
    batch: Batch,
    changed: Sequence[Tensor],
    *,
    centered: bool,
    lr: float | Tensor,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
    eps_in_sqrt: bool,
    lr_in_momentum: bool,
    decoupled_weight_decay: bool,
    bias_correction: bool,
    nesterov: bool,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
) -> None:
    """Step all tensors of a batch in place, and count the step.

    The result is that of `rmsprop.kernels.eager.step` to rounding; a state in bfloat16 is rounded
    as `rmsprop.kernels.rounding` does. Here every operation rounds to nearest, so that it does not
    depend on vector width or threads; torch's square root may be one unit in the last place off.
    Each buffer is read once and written once, nothing is allocated, and the elements are divided
    evenly among at most as many threads as torch uses.

    Args:
        batch: tensors on the CPU, of a dtype that `is_usable`.
        changed: those of them that the step changes, for autograd, which counts the changes.
        centered: whether the average is a `grad_var` beside a `grad_avg`.
        lr: as for `rmsprop.kernels.eager.step`, like all options without a word of their own here.
        alpha: smoothing constant; with `bias_correction` the one that it approaches.
        eps: see there.
        weight_decay: see there.
        momentum: see there; above 0, the batch must have momentum buffers.
        maximize: see there.
        eps_in_sqrt: see there.
        lr_in_momentum: see there.
        decoupled_weight_decay: see there.
        bias_correction: average with `rmsprop.equations.corrected_alpha` of each tensor's step.
        nesterov: see there.
        grad_scale: one-element tensor that gradients are divided by, also in memory.
        found_inf: one-element tensor; unless it is 0, nothing happens.
    """
    if found_inf is not None and found_inf.item() != 0:
        return
    loop = _compiled(batch.dtype, centered, momentum > 0, batch.state_dtype)
    assert loop is not None, "a batch must be of a kind that is_usable"
    real = np.float64 if batch.dtype == torch.float64 else np.float32
    scale = 1.0 if grad_scale is None else grad_scale.double().reciprocal().item()
    rate = float(lr)
    # Without momentum it is the same.
    is_rate_inside = lr_in_momentum and momentum > 0
    extras = (
        grad_scale is not None,
        real(scale),
        real(-1 if maximize else 1),
        bool(weight_decay != 0 and not decoupled_weight_decay),
        real(weight_decay),
        real(float(1 - lr * weight_decay) if decoupled_weight_decay else 1),
        real(eps if eps_in_sqrt else 0),
        real(rate if is_rate_inside else 1),
    )
    outside = real(0 if eps_in_sqrt else eps)
    parts = 1 + int(batch.ends[-1]) // GRAIN
    threads = min(torch.get_num_threads(), parts)
    progress = np.zeros(4, np.int64)
    arguments = (
        pause_address(),
        progress,
        min(parts, 16 * threads),
        batch.addresses,
        batch.ends,
        STORAGE[batch.dtype],
        real(0),
        real(0) if batch.state_dtype is None else STORAGE[batch.state_dtype],
        float(alpha),
        bool(bias_correction),
        outside,
        real(1 if is_rate_inside else rate),
        bool(nesterov),
        extras,
        bool(extras == NO_EXTRAS and outside >= np.finfo(real).tiny),
        True if centered else None,
        real(momentum) if momentum > 0 else None,
        None if batch.state_dtype is None else True,
    )
    as_host, as_guest = (True, *arguments), (False, *arguments)
    flushes, uncounted = LEAST_NORMAL * 0.5 == 0, iter(changed)

    def work(is_host: bool) -> None:
        if is_host:
            loop(*as_host)
            return
        if (LEAST_NORMAL * 0.5 == 0) != flushes:  # each thread has its own mode
            torch.set_flush_denormal(flushes)
        loop(*as_guest)

    in_threads(work, threads, lambda: increment_version(uncounted))


def data_ptrs(tensors: Sequence[Tensor]) -> Integers:
    """Return where tensors are: `rmsprop.kernels.batch.data_ptrs`, in a quarter of the time.

    Args:
        tensors: of such classes and dispatch keys that ``data_ptr()`` does not raise.
    """
    reader = _reader()
    if reader is None:
        return batch.data_ptrs(tensors)
    read, function = reader
    objects, found = np.fromiter(tensors, object, len(tensors)), np.empty(len(tensors), np.int64)
    read(function, objects.__array_interface__["data"][0], found)
    return found


@functools.cache
def _reader() -> tuple[Callable[..., None], int] | None:
    """Return the loop over the objects of tensors, and the function for each, where both work.

    The function is the one in C that torch's compiled programs call for ``data_ptr()``.
    """
    memory = torch.zeros(3, 5)
    tensors = [memory, torch.nn.Parameter(memory[1:, 2]), memory.t()[2:], torch.zeros(())]
    objects, found = np.fromiter(tensors, object, len(tensors)), np.empty(len(tensors), np.int64)
    try:
        function = int(getattr(torch._C._dynamo.guards, "_torchinductor_pyobject_tensor_data_ptr"))  # noqa: B009
        with LOCK:
            read = _jit(read_addresses, cached=_is_cached())
            read(function, objects.__array_interface__["data"][0], found)
    except Exception:  # it is private to torch
        return None
    return (read, function) if np.array_equal(found, batch.data_ptrs(tensors)) else None


@functools.cache
def _compiled(
    dtype: torch.dtype, centered: bool, momentum: bool, state_dtype: torch.dtype | None
) -> Callable[..., None] | None:
    """Return the loop when it is compiled for these, or None where Numba fails."""
    kind = dtype, centered, momentum, state_dtype
    try:
        with LOCK:
            return _tried(_jit(rmsprop_step, cached=True, kind=kind), *kind)
    except Exception as error:
        cause = error
    try:
        with LOCK:
            loop = _tried(_jit(rmsprop_step, cached=False), *kind)
    except Exception as error:
        warn_once(f"RMSprop steps without its fused kernel, because Numba fails here: {error!r}")
        return None
    warn_once(f"RMSprop compiles its kernel in every process, as Numba's cache fails: {cause!r}")
    return loop


@functools.cache
def _jit(
    function: Callable[..., None], cached: bool, kind: tuple[Any, ...] = ()
) -> Callable[..., None]:
    """Return a function as Numba compiles it, for arguments of one kind."""
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        raise RuntimeError("NUMBA_DISABLE_JIT is set")
    if cached:
        function.__qualname__ = f"{function.__name__}_{_cache_key(kind)}"
    # The error model without ZeroDivisionError is what lets the loop become vector instructions.
    compile = numba.njit(nogil=function is rmsprop_step, error_model="numpy", cache=cached)
    compiled: Callable[..., None] = compile(function)
    return compiled


def _cache_key(kind: tuple[Any, ...]) -> str:
    """Return what tells a compiled function from all that it must not be taken for.

    By its name Numba's cache finds it. Of what it was compiled from the cache itself compares only
    the file of the function; and where two processes write at a time what they compiled for other
    arguments, or on other processors, one may be given what is the other's.
    """
    processor = cpu_target.target_context.codegen().magic_tuple()
    key = sources.imported_digest(), kind, processor, numba.__version__
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]


def _is_cached() -> bool:
    """Return whether what is compiled is kept for other processes."""
    try:
        return bool(_cache_key(()))
    except Exception:
        return False


def _tried(
    loop: Callable[..., None],
    dtype: torch.dtype,
    centered: bool,
    momentum: bool,
    state_dtype: torch.dtype | None,
) -> Callable[..., None]:
    """Compile a loop, or load it from Numba's cache, by stepping no tensors."""
    real = np.float64(0) if dtype == torch.float64 else np.float32(0)
    # Open already, so that the guest that this is waits for no host.
    progress, nothing = np.array([1, 0, 0, 0]), np.zeros((len(Row._fields), 0), np.int64)
    loop(
        *(False, pause_address(), progress, 0, nothing, nothing[0]),
        *(STORAGE[dtype], real, real if state_dtype is None else STORAGE[state_dtype]),
        *(0.0, False, real, real, False),
        *((False, real, real, False, *[real] * 4), False),
        *(True if centered else None, real if momentum else None),
        None if state_dtype is None else True,
    )
    return loop


def _has_halves() -> bool:
    """Return whether the processor that Numba compiles for converts float16 by itself.

    Where it does not LLVM calls a function that is not there, and ends the process.
    """
    if platform.machine().lower() in ("arm64", "aarch64"):
        return True
    named = numba.config.CPU_FEATURES  # type: ignore[attr-defined]
    if named is not None:
        return "+f16c" in named.split(",")
    avx = bool(numba.config.ENABLE_AVX)  # type: ignore[attr-defined]
    return avx and bool(binding.get_host_cpu_features().get("f16c"))
