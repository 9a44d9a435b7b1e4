"""Time the CPU kernel where it asks for memory sooner or later; writes `ahead.json`.

``python -m benchmarks.ahead``. From what it measured `rmsprop.kernels.numba_step` has its `AHEAD`.
"""

import datetime
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numba
import torch

from benchmarks.__main__ import write
from benchmarks.contenders import VARIANTS, contenders
from benchmarks.machine import describe
from benchmarks.measure import make_params
from benchmarks.timing import interleave
from rmsprop.kernels import cpu, numba_step

RESULTS = Path(__file__).with_name("ahead.json")
# Elements. At 0 a line is asked for when it is read, which is no help.
DISTANCES = 0, 64, 128, 256, 512, 1024, 2048
CONTENDERS = {"rmsprop fused": None, "rmsprop bfloat16": torch.bfloat16}
ELEMENTS, ROUNDS = 25_000_000, 25


def main(path: Path = RESULTS) -> None:
    """Measure all distances in turns, for all variants, the state in float32 and in bfloat16."""
    device = torch.device("cpu")
    results = []
    for variant in VARIANTS:
        for contender in CONTENDERS:
            params = make_params([(ELEMENTS,)], device)
            steps = {str(ahead): _step(params, variant, contender, ahead) for ahead in DISTANCES}
            for ahead, seconds in interleave(steps, ROUNDS, device).items():
                case = {"variant": variant, "contender": contender, "ahead": int(ahead)}
                results.append(case | {"seconds": seconds})
                print(*case.values(), statistics.median(seconds), flush=True)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    write(path, {"date": date, "machine": describe(device), "results": results})
    print(f"written: {os.path.relpath(path)}")


def _step(
    params: list[torch.nn.Parameter], variant: str, contender: str, ahead: int
) -> Callable[[], Any]:
    """Return the step of an optimizer whose kernel asks so many elements ahead."""
    centered, momentum = "centered" in VARIANTS[variant], "momentum" in VARIANTS[variant]
    with patch.object(numba_step, "AHEAD", ahead):
        loop = cpu._tried(
            numba.njit(nogil=True, error_model="numpy")(numba_step.rmsprop_step),
            torch.float32,
            centered,
            momentum,
            CONTENDERS[contender],
        )
    optimizer_step = contenders(params, variant)[contender]()

    def step() -> None:
        with patch.object(cpu, "_compiled", lambda *_: loop):
            optimizer_step()

    return step


if __name__ == "__main__":
    main()
