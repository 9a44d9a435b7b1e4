r"""The variance as a difference of two averages, which cancels where gradients hardly vary.

In NumPy's float32, under the options that frameworks give it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.conventions import convention

__all__ = [
    "WEIGHTS",
    "Damage",
    "damage",
    "damage_by_name",
    "first_negative",
    "nearly_constant_gradients",
    "share_lost",
    "subtracted_variance",
]

Float32 = NDArray[np.float32]

#: How each averages squares and gradients: with two rounded weights or with one.
WEIGHTS = {
    "pytorch": (2, 1),
    "tensorflow": (1, 1),
    "keras": (2, 2),
    "optax": (2, 2),
    "timm": (1, 1),
    "graves": (2, 2),
    "dqn": (2, 2),
}


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
    r"""Draw gradients :math:`\bar g\, (1 + \rho\, \xi_t)` with Gaussian noise.

    Args:
        size: :math:`\bar g`, any shape ``(...)``.
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
    weights: tuple[int, int] = WEIGHTS["pytorch"],
) -> Float32:
    r"""Compute :math:`v_t - m_t^2`, every operation rounded to float32.

    Args:
        gradients: shape ``(steps, ...)``, float32.
        alpha: smoothing constant in [0, 1).
        initial_accumulator_value: :math:`v_0`.
        weights: for squares and for gradients 2 to average as :math:`\alpha v + (1 - \alpha) x`, or
            1 as :math:`v + (1 - \alpha)(x - v)`, with one rounded constant.

    Returns:
        The difference after every step, shape ``(steps, ...)``.

    >>> subtracted_variance(np.float32([1.0, 1.0]), alpha=0.5)
    array([0.25  , 0.1875], dtype=float32)
    """
    return np.stack([*_differences(gradients, alpha, initial_accumulator_value, weights)])


def _differences(
    gradients: Iterable[Float32], alpha: float, start: float, weights: tuple[int, int]
) -> Iterator[Float32]:
    kept, new = np.float32(alpha), np.float32(1 - alpha)

    def average(old: Float32, x: Float32, weights: int) -> Float32:
        return kept * old + new * x if weights == 2 else old + new * (x - old)

    v, m = np.asarray(start, np.float32), np.zeros((), np.float32)
    for g in gradients:
        v, m = average(v, g * g, weights[0]), average(m, g, weights[1])
        yield v - m * m


def first_negative(
    size: ArrayLike,
    noise: float,
    alpha: float,
    *,
    steps: int,
    parameters: int,
    seed: int,
    weights: tuple[int, int] = WEIGHTS["pytorch"],
) -> NDArray[np.float64]:
    r"""Find the step at which the difference is first negative, for nearly constant gradients.

    Args:
        size: mean of the gradients, shape ``(n,)``.
        noise: :math:`\rho`, relative to the mean.
        alpha: smoothing constant in [0, 1).
        steps: number of steps.
        parameters: for each size.
        seed: of the noise.
        weights: as in `subtracted_variance`.

    Returns:
        Numbers of steps, infinite where it never is, shape ``(n, parameters)``.

    >>> first_negative([1.5], 1e-4, alpha=0.9, steps=300, parameters=3, seed=0).shape
    (1, 3)
    """
    size, stream = np.asarray(size, dtype=np.float64)[:, None], np.random.default_rng(seed)
    gradients = (
        (size * (1 + noise * stream.standard_normal(parameters))).astype(np.float32)
        for _ in range(steps)
    )
    first = np.full((len(size), parameters), np.inf)
    for t, variance in enumerate(_differences(gradients, alpha, 0.0, weights), 1):
        first[(variance < 0) & np.isinf(first)] = t
    return first


def share_lost(size: ArrayLike, noise: float, alpha: float, **options: Any) -> NDArray[np.float64]:
    """Return which share of the parameters has a negative difference at some step.

    Args:
        size: mean of the gradients, shape ``(n,)``.
        noise: relative to the mean.
        alpha: smoothing constant in [0, 1).
        options: the others of `first_negative`.

    Returns:
        Shares for each size, shape ``(n,)``.

    >>> share_lost([1.0, 1.5], 0.5, alpha=0.9, steps=20, parameters=3, seed=0)
    array([0., 0.])
    """
    return np.isfinite(first_negative(size, noise, alpha, **options)).mean(axis=1)


def damage(
    gradients: Float32,
    alpha: float,
    eps: float,
    *,
    eps_in_sqrt: bool = False,
    initial_accumulator_value: float = 0.0,
    weights: tuple[int, int] = WEIGHTS["pytorch"],
) -> Damage:
    r"""Count what the root of the difference does to parameters, in float32.

    Args:
        gradients: shape ``(steps, ..., parameters)``, float32.
        alpha: smoothing constant in [0, 1).
        eps: added outside the root.
        eps_in_sqrt: add `eps` inside the root instead.
        initial_accumulator_value: :math:`v_0`.
        weights: as in `subtracted_variance`.

    Returns:
        The damage, each of its arrays of shape ``(...)``.

    >>> damage(np.float32([[1.0], [1.0]]), alpha=0.75, eps=0.0).longest.round(4)
    np.float64(2.3094)
    """
    variance = subtracted_variance(
        gradients,
        alpha,
        initial_accumulator_value=initial_accumulator_value,
        weights=weights,
    )
    added = np.float32(eps)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(variance + added) if eps_in_sqrt else np.sqrt(variance) + added
        steps = gradients / root
    lost = np.logical_or.accumulate(np.isnan(steps), axis=0)
    longest = np.where(lost, 0, np.abs(steps)).max(axis=(0, -1))
    return Damage(lost[-1].mean(axis=-1), longest.astype(np.float64))


def damage_by_name(name: str, gradients: Float32) -> Damage:
    """Count the damage of a convention, with its numbers and its way to average.

    Args:
        name: a key of `WEIGHTS`.
        gradients: shape ``(steps, ..., parameters)``, float32.

    Returns:
        The damage, each of its arrays of shape ``(...)``.

    >>> damage_by_name("keras", np.float32([[1.0], [1.0]])).longest.round(3)
    np.float64(3.333)
    """
    known = "alpha", "eps", "eps_in_sqrt", "initial_accumulator_value"
    options = {key: value for key, value in convention(name).items() if key in known}
    return damage(gradients, **options, weights=WEIGHTS[name])
