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
    # Whole blocks, and of a multiple of 16 Triton knows that it may be read in wide words.
    total = -(-sum(param.numel() for param in params) // 32) * 32
    device = params[0].device
    grad, *buffers = (torch.zeros(total, device=device) for _ in range((accesses + 1) // 2))
    return (_on_cuda if device.type == "cuda" else _on_cpu)(grad, buffers)


def _on_cpu(grad: torch.Tensor, buffers: list[torch.Tensor]) -> Callable[[], Any]:
    import numba
    from numba.extending import register_jitable

    from rmsprop.kernels.atomic import call, fetch_and_add, pause_address
    from rmsprop.kernels.instructions import BLOCK, never_overlap, pointer, prefetch
    from rmsprop.kernels.numba_step import AHEAD
    from rmsprop.kernels.threads import in_threads

    # What is None is not compiled.
    @register_jitable(forceinline=True)
    def add_block(x, a, b, c, d):
        never_overlap()
        for j in range(BLOCK):
            a[j] += x[j]
            b[j] += x[j]
            if c is not None:
                c[j] += x[j]
            if d is not None:
                d[j] += x[j]

    @numba.njit(nogil=True)
    def add(is_host, pause, progress, parts, blocks, like, x, a, b, c, d):
        while True:
            part = fetch_and_add(progress, 0, 1)
            if part >= parts:
                break
            for block in range(blocks * part // parts, blocks * (part + 1) // parts):
                start = block * BLOCK
                prefetch(pointer(x, start, like), AHEAD)
                prefetch(pointer(a, start, like), AHEAD)
                prefetch(pointer(b, start, like), AHEAD)
                third = fourth = None
                if c is not None:
                    prefetch(pointer(c, start, like), AHEAD)
                    third = pointer(c, start, like)
                if d is not None:
                    prefetch(pointer(d, start, like), AHEAD)
                    fourth = pointer(d, start, like)
                add_block(
                    *(pointer(x, start, like), pointer(a, start, like), pointer(b, start, like)),
                    *(third, fourth),
                )
            fetch_and_add(progress, 1, 1)
        while is_host and fetch_and_add(progress, 1, 0) < parts:
            call(pause)

    addresses = [tensor.data_ptr() for tensor in buffers] + [None] * (4 - len(buffers))
    threads, pause = torch.get_num_threads(), pause_address()

    def stream() -> None:
        progress = np.zeros(2, np.int64)
        arguments = progress, 16 * threads, grad.numel() // BLOCK, np.float32(0), grad.data_ptr()

        def work(is_host: bool) -> None:
            add(is_host, pause, *arguments, *addresses)

        in_threads(work, threads, aside=lambda: None)

    stream.buffers = buffers  # type: ignore[attr-defined]
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
