"""The loops of `rmsprop.kernels.cpu`: functions for Numba to compile.

Of a batch they are given the addresses, as a `rmsprop.kernels.batch.Batch` has them, and where each
of its tensors ends, in elements counted over the batch.
"""

import math

import numpy as np
from numba.extending import register_jitable

from rmsprop.kernels.atomic import call, fetch_and_add
from rmsprop.kernels.batch import Row
from rmsprop.kernels.instructions import (
    BLOCK,
    as_real,
    called,
    kept,
    keyed,
    lower_bits,
    mixed,
    narrowed,
    never_overlap,
    pointer,
    prefer_wide_vectors,
    prefetch,
    scratch,
    widened,
)

__all__ = ["AHEAD", "FINISHED", "read_addresses", "rmsprop_step"]

PARAM, GRAD, STEP, AVERAGE, GRAD_AVG, MOMENTUM_BUFFER, SEED = range(len(Row._fields))
OPEN, TAKEN, DONE, FINISHED = range(4)
# How far ahead of what is computed memory is asked for, in elements: a processor finds by itself
# where to read on, but neither soon enough, while roots and divisions keep it from looking ahead,
# nor in the next tensor.
AHEAD = 512
# How often a guest looks whether the host has come, before it goes again.
PATIENCE = 1000


def rmsprop_step(is_host, pause, progress, parts, addresses, ends, *options):
    """Step a batch, together with all other threads that call this, and count the step.

    They share its parts by `progress`, four numbers that are 0 at first. Guests begin when the host
    has, and the host stays until none of them is at work: whatever happens to it outside of this
    loop, no memory is written then. `options` are those of `_part`.
    """
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
        start, stop = ends[-1] * part // parts, ends[-1] * (part + 1) // parts
        _part(start, stop, AHEAD, addresses, ends, *options)
        # Only when all parts are done, which read the step.
        if fetch_and_add(progress, DONE, 1) == parts - 1:
            for i in range(len(ends)):
                step = pointer(addresses[STEP, i], 0, np.float32(0))
                step[0] += np.float32(1)
            fetch_and_add(progress, FINISHED, 1)
    while is_host and fetch_and_add(progress, FINISHED, 0) == 0:
        call(pause)


@register_jitable(error_model="numpy", forceinline=True)
def _part(
    start,
    stop,
    distance,
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
    kinds, variant = (storage, state), (nesterov, centered, momentum, rounds)
    i = ahead = np.searchsorted(ends, start, side="right")
    while start < stop:
        first = start - (ends[i - 1] if i > 0 else 0)
        key = np.uint32(0)
        if rounds is not None:
            t = pointer(addresses[STEP, i], 0, np.float32(0))[0] + 1.0
            seed = pointer(addresses[SEED, i], 0, np.int64(0))[0]
            key = mixed(mixed(seed) + np.int64(t))
        alpha_t = alpha
        if bias_correction:
            t = pointer(addresses[STEP, i], 0, np.float32(0))[0] + 1.0
            alpha_t = alpha * (1 - alpha ** (t - 1)) / (1 - alpha**t)
        tensors = _tensors(addresses, i, first, storage, state)
        numbers = as_real(alpha_t, zero), as_real(1 - alpha_t, zero), eps, lr
        count = min(stop, ends[i]) - start
        whole, done = count - count % BLOCK, 0
        while done < whole:
            at = start + done + distance
            while ahead < len(ends) - 1 and at >= ends[ahead]:
                ahead += 1
            begin = ends[ahead - 1] if ahead > 0 else 0
            further = _tensors(addresses, ahead, start + distance - begin, storage, state)
            # Blocks that ask for memory of the same tensor.
            until = ends[ahead] - distance - start
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


# Where the state is rounded arithmetic takes longer than memory, and wide vectors make it faster;
# elsewhere they make steps slower, if anything.
# Without an average of gradients or momentum the branches that touch their memory are not compiled,
# nor is a random bit drawn where the state is not rounded, nor what most steps multiply by 1.
@register_jitable(error_model="numpy", forceinline=True)
def _elements(
    tensors, place, count, storage, state, numbers, extras, nesterov, centered, momentum, rounds
):
    if rounds is not None:
        prefer_wide_vectors()
    never_overlap()
    param, grad, average, grad_avg, momentum_buffer = tensors
    first, start, key = place
    old, new, eps, lr = numbers
    gradients, squares = scratch(new), scratch(new)
    for j in range(start, start + count):
        upper = lower = np.uint32(0)
        if rounds is not None:
            word = mixed(keyed(first, j, key))
            upper, lower = word >> np.uint32(16), lower_bits(word)
        g = widened(grad[j])
        if extras is not None:
            is_scaled, scale, sign, is_coupled, weight_decay, shrink, eps_inside, rate = extras
            g = g * scale
            if is_scaled:
                grad[j] = narrowed(g, storage)
            g = g * sign
            # Chosen, not branched: the loop stays one of vector instructions.
            g = g + widened(param[j]) * weight_decay if is_coupled else g
        if centered is not None:
            m = as_real(widened(grad_avg[j]), new)
            d = g - m
            grad_avg[j] = kept(m + d * new, upper, state)
            v = (as_real(widened(average[j]), new) + d * d * new) * old
            average[j] = kept(v, lower, state)
        else:
            v = as_real(widened(average[j]), new) * old + g * g * new
            average[j] = kept(v, upper, state)
        gradients[j - start], squares[j - start] = g, v
    for j in range(start, start + count):
        w, g, v = widened(param[j]), gradients[j - start], squares[j - start]
        if extras is not None:
            is_scaled, scale, sign, is_coupled, weight_decay, shrink, eps_inside, rate = extras
            v = v + eps_inside
        root = math.sqrt(v) + eps
        if extras is not None:
            # A denominator of 0: the parameter stays.
            root = as_real(np.inf, new) if root == 0 else root
        b = g / root
        if extras is not None:
            b = b * rate
        if momentum is not None:
            u = b
            b = u + as_real(widened(momentum_buffer[j]), new) * momentum
            part = np.uint32(0)
            if rounds is not None:
                word = mixed(keyed(first, j, key))
                part = lower_bits(word) if centered is None else mixed(word) >> np.uint32(16)
            momentum_buffer[j] = kept(b, part, state)
            b = u + b * momentum if nesterov else b
        if extras is not None:
            w = w * shrink
        param[j] = narrowed(w - b * lr, storage)


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


def read_addresses(function, objects, found):
    """Write what a function of C says of each of some objects, of which there are the addresses."""
    for i in range(len(found)):
        found[i] = called(function, pointer(objects, i, np.int64(0))[0])
