"""Time the CUDA kernel alone for other sizes of chunks and programs; writes `chunks.json`.

``python -m benchmarks.chunks`` on a machine with a GPU. From what it measured on one,
`rmsprop.kernels.cuda` has its `CHUNK` and `WARPS`.
"""

import datetime
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.__main__ import write
from benchmarks.contenders import VARIANTS, accesses, contenders
from benchmarks.machine import describe
from benchmarks.measure import make_params
from rmsprop.kernels import cuda

RESULTS = Path(__file__).with_name("chunks.json")
# Elements of a chunk, and warps of 32 threads that step it.
PAIRS = [
    *((512, 2), (512, 4), (1024, 2), (1024, 4), (1024, 8), (2048, 4), (2048, 8), (2048, 16)),
    *((4096, 8), (4096, 16), (8192, 16)),
]
ELEMENTS, STEPS = 25_000_000, 20


def main(path: Path = RESULTS) -> None:
    """Measure all pairs for all variants, with the state in float32 and in bfloat16."""
    device = torch.device("cuda")
    results = []
    for variant in VARIANTS:
        for contender in ("rmsprop fused", "rmsprop bfloat16"):
            for chunk, warps in PAIRS:
                with patch.multiple(cuda, CHUNK=chunk, WARPS=warps):
                    step = contenders(make_params([(ELEMENTS,)], device), variant)[contender]()
                    seconds = kernel_seconds(step, "rmsprop_step")
                results.append(
                    {
                        "variant": variant,
                        "contender": contender,
                        "chunk": chunk,
                        "warps": warps,
                        "seconds": seconds,
                        "bytes_per_second": 4 * accesses(contender, variant) * ELEMENTS / seconds,
                    }
                )
                print(*results[-1].values(), flush=True)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    write(path, {"date": date, "machine": describe(device), "results": results})
    print(f"written: {os.path.relpath(path)}")


def kernel_seconds(step: Callable[[], Any], kernel: str) -> float:
    """Return the median seconds that a kernel takes on its device, by torch's profiler."""
    step()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA], acc_events=True) as profiled:
        for _ in range(STEPS):
            step()
        torch.cuda.synchronize()
    times = [event.device_time for event in profiled.events() if event.name == kernel]
    return 1e-6 * statistics.median(times)


if __name__ == "__main__":
    main()
