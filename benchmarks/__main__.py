"""Time a step of every contender on every set and write the results; `make bench` runs this."""

import datetime
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch.nn import Parameter

from benchmarks.contenders import ACCESSES, VARIANTS, contenders
from benchmarks.machine import describe, slug
from benchmarks.sets import SETS, Shape
from benchmarks.timing import first_call, interleave, peak_extra_memory
from rmsprop import choose_device

RESULTS = Path(__file__).parent / "results"
ROUNDS = 9


def main() -> None:
    """Run all benchmarks, show what they measure, and write it when all is measured."""
    device = choose_device()
    machine = describe(device)
    path = RESULTS / f"{slug(machine)}.json"
    cases = [(name, variant) for name in SETS for variant in VARIANTS]
    results: list[dict[str, Any]] = []
    for i, (name, variant) in enumerate(cases):
        print(f"[{i + 1}/{len(cases)}] {name}, {variant}", flush=True)
        start = time.perf_counter()
        results += in_new_process(measure, name, variant, device)
        for result in results:
            if (result["set"], result["variant"]) == (name, variant):
                print(f"  {result['contender']:17} {1e3 * result['median_s']:9.3f} ms", flush=True)
        print(f"  measured in {time.perf_counter() - start:.0f} s", flush=True)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    write(path, {"date": date, "machine": machine, "results": results})
    print(f"written: {path.relative_to(RESULTS.parents[1])}")


def in_new_process(function: Callable[..., Any], *args: Any) -> Any:
    """Return what a function returns where no case before it has left modules, threads and holes.

    After other cases our step of a thousand tensors took up to twice as long.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(function, *args).result()


def measure(name: str, variant: str, device: torch.device) -> list[dict[str, Any]]:
    """Return one result per contender."""
    params = make_params(SETS[name], device)
    total = sum(param.numel() for param in params)
    steps, first = {}, {}
    makers = contenders(params, variant)
    if len(params) >= 1000 and variant != "uncentered":
        del makers["torch compiled"]  # it compiles for minutes, and once is enough to see it
    for contender, make in makers.items():
        steps[contender] = make()
        first[contender] = first_call(steps[contender], device)
    first["rmsprop fused"] = first_step_of_a_new_process(name, variant)
    extra = {contender: peak_extra_memory(step, device) for contender, step in steps.items()}
    seconds = interleave(steps, ROUNDS, device)
    return [
        {
            "set": name,
            "variant": variant,
            "contender": contender,
            "tensors": len(params),
            "elements": total,
            "accesses": None if "Adam" in contender else ACCESSES[variant],
            "seconds": times,
            "median_s": statistics.median(times),
            "first_step_s": first[contender],
            "peak_extra_bytes": extra[contender],
        }
        for contender, times in seconds.items()
    ]


def make_params(shapes: list[Shape], device: torch.device) -> list[Parameter]:
    """Return random parameters with random gradients."""
    generator = torch.Generator(device).manual_seed(0)
    params = []
    for shape in shapes:
        param = Parameter(torch.randn(shape, generator=generator, device=device))
        param.grad = torch.randn(shape, generator=generator, device=device)
        params.append(param)
    return params


FIRST_STEP = """
import sys, time
import torch
from benchmarks.__main__ import make_params
from benchmarks.contenders import VARIANTS
from benchmarks.sets import SETS
from rmsprop import RMSprop, choose_device
device = choose_device()
optimizer = RMSprop(make_params(SETS[sys.argv[1]], device), **VARIANTS[sys.argv[2]], fused=True)
start = time.perf_counter()
optimizer.step()
if device.type == "cuda":
    torch.cuda.synchronize(device)
print(time.perf_counter() - start)
"""


def first_step_of_a_new_process(name: str, variant: str) -> float:
    """Return the seconds of our first step where nothing is loaded and no cache is filled."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-c", FIRST_STEP, name, variant],
            env=os.environ | {"NUMBA_CACHE_DIR": cache, "TRITON_CACHE_DIR": cache},
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout)


def write(path: Path, results: dict[str, Any]) -> None:
    """Replace a file of results by a new one, whole."""
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(results, indent=1) + "\n")
    unfinished.replace(path)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        # Compiled from nothing, so that the time of compilation is stated as it is.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
        main()
