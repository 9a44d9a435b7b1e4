"""What a result was measured on."""

import importlib.metadata
import os
import platform
import re
from pathlib import Path
from typing import Any

import torch

__all__ = ["describe", "slug"]


def describe(device: torch.device) -> dict[str, Any]:
    """Return device, cores and versions, as they stand in a result."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
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
            **{
                name: importlib.metadata.version(name)
                for name in ("torch", "numpy", "numba", "triton", "bitsandbytes")
                if _is_installed(name)
            },
        },
    }


def slug(description: dict[str, Any]) -> str:
    """Return the name of the file that holds the results of such a machine."""
    name = re.sub(r"[^a-z0-9]+", "-", description["device"].lower()).strip("-")
    return name if description["type"] == "cuda" else f"{name}-{description['cores']}-cores"


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
