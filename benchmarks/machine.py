"""What a result was measured on."""

import os
import platform
import re
from typing import Any

import torch

from rmsprop.records.environment import processor, version

__all__ = ["describe", "slug"]

PACKAGES = ("torch", "numpy", "numba", "triton", "bitsandbytes")


def describe(device: torch.device) -> dict[str, Any]:
    """Return device, cores and versions, as they stand in a result."""
    name = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else processor() or platform.machine()
    )
    return {
        "device": name,
        "type": device.type,
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "python": platform.python_version(),
            **{name: found for name in PACKAGES if (found := version(name))},
        },
    }


def slug(description: dict[str, Any]) -> str:
    """Return the name of the file that holds the results of such a machine."""
    name = re.sub(r"[^a-z0-9]+", "-", description["device"].lower()).strip("-")
    return name if description["type"] == "cuda" else f"{name}-{description['cores']}-cores"
