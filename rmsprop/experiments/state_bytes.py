"""How much an optimizer remembers of each parameter."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["state_bytes"]


def state_bytes(make_optimizer: Callable[[list[Tensor]], torch.optim.Optimizer]) -> float:
    """Measure an optimizer's state after a step, in bytes per float32 parameter.

    Args:
        make_optimizer: takes a list of one tensor of parameters and returns an optimizer.

    Returns:
        Bytes of its buffers. What it keeps only once for a tensor, as a count of steps, is left
        out.

    >>> state_bytes(torch.optim.Adam)
    8.0
    """
    w = torch.zeros(1000, requires_grad=True)
    w.grad = torch.ones(1000)
    optimizer = make_optimizer([w])
    optimizer.step()
    buffers = optimizer.state[w].values()
    return sum(buffer.nbytes for buffer in buffers if buffer.numel() > 1) / w.numel()
