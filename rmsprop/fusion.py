"""Which parameters of a param group a fused kernel steps, and where their memory is."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rmsprop.kernels import fused
from rmsprop.kernels.batch import PLAIN, Batch, Batches
from rmsprop.state import complete_state, match_layout, state_names

__all__ = ["Fusion", "wanted"]

# Below so much work nobody waits for a step, but everybody for a kernel to be loaded.
WORTHWHILE = 16384
_HINTS = {"cpu": " (is Numba installed?)", "cuda": " (is Triton installed?)"}


def wanted(group: dict[str, Any], params: list[Tensor]) -> bool:
    """Return whether a group is to be stepped by fused kernels, as far as these apply."""
    if group["fused"] is False or group["differentiable"] or torch.compiler.is_compiling():
        return False
    # A step of one tensor takes the time of about a thousand elements more.
    return bool(group["fused"]) or (
        1024 * len(params) + sum(map(Tensor.numel, params)) >= WORTHWHILE
    )


class Fusion:
    """The batches of one param group, kept while its tensors stay where they are."""

    def __init__(self) -> None:
        self._batches: Batches | None = None

    def plan(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        states: list[dict[str, Any]],
    ) -> tuple[list[Batch], Sequence[int]]:
        """Return the batches of these parameters and the positions of those that fit in none.

        Args:
            group: their options.
            params: those with a gradient.
            grads: their gradients.
            states: theirs, completed here; a buffer that lies in memory otherwise than its
                parameter, or a step count on another device, is replaced by a copy that does not.

        Raises:
            RuntimeError: if `fused` is True and a parameter fits in none.
        """
        try:
            columns = _columns(group, params, grads, states)
        except KeyError:
            for param, state in zip(params, states, strict=True):
                complete_state(state, param, group)
            columns = _columns(group, params, grads, states)
        if self._batches is None or not self._batches.follow(columns):
            self._batches = _gather(columns, group, params, grads, states)
        batches: list[Batch] = []
        rest: Sequence[int] = range(len(params))
        if self._batches is not None:
            batches, rest = self._batches.batches, self._batches.rest
        # Sparse gradients are refused with kernels and without.
        if group["fused"] and rest and not any(grads[i].is_sparse for i in rest):
            raise RuntimeError(_why_not(columns["param"][rest[0]], columns["grad"][rest[0]]))
        return batches, rest


def _gather(
    columns: dict[str, list[Tensor]],
    group: dict[str, Any],
    params: list[Tensor],
    grads: list[Tensor],
    states: list[dict[str, Any]],
) -> Batches | None:
    """Return new batches, of buffers that lie in memory as their parameters do.

    None where a tensor has no memory of its own: one of a subclass, or a sparse gradient.
    """
    kinds = {kind for column in columns.values() for kind in set(map(type, column))}
    if not kinds <= PLAIN or any(grad.layout != torch.strided for grad in columns["grad"]):
        return None
    batches = Batches(columns, fused.supports)
    if batches.rest:
        for i in batches.rest:
            match_layout(states[i], columns["param"][i], fused.supports(params[i]))
        batches = Batches(_columns(group, params, grads, states), fused.supports)
    return batches


def _columns(
    group: dict[str, Any],
    params: list[Tensor],
    grads: list[Tensor],
    states: list[dict[str, Any]],
) -> dict[str, list[Tensor]]:
    """Return the tensors by the field of a `Row` they belong to."""
    columns = {"param": params, "grad": grads}
    for name in ("step", *state_names(group)):
        field = "average" if name in ("square_avg", "grad_var") else name
        columns[field] = [state[name] for state in states]
    if any(hasattr(kind, "to_local") for kind in set(map(type, params))):
        local = [_local(tensors) for tensors in zip(*columns.values(), strict=True)]
        columns = dict(zip(columns, map(list, zip(*local, strict=True)), strict=True))
    return columns


def _local(tensors: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """Return the shards that this process has, if those of all the tensors correspond."""
    param, grad, step, *buffers = tensors
    try:
        layouts = [(t.device_mesh, t.placements) for t in (param, grad, *buffers)]
    except AttributeError:
        return tensors
    if layouts.count(layouts[0]) < len(layouts) or any(p.is_partial() for p in param.placements):
        return tensors
    return param.to_local(), grad.to_local(), step, *(buffer.to_local() for buffer in buffers)


def _why_not(param: Tensor, grad: Tensor) -> str:
    """Say why a parameter does not fit in a batch, beginning as torch does."""
    devices, kind = fused.devices(), param.device.type
    if not param.is_floating_point() or not fused.supports(param):
        return (
            "`fused=True` requires all the params to be floating point Tensors of supported "
            f"devices: {devices} but {param.dtype} and {kind}"
            + ("" if kind in devices else _HINTS.get(kind, ""))
        )
    return (
        "`fused=True` requires params, grads and state to have the same dtype, device, and layout, "
        "dense and without sharing memory, got a parameter "
        f"({_describe(param)}) with a gradient ({_describe(grad)})"
    )


def _describe(tensor: Tensor) -> str:
    return (
        f"{tensor.dtype} on {tensor.device}, shape {tuple(tensor.shape)}, strides "
        f"{tensor.stride() if tensor.layout == torch.strided else tensor.layout}"
    )
