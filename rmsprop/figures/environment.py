"""What a run was made with: versions, device, date. None of it enters the data of a figure."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

import rmsprop
from rmsprop.device import choose_device
from rmsprop.figures.repository import commit

__all__ = ["describe", "device_name"]

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
        **{name: _version(name) for name in PACKAGES},
    }


def device_name() -> str:
    """Return the name of the device that the experiments run on.

    >>> device_name().split(":")[0] in ("CPU", "CUDA")
    True
    """
    if choose_device().type == "cuda":
        return f"CUDA: {torch.cuda.get_device_name()}"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        models = []
    return f"CPU: {(models or [platform.processor() or 'unknown'])[0]}, {platform.machine()}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
