"""How often a step reads and writes memory, counted operation by operation."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["count_accesses"]

ELEMENTS = 1000


def count_accesses(make_optimizer: Callable[[list[Tensor]], torch.optim.Optimizer]) -> int:
    """Count the accesses to memory that an optimizer's step makes for every element.

    Every operation reads the tensors of the parameter's size that go in, and writes those that
    come out. The step is the second: the first makes the state.

    Args:
        make_optimizer: takes a list of one tensor of parameters and returns an optimizer.

    Returns:
        The number of reads and writes. A tensor that goes into an operation twice is read once.

    >>> count_accesses(torch.optim.SGD)  # reads parameter and gradient, writes the parameter
    3
    """
    w = torch.ones(ELEMENTS, requires_grad=True)
    w.grad = torch.ones(ELEMENTS)
    optimizer = make_optimizer([w])
    optimizer.step()
    with _Counter() as counter:
        optimizer.step()
    return counter.accesses


class _Counter(TorchDispatchMode):
    accesses = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        written = args[0] if result is None else result  # None: lists, written in place
        self.accesses += len(_whole(args)) + len(_whole(written))
        return result


def _whole(values: Any) -> set[int]:
    """Return the addresses of the tensors that have an element for each of the parameter's."""
    tensors = [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]
    return {tensor.data_ptr() for tensor in tensors if tensor.numel() == ELEMENTS}
