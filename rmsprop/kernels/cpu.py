"""The update rule on the CPU, compiled by Numba: all tensors of a batch in one pass over memory."""

import functools
import math
import os
import threading
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from llvmlite import ir
from numba import prange, types
from numba.extending import intrinsic
from torch import Tensor

from rmsprop.kernels.batch import Batch, Row

__all__ = ["is_usable", "step"]

# A number of each dtype as it lies in memory: of 16 bits Numba knows only integers. Numba takes far
# longer to recognize a type than a number that has it.
STORAGE = {
    torch.float32: np.float32(0),
    torch.float64: np.float64(0),
    torch.bfloat16: np.uint16(0),
    torch.float16: np.int16(0),
}
PARAM, GRAD, STEP, AVERAGE, GRAD_AVG, MOMENTUM_BUFFER = range(len(Row._fields))
# Elements that are worth another thread, as in torch.
GRAIN = 32768


def is_usable(device: torch.device, dtype: torch.dtype) -> bool:
    """Return whether `step` takes parameters of this device and dtype, in this process."""
    return device.type == "cpu" and dtype in STORAGE and not _Launches.lost_to_fork


def step(
    batch: Batch,
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

    The result is that of `rmsprop.kernels.eager.step` to rounding. Here every operation rounds to
    nearest, so that it does not depend on vector width or threads; torch's square root may be one
    unit in the last place off. Each buffer is read once and written once, nothing is allocated, and
    the elements are divided evenly among at most as many threads as torch uses.

    Args:
        batch: tensors on the CPU, of a dtype that `is_usable`.
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
        grad_scale: one-element tensor that gradients are divided by.
        found_inf: one-element tensor; unless it is 0, nothing happens.
    """
    if found_inf is not None and found_inf.item() != 0:
        return
    real = np.float64 if batch.dtype == torch.float64 else np.float32
    scale = 1.0 if grad_scale is None else grad_scale.double().reciprocal().item()
    rate = lr.item() if isinstance(lr, Tensor) else lr
    _launch(
        batch.addresses,
        batch.ends,
        STORAGE[batch.dtype],
        real(0),
        alpha,
        bias_correction,
        real(-scale if maximize else scale),
        real(weight_decay),
        weight_decay != 0 and not decoupled_weight_decay,
        real(1 - lr * weight_decay if decoupled_weight_decay else 1),
        True if centered else None,
        real(eps if eps_in_sqrt else 0),
        real(0 if eps_in_sqrt else eps),
        real(rate if lr_in_momentum else 1),
        real(momentum) if momentum > 0 else None,
        nesterov,
        real(1 if lr_in_momentum else rate),
    )


class _Launches:
    """What Numba's threads allow: one launch at a time, none in a child forked after a launch."""

    lock = threading.Lock()
    made = False
    lost_to_fork = False

    @classmethod
    def after_fork(cls) -> None:
        cls.lock = threading.Lock()
        cls.lost_to_fork = cls.made


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Launches.after_fork)


def _launch(addresses: Any, ends: Any, *arguments: Any) -> None:
    of_torch = torch.get_num_threads()
    wanted = min(of_torch, 1 + int(ends[-1]) // GRAIN)
    with _Launches.lock:
        _Launches.made = True
        before = numba.get_num_threads()
        threads = min(wanted, numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
        if threads != before:
            numba.set_num_threads(threads)
        try:
            _step(addresses, ends, threads, *arguments)
        finally:
            if threads != before:
                numba.set_num_threads(before)
            # Where both use OpenMP, Numba's first launch gives torch its number of threads too.
            if torch.get_num_threads() != of_torch:
                torch.set_num_threads(of_torch)


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    # The error model without ZeroDivisionError is what lets the loop become vector instructions.
    compile = functools.partial(numba.njit, parallel=True, nogil=True, error_model="numpy")
    try:
        return compile(cache=True)(function)
    except RuntimeError:  # no folder to write a cache to
        return compile()(function)


# Without an average of gradients or momentum the branches that touch their memory are not compiled.
@_compiled
def _step(
    addresses,
    ends,
    threads,
    storage,
    zero,
    alpha,
    bias_correction,
    sign,
    weight_decay,
    is_coupled,
    shrink,
    centered,
    eps_inside,
    eps_outside,
    lr_inside,
    momentum,
    nesterov,
    lr_outside,
):
    for thread in prange(threads):
        start = ends[-1] * thread // threads
        stop = ends[-1] * (thread + 1) // threads
        i = np.searchsorted(ends, start, side="right")
        while start < stop:
            first = start - (ends[i - 1] if i > 0 else 0)
            param = _pointer(addresses[i, PARAM], first, storage)
            grad = _pointer(addresses[i, GRAD], first, storage)
            average = _pointer(addresses[i, AVERAGE], first, zero)
            grad_avg = _pointer(addresses[i, GRAD_AVG], first, zero)
            momentum_buffer = _pointer(addresses[i, MOMENTUM_BUFFER], first, zero)
            alpha_t = alpha
            if bias_correction:
                t = _pointer(addresses[i, STEP], 0, np.float32(0))[0] + 1.0
                alpha_t = alpha * (1 - alpha ** (t - 1)) / (1 - alpha**t)
            old, new = _as(alpha_t, zero), _as(1 - alpha_t, zero)
            for j in range(min(stop, ends[i]) - start):
                w = _widen(param[j])
                g = sign * _widen(grad[j])
                # Chosen, not branched: the loop stays one of vector instructions.
                g = g + w * weight_decay if is_coupled else g
                if centered is not None:
                    d = g - grad_avg[j]
                    grad_avg[j] = grad_avg[j] + d * new
                    v = (average[j] + d * d * new) * old
                else:
                    v = average[j] * old + g * g * new
                average[j] = v
                root = math.sqrt(v + eps_inside) + eps_outside
                # A denominator of 0: the parameter stays.
                b = g / (_as(np.inf, zero) if root == zero else root) * lr_inside
                if momentum is not None:
                    u = b
                    b = u + momentum_buffer[j] * momentum
                    momentum_buffer[j] = b
                    b = u + b * momentum if nesterov else b
                param[j] = _narrow(w * shrink - b * lr_outside, storage)
            start = min(stop, ends[i])
            i += 1
    # Only now, since the threads that share a tensor read its step.
    for i in range(len(ends)):
        step = _pointer(addresses[i, STEP], 0, np.float32(0))
        step[0] += np.float32(1)


@intrinsic
def _pointer(_, address, index, like):
    """Point to an element of the array at an address, of numbers like this one."""
    result = types.CPointer(like)

    def generate(context, builder, signature, arguments):
        start = builder.inttoptr(arguments[0], context.get_value_type(result))
        return builder.gep(start, [arguments[1]])

    return result(types.int64, types.int64, like), generate


@intrinsic
def _as(_, number, like):
    """Return a number in the precision of another."""

    def generate(context, builder, signature, arguments):
        return context.cast(builder, arguments[0], number, like)

    return like(number, like), generate


@intrinsic
def _widen(_, number):
    """Return a stored number as one to compute with, exactly."""
    if isinstance(number, types.Float):
        return number(number), lambda context, builder, signature, arguments: arguments[0]
    bits32 = ir.IntType(32)

    def generate(context, builder, signature, arguments):
        if number == types.int16:
            half = builder.bitcast(arguments[0], ir.HalfType())
            return builder.fpext(half, ir.FloatType())
        bits = builder.shl(builder.zext(arguments[0], bits32), bits32(16))
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(number), generate


@intrinsic
def _narrow(_, number, storage):
    """Return a computed number as it is stored, rounded to nearest and in a tie to even."""
    signature = storage(number, storage)
    if isinstance(storage, types.Float):
        return signature, lambda context, builder, signature, arguments: arguments[0]
    bits32 = ir.IntType(32)

    def generate(context, builder, signature, arguments):
        if storage == types.int16:
            half = builder.fptrunc(arguments[0], ir.HalfType())
            return builder.bitcast(half, ir.IntType(16))
        bits = builder.bitcast(arguments[0], bits32)
        odd = builder.and_(builder.lshr(bits, bits32(16)), bits32(1))
        rounded = builder.add(bits, builder.add(odd, bits32(0x7FFF)))
        is_nan = builder.fcmp_unordered("uno", arguments[0], arguments[0])
        chosen = builder.select(is_nan, bits32(0x7FC00000), rounded)
        return builder.trunc(builder.lshr(chosen, bits32(16)), ir.IntType(16))

    return signature, generate
