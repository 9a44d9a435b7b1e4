"""The streaming limit: the reads and writes of a step, with nothing computed from them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import Parameter

__all__ = ["stream"]


def stream(params: Sequence[Parameter], accesses: int) -> Callable[[], Any]:
    """Return a function that reads the gradients and reads and writes all other buffers once.

    Args:
        params: float32, with gradients, whose values change.
        accesses: 5, 7 or 9: a gradient and two, three or four buffers.
    """
    # Of a length that is a multiple of 16 Triton knows that it may be read in wide words.
    total = -(-sum(param.numel() for param in params) // 16) * 16
    device = params[0].device
    grad, *buffers = (torch.zeros(total, device=device) for _ in range((accesses + 1) // 2))
    return (_on_cuda if device.type == "cuda" else _on_cpu)(grad, buffers)


def _on_cpu(grad: torch.Tensor, buffers: list[torch.Tensor]) -> Callable[[], Any]:
    import numba

    from rmsprop.kernels.atomic import call, fetch_and_add, pause_address
    from rmsprop.kernels.threads import in_threads

    # What is None is not compiled.
    @numba.njit(nogil=True)
    def add(is_host, pause, progress, parts, grad, a, b, c, d):
        n = len(grad)
        while True:
            part = fetch_and_add(progress, 0, 1)
            if part >= parts:
                break
            here = slice(n * part // parts, n * (part + 1) // parts)
            x, a_part, b_part = grad[here], a[here], b[here]
            if c is not None:
                c_part = c[here]
            if d is not None:
                d_part = d[here]
            for j in range(len(x)):
                a_part[j] += x[j]
                b_part[j] += x[j]
                if c is not None:
                    c_part[j] += x[j]
                if d is not None:
                    d_part[j] += x[j]
            fetch_and_add(progress, 1, 1)
        while is_host and fetch_and_add(progress, 1, 0) < parts:
            call(pause)

    arrays = [tensor.numpy() for tensor in (grad, *buffers)] + [None] * (4 - len(buffers))
    threads, pause = torch.get_num_threads(), pause_address()

    def stream() -> None:
        progress = np.zeros(2, np.int64)

        def work(is_host: bool) -> None:
            add(is_host, pause, progress, 16 * threads, *arrays)

        in_threads(work, threads, aside=lambda: None)

    return stream


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
