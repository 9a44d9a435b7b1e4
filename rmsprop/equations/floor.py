r"""What a constant learning rate leaves behind: by the optimizer's state, and by the Hessian."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64

__all__ = ["MaxCut", "cut_floor", "max_cut", "state_floor"]


def state_floor(
    square_avg: ArrayLike,
    lr: ArrayLike,
    eps: ArrayLike = 0.0,
    *,
    eps_in_sqrt: bool = False,
    momentum: ArrayLike = 0.0,
    momentum_buffer: ArrayLike = 0.0,
    nesterov: bool = False,
) -> Array:
    r"""Mean loss above the minimum that a constant rate leaves, by what RMSprop remembers.

    .. math::

       \Phi = \frac\eta4 \sum_i \sqrt{v_i}
       \quad\text{and with momentum}\quad
       \Phi = \frac{\eta\, (1 + \mu)}4 \sum_i \sqrt{v_i}\, b_i^2

    With Nesterov's step the sum is over :math:`\mu (1 + \mu) \sqrt{v_i}\, b_i^2 + \sqrt{v_i}`
    and the factor is :math:`\eta / 4`. An eps makes :math:`v_i / (\sqrt{v_i} + \epsilon)` of a
    :math:`\sqrt{v_i}` alone, and the divisor :math:`\sqrt{v_i} + \epsilon` of one before
    :math:`b_i^2`.

    Args:
        square_avg: :math:`v`, shape ``(..., n)``.
        lr: learning rate :math:`\eta`; this and the other numbers broadcast against ``(...)``.
        eps: :math:`\epsilon`.
        eps_in_sqrt: divide by :math:`\sqrt{v + \epsilon}`.
        momentum: :math:`\mu`.
        momentum_buffer: :math:`b`, of the shape of `square_avg`, without the learning rate in it;
            not used where the momentum is 0.
        nesterov: whether the step is Nesterov's.

    Returns:
        :math:`\Phi`, shape ``(...)``: of one moment; what the loss is above its minimum is its mean
        over time.

    Book: equations ``eq-state-floor`` and ``eq-momentum-floor``, derived there for a quadratic, a
    :math:`v` that hardly changes, and noise that does not depend on the weights.

    >>> float(state_floor([1.0, 9.0], lr=0.1))
    0.1
    """
    square_avg, lr, eps = float64(square_avg), float64(lr), float64(eps)[..., None]
    mu = float64(momentum)
    root = np.sqrt(square_avg + eps) if eps_in_sqrt else np.sqrt(square_avg) + eps
    of_steps = (square_avg / np.where(root > 0, root, 1)).sum(axis=-1)
    of_buffer = (root * float64(momentum_buffer) ** 2).sum(axis=-1)
    if nesterov:
        return lr / 4 * (mu * (1 + mu) * of_buffer + of_steps)
    return lr / 4 * np.where(mu == 0, of_steps, (1 + mu) * of_buffer)


def cut_floor(cut: ArrayLike, lr: ArrayLike, momentum: ArrayLike = 0.0) -> Array:
    r"""Loss above the minimum that a constant rate leaves without noise, by the Hessian.

    .. math::

       \Phi = \frac{\eta^2}{8 (1 + \mu)^2} \operatorname{MC}(h)

    Args:
        cut: the maximal cut :math:`\operatorname{MC}(h)` of the Hessian, from `max_cut`.
        lr: learning rate :math:`\eta`; broadcasts.
        momentum: :math:`\mu`; broadcasts.

    Returns:
        :math:`\Phi` of the cycle, which attracts up to the momentum `quiet_momentum`.

    Book: equation ``eq-cut-floor``, derived there from the stationary preconditioner of Cohen et
    al. (2025), for a long memory.

    >>> float(cut_floor(8.0, lr=1.0))
    1.0
    """
    return float64(lr) ** 2 * float64(cut) / (8 * (1 + float64(momentum)) ** 2)


class MaxCut(NamedTuple):
    r"""The value of a maximal-cut program, and what proves it.

    Attributes:
        value: :math:`\sum_{ij} h_{ij} \Gamma_{ij}`, attained.
        bound: :math:`\operatorname{tr} \Lambda`, which no :math:`\Gamma` exceeds.
        vectors: unit vectors as rows, whose products are :math:`\Gamma`, shape ``(n, rank)``.
        diagonal: that of :math:`\Lambda`, shape ``(n,)``.
    """

    value: float
    bound: float
    vectors: Array
    diagonal: Array


def max_cut(hessian: ArrayLike, *, gap: float = 1e-9, sweeps: int = 10_000) -> MaxCut:
    r"""Solve the semidefinite program of the maximal cut, by coordinate ascent.

    .. math::

       \operatorname{MC}(h) = \max_{\Gamma \succeq 0,\ \Gamma_{ii} = 1} \sum_{ij} h_{ij} \Gamma_{ij}
       = \min_{\Lambda \succeq h} \operatorname{tr} \Lambda, \qquad \Lambda \text{ diagonal}

    In the plane that is :math:`h_{11} + h_{22} + 2 |h_{12}|`.

    Args:
        hessian: :math:`h`, symmetric, at a minimum; shape ``(n, n)``.
        gap: the ascent ends when `bound` exceeds `value` by no more than this share.
        sweeps: or after so many rounds of all coordinates.

    Returns:
        Value and bound, which show how far the ascent came.

    Raises:
        ValueError: if `hessian` is not symmetric, or a coordinate curves down so far that it has no
            cycle.

    Book: equation ``eq-max-cut``. Sources: Goemans and Williamson (1995) for the program, Wang,
    Chang and Kolter (2017) for the ascent.

    >>> solved = max_cut([[2.0, -1.0], [-1.0, 4.0]])
    >>> round(solved.value, 6), round(solved.bound, 6)
    (8.0, 8.0)
    """
    h = float64(hessian)
    if h.ndim != 2 or not np.allclose(h, h.T):
        raise ValueError(f"hessian must be a symmetric matrix, got shape {h.shape}")
    n = len(h)
    vectors = np.random.default_rng(0).standard_normal((n, int(np.ceil(np.sqrt(2 * n)))))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    off = h - np.diag(np.diag(h))
    for sweep in range(sweeps):
        for i in range(n):
            pull = off[i] @ vectors
            length = np.sqrt(pull @ pull)
            if length > 0:
                vectors[i] = pull / length
        if sweep % 25 == 0 or sweep == sweeps - 1:
            diagonal = (h @ vectors * vectors).sum(axis=1)
            factor = _cover(h, diagonal)
            if factor <= 1 + gap:
                break
    if np.isinf(factor):
        raise ValueError("hessian must be of a minimum, got a coordinate that curves down")
    value = float(diagonal.sum())
    return MaxCut(value, value * factor, vectors, diagonal * factor)


def _cover(h: Array, diagonal: Array) -> float:
    """Return by what the diagonal must be multiplied to be at least the matrix."""
    used = h.any(axis=1)
    if not used.any() or (diagonal[used] <= 0).any():
        return np.inf if used.any() else 1.0
    scale = 1 / np.sqrt(diagonal[used])
    scaled = h[np.ix_(used, used)] * scale * scale[:, None]
    return float(np.linalg.eigvalsh(scaled)[-1])
