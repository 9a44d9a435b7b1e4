"""The limit of arithmetic: a root and a division for every element, in the processor's cache."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["ROOTS", "roots_and_divisions"]

ELEMENTS, REPEATED, PARTS = 2048, 64, 16
# How many a call computes, for each thread.
ROOTS = ELEMENTS * REPEATED * PARTS


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
