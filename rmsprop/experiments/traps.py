"""Problems on which RMSprop goes the wrong way: their periods, the alpha that cures, runs."""

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numba
import numpy as np
from numba import types
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from rmsprop import equations
from rmsprop.equations import arithmetic
from rmsprop.equations.arguments import smoothing_constant
from rmsprop.experiments.compiled import OPTIONS

__all__ = [
    "needed_windows",
    "rare_large",
    "repeat",
    "run",
    "settled_in_traps",
    "smallest_safe_alpha",
    "tail_mean",
]

Array = NDArray[np.float64]


def rare_large(rare: float, n: int, copies: int = 1) -> Array:
    """Return one period of slopes: `rare` first, then -1.

    Args:
        rare: the large slope.
        n: length of the period.
        copies: how many times in a row the large slope comes.

    Returns:
        Shape ``(n,)``.

    Sources: Reddi et al. (2018), theorem 1, with ``n=3``; Shi et al. (2021), with ``n=rare``.

    >>> rare_large(3.0, 4)
    array([ 3., -1., -1., -1.])
    """
    return np.where(np.arange(n) < copies, float(rare), -1.0)


def repeat(slopes: ArrayLike) -> Callable[[int, Array], ArrayLike]:
    """Return slopes that repeat for ever, whatever the point, as `run` asks for them.

    Args:
        slopes: one period of slopes, shape ``(n,)``.

    >>> slope = repeat([3.0, -1.0])
    >>> [float(slope(t, np.zeros(()))) for t in (1, 2, 3)]
    [3.0, -1.0, 3.0]
    """
    period = np.asarray(slopes, dtype=np.float64)

    def slope(t: int, x: Array) -> ArrayLike:
        return period[(t - 1) % len(period)]

    return slope


def smallest_safe_alpha(slopes: ArrayLike) -> float:
    """Return the alpha above which RMSprop goes the right way while these slopes repeat.

    Args:
        slopes: one period of slopes with a positive mean, shape ``(n,)``.

    Returns:
        The root of `rmsprop.equations.drift` between 0 and 1, to 14 digits after the point; 0 if
        RMSprop goes the right way even with a short memory.

    Raises:
        ValueError: if the mean is not positive.

    >>> round(smallest_safe_alpha([3.0, -1.0, -1.0]), 6)
    0.472313
    """
    slopes = np.asarray(slopes, dtype=np.float64)
    if not slopes.mean() > 0:
        raise ValueError(f"slopes must have a positive mean, got {slopes.mean()}")

    def forgotten(log_gap: float) -> float:
        return float(equations.drift(slopes, 1 - np.exp(log_gap)))

    # In the logarithm of 1 - alpha, which for long periods is tiny.
    shortest, longest = np.log(1 - 1e-9), np.log(1e-3 / len(slopes) ** 2)
    if forgotten(shortest) <= 0:
        return 0.0
    return 1 - float(np.exp(brentq(forgotten, longest, shortest, xtol=1e-14)))


def needed_windows(
    weights: ArrayLike, periods: ArrayLike, usual: float
) -> tuple[Array, Array, list[int]]:
    """Return the window that each of the traps ``rare_large(weight * n, n)`` needs.

    Args:
        weights: :math:`C / n`, at least 1, shape ``(k,)``.
        periods: :math:`n`, at least 3, shape ``(m,)``.
        usual: a smoothing constant.

    Returns:
        The windows at the roots and, of `rmsprop.equations.safe_window`, for long periods, both of
        shape ``(k, m)``; and for each weight the longest period, up to 999, for which `usual` is
        safe.

    >>> windows, limits, longest = needed_windows([1.0], [10, 100], usual=0.9)
    >>> windows.round(1), limits.round(1), longest
    (array([[  22.4, 2467.5]]), array([[  24.1, 2491.6]]), [6])
    """
    weights, periods = np.asarray(weights, dtype=np.float64), np.asarray(periods)
    alphas = [[smallest_safe_alpha(rare_large(c * n, n)) for n in periods] for c in weights]
    limits = equations.safe_window(weights[:, None] * periods, periods)
    longest = [
        max(n for n in range(3, 1000) if equations.drift(rare_large(c * n, n), usual) < 0)
        for c in weights
    ]
    return equations.window(alphas), limits, longest


def run(
    slope: Callable[[int, Array], ArrayLike],
    alpha: ArrayLike,
    *,
    lr: Callable[[int], ArrayLike],
    steps: int,
    start: ArrayLike = 0.0,
    bound: float = np.inf,
    amsgrad: bool = False,
) -> Iterator[Array]:
    r"""Run RMSprop without eps on functions that change from step to step.

    .. math:: w_{t+1} = \Pi\left(w_t - \eta_t\, \frac{g_t}{\sqrt{v_t}}\right)

    Args:
        slope: maps the step, from 1, and the points to slopes :math:`g_t`, which broadcast.
        alpha: smoothing constant in [0, 1); its shape, broadcast with the start's, is that of the
            runs.
        lr: maps the step to the learning rate :math:`\eta_t`, which broadcasts.
        steps: number of steps, at least 0.
        start: :math:`w_1`; broadcasts.
        bound: :math:`\Pi` projects onto the interval from ``-bound`` to ``bound``.
        amsgrad: divide by the root of the greatest :math:`v` so far.

    Yields:
        Points, the start first: ``steps + 1`` in all. Each is an array of its own.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Source: Reddi et al. (2018), algorithm 1 and, for ``amsgrad``, algorithm 2.

    >>> [x.item() for x in run(lambda t, x: 4.0, 0.75, lr=lambda t: 1 / t, steps=1)]
    [0.0, -2.0]
    """
    alpha = smoothing_constant(alpha)
    shape = np.broadcast_shapes(alpha.shape, np.shape(start))
    x = np.broadcast_to(np.asarray(start, dtype=np.float64), shape)
    square_avg, greatest = np.zeros(shape), np.zeros(shape)
    yield x
    for t in range(1, steps + 1):
        grad = np.asarray(slope(t, x), dtype=np.float64)
        square_avg = arithmetic.average(square_avg, grad * grad, alpha)
        greatest = np.maximum(greatest, square_avg) if amsgrad else square_avg
        x = x - np.asarray(lr(t)) * grad / np.sqrt(greatest)
        x = np.minimum(np.maximum(x, -bound), bound)
        yield x


def tail_mean(points: Iterable[Array], last: int) -> Array:
    """Average the last points of a run: where it has settled, or around what it moves.

    Args:
        points: as from `run`.
        last: how many points are averaged, at least 1.

    Returns:
        The mean, the shape of a point.

    Raises:
        ValueError: if there are fewer points.

    >>> float(tail_mean(run(repeat([2.0]), 0.0, lr=lambda t: 1.0, steps=4), last=3))
    -3.0
    """
    tail = deque(points, maxlen=last)
    if len(tail) < last:
        raise ValueError(f"there must be {last} points to average, got {len(tail)}")
    return np.asarray(sum(point / last for point in tail))


def settled_in_traps(alphas: ArrayLike, periods: ArrayLike, steps: int) -> Array:
    r"""Run RMSprop in the traps ``rare_large(n, n)`` and say at which end it settles.

    Args:
        alphas: smoothing constants in [0, 1), shape ``(m, 1)``.
        periods: :math:`n`, shape ``(k,)``.
        steps: number of steps, at least 10, at a rate of :math:`1/\sqrt t`.

    Returns:
        The mean of the last tenth of each run, between -1, the best point, and 1, the worst; shape
        ``(m, k)``.

    Source: Shi et al. (2021), figure of the phase transition.

    >>> settled_in_traps([[0.1], [0.9]], [3, 5], steps=4000).round()
    array([[ 1.,  1.],
           [-1., -1.]])
    """
    alphas, periods = np.broadcast_arrays(smoothing_constant(alphas), periods)
    settle = _settle()
    ends = [settle(alpha, n, steps) for alpha, n in zip(alphas.flat, periods.flat, strict=True)]
    return np.reshape(ends, alphas.shape)


@functools.cache
def _settle() -> Callable[[float, int, int], float]:
    """Return the compiled loop of `settled_in_traps`."""
    signature = types.float64(types.float64, types.int64, types.int64)
    return numba.njit(signature, **OPTIONS)(_settled)


def _settled(alpha, n, steps):  # type: ignore[no-untyped-def]
    x, square_avg, mean, last = 0.0, 0.0, 0.0, steps // 10
    for t in range(1, steps + 1):
        grad = float(n) if t % n == 1 else -1.0
        square_avg = arithmetic.average(square_avg, grad * grad, alpha)
        x = min(max(x - 1 / np.sqrt(t) * grad / np.sqrt(square_avg), -1.0), 1.0)
        if t > steps - last:
            mean += x / last
    return mean
