"""Which device the experiments run on."""

import os

import torch

__all__ = ["choose_device"]


def choose_device() -> torch.device:
    """Return the device that the environment asks for, or the best there is.

    Returns:
        What ``RMSPROP_DEVICE`` names, ``cuda`` or ``cpu``; without it, CUDA where there is one,
        else the CPU.

    Raises:
        ValueError: if ``RMSPROP_DEVICE`` names anything else.
        RuntimeError: if it asks for CUDA on a machine that has none.

    >>> choose_device().type in ("cpu", "cuda")
    True
    """
    available = torch.cuda.is_available()
    name = os.environ.get("RMSPROP_DEVICE") or ("cuda" if available else "cpu")
    if name not in ("cpu", "cuda"):
        raise ValueError(f"RMSPROP_DEVICE must be cpu or cuda, got {name!r}")
    if name == "cuda" and not available:
        raise RuntimeError("RMSPROP_DEVICE=cuda, but PyTorch finds no CUDA device on this machine")
    return torch.device(name)
