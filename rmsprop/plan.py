"""Which parameters of a param group a fused kernel steps in the next step, and where they are."""

import functools
import sys
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._device import DeviceContext

from rmsprop.kernels import fused
from rmsprop.kernels.batch import Batch, Batches, Columns, Obstacle, Row, is_ordinary
from rmsprop.options import are_plain
from rmsprop.state import SEED, complete_states, match_layout, state_names

__all__ = ["Plan", "Planner", "is_watched", "is_worthwhile", "why_no_kernel"]

# Below so much work nobody waits for a step, but everybody for a kernel to be loaded.
WORTHWHILE = 16384
# Of a parameter's tensors those that are one number.
SCALARS = ("step", SEED)


class Plan(NamedTuple):
    """How a param group is stepped: batches by kernels, the rest by torch operations.

    Attributes:
        batches: what a kernel steps in one call each, as long as no other code has run.
        written: the tensors that each changes.
        rest: the positions of the parameters that are in no batch.
        has_moved: whether state was made or moved for it, where plans of before may expect it.
    """

    batches: Sequence[Batch]
    written: Sequence[Sequence[Tensor]]
    rest: Sequence[int]
    has_moved: bool = False


def is_watched() -> bool:
    """Return whether somebody follows every operation, from whom a kernel would hide the step.

    A compiler or tracer, a dispatch mode such as ``FakeTensorMode``, a transform such as ``vmap``,
    or forward-mode differentiation.
    """
    return (
        torch.compiler.is_compiling()
        or sys.is_finalizing()  # where threads that a kernel starts never run
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._functorch.peek_interpreter_stack() is not None
        or torch._C._get_tracing_state() is not None
        or forward_ad._current_level >= 0
        # What `torch.set_default_device` sets follows no operation of a step.
        or not all(
            isinstance(torch._C._get_function_stack_at(i), DeviceContext)
            for i in range(torch._C._len_torch_function_stack())
        )
    )


class Planner:
    """The plans of one param group, made anew only where its tensors are no longer the same."""

    def __init__(self) -> None:
        self._batches: Batches | None = None
        self._are_distributed = False

    def plan(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        states: list[dict[str, Any]],
        scaled: bool,
        may_move: bool,
    ) -> Plan:
        """Return the plan of the next step, good until code that is not ours runs.

        Args:
            group: the options.
            params: the parameters with a gradient.
            grads: their gradients.
            states: theirs, completed here.
            scaled: whether the step changes the gradients too.
            may_move: whether a buffer that lies in memory otherwise than its parameter, or a step
                count on another device, may be moved.

        Raises:
            RuntimeError: if the option `fused` is True and a parameter is in no batch.
        """
        has_moved = False
        try:
            columns = _columns(group, params, grads, states)
        except KeyError:
            has_moved = True
            complete_states(states, params, group)
            columns = _columns(group, params, grads, states)
        # Whether tensors are distributed is a matter of their class, which batches look at.
        shards = _shards(columns) if self._are_distributed else columns
        # In names of this call: another thread may plan a step of the same parameters.
        gathered = self._batches
        batches = gathered.follow(shards) if gathered else None
        if batches is None:
            shards = _shards(columns)
            gathered = _gather(group, shards)
            if may_move and _wants_a_move(gathered):
                for param, state in zip(params, states, strict=True):
                    match_layout(state, param, fused.is_usable(param.device, param.dtype))
                columns = _columns(group, params, grads, states)
                shards = _shards(columns)
                gathered = _gather(group, shards)
                has_moved = True
            batches = gathered.made() if gathered else []
            self._batches, self._are_distributed = gathered, shards is not columns
        numbers = [value for value in group.values() if isinstance(value, Tensor)]
        if (
            gathered is None
            or (scaled and not gathered.grads_are_apart())
            or (numbers and gathered.writes_to(numbers))
        ):
            plan = Plan([], [], range(len(params)), has_moved)
        else:
            written = [_written(columns, shards, members, scaled) for members in gathered.members]
            plan = Plan(batches, written, [*gathered.obstacles], has_moved)
        # Sparse gradients are refused with kernels and without.
        if group["fused"] and plan.rest and not any(grad.is_sparse for grad in grads):
            i = plan.rest[0]
            obstacle = None if gathered is None else gathered.obstacles.get(i)
            raise RuntimeError(_why_not(shards.rows()[i], obstacle or _oddity(shards, i), group))
        return plan


def why_no_kernel(param: Tensor) -> str | None:
    """Say that no kernel steps parameters of this device and dtype, in torch's words, or None."""
    kinds, kind = fused.devices(), param.device.type
    if param.is_floating_point() and fused.is_usable(param.device, param.dtype):
        return None
    compiler = fused.COMPILERS.get(kind)
    hint = f" (is {compiler.capitalize()} installed?)" if compiler and kind not in kinds else ""
    return (
        "`fused=True` requires all the params to be floating point Tensors of supported "
        f"devices: {kinds} but {param.dtype} and {kind}{hint}"
    )


def _why_not(row: Row, obstacle: Obstacle, group: dict[str, Any]) -> str:
    """Say why a parameter is in no batch."""
    average = "grad_var" if group["centered"] else "square_avg"
    names = {"param": "which", "grad": "whose gradient", "average": f"whose {average}"}
    return why_no_kernel(row.param) or (
        "`fused=True` requires params, grads and state to have the same dtype, device, and layout, "
        "dense and without sharing memory, got a parameter "
        f"({row.param.dtype} on {row.param.device}, shape {tuple(row.param.shape)}) "
        f"{names.get(obstacle.field, f'whose {obstacle.field}')} {obstacle.reason}"
    )


def _oddity(columns: Columns, i: int) -> Obstacle:
    """Say what a plan without batches founders on."""
    for field, tensor in zip(columns.fields, columns.by_parameter()[i], strict=True):
        if not is_ordinary(tensor):
            return Obstacle(field, f"is a {type(tensor).__name__}")
    return Obstacle("param", "shares memory, or another in its group does")


def is_worthwhile(group: dict[str, Any], params: list[Tensor]) -> bool:
    """Return whether kernels may step a group and are wanted, and there is enough to step."""
    if group["fused"] is False or group["differentiable"] or not params or not are_plain(group):
        return False
    # A step of one tensor takes the time of about a thousand elements more.
    tensors_alone = 1024 * len(params)
    return (
        bool(group["fused"])
        or tensors_alone >= WORTHWHILE
        or tensors_alone + sum(map(Tensor.numel, params)) >= WORTHWHILE
    )


def _columns(
    group: dict[str, Any],
    params: list[Tensor],
    grads: list[Tensor],
    states: list[dict[str, Any]],
) -> Columns:
    names = ("step", *state_names(group), *([SEED] if group["state_dtype"] else []))
    fields = ["average" if name in ("square_avg", "grad_var") else name for name in names]
    columns = (map(itemgetter(name), states) for name in names)
    return Columns(("param", *fields, "grad"), (*params, *chain(*columns), *grads))


def _shards(columns: Columns) -> Columns:
    """Return the parts that this process has of distributed tensors, other tensors as they are."""
    if not any(hasattr(kind, "to_local") for kind in {*map(type, columns.tensors[: len(columns)])}):
        return columns
    rows = [_shards_of(columns.fields, tensors) for tensors in columns.by_parameter()]
    return Columns(columns.fields, tuple(chain(*zip(*rows, strict=True))))


def _shards_of(fields: Sequence[str], tensors: Sequence[Any]) -> Sequence[Tensor]:
    """Return the shards of a parameter's tensors if they correspond."""
    try:
        layouts = [
            (tensor.device_mesh, tensor.placements)
            for field, tensor in zip(fields, tensors, strict=True)
            if field not in SCALARS
        ]
    except AttributeError:
        return tensors
    if layouts.count(layouts[0]) < len(layouts) or any(p.is_partial() for p in layouts[0][1]):
        return tensors
    return [
        tensor if field in SCALARS else tensor.to_local()
        for field, tensor in zip(fields, tensors, strict=True)
    ]


def _written(
    columns: Columns, shards: Columns, members: Sequence[int], scaled: bool
) -> Sequence[Tensor]:
    """Return what the step of a batch changes: its tensors, and those that these are shards of."""
    parts = [columns.of(members)] + ([] if shards is columns else [shards.of(members)])
    return sum((part.written(scaled) for part in parts), ())


def _wants_a_move(batches: Batches | None) -> bool:
    return batches is not None and bool(batches.obstacles) and not batches.are_entangled


def _gather(group: dict[str, Any], shards: Columns) -> Batches | None:
    """Return new batches, or None where a tensor has no memory that is its own."""
    if not all(map(is_ordinary, shards.tensors)):
        return None

    @functools.cache
    def is_usable(device: torch.device, dtype: torch.dtype) -> bool:
        return fused.is_usable(
            device,
            dtype,
            centered=bool(group["centered"]),
            momentum=bool(group["momentum"] > 0),
            state_dtype=group["state_dtype"],
        )

    try:
        return Batches(
            shards,
            is_usable,
            fused.data_ptrs_on(shards.tensors[0].device),
            group["state_dtype"],
        )
    except RuntimeError:
        return None
