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

    from rmsprop.kernels.cpu import _pointer

    # As in the kernel: threads share evenly, and what is None is not compiled.
    @numba.njit(parallel=True, nogil=True)
    def add(addresses, n, threads, third, fourth):
        for thread in numba.prange(threads):
            start, stop = n * thread // threads, n * (thread + 1) // threads
            grad = _pointer(addresses[0], start, np.float32(0))
            a = _pointer(addresses[1], start, np.float32(0))
            b = _pointer(addresses[2], start, np.float32(0))
            c = _pointer(addresses[3], start, np.float32(0))
            d = _pointer(addresses[4], start, np.float32(0))
            for j in range(stop - start):
                x = grad[j]
                a[j] = a[j] + x
                b[j] = b[j] + x
                if third is not None:
                    c[j] = c[j] + x
                if fourth is not None:
                    d[j] = d[j] + x

    tensors = [grad, *buffers]
    addresses = np.array([tensor.data_ptr() for tensor in tensors] + [0] * (5 - len(tensors)))
    present = [True if len(buffers) > k else None for k in (2, 3)]
    # The tensors are named so that they live as long as the function.
    return lambda: (add(addresses, tensors[0].numel(), torch.get_num_threads(), *present), tensors)


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
