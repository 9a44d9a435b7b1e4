r"""The variance as a difference of two averages, which cancels where gradients hardly vary.

In NumPy's float32, under the options that frameworks give it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Damage", "damage", "nearly_constant_gradients", "subtracted_variance"]

Float32 = NDArray[np.float32]


class Damage(NamedTuple):
    """What became of the parameters, over all steps.

    Attributes:
        lost: share of the parameters that were NaN once.
        longest: the longest step of one that was not NaN until then, in units of lr.
    """

    lost: NDArray[np.float64]
    longest: NDArray[np.float64]


def nearly_constant_gradients(
    size: ArrayLike = 1.0, *, noise: float, parameters: int, steps: int, seed: int
) -> Float32:
    r"""Draw gradients :math:`\mu (1 + \rho\, \xi_t)` with Gaussian noise.

    Args:
        size: :math:`\mu`, any shape ``(...)``.
        noise: :math:`\rho`, the noise relative to the size.
        parameters: for each size; each has its own noise, the same at every size.
        steps: number of steps.
        seed: of the noise.

    Returns:
        Shape ``(steps, ..., parameters)``, float32.

    >>> nearly_constant_gradients([1.0, 2.0], noise=0.0, parameters=1, steps=1, seed=0)
    array([[[1.],
            [2.]]], dtype=float32)
    """
    size = np.asarray(size, dtype=np.float64)
    drawn = np.random.default_rng(seed).standard_normal((steps, parameters))
    factors = (1 + noise * drawn).reshape(steps, *(1,) * size.ndim, parameters)
    return (size[..., None] * factors).astype(np.float32)


def subtracted_variance(
    gradients: Float32,
    alpha: float,
    *,
    initial_accumulator_value: float = 0.0,
    one_constant: bool = False,
) -> Float32:
    r"""Compute :math:`v_t - m_t^2` as PyTorch does, every operation rounded to float32.

    .. math:: v_t = \alpha v_{t-1} + (1 - \alpha) g_t^2, \qquad
       m_t = m_{t-1} + (1 - \alpha)(g_t - m_{t-1})

    Args:
        gradients: shape ``(steps, ...)``, float32.
        alpha: smoothing constant in [0, 1).
        initial_accumulator_value: :math:`v_0`.
        one_constant: average the squares as :math:`v + (1 - \alpha)(g^2 - v)` instead, with one
            rounded constant.

    Returns:
        The difference after every step, shape ``(steps, ...)``.

    >>> subtracted_variance(np.float32([1.0, 1.0]), alpha=0.5)
    array([0.25  , 0.1875], dtype=float32)
    """
    kept, new = np.float32(alpha), np.float32(1 - alpha)
    v = np.full_like(gradients[0], initial_accumulator_value)
    m = np.zeros_like(v)
    variances = np.empty_like(gradients)
    for t, g in enumerate(gradients):
        v = v + new * (g * g - v) if one_constant else kept * v + new * g * g
        m = m + new * (g - m)
        variances[t] = v - m * m
    return variances


def damage(
    gradients: Float32,
    alpha: float,
    eps: float,
    *,
    eps_in_sqrt: bool = False,
    initial_accumulator_value: float = 0.0,
) -> Damage:
    r"""Count what the root of the difference does to parameters, in float32.

    Args:
        gradients: shape ``(steps, ..., parameters)``, float32.
        alpha: smoothing constant in [0, 1).
        eps: added outside the root.
        eps_in_sqrt: add `eps` inside the root instead.
        initial_accumulator_value: :math:`v_0`.

    Returns:
        The damage, each of its arrays of shape ``(...)``.

    >>> damage(np.float32([[1.0], [1.0]]), alpha=0.75, eps=0.0).longest.round(4)
    np.float64(2.3094)
    """
    variance = subtracted_variance(
        gradients, alpha, initial_accumulator_value=initial_accumulator_value
    )
    added = np.float32(eps)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(variance + added) if eps_in_sqrt else np.sqrt(variance) + added
        steps = gradients / root
    lost = np.logical_or.accumulate(np.isnan(steps), axis=0)
    longest = np.where(lost, 0, np.abs(steps)).max(axis=(0, -1))
    return Damage(lost[-1].mean(axis=-1), longest.astype(np.float64))
