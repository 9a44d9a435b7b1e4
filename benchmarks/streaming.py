"""The streaming limit: the reads and writes of a step, with nothing computed from them."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import Parameter

__all__ = ["stream"]


def stream(params: Sequence[Parameter], accesses: int) -> Callable[[], Any]:
    """Return a function that reads the gradients and reads and writes all other buffers once.

    Args:
        params: float32, with gradients, whose values change.
        accesses: 5, 7 or 9: a gradient and two, three or four buffers.
    """
    total = sum(param.numel() for param in params)
    device = params[0].device
    grad, *buffers = (torch.zeros(total, device=device) for _ in range((accesses + 1) // 2))
    return (_on_cuda if device.type == "cuda" else _on_cpu)(grad, buffers)


def _on_cpu(grad: torch.Tensor, buffers: list[torch.Tensor]) -> Callable[[], Any]:
    import numba
    import numpy as np

    @numba.njit(parallel=True, nogil=True)
    def add(grad, a, b, c, d, count, threads):
        n = len(grad)
        for thread in numba.prange(threads):
            start, stop = n * thread // threads, n * (thread + 1) // threads
            # One loop for each number of buffers, so that all of a chunk passes at once.
            if count == 2:
                for j in range(start, stop):
                    a[j], b[j] = a[j] + grad[j], b[j] + grad[j]
            elif count == 3:
                for j in range(start, stop):
                    a[j], b[j], c[j] = a[j] + grad[j], b[j] + grad[j], c[j] + grad[j]
            else:
                for j in range(start, stop):
                    a[j], b[j] = a[j] + grad[j], b[j] + grad[j]
                    c[j], d[j] = c[j] + grad[j], d[j] + grad[j]

    arrays = [tensor.numpy() for tensor in (grad, *buffers)]
    arrays += [np.empty(0, np.float32)] * (5 - len(arrays))
    return lambda: add(*arrays, len(buffers), torch.get_num_threads())


def _on_cuda(grad: torch.Tensor, buffers: list[torch.Tensor]) -> Callable[[], Any]:
    import triton
    import triton.language as tl

    @triton.jit
    def add(grad, a, b, c, d, n, COUNT: tl.constexpr, BLOCK: tl.constexpr):
        at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
        inside = at < n
        x = tl.load(grad + at, inside)
        tl.store(a + at, tl.load(a + at, inside) + x, inside)
        tl.store(b + at, tl.load(b + at, inside) + x, inside)
        if COUNT > 2:
            tl.store(c + at, tl.load(c + at, inside) + x, inside)
        if COUNT > 3:
            tl.store(d + at, tl.load(d + at, inside) + x, inside)

    n, block = grad.numel(), 2048
    four = (buffers + buffers)[:4]
    return lambda: add[(triton.cdiv(n, block),)](grad, *four, n, len(buffers), block, num_warps=8)
