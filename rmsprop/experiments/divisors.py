"""RMSprop with the average before the step, or with the greatest so far, in its divisor."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["DIVISORS", "ORDERS", "batches", "drifts", "settle"]

Array = NDArray[np.float64]

#: The average with the gradient of the step in it, which is RMSprop's; the average before it, as in
#: ADOPT (Taniguchi et al., 2024); and the greatest average so far, AMSGrad's (Reddi et al., 2018).
DIVISORS = ("current", "lagged", "greatest")

#: Examples drawn anew for every step; an epoch's shuffled anew; the same batches for ever.
ORDERS = ("independent", "reshuffled", "fixed")


def batches(
    order: str, examples: int, batch: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of one batch after another, for ever.

    Args:
        order: one of `ORDERS`. An epoch leaves out the last few examples that fill no batch.
        examples: how many there are.
        batch: how many a batch has.
        rng: shuffles and draws.

    >>> rows = batches("fixed", 4, 2, np.random.default_rng(0))
    >>> sorted(np.concatenate([next(rows), next(rows)]).tolist())
    [0, 1, 2, 3]
    """
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, got {order}")
    if order == "independent":
        while True:
            yield rng.integers(examples, size=batch)
    epoch = rng.permutation(examples)
    while True:
        yield from epoch[: examples // batch * batch].reshape(-1, batch)
        if order == "reshuffled":
            epoch = rng.permutation(examples)


def drifts(
    period: ArrayLike, alpha: float, order: str, *, epochs: int, seeds: int
) -> dict[str, Array]:
    r"""Measure the way of a parameter whose gradients do not depend on it, by each divisor.

    .. math:: -\sum_i \frac{g_i}{\sqrt v}

    over as many gradients as a period has.

    Args:
        period: gradients, shape ``(n,)``. All averages start from their mean square.
        alpha: smoothing constant in [0, 1).
        order: one of `ORDERS`; fixed ones stay as given.
        epochs: over how many periods the way is averaged, after half as many for the averages.
        seeds: how many runs.

    Returns:
        For each of `DIVISORS` the ways of all runs in units of the rate, shape ``(seeds,)``. What
        the same gradients would do over the root of their mean square, but for its mean, is taken
        off, which lessens the noise.

    >>> drifts([1.0, -1.0], 0.5, "fixed", epochs=10, seeds=1)["lagged"]
    array([0.])
    """
    period = np.asarray(period, dtype=np.float64)
    n, rng = len(period), np.random.default_rng(0)
    square = np.mean(period**2)
    square_avg = np.full(seeds, square)
    greatest = square_avg
    way = {name: np.zeros(seeds) for name in DIVISORS}
    picked = np.tile(np.arange(n), (seeds, 1))
    for epoch in range(epochs // 2 + epochs):
        if order == "independent":
            picked = rng.integers(n, size=(seeds, n))
        elif order == "reshuffled":
            picked = rng.permuted(picked, axis=1)
        for grad in period[picked].T:
            lagged, square_avg = square_avg, alpha * square_avg + (1 - alpha) * grad**2
            greatest = np.maximum(greatest, square_avg)
            if epoch < epochs // 2:
                continue
            for name, divisor in zip(DIVISORS, (square_avg, lagged, greatest), strict=True):
                noise = (grad - period.mean()) / np.sqrt(square)
                way[name] += (noise - grad / np.sqrt(divisor)) / epochs
    return way


def settle(
    gradient: Callable[..., Array],
    start: ArrayLike,
    rows: Iterator[NDArray[np.int64]],
    *,
    rates: ArrayLike,
    alphas: ArrayLike,
    divisors: Sequence[str] = DIVISORS,
    steps: int,
    before: int = 200,
) -> Array:
    r"""Follow runs whose rates fall linearly to zero, all on the same batches.

    .. math:: w_{t+1} = w_t - \eta_t\, \frac{g_t}{\sqrt{v}}, \qquad
              v = v_t, \quad v_{t-1} \quad\text{or}\quad \max_{s \le t} v_s

    Args:
        gradient: maps points of shape ``(runs, n)`` and a batch's rows to gradients.
        start: shape ``(n,)``.
        rows: of batches, as from `batches`.
        rates: at the first step, shape ``(rates,)``.
        alphas: smoothing constants in [0, 1), shape ``(alphas,)``.
        divisors: of `DIVISORS`.
        steps: number of steps.
        before: the average starts from the mean square over this many batches at the start.

    Returns:
        The last points, shape ``(divisors, alphas, rates, n)``.

    >>> def slope(points, rows):
    ...     return points - np.array([3.0, -1.0])[rows].mean()
    >>> order = batches("fixed", 2, 1, np.random.default_rng(0))
    >>> settle(slope, [1.0], order, rates=[0.1], alphas=[0.999], steps=2000).round(2).ravel()
    array([1., 1., 1.])
    """
    rates, alphas = np.asarray(rates, dtype=np.float64), np.asarray(alphas, dtype=np.float64)
    shape = (len(divisors), len(alphas), len(rates), np.size(start))
    points = np.broadcast_to(np.asarray(start, dtype=np.float64), shape)
    alpha = alphas[:, None, None]
    first = np.mean([gradient(points[0, 0, :1], next(rows))[0] ** 2 for _ in range(before)], axis=0)
    square_avg = np.broadcast_to(first, shape)
    greatest = square_avg
    for t in range(steps):
        grad = gradient(points.reshape(-1, shape[-1]), next(rows)).reshape(shape)
        lagged, square_avg = square_avg, alpha * square_avg + (1 - alpha) * grad * grad
        if "greatest" in divisors:
            greatest = np.maximum(greatest, square_avg)
        by_name = {"current": square_avg, "lagged": lagged, "greatest": greatest}
        divisor = np.array([by_name[name][i] for i, name in enumerate(divisors)])
        points = points - (1 - t / steps) * rates[:, None] * grad / np.sqrt(divisor)
    return points
