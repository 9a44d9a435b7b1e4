"""The state of `rmsprop.RMSprop`: what it holds for which options, and how torch's becomes it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = [
    "BUFFERS",
    "as_real",
    "check_state",
    "complete_count",
    "complete_state",
    "match_layout",
    "own_state",
    "state_names",
]

BUFFERS = {"square_avg", "grad_avg", "grad_var", "momentum_buffer"}


def check_state(state: dict[str, Any]) -> None:
    """Refuse the state of another optimizer, before anything of it is taken over."""
    for group in state["param_groups"]:
        if not {"lr", "alpha", "eps"} <= group.keys():
            raise ValueError(
                "state_dict must be of an RMSprop optimizer, got param groups with the options "
                + ", ".join(sorted(group.keys() - {"params"}))
            )
    for param, buffers in state["state"].items():
        if not isinstance(param, Tensor):
            continue  # torch carries along what belongs to no parameter
        if buffers.keys() - BUFFERS - {"step"} or (buffers and "step" not in buffers):
            raise ValueError(
                f"state_dict must be of an RMSprop optimizer, got a state of {sorted(buffers)}"
            )
        step = buffers.get("step")
        if isinstance(step, Tensor) and step.numel() != 1:
            raise ValueError(
                "state_dict must count steps in one number, got a step of shape "
                f"{tuple(step.shape)}"
            )
        for name in buffers.keys() & BUFFERS:
            if buffers[name].shape != param.shape:
                raise ValueError(
                    f"state_dict must fit the parameters, got a {name} of shape "
                    f"{tuple(buffers[name].shape)} for a parameter of shape {tuple(param.shape)}"
                )


def state_names(group: dict[str, Any]) -> Sequence[str]:
    """Return the names of the buffers that a group's options need."""
    averages = ("grad_avg", "grad_var") if group["centered"] else ("square_avg",)
    return (*averages, "momentum_buffer") if group["momentum"] > 0 else averages


def own_state(state: dict[str, Any], saved: dict[str, Any], param: Tensor) -> None:
    """Undo what torch does to state that it loads: lower its precision, or share its memory.

    The step count, which in a checkpoint may be of any dtype and shape (1,), becomes what it is.
    """
    for name, value in saved.items():
        if name in BUFFERS:
            state[name] = value.to(param.device, _state_dtype(param), copy=True)
        elif name == "step":
            state[name] = state[name].to(torch.float32, copy=True).reshape(())
        elif isinstance(value, Tensor):
            state[name] = state[name].clone()


def complete_count(state: dict[str, Any], param: Tensor, group: dict[str, Any]) -> None:
    """Give the state its step count, on the CPU or for `capturable` on the parameter's device."""
    if "step" not in state:
        device = param.device if group["capturable"] else "cpu"
        state["step"] = torch.zeros((), dtype=torch.float32, device=device)
    elif not isinstance(state["step"], Tensor):
        state["step"] = torch.tensor(float(state["step"]), dtype=torch.float32)
    if group["capturable"]:
        state["step"] = state["step"].to(param.device)


def complete_state(state: dict[str, Any], param: Tensor, group: dict[str, Any]) -> None:
    """Give the state what the group's options need, converting what it has of torch's or others."""
    complete_count(state, param, group)
    if group["centered"] and "square_avg" in state:
        state["grad_var"] = _variance(state.pop("square_avg"), state.get("grad_avg"))
    elif not group["centered"] and "grad_var" in state:
        grad_var, grad_avg = state.pop("grad_var"), state.pop("grad_avg")
        state["square_avg"] = _from_real(as_real(grad_var) + _square(grad_avg), grad_var)
    for name in state_names(group):
        if name not in state:
            state[name] = torch.zeros_like(
                param, dtype=_state_dtype(param), memory_format=torch.preserve_format
            )
            if name in ("square_avg", "grad_var") and group["initial_accumulator_value"] != 0:
                as_real(state[name]).fill_(group["initial_accumulator_value"])


def match_layout(state: dict[str, Any], param: Tensor, step_on_device: bool) -> None:
    """Let the buffers lie in memory as their parameter does, the step count on its device or not.

    A model that became channels-last after its first step, or a checkpoint of one that had not yet,
    leaves buffers of another layout. They stay the objects that they are, and those that other
    processes share stay where they are.
    """
    for name in BUFFERS & state.keys():
        buffer = state[name]
        if (
            type(buffer) is Tensor
            and buffer.shape == param.shape
            and buffer.stride() != param.stride()
            and not _is_shared(buffer)
        ):
            buffer.data = torch.empty_like(param, dtype=buffer.dtype).copy_(buffer)
    if step_on_device:
        state["step"] = state["step"].to(param.device)


def as_real(tensor: Tensor) -> Tensor:
    """Return a view of a complex tensor as real numbers, any other tensor as it is."""
    return torch.view_as_real(tensor) if torch.is_complex(tensor) else tensor


def _variance(square_avg: Tensor, grad_avg: Tensor | None) -> Tensor:
    """Return what torch's centered state has for a variance.

    Memory that other processes share stays theirs, and may be converted already: it is taken for a
    variance as it is, as the zeros are that it is full of before the first step.
    """
    if grad_avg is None or _is_shared(square_avg):
        return square_avg
    # A copy, because autograd keeps it in a differentiable step, which then changes the average.
    mean_square = _square(grad_avg.clone())
    return _from_real((as_real(square_avg) - mean_square).clamp(min=0), square_avg)


def _is_shared(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.is_shared()


def _state_dtype(param: Tensor) -> torch.dtype:
    return torch.promote_types(param.dtype, torch.float32)


def _square(tensor: Tensor) -> Tensor:
    return as_real(tensor).square()


def _from_real(values: Tensor, like: Tensor) -> Tensor:
    return torch.view_as_complex(values) if torch.is_complex(like) else values
