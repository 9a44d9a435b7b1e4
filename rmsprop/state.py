"""The state of `rmsprop.RMSprop`: what it holds for which options, and how torch's becomes it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = [
    "BUFFERS",
    "as_real",
    "check_state",
    "complete_state",
    "match_layout",
    "own_state",
    "state_names",
]

BUFFERS = {"square_avg", "grad_avg", "grad_var", "momentum_buffer"}


def check_state(state: dict[str, Any]) -> None:
    """Refuse the state of another optimizer, before anything of it is taken over."""
    for group in state["param_groups"]:
        if "alpha" not in group or "centered" not in group:
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
    """Undo what torch does to state that it loads: lower its precision, or share its memory."""
    for name, value in saved.items():
        if name in BUFFERS:
            state[name] = value.to(param.device, _state_dtype(param), copy=True)
        elif isinstance(value, Tensor):
            state[name] = state[name].clone()


def complete_state(state: dict[str, Any], param: Tensor, group: dict[str, Any]) -> None:
    """Give the state what the group's options need, converting what it has of torch's or others."""
    if "step" not in state:
        device = param.device if group["capturable"] else "cpu"
        state["step"] = torch.zeros((), dtype=torch.float32, device=device)
    elif group["capturable"]:
        state["step"] = state["step"].to(param.device)
    if group["centered"] and "square_avg" in state:
        square_avg = state.pop("square_avg")
        if "grad_avg" in state:
            mean_square = _square(state["grad_avg"])
            state["grad_var"] = _from_real(
                (as_real(square_avg) - mean_square).clamp_(min=0), square_avg
            )
        else:
            state["grad_var"] = square_avg
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
    leaves buffers of another layout.
    """
    for name in BUFFERS & state.keys():
        if type(state[name]) is Tensor and state[name].stride() != param.stride():
            copy = torch.empty_like(param, dtype=state[name].dtype)
            state[name] = copy.copy_(state[name])
    if step_on_device:
        state["step"] = state["step"].to(param.device)


def as_real(tensor: Tensor) -> Tensor:
    """Return a view of a complex tensor as real numbers, any other tensor as it is."""
    return torch.view_as_real(tensor) if torch.is_complex(tensor) else tensor


def _state_dtype(param: Tensor) -> torch.dtype:
    return torch.promote_types(param.dtype, torch.float32)


def _square(tensor: Tensor) -> Tensor:
    return as_real(tensor).square()


def _from_real(values: Tensor, like: Tensor) -> Tensor:
    return torch.view_as_complex(values) if torch.is_complex(like) else values
