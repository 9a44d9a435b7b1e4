"""What tensors are, where they lie aside: what a kernel that knows their addresses relies on."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["Snapshot", "dispatch_keys"]


class Snapshot:
    """What tensors were when it was taken, to tell whether they still are.

    Everything that says how memory at an address is to be read: class, dispatch keys (which tell
    dense from sparse, plain from conjugated, negated, traced or wrapped), dtype, device, shape and
    strides. Any of it may change while object and address stay: by ``w.data = ...``, ``set_``,
    ``swap_tensors``, or because memory that was freed is given out again.

    Args:
        tensors: strided ones; they are not kept alive.

    >>> w = torch.ones(4)
    >>> snapshot = Snapshot([w])
    >>> snapshot.matches([w]), snapshot.matches([torch.zeros(4)])
    (True, True)
    >>> w.data = w.data[:2]
    >>> snapshot.matches([w])
    False
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._count = len(tensors)
        distinct = len({*map(id, tensors)}) == len(tensors)  # the other way knows no repetition
        self._compare = _guard(tensors) if distinct and _guards_see_all() else _comparison(tensors)

    def matches(self, tensors: Sequence[Tensor]) -> bool:
        """Return whether these are what those were, one by one."""
        return len(tensors) == self._count and self._compare(*tensors)


def dispatch_keys(tensor: Tensor) -> int:
    """Return a tensor's dispatch keys as bits: as torch has them, not all versions compare them."""
    return int(torch._C._dispatch_keys(tensor).raw_repr())


def _guard(tensors: Sequence[Tensor]) -> Callable[..., bool]:
    """Return torch's own comparison, with which it guards what it has compiled: 30 ns a tensor."""
    from torch._C._dynamo.guards import TensorGuards

    # A size or stride that is given is compared.
    sizes: list[Any] = [[*tensor.shape] for tensor in tensors]
    strides: list[Any] = [[*tensor.stride()] for tensor in tensors]
    guards = TensorGuards(*tensors, dynamic_dims_sizes=sizes, dynamic_dims_strides=strides)
    return guards.check


def _comparison(tensors: Sequence[Tensor]) -> Callable[..., bool]:
    """Return the same comparison in Python: 1 us a tensor."""
    then = [*map(_describe, tensors)]
    return lambda *now: then == [*map(_describe, now)]


def _describe(tensor: Tensor) -> tuple[Any, ...]:
    strides = tensor.stride() if tensor.layout == torch.strided else None
    return type(tensor), dispatch_keys(tensor), tensor.dtype, tensor.device, tensor.shape, strides


@functools.cache
def _guards_see_all() -> bool:
    """Return whether this version of torch has those guards, and they notice every difference."""
    matrix = torch.ones(2, 3)
    others = [
        torch.nn.Parameter(torch.ones(2, 3), requires_grad=False),
        torch.ones(2, 3, dtype=torch.float64),
        torch.ones(2, 3, dtype=torch.int32),
        torch.ones(2, 3, device="meta"),
        torch.ones(3, 2),
        torch.ones(6),
        torch.ones(3, 2).t(),
        torch.ones(2, 4)[:, :3],
        torch._neg_view(torch.ones(2, 3)),
        torch.ones(2, 3).to_sparse(),
    ]
    try:
        same = _guard([matrix, torch.ones(1)])
        return same(torch.zeros(2, 3), torch.ones(1)) and not any(
            same(other, torch.ones(1)) or same(matrix, other) for other in others
        )
    except Exception:  # private to torch, so anything may come of it
        return False
