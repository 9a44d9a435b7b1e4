"""One case of the benchmarks: a set of tensors, a variant of the rule, and all contenders."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import Parameter

from benchmarks.contenders import VARIANTS, accesses, contenders
from benchmarks.sets import Shape
from benchmarks.timing import (
    first_call,
    interleave,
    interleave_cold,
    interleave_queued,
    moving,
    peak_extra_memory,
)

__all__ = ["make_params", "measure", "measure_variants"]

ROUNDS = 9
MOVED = "rmsprop fused", "rmsprop bfloat16", "torch for-loop", "torch foreach"
COLD = *MOVED, "streaming limit"
COMPARED = "rmsprop fused", "torch for-loop", "torch foreach", "streaming limit"


def measure(shapes: Sequence[Shape], variant: str, device: torch.device) -> list[dict[str, Any]]:
    """Return one result per contender: steps in a row, cold, of moved gradients, on a GPU queued.

    First steps are those of the uncentered variant alone: ours compiles alike for each, whatever
    the shapes, and needs a process of its own to be seen to.
    """
    params = make_params(shapes, device)
    total = sum(param.numel() for param in params)
    steps, first = {}, {}
    makers = contenders(params, variant)
    if len(params) >= 1000 and variant != "uncentered":
        del makers["torch compiled"]  # it compiles for minutes, and once is enough to see it
    for contender, make in makers.items():
        steps[contender] = make()
        first[contender] = first_call(steps[contender], device)
    if variant == "uncentered":
        first["rmsprop fused"] = first_step_of_a_new_process(shapes)
    extra = {contender: peak_extra_memory(step, device) for contender, step in steps.items()}
    seconds = interleave(steps, ROUNDS, device)
    cold = interleave_cold({contender: steps[contender] for contender in COLD}, ROUNDS, device)
    queued = interleave_queued(steps, ROUNDS, device) if device.type == "cuda" else {}
    moved = interleave({who: moving(steps[who], params) for who in MOVED}, ROUNDS, device)
    return [
        {
            "contender": contender,
            "tensors": len(params),
            "elements": total,
            "accesses": accesses(contender, variant),
            "seconds": times,
            "cold_seconds": cold.get(contender),
            "moved_seconds": moved.get(contender),
            "queued_seconds": queued.get(contender),
            "median_s": statistics.median(times),
            "first_step_s": first[contender] if variant == "uncentered" else None,
            "peak_extra_bytes": extra[contender],
        }
        for contender, times in seconds.items()
    ]


def measure_variants(shapes: Sequence[Shape], device: torch.device) -> list[dict[str, Any]]:
    """Return the seconds of every variant, in turns, for each of `COMPARED`, one after the other.

    `measure` lets contenders take turns, whose ratios may be read; variants of one contender are
    compared here. All of both together would not fit into memory.
    """
    params = make_params(shapes, device)
    results = []
    for contender in COMPARED:
        steps = {variant: contenders(params, variant)[contender]() for variant in VARIANTS}
        for step in steps.values():
            first_call(step, device)
        results += [
            {"contender": contender, "variant": variant, "seconds": seconds}
            for variant, seconds in interleave(steps, ROUNDS, device).items()
        ]
    return results


def make_params(shapes: Sequence[Shape], device: torch.device) -> list[Parameter]:
    """Return random parameters with random gradients."""
    generator = torch.Generator(device).manual_seed(0)
    params = []
    for shape in shapes:
        param = Parameter(torch.randn(shape, generator=generator, device=device))
        param.grad = torch.randn(shape, generator=generator, device=device)
        params.append(param)
    return params


FIRST_STEP = """
import json, sys, time
import torch
from benchmarks.measure import make_params
from rmsprop import RMSprop
from rmsprop.experiments.device import choose_device
device = choose_device()
params = make_params(json.loads(sys.argv[1]), device)
optimizer = RMSprop(params, fused=True)
start = time.perf_counter()
optimizer.step()
if device.type == "cuda":
    torch.cuda.synchronize(device)
print(time.perf_counter() - start)
"""


def first_step_of_a_new_process(shapes: Sequence[Shape]) -> float:
    """Return the seconds of our first step where nothing is loaded and no cache is filled."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-c", FIRST_STEP, json.dumps(shapes)],
            env=os.environ | {"NUMBA_CACHE_DIR": cache, "TRITON_CACHE_DIR": cache},
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout)
