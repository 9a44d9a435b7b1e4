"""The update rule on the CPU, compiled by Numba: all tensors of a batch in one pass over memory."""

import functools
import math
import platform
import sys
from collections.abc import Callable, Sequence

import numba
import numpy as np
import torch
from llvmlite import binding, ir
from numba import types
from numba.core.cgutils import alloca_once
from numba.extending import intrinsic, register_jitable
from torch import Tensor
from torch.autograd.graph import increment_version

from rmsprop.kernels import batch
from rmsprop.kernels.atomic import call, fetch_and_add, pause_address
from rmsprop.kernels.batch import Batch, Integers, Row
from rmsprop.kernels.lock import LOCK
from rmsprop.kernels.rounding import FACTORS
from rmsprop.kernels.threads import in_threads
from rmsprop.kernels.warning import warn_once

__all__ = [
    *("AHEAD", "BLOCK", "never_overlap", "pointer", "prefetch"),
    *("data_ptrs", "is_usable", "step"),
]

# A number of each dtype as it lies in memory: of 16 bits Numba knows only integers. Numba takes far
# longer to recognize a type than a number that has it.
STORAGE = {
    torch.float32: np.float32(0),
    torch.float64: np.float64(0),
    torch.bfloat16: np.uint16(0),
    torch.float16: np.int16(0),
}
PARAM, GRAD, STEP, AVERAGE, GRAD_AVG, MOMENTUM_BUFFER, SEED = range(len(Row._fields))
OPEN, TAKEN, DONE, FINISHED = range(4)
# Elements that are worth a part of their own.
GRAIN = 32768
# Elements that are computed at a time, a cache line of float32, and how far ahead of them memory is
# asked for: a processor finds by itself where to read on, but neither soon enough, while roots and
# divisions keep it from looking ahead, nor in the next tensor.
BLOCK, LINE, AHEAD = 32, 64, 512
# How often a guest looks whether the host has come, before it goes again.
PATIENCE = 1000
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
            read = _jit(_read, cached=True)
            read(function, objects.__array_interface__["data"][0], found)
    except Exception:  # it is private to torch
        return None
    return (read, function) if np.array_equal(found, batch.data_ptrs(tensors)) else None


@functools.cache
def _compiled(
    dtype: torch.dtype, centered: bool, momentum: bool, state_dtype: torch.dtype | None
) -> Callable[..., None] | None:
    """Return the loop when it is compiled for these, or None where Numba fails."""
    try:
        with LOCK:
            return _tried(_jit(_step, cached=True), dtype, centered, momentum, state_dtype)
    except Exception as error:
        cause = error
    try:
        with LOCK:
            loop = _tried(_jit(_step, cached=False), dtype, centered, momentum, state_dtype)
    except Exception as error:
        warn_once(f"RMSprop steps without its fused kernel, because Numba fails here: {error!r}")
        return None
    warn_once(f"RMSprop compiles its kernel in every process, as Numba's cache fails: {cause!r}")
    return loop


@functools.cache
def _jit(function: Callable[..., None], cached: bool) -> Callable[..., None]:
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        raise RuntimeError("NUMBA_DISABLE_JIT is set")
    # The error model without ZeroDivisionError is what lets the loop become vector instructions.
    compile = numba.njit(nogil=function is _step, error_model="numpy", cache=cached)
    compiled: Callable[..., None] = compile(function)
    return compiled


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


# Threads that call this share the parts. Guests begin when the host has, and the host stays until
# none of them is at work: whatever happens to it outside of this loop, no memory is written then.
# Where the state is rounded arithmetic takes longer than memory, and wide vectors make it faster;
# elsewhere they make steps slower, if anything.
def _step(
    is_host,
    pause,
    progress,
    parts,
    addresses,
    ends,
    storage,
    zero,
    state,
    alpha,
    bias_correction,
    eps,
    lr,
    nesterov,
    extras,
    is_plain,
    centered,
    momentum,
    rounds,
):
    if is_host:
        fetch_and_add(progress, OPEN, 1)
    looked = 0
    while fetch_and_add(progress, OPEN, 0) == 0:
        looked += 1
        if looked > PATIENCE:
            return
        call(pause)
    while True:
        part = fetch_and_add(progress, TAKEN, 1)
        if part >= parts:
            break
        start = ends[-1] * part // parts
        stop = ends[-1] * (part + 1) // parts
        i = ahead = np.searchsorted(ends, start, side="right")
        while start < stop:
            first = start - (ends[i - 1] if i > 0 else 0)
            key = np.uint32(0)
            if rounds is not None:
                t = pointer(addresses[STEP, i], 0, np.float32(0))[0] + 1.0
                seed = pointer(addresses[SEED, i], 0, np.int64(0))[0]
                key = _mixed(_mixed(seed) + np.int64(t))
            alpha_t = alpha
            if bias_correction:
                t = pointer(addresses[STEP, i], 0, np.float32(0))[0] + 1.0
                alpha_t = alpha * (1 - alpha ** (t - 1)) / (1 - alpha**t)
            tensors = _tensors(addresses, i, first, storage, state)
            numbers = _as(alpha_t, zero), _as(1 - alpha_t, zero), eps, lr
            kinds, variant = (storage, state), (nesterov, centered, momentum, rounds)
            count = min(stop, ends[i]) - start
            whole, done = count - count % BLOCK, 0
            while done < whole:
                at = start + done + AHEAD
                while ahead < len(ends) - 1 and at >= ends[ahead]:
                    ahead += 1
                begin = ends[ahead - 1] if ahead > 0 else 0
                further = _tensors(addresses, ahead, start + AHEAD - begin, storage, state)
                # Blocks that ask for memory of the same tensor.
                until = ends[ahead] - AHEAD - start
                until = until + -until % BLOCK if ahead < len(ends) - 1 else whole
                for j in range(done, min(until, whole), BLOCK):
                    _fetch(further, j, centered, momentum)
                    place = first, j, key
                    # Of a length that the compiler knows.
                    if is_plain:
                        _elements(tensors, place, BLOCK, *kinds, numbers, None, *variant)
                    else:
                        _elements(tensors, place, BLOCK, *kinds, numbers, extras, *variant)
                done = min(until, whole)
            place = first, whole, key
            _elements(tensors, place, count - whole, *kinds, numbers, extras, *variant)
            start = min(stop, ends[i])
            i += 1
        # Only when all parts are done, which read the step.
        if fetch_and_add(progress, DONE, 1) == parts - 1:
            for i in range(len(ends)):
                step = pointer(addresses[STEP, i], 0, np.float32(0))
                step[0] += np.float32(1)
            fetch_and_add(progress, FINISHED, 1)
    while is_host and fetch_and_add(progress, FINISHED, 0) == 0:
        call(pause)


# Without an average of gradients or momentum the branches that touch their memory are not compiled,
# nor is a random bit drawn where the state is not rounded, nor what most steps multiply by 1.
@register_jitable(error_model="numpy", forceinline=True)
def _elements(
    tensors, place, count, storage, state, numbers, extras, nesterov, centered, momentum, rounds
):
    if rounds is not None:
        _prefer_wide_vectors()
    never_overlap()
    param, grad, average, grad_avg, momentum_buffer = tensors
    first, start, key = place
    old, new, eps, lr = numbers
    gradients, squares = _scratch(new), _scratch(new)
    for j in range(start, start + count):
        upper = lower = np.uint32(0)
        if rounds is not None:
            word = _mixed(_keyed(first, j, key))
            upper, lower = word >> np.uint32(16), _lower(word)
        g = _widen(grad[j])
        if extras is not None:
            is_scaled, scale, sign, is_coupled, weight_decay, shrink, eps_inside, rate = extras
            g = g * scale
            if is_scaled:
                grad[j] = _narrow(g, storage)
            g = g * sign
            # Chosen, not branched: the loop stays one of vector instructions.
            g = g + _widen(param[j]) * weight_decay if is_coupled else g
        if centered is not None:
            m = _as(_widen(grad_avg[j]), new)
            d = g - m
            grad_avg[j] = _kept(m + d * new, upper, state)
            v = (_as(_widen(average[j]), new) + d * d * new) * old
            average[j] = _kept(v, lower, state)
        else:
            v = _as(_widen(average[j]), new) * old + g * g * new
            average[j] = _kept(v, upper, state)
        gradients[j - start], squares[j - start] = g, v
    for j in range(start, start + count):
        w, g, v = _widen(param[j]), gradients[j - start], squares[j - start]
        if extras is not None:
            is_scaled, scale, sign, is_coupled, weight_decay, shrink, eps_inside, rate = extras
            v = v + eps_inside
        root = math.sqrt(v) + eps
        if extras is not None:
            # A denominator of 0: the parameter stays.
            root = _as(np.inf, new) if root == 0 else root
        b = g / root
        if extras is not None:
            b = b * rate
        if momentum is not None:
            u = b
            b = u + _as(_widen(momentum_buffer[j]), new) * momentum
            part = np.uint32(0)
            if rounds is not None:
                word = _mixed(_keyed(first, j, key))
                part = _lower(word) if centered is None else _mixed(word) >> np.uint32(16)
            momentum_buffer[j] = _kept(b, part, state)
            b = u + b * momentum if nesterov else b
        if extras is not None:
            w = w * shrink
        param[j] = _narrow(w - b * lr, storage)


@register_jitable(forceinline=True)
def _tensors(addresses, i, element, storage, state):
    return (
        pointer(addresses[PARAM, i], element, storage),
        pointer(addresses[GRAD, i], element, storage),
        pointer(addresses[AVERAGE, i], element, state),
        pointer(addresses[GRAD_AVG, i], element, state),
        pointer(addresses[MOMENTUM_BUFFER, i], element, state),
    )


@register_jitable(forceinline=True)
def _fetch(tensors, start, centered, momentum):
    param, grad, average, grad_avg, momentum_buffer = tensors
    prefetch(param, start)
    prefetch(grad, start)
    prefetch(average, start)
    if centered is not None:
        prefetch(grad_avg, start)
    if momentum is not None:
        prefetch(momentum_buffer, start)


def _read(function, objects, found):
    for i in range(len(found)):
        found[i] = _called(function, pointer(objects, i, np.int64(0))[0])


@intrinsic
def _prefer_wide_vectors(_):
    """Have LLVM use vectors of 512 bits in the function that calls this, where there are any.

    By itself it prefers 256 bits on processors whose clock wider ones slow down.
    """

    def generate(context, builder, signature, arguments):
        # The set's own method takes only names that llvmlite knows.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def never_overlap(_):
    """Tell LLVM that no two pointers that are given to the function that calls this overlap."""

    def generate(context, builder, signature, arguments):
        for argument in builder.function.args[2:]:  # the first two are Numba's own
            if isinstance(argument.type, ir.PointerType):
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def prefetch(_, pointer, start):
    """Ask for the memory of the block that begins at an element.

    Whatever is there: the instruction has no effect but on caches, and cannot fail.
    """

    def generate(context, builder, signature, arguments):
        number, byte = ir.IntType(32), ir.IntType(8)
        first = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), byte.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [first.type, number, number, number])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [first.type], kind)
        size = BLOCK * context.get_abi_sizeof(context.get_data_type(pointer.dtype))
        for line in range(0, size, LINE):
            # To be read, to be kept in all caches, and data.
            options = number(0), number(3), number(1)
            builder.call(ask, [builder.gep(first, [number(line)]), *options])
        return context.get_dummy_value()

    return types.void(pointer, start), generate


@intrinsic
def _scratch(_, like):
    """Point to room for the numbers of a block, in the frame of the function that calls this."""
    result = types.CPointer(like)

    def generate(context, builder, signature, arguments):
        numbers = ir.ArrayType(context.get_data_type(like), BLOCK)
        return builder.bitcast(alloca_once(builder, numbers), context.get_value_type(result))

    return result(like), generate


@intrinsic
def _called(_, function, argument):
    """Return what a function of C at an address makes of the address of an object."""
    word = ir.IntType(64)

    def generate(context, builder, signature, arguments):
        pointer = ir.FunctionType(word, [word]).as_pointer()
        return builder.call(builder.inttoptr(arguments[0], pointer), [arguments[1]])

    return types.int64(types.int64, types.int64), generate


@intrinsic
def pointer(_, address, index, like):
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


@intrinsic
def _kept(_, number, bits, state):
    """Return a computed number as the state has it: `rounding.round_stochastically`."""
    signature = state(number, bits, state)
    if isinstance(state, types.Float):
        return signature, lambda context, builder, signature, arguments: arguments[0]
    bits32 = ir.IntType(32)

    def generate(context, builder, signature, arguments):
        single = context.cast(builder, arguments[0], number, types.float32)
        random = context.cast(builder, arguments[1], bits, types.uint32)
        word = builder.add(builder.bitcast(single, bits32), random)
        is_nan = builder.fcmp_unordered("uno", single, single)
        chosen = builder.select(is_nan, bits32(0x7FC00000), word)
        return builder.trunc(builder.lshr(chosen, bits32(16)), ir.IntType(16))

    return signature, generate


@intrinsic
def _keyed(_, first, offset, key):
    """Return ``(first + offset) ^ key`` of lower 32 bits, of which vectors hold twice as many."""

    def generate(context, builder, signature, arguments):
        *places, key = (
            context.cast(builder, each, of, types.uint32)
            for each, of in zip(arguments, signature.args, strict=True)
        )
        return builder.xor(builder.add(*places), key)

    return types.uint32(first, offset, key), generate


@intrinsic
def _lower(_, word):
    """Return the other 16 random bits of a hash, in 32 bits all the way too."""
    bits32 = ir.IntType(32)

    def generate(context, builder, signature, arguments):
        word = context.cast(builder, arguments[0], signature.args[0], types.uint32)
        folded = builder.xor(word, builder.lshr(word, bits32(16)))
        return builder.and_(folded, bits32(0xFFFF))

    return types.uint32(word), generate


@intrinsic
def _mixed(_, number):
    """Return the hash of `rounding`, of the lower 32 bits of a number."""
    bits32 = ir.IntType(32)

    def generate(context, builder, signature, arguments):
        word = context.cast(builder, arguments[0], number, types.uint32)
        word = builder.mul(word, bits32(FACTORS[0]))
        word = builder.xor(word, builder.lshr(word, bits32(16)))
        return builder.mul(word, bits32(FACTORS[1]))

    return types.uint32(number), generate
