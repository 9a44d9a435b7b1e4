"""Time a step of every contender on every set and write the results; `make bench` runs this."""

import datetime
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch

from benchmarks.contenders import VARIANTS
from benchmarks.machine import describe, slug
from benchmarks.measure import measure, measure_variants
from benchmarks.sets import SETS
from rmsprop.experiments.device import choose_device

RESULTS = Path(__file__).parent / "results"
# How many times as long as in the calmest case memory may take before a case is measured once more,
# and how many elements no cache holds.
CALM, UNCACHED = 1.25, 10_000_000

Case = tuple[str, str]
Results = list[dict[str, Any]]


def main(folder: Path = RESULTS) -> None:
    """Run all benchmarks, show what they measure, and write it when all is measured."""
    device = choose_device()
    machine = describe(device)
    path = folder / f"{slug(machine)}.json"
    cases = [(name, variant) for name in SETS for variant in VARIANTS]
    measured: dict[Case, Results] = {}
    for i, case in enumerate(cases):
        print(f"[{i + 1}/{len(cases)}]", end=" ", flush=True)
        measured[case] = measure_case(case, device)
    for case in disturbed(measured):
        print("Once more, as memory was slow:", end=" ", flush=True)
        again = {**measured, case: measure_case(case, device)}
        if seconds_per_byte(again[case]) < seconds_per_byte(measured[case]):
            measured = again
    results = [
        {"set": name, "variant": variant, **result}
        for (name, variant), results in measured.items()
        for result in results
    ]
    variants: list[dict[str, Any]] = []
    for name, shapes in SETS.items():
        print(f"{name}, variants in turns", flush=True)
        in_turns = in_new_process(measure_variants, shapes, device)
        variants += [{"set": name, **result} for result in in_turns]
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    content = {"date": date, "machine": machine, "results": results, "variants": variants}
    write(path, content)
    print(f"written: {os.path.relpath(path)}")


def measure_case(case: Case, device: torch.device) -> Results:
    """Measure a set of tensors and a variant, and show it."""
    name, variant = case
    print(f"{name}, {variant}", flush=True)
    start = time.perf_counter()
    results: Results = in_new_process(measure, SETS[name], variant, device)
    print(*table(results), f"  in {time.perf_counter() - start:.0f} s", sep="\n", flush=True)
    return results


def disturbed(measured: Mapping[Case, Results]) -> list[Case]:
    """Return the cases in which something beside them slowed the memory down.

    Of those that no cache holds; the streaming limit tells, which only moves memory.
    """
    slowest = {
        case: seconds_per_byte(results)
        for case, results in measured.items()
        if results[0]["elements"] >= UNCACHED
    }
    return [case for case, time in slowest.items() if time > CALM * min(slowest.values())]


def seconds_per_byte(results: Results) -> float:
    """Return what the slowest round of the streaming limit took for a byte."""
    (limit,) = (result for result in results if result["contender"] == "streaming limit")
    return float(max(limit["seconds"]) / (4 * limit["accesses"] * limit["elements"]))


def table(results: list[dict[str, Any]]) -> Iterator[str]:
    """Return a line per contender.

    Median and range of steps in a row, speed, time over the first one's; then medians of cold ones,
    of ones with gradients that moved, and of ones that waited in a GPU's queue.
    """
    for result in results:
        seconds, accesses = result["seconds"], result["accesses"]
        ratio = statistics.median(
            other / own for other, own in zip(seconds, results[0]["seconds"], strict=True)
        )
        others = {name: result[f"{name}_seconds"] for name in ("cold", "moved", "queued")}
        speed = accesses and 4e-9 * accesses * result["elements"] / result["median_s"]
        yield (
            f"  {result['contender']:17}{1e3 * result['median_s']:9.3f} ms "
            f"({1e3 * min(seconds):.3f} to {1e3 * max(seconds):.3f})".ljust(52)
            + (f"{speed:7.1f} GB/s" if speed else 12 * " ")
            + f"{ratio:9.2f}"
            + "".join(
                f"{1e3 * statistics.median(times):9.3f} ms {name}"
                for name, times in others.items()
                if times
            )
        )


def in_new_process(function: Callable[..., Any], *args: Any) -> Any:
    """Return what a function returns where no case before it has left modules, threads and holes.

    After other cases our step of a thousand tensors took up to twice as long.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(function, *args).result()


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
