"""The limit of arithmetic: what a step computes for every element, in the processor's cache."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import Parameter

from benchmarks.contenders import VARIANTS

__all__ = ["ROOTS", "STEPPED", "roots_and_divisions", "step_in_cache"]

ELEMENTS, REPEATED, PARTS = 2048, 64, 16
# How many a call computes, for each thread.
ROOTS = ELEMENTS * REPEATED * PARTS
# Of a step, which has up to four tensors and needs parts of some size.
SHORT, AGAIN = 1024, 250
STEPPED = SHORT * AGAIN * PARTS
AVERAGES = {"square_avg": "average", "grad_var": "average"}


def roots_and_divisions(threads: int) -> Callable[[], Any]:
    r"""Return a function that computes :math:`v \leftarrow 1 + g / (\sqrt{v} + \epsilon)`.

    In float32, `ROOTS` times for each thread, on two arrays that fit into any first-level cache,
    as the fused kernel does it on the CPU.

    Args:
        threads: how many take part.
    """
    import numba

    from rmsprop.kernels.atomic import call, fetch_and_add, pause_address
    from rmsprop.kernels.threads import in_threads

    @numba.njit(nogil=True, error_model="numpy")
    def compute(is_host, pause, progress, parts, grads, averages, one, eps):
        while True:
            part = fetch_and_add(progress, 0, 1)
            if part >= parts:
                break
            grad, average = grads[part], averages[part]
            for _ in range(REPEATED):
                for j in range(ELEMENTS):
                    average[j] = one + grad[j] / (math.sqrt(average[j]) + eps)
            fetch_and_add(progress, 1, 1)
        while is_host and fetch_and_add(progress, 1, 0) < parts:
            call(pause)

    parts, pause = PARTS * threads, pause_address()
    arrays = np.ones((2, parts, ELEMENTS), np.float32)
    arguments = *arrays, np.float32(1), np.float32(1e-8)

    def compute_all() -> None:
        progress = np.zeros(2, np.int64)

        def work(is_host: bool) -> None:
            compute(is_host, pause, progress, parts, *arguments)

        in_threads(work, threads, aside=lambda: None)

    compute_all.averages = arrays[1]  # type: ignore[attr-defined]
    return compute_all


def step_in_cache(variant: str, state_dtype: torch.dtype | None) -> Callable[[], Any]:
    """Return a function that takes `STEPPED` steps of one element for each of torch's threads.

    By the fused CPU kernel, on tensors that fit into any first-level cache: every part of the work
    has one, and the kernel finds it again and again, as if it were many. Their averages stay 1, so
    that none becomes a denormal number, which takes longer.

    Args:
        variant: of `benchmarks.contenders.VARIANTS`.
        state_dtype: of the averages, None for float32.
    """
    from rmsprop import RMSprop
    from rmsprop.kernels import cpu
    from rmsprop.kernels.batch import Batch, Row

    params = [Parameter(torch.zeros(SHORT)) for _ in range(PARTS * torch.get_num_threads())]
    options = {"state_dtype": state_dtype, "fused": True}
    optimizer = RMSprop(params, lr=0, **VARIANTS[variant], **options)
    for param in params:
        param.grad = torch.ones(SHORT)
    optimizer.step()
    rows = []
    for param in params:
        state = {
            AVERAGES.get(name, name): tensor for name, tensor in optimizer.state[param].items()
        }
        state["average"].fill_(1)
        rows.append(Row(param, param.grad, **state))
    table = [[0 if tensor is None else tensor.data_ptr() for tensor in row] for row in rows]
    addresses = np.repeat(np.array(table, np.int64), AGAIN, axis=0).T.copy()
    lengths = np.full(addresses.shape[1], SHORT)
    batch = Batch(addresses, lengths, torch.float32, torch.device("cpu"), state_dtype)
    group = optimizer.param_groups[0] | {"lr": 1e-3, "alpha": 1.0}
    given = {name: group[name] for name in inspect.signature(cpu.step).parameters.keys() & group}

    def step_all() -> None:
        cpu.step(batch, (), **given)

    step_all.rows = rows  # type: ignore[attr-defined]
    return step_all
