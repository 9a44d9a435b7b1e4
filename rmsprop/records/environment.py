"""What a run was made with: versions, device, date. None of it enters the data of a figure."""

import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import torch

import rmsprop
from rmsprop.experiments.device import choose_device
from rmsprop.records.repository import commit

__all__ = ["describe", "device_name", "processor", "version"]

PACKAGES = ("numpy", "scipy", "torch", "matplotlib")


def describe(root: Path | None) -> dict[str, str]:
    """Return the environment of this run.

    Args:
        root: the repository; None outside of one.
    """
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(root) if root else "unknown",
        "device": device_name(),
        "python": platform.python_version(),
        "rmsprop": rmsprop.__version__,
        **{name: version(name) or "not installed" for name in PACKAGES},
    }


def device_name() -> str:
    """Return the name of the device that the experiments run on.

    >>> device_name().split(":")[0] in ("CPU", "CUDA")
    True
    """
    if choose_device().type == "cuda":
        return f"CUDA: {torch.cuda.get_device_name()}"
    return f"CPU: {processor() or 'unknown'}, {platform.machine()}"


def processor() -> str:
    """Return the name of the processor, empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def version(name: str) -> str | None:
    """Return the version of an installed package, None for one that is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
