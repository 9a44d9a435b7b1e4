"""Batches: tensors of one dtype on one device, by address, for a fused kernel to step in one go."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["PLAIN", "Batch", "Batches", "Row"]

# The kinds of tensor whose memory is their own; subclasses may be anything.
PLAIN = {Tensor, torch.nn.Parameter}

Integers = NDArray[np.int64]


class Row(NamedTuple):
    """The tensors of one parameter, in the order in which a batch has their addresses."""

    param: Tensor
    grad: Tensor
    step: Tensor
    average: Tensor
    grad_avg: Tensor | None = None
    momentum_buffer: Tensor | None = None


class Batch:
    """Where the tensors are that one call of a fused kernel steps.

    Args:
        addresses: int64, shape (n, 6): for every parameter those of a `Row`, 0 for what it lacks.
            The caller keeps the tensors alive.
        lengths: int64, shape (n,): how many elements each has.
        dtype: of parameters and gradients; the state's is its promotion with float32, the step
            count's float32.
        device: of all of them.
    """

    def __init__(
        self, addresses: Integers, lengths: Integers, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.addresses = addresses
        self.lengths = lengths
        self.ends = np.cumsum(lengths)
        self.dtype = dtype
        self.device = device

    def with_grads(self, addresses: Sequence[int]) -> "Batch":
        """Return a batch that differs in where the gradients are."""
        table = self.addresses.copy()
        table[:, Row._fields.index("grad")] = addresses
        return Batch(table, self.lengths, self.dtype, self.device)


class Batches:
    """The batches of a param group, kept for as long as its parameters and state stay in place.

    A kernel that works on addresses reads and writes whatever is there. So only tensors enter a
    batch whose elements correspond by position: dense, strided, with the same shape and strides, of
    the expected dtypes, on one device; and only where no two of them share memory.

    Args:
        columns: for every field of a `Row` that the parameters have, the tensors, all `PLAIN`.
        supports: whether there is a kernel for the device and dtype of a parameter.

    Attributes:
        batches: what kernels may step.
        rest: the positions of the parameters that fit in none.
    """

    def __init__(
        self, columns: dict[str, list[Tensor]], supports: Callable[[Tensor], bool]
    ) -> None:
        rows = [
            Row(**dict(zip(columns, row, strict=True)))
            for row in zip(*columns.values(), strict=True)
        ]
        members: dict[tuple[torch.device, torch.dtype], list[int]] = {}
        for i, row in enumerate(rows):
            if supports(row.param) and _fits(row):
                members.setdefault((row.param.device, row.param.dtype), []).append(i)
        fitting = [rows[i] for group in members.values() for i in group]
        written = [t for row in fitting for t in (row.param, *row[2:]) if t is not None]
        self._written = _ranges(written)
        if _overlap(self._written) or _touches(self._written, _ranges(columns["grad"])):
            members = {}
        self._members = [*members.values()]
        self._addresses = _addresses(columns)
        self._grads = self._addresses.pop("grad")
        self._strides = _strides(columns["grad"])
        self._kinds = _kinds(columns["grad"])
        self.rest = sorted(set(range(len(rows))).difference(*self._members))
        self.batches = [
            Batch(*_table([rows[i] for i in group]), dtype, device)
            for (device, dtype), group in members.items()
        ]

    def follow(self, columns: dict[str, list[Tensor]]) -> bool:
        """Follow gradients that moved, and return whether all else about these is as it was."""
        try:
            addresses = _addresses(columns)
        except RuntimeError:  # a gradient became sparse and has none
            return False
        moved = addresses.pop("grad")
        strides = _strides(columns["grad"])
        if (addresses, strides) != (self._addresses, self._strides):
            return False
        # A gradient where it was a step ago is what it was: torch holds it to its parameter.
        if moved != self._grads:
            if _kinds(columns["grad"]) != self._kinds:
                return False
            if _touches(self._written, _ranges(columns["grad"])):
                return False
            for i, members in enumerate(self._members):
                self.batches[i] = self.batches[i].with_grads([moved[k] for k in members])
            self._grads = moved
        return True


def _addresses(columns: dict[str, list[Tensor]]) -> dict[str, list[int]]:
    return {field: list(map(Tensor.data_ptr, column)) for field, column in columns.items()}


def _strides(tensors: list[Tensor]) -> list[tuple[int, ...]]:
    """Return the strides of these, or none if all are contiguous."""
    # Tuples, by the thousand at every step, would keep the garbage collector busy.
    return [] if all(map(Tensor.is_contiguous, tensors)) else list(map(Tensor.stride, tensors))


def _kinds(tensors: list[Tensor]) -> tuple[list[Any], ...]:
    """Return what else decides whether a kernel reads the right memory in the right way."""
    return (
        list(map(type, tensors)),
        [tensor.dtype for tensor in tensors],
        list(map(Tensor.numel, tensors)),
        list(map(Tensor.get_device, tensors)),
        list(map(Tensor.is_neg, tensors)),
    )


def _fits(row: Row) -> bool:
    """Return whether a kernel may pair the elements of these tensors by position in memory."""
    param, state_dtype = row.param, torch.promote_types(row.param.dtype, torch.float32)
    buffers = [tensor for tensor in row[3:] if tensor is not None]
    tensors = [param, row.grad, *buffers]
    dtypes = [param.dtype, param.dtype] + [state_dtype] * len(buffers)
    return (
        all(t.layout == torch.strided and not t.is_neg() for t in (*tensors, row.step))
        and [tensor.dtype for tensor in tensors] == dtypes
        and {tensor.device for tensor in (*tensors, row.step)} == {param.device}
        and all(t.shape == param.shape and t.stride() == param.stride() for t in tensors)
        and _is_dense(param)
        and (row.step.dtype, row.step.shape) == (torch.float32, ())
        and all(tensor.data_ptr() % tensor.itemsize == 0 for tensor in tensors)
    )


def _is_dense(tensor: Tensor) -> bool:
    """Return whether the elements fill a stretch of memory, each its own place."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1 and tensor.numel() > 0:
            if stride != expected:
                return False
            expected *= size
    return True


def _ranges(tensors: Sequence[Tensor]) -> Integers:
    """Return the first address of each tensor with elements and that past its last, in order."""
    starts = np.array([t.data_ptr() for t in tensors], dtype=np.int64)
    sizes = np.array([t.nbytes for t in tensors], dtype=np.int64)
    order = np.argsort(starts[sizes > 0])
    return np.stack([starts, starts + sizes])[:, sizes > 0][:, order]


def _overlap(written: Integers) -> bool:
    starts, ends = written
    return bool(np.any(starts[1:] < ends[:-1]))


def _touches(written: Integers, read: Integers) -> bool:
    """Return whether any range read has memory in common with the disjoint ones written."""
    starts, ends = written
    # A tensor without memory is at address 0, before all others.
    if np.any(read[0] == 0):
        return True
    # Only the last that begins before the end of what is read can reach into it.
    last = np.searchsorted(starts, read[1]) - 1
    return bool(np.any(ends[last[last >= 0]] > read[0][last >= 0]))


def _table(rows: Sequence[Row]) -> tuple[Integers, Integers]:
    addresses = [[0 if t is None else t.data_ptr() for t in row] for row in rows]
    lengths = [row.param.numel() for row in rows]
    return np.array(addresses, dtype=np.int64), np.array(lengths, dtype=np.int64)
