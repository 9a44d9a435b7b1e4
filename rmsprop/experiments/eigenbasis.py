"""RMSprop in another basis: the one that the averaged outer product of gradients is diagonal in."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["steps_in_eigenbasis"]

Array = NDArray[np.float64]

# The first gradient lies in the first eigenvector; without eps the rounding of its other part would
# become a step.
EPS = 1e-8


def steps_in_eigenbasis(
    condition: float,
    angles: ArrayLike,
    rates: ArrayLike,
    starts: Array,
    *,
    alpha: float,
    steps: int,
    every: int = 1,
    within: float = 0.01,
) -> Array:
    r"""Count the steps that RMSprop takes to settle in a valley, in the basis of its gradients.

    .. math:: A_t = \alpha A_{t-1} + (1 - \alpha)\, g_t g_t^\top

    The gradient is turned into the eigenvectors of :math:`A_t`, divided there, and turned back.

    Args:
        condition: of the valley; its smaller curvature is 1.
        angles: between its floor and the first axis, in radians, shape ``(angles,)``.
        rates: shape ``(rates,)``.
        starts: for the valley along the axis, shape ``(starts, 2)``; they are turned with it.
        alpha: smoothing constant of both averages.
        steps: number of steps; to have settled, a run must stay for half of them.
        every: at how many steps' distance the eigenvectors are computed.
        within: how close to the minimum it must stay.

    Returns:
        The median over the starts; inf where it did not settle. Shape ``(angles, rates)``.

    Source: Vyas et al. (2025), who run Adam so, with the two factors of Shampoo.
    """
    angles, rates = np.asarray(angles, dtype=np.float64), np.asarray(rates, dtype=np.float64)
    turn = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]])
    turn = turn.transpose(2, 0, 1)
    hessian = turn @ np.diag([1.0, condition]) @ turn.mT
    shape = (len(angles), len(rates), len(starts), 2)
    point = np.broadcast_to((starts @ turn.mT)[:, None], shape)
    square_avg, outer = np.zeros(shape), np.zeros((*shape, 2))
    arrived = np.zeros(shape[:-1])
    for t in range(steps):
        grad = np.einsum("aij,arsj->arsi", hessian, point)
        outer = alpha * outer + (1 - alpha) * grad[..., None] * grad[..., None, :]
        if t % every == 0:
            basis = _eigenvectors(outer)
        seen = np.einsum("arsji,arsj->arsi", basis, grad)
        square_avg = alpha * square_avg + (1 - alpha) * seen * seen
        step = np.einsum("arsij,arsj->arsi", basis, seen / (np.sqrt(square_avg) + EPS))
        point = point - rates[:, None, None] * step
        arrived[np.linalg.norm(point, axis=-1) > within] = t + 1
    settled = np.where(2 * arrived <= steps, arrived + 1, np.inf)
    return np.asarray(np.median(settled, axis=-1))


def _eigenvectors(matrices: Array) -> Array:
    """Return those of symmetric matrices in the plane, as columns, turned as little as may be."""
    twice = np.arctan2(2 * matrices[..., 0, 1], matrices[..., 0, 0] - matrices[..., 1, 1])
    cosine, sine = np.cos(twice / 2), np.sin(twice / 2)
    return np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
