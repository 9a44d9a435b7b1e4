"""The state of `rmsprop.RMSprop`: what it holds for which options, and how torch's becomes it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rmsprop.kernels import rounding
from rmsprop.kernels.batch import is_ordinary, is_plain

__all__ = [
    "BUFFERS",
    "SEED",
    "as_real",
    "check_state",
    "complete_state",
    "complete_states",
    "match_layout",
    "own_state",
    "state_names",
    "wide_dtype",
]

AVERAGES = {"square_avg", "grad_var"}
BUFFERS = AVERAGES | {"grad_avg", "momentum_buffer"}
# Of the random bits of stochastic rounding.
SEED = "rounding_seed"


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
        buffers = {name: value for name, value in buffers.items() if value is not None}
        # Other optimizers, wrapped around this one, may keep state of theirs beside ours.
        if buffers and not (buffers.keys() & AVERAGES and "step" in buffers):
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
        if value is None:
            state.pop(name, None)
        elif name in BUFFERS:
            # Of 16 bits it may be as it shall be, and is widened or not when it is completed.
            dtype = value.dtype if value.dtype == torch.bfloat16 else wide_dtype(param)
            state[name] = value.to(param.device, dtype, copy=True)
        elif name == SEED:
            state[name] = value.to(param.device, torch.int64, copy=True).reshape(())
        elif name == "step":
            state[name] = state[name].to(torch.float32, copy=True).reshape(())
        elif isinstance(value, Tensor):
            state[name] = state[name].clone()


def complete_states(
    states: Sequence[dict[str, Any]], params: Sequence[Tensor], group: dict[str, Any]
) -> None:
    """Give many states what the group's options need, as `complete_state` gives it to one.

    In the order in which a step of small tensors finds them soonest in memory: all counts, then the
    objects of all buffers, side by side, and only then the elements of these. Those on other
    devices do not lie among objects.
    """
    for state, param in zip(states, params, strict=True):
        _complete_count(state, param, group)
    new = [
        (state, param)
        for state, param in zip(states, params, strict=True)
        if state.keys() == {"step"}
        and param.device.type == "cpu"
        and is_ordinary(param)
        and is_plain(param)
    ]
    names = state_names(group)
    columns = [
        [torch.empty(0, dtype=_first_dtype(name, param, group), device="cpu") for _, param in new]
        for name in names
    ]
    for (state, param), *buffers in zip(new, *columns, strict=True):
        made = dict(zip(names, buffers, strict=True))
        for name, buffer in made.items():
            like = torch.empty_like(param, device="meta")
            buffer.resize_(like.numel()).as_strided_(like.shape, like.stride()).zero_()
            _begin(name, buffer, group)
        state.update(made)
    for state, param in zip(states, params, strict=True):
        complete_state(state, param, group)


def _complete_count(state: dict[str, Any], param: Tensor, group: dict[str, Any]) -> None:
    """Give the state its step count, on the CPU or for `capturable` on the parameter's device."""
    if "step" not in state:
        device = param.device if group["capturable"] else "cpu"
        state["step"] = torch.zeros((), dtype=torch.float32, device=device)
    elif not isinstance(state["step"], Tensor):
        state["step"] = torch.tensor(float(state["step"]), dtype=torch.float32, device="cpu")
    if group["capturable"]:
        state["step"] = state["step"].to(param.device)


def complete_state(state: dict[str, Any], param: Tensor, group: dict[str, Any]) -> None:
    """Give the state what the group's options need, converting what it has of torch's or others."""
    _complete_count(state, param, group)
    is_narrow = group["state_dtype"] is not None
    if not is_narrow or _is_of_another_rule(state, group):
        _widen(state, param)
    # What it was stays until what it becomes is there, should an exception come between.
    if group["centered"] and "square_avg" in state:
        state["grad_var"] = _variance(state["square_avg"], state.get("grad_avg"))
        del state["square_avg"]
    elif not group["centered"] and "grad_var" in state:
        grad_var, grad_avg = state["grad_var"], state["grad_avg"]
        state["square_avg"] = _from_real(as_real(grad_var) + _square(grad_avg), grad_var)
        del state["grad_var"], state["grad_avg"]
    for name in state_names(group):
        if state.get(name) is None:
            buffer = torch.zeros_like(param, dtype=_first_dtype(name, param, group))
            _begin(name, buffer, group)
            state[name] = buffer
    if is_narrow:
        _narrow(state, param, group)


def _first_dtype(name: str, param: Tensor, group: dict[str, Any]) -> torch.dtype:
    """Return the dtype in which a buffer begins: what is not 0 is rounded later."""
    state_dtype: torch.dtype | None = group["state_dtype"]
    is_zero = name not in AVERAGES or group["initial_accumulator_value"] == 0
    return state_dtype if state_dtype and is_zero and not param.is_complex() else wide_dtype(param)


def _begin(name: str, buffer: Tensor, group: dict[str, Any]) -> None:
    """Give a buffer full of zeros its first value."""
    if name in AVERAGES and group["initial_accumulator_value"] != 0:
        as_real(buffer).fill_(float(group["initial_accumulator_value"]))


def _is_of_another_rule(state: dict[str, Any], group: dict[str, Any]) -> bool:
    return ("square_avg" if group["centered"] else "grad_var") in state


def _widen(state: dict[str, Any], param: Tensor) -> None:
    """Let the buffers be what a step computes in, exactly."""
    for name in BUFFERS & state.keys():
        if state[name].dtype == torch.bfloat16:
            state[name] = state[name].to(wide_dtype(param))
    state.pop(SEED, None)


def _narrow(state: dict[str, Any], param: Tensor, group: dict[str, Any]) -> None:
    """Let the buffers be of bfloat16, rounded stochastically, and have a seed for that."""
    if torch.is_complex(param):
        raise TypeError(f"state_dtype needs real parameters, got one of {param.dtype}")
    seed = state.get(SEED)
    if seed is None:
        # The same on all ranks, and no draw from anybody's generator.
        place = [member is param for member in group["params"]].index(True)
        seed = torch.tensor(place, dtype=torch.int64, device=param.device)
    wide = {name: state[name] for name in state_names(group)}
    wide = {name: value for name, value in wide.items() if value.dtype != torch.bfloat16}
    narrow = {name: torch.empty_like(wide[name], dtype=torch.bfloat16) for name in wide}
    rounding.store(narrow, wide, state["step"], seed)
    # The seed last: with it the state is complete.
    state.update(narrow | {SEED: seed})


def match_layout(state: dict[str, Any], param: Tensor, step_on_device: bool) -> None:
    """Let the buffers lie in memory as their parameter does, the step count on its device or not.

    A model that became channels-last after its first step, or a checkpoint of one that had not yet,
    leaves buffers of another layout. They stay the objects that they are, and those whose memory
    somebody else has too stay where they are.
    """
    for name in BUFFERS & state.keys():
        buffer = state[name]
        if (
            type(buffer) is Tensor
            and buffer.shape == param.shape
            and buffer.stride() != param.stride()
            and _is_alone(buffer)
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


def _is_alone(tensor: Tensor) -> bool:
    """Return whether nobody else has a tensor's memory: a view, an array, another process."""
    storage = tensor.untyped_storage()
    return (
        not tensor._is_view()
        and not _is_shared(tensor)
        and storage.resizable()  # torch has allocated it
        and storage.nbytes() == tensor.numel() * tensor.itemsize
        and _users_of(storage) == USERS_OF_ITS_OWN
    )


def _users_of(storage: torch.UntypedStorage) -> int:
    """Return how many hold a storage, in versions of torch that tell, and else 0."""
    count = getattr(torch._C, "_storage_Use_Count", None)
    return 0 if count is None else int(count(storage._cdata))


_EXAMPLE = torch.zeros(1)
USERS_OF_ITS_OWN = _users_of(_EXAMPLE.untyped_storage())  # the tensor, and whoever asks


def wide_dtype(param: Tensor) -> torch.dtype:
    """Return the dtype that a step computes in."""
    return torch.promote_types(param.dtype, torch.float32)


def _square(tensor: Tensor) -> Tensor:
    return as_real(tensor).square()


def _from_real(values: Tensor, like: Tensor) -> Tensor:
    return torch.view_as_complex(values) if torch.is_complex(like) else values
