"""Which fused kernel there is for a tensor, imported when it is first needed."""

import functools
import importlib
from types import ModuleType

import torch
from torch import Tensor

__all__ = ["devices", "kernel_of", "supports"]


def supports(param: Tensor) -> bool:
    """Return whether a fused kernel takes parameters of this device and dtype, here and now."""
    return _is_usable(param.device, param.dtype)


def devices() -> list[str]:
    """Return the types of device that have a fused kernel, here and now."""
    return [kind for kind in ("cpu", "cuda") if _is_usable(torch.device(kind), torch.float32)]


def _is_usable(device: torch.device, dtype: torch.dtype) -> bool:
    kernel = kernel_of(device.type)
    return kernel is not None and kernel.is_usable(device, dtype)


@functools.cache
def kernel_of(device_type: str) -> ModuleType | None:
    """Return the module with the fused kernel for a type of device, None where there is none.

    Numba and Triton are optional and slow to import: without them there is no kernel, and nobody
    waits for them who does not use it.
    """
    if device_type not in ("cpu", "cuda"):
        return None
    try:
        return importlib.import_module(f"rmsprop.kernels.{device_type}")
    except (ImportError, OSError):
        return None
