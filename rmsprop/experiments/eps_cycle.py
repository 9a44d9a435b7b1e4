"""Where RMSprop ends on a parabola, to be compared with the cycle that eps leaves of it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations
from rmsprop.experiments.floors import random_hessian

__all__ = ["final_distance", "uphill_steps"]


def final_distance(
    curvature: float,
    lr: float,
    eps: ArrayLike,
    alpha: ArrayLike,
    start: ArrayLike | None = None,
    *,
    eps_in_sqrt: bool = False,
    steps: int = 6000,
) -> NDArray[np.float64]:
    r"""Run RMSprop on :math:`h w^2 / 2` and return how far from the minimum it ends.

    Args:
        curvature: :math:`h`.
        lr: learning rate :math:`\eta`.
        eps: any shape; this, `alpha` and `start` broadcast against each other.
        alpha: smoothing constant in [0, 1).
        start: where the runs start, with an empty average. Without it they start near the cycle of
            `rmsprop.equations.cycle_amplitude`, 1% beyond and with the average that belongs there;
            where there is none, at :math:`\eta / 2`.
        eps_in_sqrt: add `eps` inside the root.
        steps: number of steps.

    Returns:
        :math:`|w|`, the shape of the three together.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    >>> final_distance(1.0, 0.5, eps=[0.125, 0.5], alpha=0.5).round(9)
    array([0.125, 0.   ])
    """
    cycle = equations.cycle_amplitude(curvature, lr, eps, eps_in_sqrt=eps_in_sqrt)
    near = np.where(cycle > 0, 1.01 * cycle, lr / 2)
    w = np.broadcast_arrays(near if start is None else start, eps, alpha)[0]
    state = equations.State.start(w.shape)
    if start is None:
        state = state._replace(square_avg=(curvature * w) ** 2)
    for _ in range(steps):
        w, state = equations.step(
            w, curvature * w, state, lr=lr, alpha=alpha, eps=eps, eps_in_sqrt=eps_in_sqrt
        )
    return np.abs(w)


def uphill_steps(part: float, alphas: ArrayLike, *, runs: int, steps: int, seed: int) -> int:
    r"""Count the steps that raise a quadratic, in runs on random ones of eight weights.

    Args:
        part: eps over :math:`\eta h / 2`, where :math:`h` is the quadratic's largest curvature.
        alphas: smoothing constants in [0, 1); every quadratic is run with each.
        runs: how many quadratics.
        steps: in each run, at a rate of 0.05 from a random start, with an empty average.
        seed: of quadratics and starts.

    Returns:
        How many steps ended above where they began, by more than rounding.

    >>> uphill_steps(1.01, [0.9], runs=2, steps=50, seed=0)
    0
    """
    alphas, uphill, lr = np.asarray(alphas), 0, 0.05
    for run in range(runs):
        hessian = random_hessian(8, seed + run)
        eps = part * lr * np.linalg.eigvalsh(hessian)[-1] / 2
        start = np.random.default_rng(seed + run).standard_normal(8)
        w = np.tile(start, (len(alphas), 1))
        state, loss = equations.State.start(w.shape), np.inf
        for _ in range(steps):
            w, state = equations.step(w, w @ hessian, state, lr=lr, alpha=alphas[:, None], eps=eps)
            lowered, loss = loss, ((w @ hessian) * w).sum(axis=1) / 2
            uphill += int((loss > lowered * (1 + 1e-12)).sum())
    return uphill
