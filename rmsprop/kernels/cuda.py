"""The update rule on NVIDIA GPUs: every tensor of a batch in one launch and one pass over memory.

What runs on the device is in `rmsprop.kernels.triton_step`. float64 parameters are not supported:
they are rare on GPUs, and the kernel's numbers are float32.
"""

import functools
import math
import os
import sys
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.graph import increment_version

from rmsprop.kernels.batch import GRAD, Batch, Row
from rmsprop.kernels.warning import warn_once

__all__ = ["available", "is_usable", "step"]

DTYPES = (torch.float32, torch.bfloat16, torch.float16)

# The columns of the device's table, before the number of elements and the first chunk. Gradients
# are apart: a training loop moves them at every step, and nothing else.
ADDRESSES = ("param", "average", "grad_avg", "momentum_buffer", "step", "rounding_seed")
# Eight elements per thread: two 128-bit accesses per buffer of float32, in 80 registers at most.
# Of eleven pairs the fastest or within 2% of it on an H200: benchmarks/chunks.json.
CHUNK = 1024
WARPS = 4


def is_usable(
    device: torch.device,
    dtype: torch.dtype,
    *,
    centered: bool,
    momentum: bool,
    state_dtype: torch.dtype | None = None,
) -> bool:
    """Return whether `step` takes parameters of this device and dtype, with these options.

    Once for each kind it has Triton, of version 3.6 or newer, compile the kernel and step no
    element. Where that fails a warning says why.

    >>> is_usable(torch.device("cpu"), torch.float32, centered=False, momentum=False)
    False
    """
    if dtype not in DTYPES or not available(device):
        return False
    if torch.cuda.is_current_stream_capturing():  # a trial would become a part of the graph
        return _is_ieee_754()
    return _works(device, dtype, centered, momentum, state_dtype)


@functools.cache
def available(device: torch.device) -> bool:
    """Return whether there is a kernel for a device.

    Args:
        device: of any type.

    Returns:
        True for NVIDIA GPUs of compute capability 8.0 (Ampere, 2020) or newer, unless Triton
        interprets: its interpreter has no access to their memory.

    >>> available(torch.device("cpu"))
    False
    """
    return (
        device.type == "cuda"
        and torch.version.cuda is not None
        and torch.cuda.is_available()
        and torch.cuda.get_device_capability(device) >= (8, 0)
        and os.environ.get("TRITON_INTERPRET") != "1"
    )


def _is_ieee_754() -> bool:
    from rmsprop.kernels import triton_step

    return triton_step.IS_IEEE_754


@functools.cache
def _works(
    device: torch.device,
    dtype: torch.dtype,
    centered: bool,
    momentum: bool,
    state_dtype: torch.dtype | None,
) -> bool:
    """Return whether Triton compiles and launches the kernel, which needs a C compiler."""
    try:
        if not _is_ieee_754():
            return False
        seed = torch.ones((), dtype=torch.int64, device=device)
        count = torch.zeros((), device=device)
        addresses = np.zeros((len(Row._fields), 1), np.int64)
        addresses[Row._fields.index("step")] = count.data_ptr()
        addresses[Row._fields.index("rounding_seed")] = seed.data_ptr()
        step(
            Batch(addresses, np.zeros(1, np.int64), dtype, count.device, state_dtype),
            [count],
            centered=centered,
            momentum=0.5 if momentum else 0.0,
            lr=0.0,
            alpha=0.0,
            eps=0.0,
            weight_decay=0.0,
            maximize=False,
            eps_in_sqrt=False,
            lr_in_momentum=False,
            decoupled_weight_decay=False,
            bias_correction=False,
            nesterov=False,
        )
        return count.item() == 1
    except Exception as error:
        warn_once(f"RMSprop steps without its fused kernel, because Triton fails here: {error!r}")
        return False


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
    """Step the parameters and the state of a batch in place, and count the step.

    Equal to `rmsprop.kernels.eager.step` in float32, to rounding; a state in bfloat16 is rounded as
    `rmsprop.kernels.rounding` does. It is one launch, with `bias_correction` or such a state after
    a tiny one that counts the step. It never waits for the device, and what is given on the device
    is read there: a CUDA graph captures it, once a step outside has had Triton compile it.

    Args:
        batch: parameters of one of the `DTYPES` on a device that is `available`.
        changed: those of its tensors that the step changes, for autograd, which counts the changes.
        centered: whether the averages are `grad_var` and `grad_avg` instead of `square_avg`.
        lr: learning rate, a number or a one-element tensor; one on another device is read here.
        alpha: smoothing constant, before `bias_correction`.
        eps: added to the denominator; where that is 0 nevertheless, the parameter stays.
        weight_decay: see `decoupled_weight_decay`.
        momentum: factor of the momentum buffer; above 0 the batch has one.
        maximize: climb instead of descend.
        eps_in_sqrt: add `eps` inside the root.
        lr_in_momentum: put the learning rate into the momentum buffer.
        decoupled_weight_decay: shrink the parameter instead of adding the decay to the gradient.
        bias_correction: average with `rmsprop.equations.corrected_alpha`.
        nesterov: step along the buffer as it will be.
        grad_scale: what the gradients have been multiplied by, a one-element float32 tensor on the
            device, or None for 1. They are divided in memory too.
        found_inf: one-element float32 tensor on the device, or None; unless it is 0, nothing
            changes, the step count included.
    """
    from rmsprop.kernels import triton_step

    lr_tensor = None
    if isinstance(lr, Tensor):
        lr, lr_tensor = (0.0, lr) if lr.device == batch.device else (lr.item(), None)
    with torch.cuda.device(batch.device.index):
        rows, row_of_chunk, grads = _on_device(batch)
        n = len(batch.lengths)
        corrected = None
        if bias_correction:
            corrected = torch.empty(2 * n, dtype=torch.float32, device=batch.device)
            triton_step.rmsprop_count_and_correct[(n,)](
                rows,
                corrected,
                found_inf,
                alpha=float(alpha),
                log_alpha=math.log(max(alpha, sys.float_info.min)),
                num_warps=1,
            )
        elif batch.state_dtype is not None:
            triton_step.rmsprop_count[(n,)](rows, found_inf, num_warps=1)
        triton_step.rmsprop_step[(len(row_of_chunk),)](
            rows,
            row_of_chunk,
            grads,
            corrected,
            lr_tensor,
            grad_scale,
            found_inf,
            lr=float(lr),
            alpha=float(alpha),
            one_minus_alpha=1.0 - alpha,
            eps_inside=float(eps) if eps_in_sqrt else 0.0,
            eps_outside=0.0 if eps_in_sqrt else float(eps),
            coupled_decay=0.0 if decoupled_weight_decay else float(weight_decay),
            decoupled_decay=float(weight_decay) if decoupled_weight_decay else 0.0,
            momentum=float(momentum),
            sign=-1.0 if maximize else 1.0,
            DTYPE=triton_step.dtype_of(batch.dtype),
            STATE=triton_step.storage_of(batch.state_dtype),
            VARIANT=(bool(centered), momentum > 0, bool(lr_in_momentum), bool(nesterov)),
            CHUNK=CHUNK,
            num_warps=WARPS,
            enable_fp_fusion=False,  # or each variant would round otherwise
        )
    # While the device is at work.
    increment_version(changed)


def _tables(batch: Batch) -> tuple[NDArray[np.int64], ...]:
    """Return what `rmsprop.kernels.triton_step` describes: rows, and the row of every chunk."""
    # One even for no elements, because it is a chunk that counts the step.
    chunks = np.maximum(-(-batch.lengths // CHUNK), 1)
    columns = [batch.addresses[Row._fields.index(name)] for name in ADDRESSES]
    rows = np.column_stack([*columns, batch.lengths, np.cumsum(chunks) - chunks])
    return rows.ravel(), np.repeat(np.arange(len(rows)), chunks)


Sent = tuple[Tensor, ...]
# By batch and by the stream that they are for, whose memory would else be another's too soon.
_tables_of: WeakKeyDictionary[Batch, dict[int, Sent]] = WeakKeyDictionary()
_grads_of: WeakKeyDictionary[Batch, dict[int, Sent]] = WeakKeyDictionary()
_captured: list[Tensor] = []


def _on_device(batch: Batch) -> Sent:
    """Return a batch's rows, rows of chunks and gradients' addresses on its device, the current.

    They are copied once for each stream, from pinned memory and without waiting: the first two for
    all batches that differ in their gradients alone. Each lives as long as those it was copied for.

    During the capture of a CUDA graph nothing is copied yet: the copy becomes a part of the graph,
    done again at every replay. So what is copied then is nobody else's, and what was there before,
    which may be gone at a replay, is not used. The graph owns the memory it copies to; that it
    copies from must keep its content as long as the graph exists, which nobody tells us: it is kept
    for good, 72 bytes per parameter and 8 per chunk.
    """
    device, grads = batch.device, batch.addresses[GRAD]
    if torch.cuda.is_current_stream_capturing():
        return _sent([*_tables(batch), grads], device, _captured)
    stream = _current_stream()
    tables = _tables_of.setdefault(batch.first, {})
    if stream not in tables:
        tables[stream] = _sent(_tables(batch), device)
    places = _grads_of.setdefault(batch, {})
    if stream not in places:
        places[stream] = _sent([grads], device)
    return tables[stream] + places[stream]


def _sent(
    arrays: Sequence[NDArray[np.int64]], device: torch.device, keep: list[Tensor] | None = None
) -> Sent:
    """Return arrays on a device, sent in one copy from pinned memory, which is kept in a list."""
    pinned = torch.from_numpy(np.concatenate(arrays)).pin_memory()
    if keep is not None:
        keep.append(pinned)
    return pinned.to(device, non_blocking=True).split([*map(len, arrays)])


def _current_stream() -> int:
    """Return which stream is current, sooner than in an object."""
    return int(torch._C._cuda_getCurrentRawStream(torch.cuda.current_device()))
