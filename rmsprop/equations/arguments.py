"""What equations take: numbers or arrays, and smoothing constants that are some."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Array", "float64", "smoothing_constant"]

Array = NDArray[np.float64]


def float64(x: ArrayLike) -> Array:
    """Return numbers as an array of float64."""
    return np.asarray(x, dtype=np.float64)


def smoothing_constant(alpha: ArrayLike, name: str = "alpha") -> Array:
    """Return smoothing constants, which their owner may call by another name, as float64.

    Raises:
        ValueError: if one is outside [0, 1).
    """
    alpha = float64(alpha)
    if not np.all((alpha >= 0) & (alpha < 1)):
        raise ValueError(f"{name} must lie in [0, 1), got {alpha}")
    return alpha
