"""Batches: tensors of one dtype on one device, by address, for a fused kernel to step in one go."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmsprop.kernels.snapshot import Snapshot, dispatch_keys

__all__ = [
    "GRAD",
    "Batch",
    "Batches",
    "Columns",
    "Obstacle",
    "Row",
    "data_ptrs",
    "is_ordinary",
    "is_plain",
]

Integers = NDArray[np.int64]
# The kinds of tensor whose memory is their own; subclasses may be anything.
PLAIN = (Tensor, torch.nn.Parameter)


class Row(NamedTuple):
    """The tensors of one parameter, in the order in which a batch has their addresses."""

    param: Tensor
    grad: Tensor
    step: Tensor
    average: Tensor
    grad_avg: Tensor | None = None
    momentum_buffer: Tensor | None = None
    rounding_seed: Tensor | None = None


GRAD = Row._fields.index("grad")


class Columns(NamedTuple):
    """The tensors of n parameters.

    Attributes:
        fields: the names of those fields of a `Row` that the parameters have: at the end the seed,
            if there is one, and the gradient.
        tensors: n for the first field, in the order of the parameters, then n for the next.
    """

    fields: tuple[str, ...]
    tensors: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.tensors) // len(self.fields)

    def by_parameter(self) -> list[tuple[Tensor, ...]]:
        """Return the tensors of each parameter, in the order of the fields."""
        return [self.tensors[i :: len(self)] for i in range(len(self))]

    def rows(self) -> list[Row]:
        """Return the tensors of each parameter by field."""
        return [Row(**dict(zip(self.fields, t, strict=True))) for t in self.by_parameter()]

    def of(self, members: Sequence[int]) -> "Columns":
        """Return those of some of the parameters, by position."""
        n = len(self)
        if len(members) == n:
            return self
        starts = range(0, len(self.tensors), n)
        return Columns(self.fields, tuple(self.tensors[k + i] for k in starts for i in members))

    def written(self, scaled: bool) -> tuple[Tensor, ...]:
        """Return what a step changes: no seed, and gradients only where they are scaled."""
        n, seed = len(self), "rounding_seed" in self.fields
        return self.tensors[: -(1 + seed) * n] + (self.tensors[-n:] if scaled else ())


class Obstacle(NamedTuple):
    """Why a parameter is in no batch: which of its tensors, by the field of a `Row`, and what."""

    field: str
    reason: str


class Batch:
    """Where the tensors are that one call of a fused kernel steps.

    Args:
        addresses: int64, shape (7, n): for every parameter those of a `Row`, 0 for what it lacks.
            The caller keeps the tensors alive.
        lengths: int64, shape (n,): how many elements each has.
        dtype: of parameters and gradients.
        device: of all of them.
        state_dtype: of averages and momentum buffer, or None for the promotion of `dtype` with
            float32. The step count's is float32, the seed's int64.
    """

    def __init__(
        self,
        addresses: Integers,
        lengths: Integers,
        dtype: torch.dtype,
        device: torch.device,
        state_dtype: torch.dtype | None = None,
    ) -> None:
        self.addresses = addresses
        self.lengths = lengths
        self.ends = np.cumsum(lengths)
        self.dtype = dtype
        self.device = device
        self.state_dtype = state_dtype
        self._first: Batch | None = None

    @property
    def first(self) -> "Batch":
        """The batch that this one differs from in where the gradients are, or itself."""
        return self._first or self

    def with_grads(self, addresses: Integers) -> "Batch":
        """Return a batch that differs in where the gradients are."""
        table = self.addresses.copy()
        table[GRAD] = addresses
        moved = Batch(table, self.lengths, self.dtype, self.device, self.state_dtype)
        moved._first = self.first
        return moved


class Batches:
    """The batches of a param group, as long as its tensors stay what and where they are.

    A kernel that works on addresses reads and writes whatever is there. So only tensors enter a
    batch whose elements correspond by position in memory (see `_obstacle`), and only where no two
    tensors of the group share any, gradients with gradients excepted. That depends on what a
    `Snapshot` has of every tensor and on its address, and on nothing else; both are compared before
    every step.

    Args:
        columns: what the parameters have, every tensor of it `is_ordinary`.
        is_usable: whether there is a kernel for a device and dtype.
        later_data_ptrs: returns where tensors are; called for those that are still what they were.
        state_dtype: as a `Batch` has it.

    Raises:
        RuntimeError: for a tensor that has no memory of its own.

    Attributes:
        members: the positions of each batch's parameters.
        obstacles: by position, why a parameter is in no batch.
        are_entangled: whether tensors share memory, so that none is in a batch.
    """

    def __init__(
        self,
        columns: Columns,
        is_usable: Callable[[torch.device, torch.dtype], bool],
        later_data_ptrs: Callable[[Sequence[Tensor]], Integers],
        state_dtype: torch.dtype | None = None,
    ) -> None:
        self._fields, tensors = columns
        self._snapshot = Snapshot(tensors)
        addresses = data_ptrs(tensors)
        self._data_ptrs = later_data_ptrs
        sizes = np.array([_reach(tensor) for tensor in tensors], dtype=np.int64)
        self._written = slice(len(tensors) - len(columns))
        self._grads = slice(len(tensors) - len(columns), None)
        self._sizes, self._present = sizes[self._grads], sizes[self._grads] > 0
        self._masks = np.array([grad.itemsize - 1 for grad in tensors[self._grads]], dtype=np.int64)
        self._written_ranges = _ranges(addresses[self._written], sizes[self._written])
        grads = addresses[self._grads]
        self.are_entangled = _overlap(self._written_ranges) or self._grads_are_written(grads)
        rows = columns.rows()
        self.obstacles = self._obstacles(rows, is_usable, state_dtype)
        kinds: dict[tuple[torch.device, torch.dtype], list[int]] = {}
        for i, row in enumerate(rows):
            if i not in self.obstacles:
                kinds.setdefault((row.param.device, row.param.dtype), []).append(i)
        self.members = [*kinds.values()]
        table = self._table(addresses)
        lengths = np.array([row.param.numel() for row in rows], dtype=np.int64)
        batches = [
            Batch(table.take(members, axis=1), lengths[members], dtype, device, state_dtype)
            for (device, dtype), members in kinds.items()
        ]
        # One attribute: an exception such as Ctrl-C may come between any two.
        self._there = addresses, batches

    def made(self) -> list[Batch]:
        """Return what kernels may step, of tensors that were just given."""
        return self._there[1]

    def follow(self, columns: Columns) -> list[Batch] | None:
        """Follow gradients that moved.

        Returns:
            What kernels may step, or None where anything else is not as it was. Another thread may
            have these batches follow gradients of its own, which does not change what is returned.
        """
        if columns.fields != self._fields or not self._snapshot.matches(columns.tensors):
            return None
        (before, batches), addresses = self._there, self._data_ptrs(columns.tensors)
        changed = addresses != before
        if not changed.any():
            return batches
        grads = addresses[self._grads]
        if (
            changed[self._written].any()
            or any(obstacle.field == "grad" for obstacle in self.obstacles.values())
            or self.are_entangled
            or self._grads_are_odd(grads)
            or self._grads_are_written(grads)
        ):
            return None
        moved = [
            batch.with_grads(grads[members])
            for batch, members in zip(batches, self.members, strict=True)
        ]
        self._there = addresses, moved
        return moved

    def grads_are_apart(self) -> bool:
        """Return whether no two gradients share memory."""
        return not _overlap(_ranges(self._there[0][self._grads], self._sizes))

    def writes_to(self, tensors: Sequence[Tensor]) -> bool:
        """Return whether what a step changes shares memory with any of these tensors."""
        return any(
            _touches(
                self._written_ranges,
                np.array([[tensor.data_ptr()], [tensor.data_ptr() + _reach(tensor)]]),
            )
            for tensor in tensors
        )

    def _obstacles(
        self,
        rows: Sequence[Row],
        is_usable: Callable[[torch.device, torch.dtype], bool],
        state_dtype: torch.dtype | None,
    ) -> dict[int, Obstacle]:
        obstacles = {}
        for i, row in enumerate(rows):
            usable = is_usable(row.param.device, row.param.dtype)
            obstacle = (
                _obstacle(row, state_dtype) if usable else Obstacle("param", "is of another kind")
            )
            if obstacle:
                obstacles[i] = obstacle
        # One that shares memory with another must be stepped in its turn: so then must all.
        if self.are_entangled:
            entangled = Obstacle("param", "shares memory, or another in its group does")
            return dict.fromkeys(range(len(rows)), entangled) | obstacles
        return obstacles

    def _table(self, addresses: Integers) -> Integers:
        """Return the addresses, a line for every field of a `Row`."""
        n = len(addresses[self._grads])
        table = np.zeros((len(Row._fields), n), dtype=np.int64)
        lines = [Row._fields.index(field) for field in self._fields]
        table[lines] = addresses.reshape(-1, n)
        return table

    def _grads_are_odd(self, grads: Integers) -> bool:
        """Return whether gradients are misaligned, or nowhere."""
        return bool((grads & self._masks).any() or (grads[self._present] == 0).any())

    def _grads_are_written(self, grads: Integers) -> bool:
        """Return whether gradients have memory in common with what a step changes."""
        return _touches(
            self._written_ranges, np.array([grads, grads + self._sizes])[:, self._present]
        )


def is_ordinary(tensor: Any) -> bool:
    """Return whether a tensor has an address, shape and strides that say where its elements are."""
    return type(tensor) in PLAIN and tensor.layout == torch.strided


def is_plain(tensor: Tensor) -> bool:
    """Return whether an ordinary tensor is nothing but elements: not wrapped, negated or named."""
    return dispatch_keys(tensor) == dispatch_keys(torch.empty(0, device=tensor.device))


def data_ptrs(tensors: Sequence[Tensor]) -> Integers:
    """Return where tensors are, int64, one number for each.

    Raises:
        RuntimeError: for a tensor that has no memory of its own.
    """
    return np.fromiter(map(Tensor.data_ptr, tensors), np.int64, len(tensors))


def _reach(tensor: Tensor) -> int:
    """Return how many bytes lie between a tensor's address and the end of its last element."""
    if tensor.numel() == 0:
        return 0
    last = sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return (last + 1) * tensor.itemsize


def _ranges(starts: Integers, sizes: Integers) -> Integers:
    """Return first addresses and those past the last, in order, of what has elements."""
    starts, sizes = starts[sizes > 0], sizes[sizes > 0]
    order = np.argsort(starts)
    return np.stack([starts[order], (starts + sizes)[order]])


def _overlap(ranges: Integers) -> bool:
    """Return whether any two ranges, which are in order, have memory in common."""
    starts, ends = ranges
    return bool(np.any(starts[1:] < ends[:-1]))


def _touches(written: Integers, read: Integers) -> bool:
    """Return whether a range read has memory in common with those written, disjoint, in order."""
    starts, ends = written
    # Only the last that begins before the end of what is read can reach into it.
    before = np.searchsorted(starts, read[1])
    reached = np.append(ends, 0)[before - 1]  # by the one before the first: nothing
    return bool((reached > read[0]).any())


def _obstacle(row: Row, state_dtype: torch.dtype | None) -> Obstacle | None:
    """Say what keeps a kernel from pairing the elements of these tensors by position in memory."""
    param = row.param
    state_dtype = state_dtype or torch.promote_types(param.dtype, torch.float32)
    dtypes = {"param": param.dtype, "grad": param.dtype, "step": torch.float32}
    dtypes["rounding_seed"] = torch.int64
    strides = _strides(param)
    for field, tensor in zip(row._fields, row, strict=True):
        if tensor is None:
            continue
        if tensor.device != param.device:
            return Obstacle(field, f"is on {tensor.device}")
        if tensor.dtype != dtypes.get(field, state_dtype):
            return Obstacle(field, f"is of {tensor.dtype}")
        if not is_plain(tensor):
            return Obstacle(field, "is no plain tensor")
        if field in ("step", "rounding_seed"):
            if tensor.numel() != 1:
                return Obstacle(field, f"is of shape {tuple(tensor.shape)}")
        elif tensor.shape != param.shape:
            return Obstacle(field, f"is of shape {tuple(tensor.shape)}")
        elif _strides(tensor) != strides:
            return Obstacle(field, f"has the strides {tensor.stride()}, not {param.stride()}")
        if tensor.data_ptr() % tensor.itemsize or (tensor.numel() > 0 and tensor.data_ptr() == 0):
            return Obstacle(field, f"is at the address {tensor.data_ptr()}")
    return None if _is_dense(strides) else Obstacle("param", "has gaps")


def _strides(tensor: Tensor) -> list[tuple[int, int]]:
    """Return stride and size of the dimensions along which there is more than one element."""
    if tensor.numel() == 0:
        return []
    pairs = zip(tensor.stride(), tensor.shape, strict=True)
    return [(stride, size) for stride, size in pairs if size != 1]


def _is_dense(strides: list[tuple[int, int]]) -> bool:
    """Return whether the elements fill a stretch of memory, each its own place."""
    expected = 1
    for stride, size in sorted(strides):
        if stride != expected:
            return False
        expected *= size
    return True
