"""Which fused kernel there is for a tensor, imported when it is first needed."""

import functools
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from types import ModuleType

import torch
from torch import Tensor

from rmsprop.kernels import batch
from rmsprop.kernels.batch import Integers
from rmsprop.kernels.lock import LOCK
from rmsprop.kernels.warning import warn_once

__all__ = ["data_ptrs_on", "devices", "is_usable", "kernel_of"]

COMPILERS = {"cpu": "numba", "cuda": "triton"}


def is_usable(
    device: torch.device,
    dtype: torch.dtype,
    *,
    centered: bool = False,
    momentum: bool = False,
    state_dtype: torch.dtype | None = None,
) -> bool:
    """Return whether a fused kernel steps parameters of this device and dtype, here and now."""
    kernel = kernel_of(device.type)
    return kernel is not None and bool(
        kernel.is_usable(
            device, dtype, centered=centered, momentum=momentum, state_dtype=state_dtype
        )
    )


def data_ptrs_on(device: torch.device) -> Callable[[Sequence[Tensor]], Integers]:
    """Return what finds the addresses of tensors on a device soonest."""
    return getattr(kernel_of(device.type), "data_ptrs", batch.data_ptrs)


def devices() -> list[str]:
    """Return the types of device that have a fused kernel, here and now."""
    return [kind for kind in COMPILERS if is_usable(torch.device(kind), torch.float32)]


@functools.cache
def kernel_of(device_type: str) -> ModuleType | None:
    """Return the module with the fused kernel for a type of device, None where there is none.

    Numba and Triton are optional and slow to import: without them there is no kernel, and nobody
    waits for them who does not use it. One that is there and cannot be imported is warned of.
    """
    compiler = COMPILERS.get(device_type)
    if compiler is None or not is_installed(compiler):
        return None
    try:
        with LOCK:
            return importlib.import_module(f"rmsprop.kernels.{device_type}")
    except Exception as error:
        warn_once(
            f"RMSprop steps without its fused kernel, because {compiler} cannot be imported here: "
            f"{error!r}"
        )
        return None


def is_installed(compiler: str) -> bool:
    """Return whether a package is there to be imported."""
    try:
        return importlib.util.find_spec(compiler) is not None
    except (ImportError, ValueError):  # made unavailable: there is None in sys.modules
        return False
