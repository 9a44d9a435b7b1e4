"""Interleaved timing: contenders take turns, so that what slows the machine slows all of them."""

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import Parameter

__all__ = [
    "first_call",
    "interleave",
    "interleave_cold",
    "interleave_queued",
    "median_seconds",
    "moving",
    "peak_extra_memory",
]

Step = Callable[[], Any]
BLOCK_SECONDS = 0.05
# More than any cache of a processor holds.
EVICTED_BYTES = 2**28
# Of a GPU at 2 GHz: 20 ms, in which steps are enqueued.
ASLEEP_CYCLES = 40_000_000


def first_call(step: Step, device: torch.device) -> float:
    """Return the seconds of a first call, in which whatever compiles compiles."""
    start = time.perf_counter()
    step()
    _finish(device)
    return time.perf_counter() - start


def interleave(steps: dict[str, Step], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Return for each contender the seconds of a step, one number per round.

    In every round each contender takes its turn: one call that is not timed, then as many as fill
    `BLOCK_SECONDS`, at least one.
    """
    calls = {name: _calls_per_block(step, device) for name, step in steps.items()}

    def block(name: str, step: Step) -> float:
        step()
        _finish(device)
        return _block(step, calls[name], device)

    return _in_turns(steps, rounds, block)


def interleave_cold(
    steps: dict[str, Step], rounds: int, device: torch.device
) -> dict[str, list[float]]:
    """Return the same of single calls, each with nothing of its own in a cache.

    So a step finds them after a backward pass; in a row, steps of small tensors find their own.
    """
    other = torch.zeros(EVICTED_BYTES // 4, device=device)

    def single(_: str, step: Step) -> float:
        other.add_(1)
        _finish(device)
        return _block(step, 1, device)

    return _in_turns(steps, rounds, single)


def interleave_queued(
    steps: dict[str, Step], rounds: int, device: torch.device
) -> dict[str, list[float]]:
    """Return the same of five calls that wait until a GPU has done other work, by its own clock.

    So a step waits behind a backward pass: then what its Python takes does not count. A contender
    whose Python takes longer than the other work is left out.
    """
    late: set[str] = set()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def queued(name: str, step: Step) -> float:
        torch.cuda._sleep(ASLEEP_CYCLES)
        begin.record()
        for _ in range(5):
            step()
        end.record()
        if begin.query():
            late.add(name)
        end.synchronize()
        return 1e-3 * begin.elapsed_time(end) / 5

    with torch.cuda.device(device):
        seconds = _in_turns(steps, rounds, queued)
    return {name: times for name, times in seconds.items() if name not in late}


def moving(step: Step, params: Sequence[Parameter]) -> Step:
    """Return the step, behind a change of gradients for others elsewhere, of the same values.

    So a training loop leaves them, which makes new ones at every backward pass. The change itself
    is in the time that is measured, 0.3 us a tensor.
    """
    grads = [param.grad for param in params]
    places = itertools.cycle([[torch.clone(grad) for grad in grads if grad is not None], grads])

    def moved() -> None:
        for param, grad in zip(params, next(places), strict=True):
            param.grad = grad
        step()

    return moved


def median_seconds(steps: dict[str, Step], rounds: int, device: torch.device) -> dict[str, float]:
    """Return for each contender the median seconds of a step, the first left out, by turns."""
    for step in steps.values():
        first_call(step, device)
    seconds = interleave(steps, rounds, device)
    return {name: statistics.median(times) for name, times in seconds.items()}


def peak_extra_memory(step: Step, device: torch.device) -> int | None:
    """Return how many bytes a step takes beyond what is there before it, None where unknown."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        step()
        return torch.cuda.max_memory_allocated(device) - before
    try:
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    except OSError:
        return None
    before = _status("VmRSS")
    step()
    return max(0, _status("VmHWM") - before)


def _in_turns(
    steps: dict[str, Step], rounds: int, seconds_of: Callable[[str, Step], float]
) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            seconds[name].append(seconds_of(name, step))
    return seconds


def _calls_per_block(step: Step, device: torch.device) -> int:
    return max(1, int(BLOCK_SECONDS / _block(step, 1, device)))


def _block(step: Step, calls: int, device: torch.device) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        step()
    _finish(device)
    return (time.perf_counter() - start) / calls


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(field + ":"))
    return 1024 * int(line.split()[1])
