"""Who is timed: each contender makes a step function for parameters that have gradients."""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import Parameter

from benchmarks.streaming import stream
from rmsprop import RMSprop

__all__ = ["VARIANTS", "accesses", "contenders"]

Step = Callable[[], Any]

VARIANTS: dict[str, dict[str, Any]] = {
    "uncentered": {},
    "centered": {"centered": True},
    "momentum": {"momentum": 0.9},
    "all": {"centered": True, "momentum": 0.9, "weight_decay": 0.01},
}
# Every buffer is read and written once, the gradient only read.
ACCESSES = {"uncentered": 5, "centered": 7, "momentum": 7, "all": 9}


def accesses(contender: str, variant: str) -> float | None:
    """Return how many float32 numbers a step reads and writes for an element, None where unknown.

    >>> accesses("rmsprop fused", "centered"), accesses("rmsprop bfloat16", "centered")
    (7, 5.0)
    """
    if "Adam" in contender:
        return None
    return 3 + (ACCESSES[variant] - 3) / 2 if "bfloat16" in contender else ACCESSES[variant]


def contenders(params: Sequence[Parameter], variant: str) -> dict[str, Callable[[], Step]]:
    """Return the contenders for a variant by name, each a function that makes its step.

    The streaming limit does the same reads and writes with no arithmetic, and torch's fused Adam,
    which has one average more than the uncentered variant, shows what torch's own fusion reaches.
    """
    options = VARIANTS[variant]
    makers: dict[str, Callable[[], Step]] = {
        "rmsprop fused": lambda: RMSprop(params, **options, fused=True).step,
        "rmsprop bfloat16": lambda: (
            RMSprop(params, **options, fused=True, state_dtype=torch.bfloat16).step
        ),
        "torch for-loop": lambda: torch.optim.RMSprop(params, **options, foreach=False).step,
        "torch foreach": lambda: torch.optim.RMSprop(params, **options, foreach=True).step,
        "torch compiled": lambda: _compiled(params, options),
        "torch fused Adam": lambda: torch.optim.Adam(params, fused=True).step,
        "streaming limit": lambda: stream(params, ACCESSES[variant]),
    }
    # It has no centered variant.
    if params[0].is_cuda and "centered" not in options and importlib.util.find_spec("bitsandbytes"):
        makers["bitsandbytes"] = lambda: _bitsandbytes(params, options)
    return makers


def _compiled(params: Sequence[Parameter], options: dict[str, Any]) -> Step:
    torch._dynamo.reset()
    torch._dynamo.config.recompile_limit = 64
    optimizer = torch.optim.RMSprop(params, **options, foreach=params[0].is_cuda)
    return torch.compile(optimizer.step)


def _bitsandbytes(params: Sequence[Parameter], options: dict[str, Any]) -> Step:
    import bitsandbytes

    return bitsandbytes.optim.RMSprop(params, **options, optim_bits=32).step
