"""The options of `rmsprop.RMSprop`: what they may be, and what they are where nobody set them."""

import math
import numbers
from typing import Any

import torch
from torch import Tensor

__all__ = ["OFF", "are_plain", "check_numbers", "check_options", "complete_options", "number"]

# What the options that torch does not have are, where nobody set them.
OFF = {
    "eps_in_sqrt": False,
    "initial_accumulator_value": 0,
    "lr_in_momentum": False,
    "decoupled_weight_decay": False,
    "bias_correction": False,
    "nesterov": False,
    "fused": None,
    "state_dtype": None,
}
LARGEST = torch.finfo(torch.float32).max
# For every number its least upper bound, and the title that torch's messages give it.
_NUMBERS = {
    "lr": (math.inf, "learning rate"),
    "alpha": (1, "alpha value"),
    "eps": (math.inf, "epsilon value"),
    "weight_decay": (math.inf, "weight_decay value"),
    "momentum": (1, "momentum value"),
    "initial_accumulator_value": (math.inf, "initial_accumulator_value"),
}


def complete_options(options: dict[str, Any]) -> None:
    """Add what torch's own param groups, which a user may append or load, do not have."""
    if not OFF.keys() <= options.keys():
        for name, value in OFF.items():
            options.setdefault(name, value)


def check_options(options: dict[str, Any]) -> None:
    """Raise unless every option of a param group is one that makes sense.

    Args:
        options: all options of `rmsprop.RMSprop` by name.

    Raises:
        ValueError: if a number is out of its range or not finite, or two options exclude each
            other.
        TypeError: if a number is not a number at all.
        RuntimeError: if `fused` is set together with `differentiable` or `foreach`, or
            `state_dtype` with `differentiable`.

    Messages begin like torch's, so that code which matches those keeps working.
    """
    check_numbers(options)
    for name, (limit, title) in _NUMBERS.items():
        number = options[name]
        if isinstance(number, Tensor) and number.device.type == "meta":
            continue
        if not 0 <= number < limit:
            raise ValueError(f"Invalid {title}: {number} (allowed: [0, {limit:g}))")
    if options["nesterov"] and not options["momentum"] > 0:
        raise ValueError("nesterov needs a momentum above 0, got momentum 0")
    if options["fused"]:
        if options["differentiable"]:
            raise RuntimeError("`fused` does not support `differentiable`")
        if options["foreach"]:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if options["state_dtype"] not in (None, torch.bfloat16):
        raise ValueError(
            f"state_dtype must be None or torch.bfloat16, got {options['state_dtype']!r}"
        )
    if options["state_dtype"] and options["differentiable"]:
        raise RuntimeError("`state_dtype` does not support `differentiable`: rounding has no slope")
    if options["bias_correction"] and options["initial_accumulator_value"] != 0:
        raise ValueError(
            "bias_correction needs an average that starts from 0, got initial_accumulator_value "
            f"{options['initial_accumulator_value']}"
        )


def check_numbers(options: dict[str, Any]) -> None:
    """Raise unless the options that are numbers are numbers, or real tensors of one element.

    Options are in a dict that anybody may change, and schedulers do: so this is checked at every
    step. Their ranges are not, since schedules may leave them by a rounding error. False is 0, as
    it is to torch; True is refused, since hardly anybody means 1 by it.

    Raises:
        ValueError: for a tensor of more or fewer elements.
        TypeError: for what is no number.
    """
    for name in _NUMBERS:
        number = options[name]
        if type(number) is float or type(number) is int:
            continue
        if isinstance(number, Tensor) and _is_real(number):
            if number.numel() != 1:
                raise ValueError(f"Tensor {name} must be 1-element")
        elif number is True or not isinstance(number, numbers.Real):
            raise TypeError(f"{name} must be a number, got {number!r}")


def are_plain(options: dict[str, Any]) -> bool:
    """Return whether numbers are read without running anybody's code, and fit into float32.

    So that from the moment when tensors are checked to that when a kernel has changed them, nobody
    can move them; and a number of a class of somebody's own, or one that torch's operations refuse,
    goes through those.
    """
    return all(map(_is_plain, map(options.__getitem__, _NUMBERS)))


def _is_plain(number: Any) -> bool:
    kind = type(number)
    if kind is Tensor or kind is torch.nn.Parameter:
        return True
    builtin = kind is float or kind is int or kind is bool or kind.__module__ == "numpy"
    return builtin and (abs(number) <= LARGEST or not math.isfinite(number))


def number(value: Any) -> Any:
    """Return an option as Python's number, where it is a tensor or a kind of NumPy's."""
    return value if type(value) is float or type(value) is int else float(value)


def _is_real(tensor: Tensor) -> bool:
    return not tensor.is_complex() and tensor.dtype != torch.bool
