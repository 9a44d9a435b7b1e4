"""The device side of `rmsprop.kernels.cuda`: functions for Triton to compile.

The host side imports this module at the first step. Where Triton is not installed it can be
imported nevertheless, to be read.

Of a batch they are given a table of int64. A row of it describes a parameter: the addresses of the
parameter, its average, `grad_avg`, momentum buffer, step count and seed; the number of elements;
and the first of the chunks that it was cut into, counted over the batch. The addresses of the
gradients, which move, are a table of their own. One program steps one chunk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

__all__ = ["IS_IEEE_754", "dtype_of", "rmsprop_count_and_correct", "rmsprop_step"]

# mypy: disable-error-code="no-untyped-def"

try:
    import triton
    import triton.language as tl

    jit: Callable[..., Any] = triton.jit
    version = tuple(map(int, triton.__version__.split(".")[:2]))
except ModuleNotFoundError:
    version = (0, 0)

    def jit(function: Any = None, **_: Any) -> Any:
        """Return the function as it is: not to be called."""
        return jit if function is None else function


# Versions before flush subnormal roots and quotients to 0, or hand no tuple on to a function.
IS_IEEE_754 = version >= (3, 6)


def dtype_of(dtype: torch.dtype) -> Any:
    """Return what Triton calls a dtype of torch's."""
    return getattr(tl, str(dtype).removeprefix("torch."))


def storage_of(state_dtype: torch.dtype | None) -> Any:
    """Return what Triton calls the numbers that a state is stored in: float32, or 16 bits."""
    return tl.float32 if state_dtype is None else tl.uint16


# Where single numbers lie must not matter: a kernel compiled anew for an odd address would be so in
# the midst of training, or within the capture of a graph, which then fails.
@jit(do_not_specialize_on_alignment=["grads", "lr_tensor", "grad_scale", "found_inf"])
def rmsprop_step(
    rows,
    row_of_chunk,
    grads,
    corrected,
    lr_tensor,
    grad_scale,
    found_inf,
    lr,
    alpha,
    one_minus_alpha,
    eps_inside,
    eps_outside,
    coupled_decay,
    decoupled_decay,
    momentum,
    sign,
    DTYPE: tl.constexpr,
    STATE: tl.constexpr,
    VARIANT: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Step one chunk of one parameter, and where it is the first count the parameter's step.

    It is counted before where all chunks need the count: for the averages' alpha, or for random
    bits. `DTYPE` is the parameter's, `STATE` how its state is stored; `VARIANT` says whether there
    are `centered`, `momentum`, `lr_in_momentum` and `nesterov`. Gradients that are scaled are
    divided in memory too.
    """
    if found_inf is not None and tl.load(found_inf) != 0:
        return
    program = tl.program_id(0)
    i = tl.load(row_of_chunk + program)
    row = rows + 8 * i
    chunk = program - tl.load(row + 7)
    if corrected is not None:
        alpha = tl.load(corrected + 2 * i)
        one_minus_alpha = tl.load(corrected + 2 * i + 1)
    key = 0
    if STATE.itemsize == 2:
        key = random_key(row)
    if lr_tensor is not None:
        lr = tl.load(lr_tensor).to(tl.float32)
    UNSCALE: tl.constexpr = grad_scale is not None
    unscale = 1.0
    if UNSCALE:
        unscale = tl.div_rn(1.0, tl.load(grad_scale))
    numbers = (
        unscale,
        sign,
        coupled_decay,
        1 - lr * decoupled_decay,
        alpha,
        one_minus_alpha,
        eps_inside,
        eps_outside,
        momentum,
        lr,
    )
    param, grad, average = tl.load(row), tl.load(grads + i), tl.load(row + 1)
    grad_avg, momentum_buffer = tl.load(row + 2), tl.load(row + 3)
    addresses = (param, grad, average, grad_avg, momentum_buffer)
    TYPES: tl.constexpr = (DTYPE, STATE)
    start = chunk * CHUNK
    end = tl.minimum(start + CHUNK, tl.load(row + 6))
    aligned = (param | grad | average | grad_avg | momentum_buffer) % 16 == 0
    if aligned & (end % 4 == 0):
        step_block(
            addresses, start, end // 4 * 4, key, numbers, TYPES, VARIANT, UNSCALE, CHUNK, True
        )
    else:
        # Blocks of another length, so that Triton does not lay them out for 128-bit accesses too
        # and then has to exchange the results between threads before it can store them.
        BLOCK: tl.constexpr = CHUNK // 2
        while start < end:
            step_block(addresses, start, end, key, numbers, TYPES, VARIANT, UNSCALE, BLOCK, False)
            start += BLOCK
    COUNTS: tl.constexpr = corrected is None and STATE.itemsize == 4
    if COUNTS and chunk == 0:  # at the end, so that no load waits for it
        count_step(row)


@jit
def step_block(
    addresses,
    start,
    end,
    key,
    numbers,
    TYPES: tl.constexpr,
    VARIANT: tl.constexpr,
    UNSCALE: tl.constexpr,
    BLOCK: tl.constexpr,
    ALIGNED: tl.constexpr,
):
    """Step the elements from `start` on, before `end`: `rmsprop.kernels.eager.step`, fused."""
    DTYPE: tl.constexpr = TYPES[0]
    STATE: tl.constexpr = TYPES[1]
    CENTERED: tl.constexpr = VARIANT[0]
    MOMENTUM: tl.constexpr = VARIANT[1]
    LR_IN_MOMENTUM: tl.constexpr = VARIANT[2]
    NESTEROV: tl.constexpr = VARIANT[3]
    param_at, grad_at, average_at, grad_avg_at, momentum_buffer_at = addresses
    unscale, sign, coupled_decay, shrink, alpha, one_minus_alpha = numbers[:6]
    eps_inside, eps_outside, momentum, lr = numbers[6:]
    inside = tl.arange(0, BLOCK) < end - start
    param_at = elements(param_at, start, DTYPE, BLOCK, ALIGNED)
    grad_at = elements(grad_at, start, DTYPE, BLOCK, ALIGNED)
    average_at = elements(average_at, start, STATE, BLOCK, ALIGNED)
    param = tl.load(param_at, inside).to(tl.float32)
    grad = tl.load(grad_at, inside).to(tl.float32)
    if UNSCALE:
        grad = grad * unscale
        tl.store(grad_at, grad.to(DTYPE), inside)
    grad = grad * sign
    average = widened(tl.load(average_at, inside), STATE)
    if CENTERED:
        grad_avg_at = elements(grad_avg_at, start, STATE, BLOCK, ALIGNED)
        grad_avg = widened(tl.load(grad_avg_at, inside), STATE)
    if MOMENTUM:
        momentum_buffer_at = elements(momentum_buffer_at, start, STATE, BLOCK, ALIGNED)
        momentum_buffer = widened(tl.load(momentum_buffer_at, inside), STATE)
    # The k-th buffer, in the order of the state, takes the k-th 16 bits.
    word, second, third = key, key, key
    if STATE.itemsize == 2:
        word = mixed((start + tl.arange(0, BLOCK)).to(tl.uint32) ^ key)
        second = (word ^ (word >> 16)) << 16
        third = mixed(word) if CENTERED else second

    grad = tl.where(coupled_decay == 0, grad, grad + coupled_decay * param)
    param = param * shrink
    if CENTERED:
        deviation = grad - grad_avg
        grad_avg = grad_avg + deviation * one_minus_alpha
        tl.store(grad_avg_at, kept(grad_avg, word, STATE), inside)
        average = (average + deviation * deviation * one_minus_alpha) * alpha
    else:
        average = average * alpha + grad * grad * one_minus_alpha
    tl.store(average_at, kept(average, second if CENTERED else word, STATE), inside)
    denominator = tl.sqrt_rn(average + eps_inside) + eps_outside
    update = tl.div_rn(grad, tl.where(denominator == 0, float("inf"), denominator))
    if LR_IN_MOMENTUM:
        update = update * lr
    if MOMENTUM:
        momentum_buffer = update + momentum * momentum_buffer
        tl.store(momentum_buffer_at, kept(momentum_buffer, third, STATE), inside)
        update = update + momentum * momentum_buffer if NESTEROV else momentum_buffer
    if not LR_IN_MOMENTUM:
        update = update * lr
    tl.store(param_at, (param - update).to(DTYPE), inside)


@jit
def elements(address, start, DTYPE: tl.constexpr, BLOCK: tl.constexpr, ALIGNED: tl.constexpr):
    """Return pointers to the elements of one buffer.

    Aligned, a thread is given four neighbors of every buffer: 128 bits of float32. Eight, which
    would be 128 bits of a 16-bit type, would have to change threads where they meet the state.
    """
    pointer = address.to(tl.pointer_type(DTYPE)) + start
    if ALIGNED:
        pointer = tl.multiple_of(pointer, 4 * DTYPE.itemsize)
    return pointer + tl.arange(0, BLOCK)


@jit
def widened(number, STATE: tl.constexpr):
    """Return a stored number as one to compute with."""
    if STATE.itemsize == 2:
        number = (number.to(tl.uint32) << 16).to(tl.float32, bitcast=True)
    return number


@jit
def kept(number, word, STATE: tl.constexpr):
    """Return a computed number as it is stored: `rmsprop.kernels.rounding`, by the upper bits."""
    if STATE.itemsize == 2:
        rounded = (number.to(tl.uint32, bitcast=True) + (word >> 16)) >> 16
        number = tl.where(number == number, rounded, 0x7FC0).to(tl.uint16)
    return number


@jit
def mixed(word):
    """Return the hash of `rmsprop.kernels.rounding`, with its numbers."""
    word = word * 0x6EFA4E2D
    word = word ^ (word >> 16)
    return word * 0x9A7DD00B


@jit
def random_key(row):
    """Return what tells a parameter's random bits of this step from others."""
    t = tl.load(tl.load(row + 4).to(tl.pointer_type(tl.float32)))
    seed = tl.load(tl.load(row + 5).to(tl.pointer_type(tl.int64)))
    return mixed(mixed(seed.to(tl.uint32)) + t.to(tl.int64).to(tl.uint32))


@jit(do_not_specialize_on_alignment=["found_inf"])
def rmsprop_count(rows, found_inf):
    """Count a parameter's step, before a launch whose programs all need the count."""
    if found_inf is not None and tl.load(found_inf) != 0:
        return
    count_step(rows + 8 * tl.program_id(0))


@jit(do_not_specialize_on_alignment=["found_inf"])
def rmsprop_count_and_correct(rows, corrected, found_inf, alpha: tl.float64, log_alpha: tl.float64):
    r"""Count a parameter's step, and write its `rmsprop.equations.corrected_alpha` and 1 less that.

    In double precision, because float32 has no digits of :math:`1 - \alpha^t` to spare. In a launch
    of its own, because a program of the step cannot know whether the one that counts already has.
    """
    if found_inf is not None and tl.load(found_inf) != 0:
        return
    i = tl.program_id(0)
    t = count_step(rows + 8 * i)
    power = tl.exp((t - 1).to(tl.float64) * log_alpha)
    corrected_alpha = alpha * (1 - power) / (1 - alpha * power)
    tl.store(corrected + 2 * i, corrected_alpha.to(tl.float32))
    tl.store(corrected + 2 * i + 1, (1 - corrected_alpha).to(tl.float32))


@jit
def count_step(row):
    """Add 1 to a parameter's step count, and return it."""
    address = tl.load(row + 4).to(tl.pointer_type(tl.float32))
    t = tl.load(address) + 1
    tl.store(address, t)
    return t
