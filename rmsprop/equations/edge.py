r"""The edge on which a cycle stands: preconditioned curvature, amplitude, and when it is quiet."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.equations.arguments import Array, smoothing_constant

__all__ = ["cycle_eigenvalues", "edge", "quiet_momentum"]

HEAVY, NESTEROV, AVERAGE = "heavy ball", "nesterov", "average"
KINDS = (HEAVY, NESTEROV, AVERAGE)


def edge(momentum: ArrayLike = 0.0, kind: str = HEAVY) -> Array:
    r"""Preconditioned curvature of the cycle of two points, with each kind of momentum.

    .. math::

       s^* = 2 (1 + \mu), \qquad \frac{2 (1 + \mu)}{1 + 2 \mu}, \qquad \frac{2 (1 + \mu)}{1 - \mu}

    with the heavy ball, with Nesterov's step, and with Adam's average of the gradient. The cycle's
    amplitude is :math:`|w| = \eta / s^*`.

    Args:
        momentum: :math:`\mu` in [0, 1), for the average Adam's :math:`\beta_1`.
        kind: ``"heavy ball"``, ``"nesterov"`` or ``"average"``.

    Raises:
        ValueError: for another kind, or if `momentum` is outside [0, 1).

    Book: equation ``eq-edge``, derived there. That training comes to it: Cohen et al. (2022), for
    Adam and others.

    >>> float(edge(0.5)), float(edge(0.5, "nesterov")), float(edge(0.5, "average"))
    (3.0, 1.5, 6.0)
    """
    mu = smoothing_constant(momentum, "momentum")
    shares = {HEAVY: np.ones_like(mu), NESTEROV: 1 + 2 * mu, AVERAGE: 1 - mu}
    return np.asarray(2 * (1 + mu) / shares[_known(kind)])


def cycle_eigenvalues(
    momentum: ArrayLike, alpha: ArrayLike, kind: str = HEAVY
) -> NDArray[np.complex128]:
    r"""Eigenvalues of a step near the cycle of two points on a parabola, with momentum.

    .. math::

       (z + \mu)(z + 1)(z - \alpha) = 2 (1 + \mu)\, \alpha\, z\, (z - 1)

    with the heavy ball; with Nesterov's step the right side is
    :math:`\frac{2 (1 + \mu)}{1 + 2\mu} \alpha (z - 1) \left((1 + \mu) z + \mu\right)`, with Adam's
    average :math:`2 (\alpha + \mu)\, z\, (z - 1)`.

    Args:
        momentum: :math:`\mu` in [0, 1).
        alpha: smoothing constant in [0, 1); broadcasts.
        kind: as for `edge`.

    Returns:
        :math:`z`, shape ``(..., 3)``; the cycle attracts if all are less than 1 in modulus. For any
        curvature and learning rate, eps = 0.

    Raises:
        ValueError: for another kind, or if a number is outside [0, 1).

    Book: equation ``eq-momentum-ring``, derived there.

    >>> np.abs(cycle_eigenvalues(0.9, 0.99)).max() > 1
    np.True_
    """
    mu, a = np.broadcast_arrays(smoothing_constant(momentum, "momentum"), smoothing_constant(alpha))
    right = {  # coefficients of z^2, z and 1
        HEAVY: (2 * (1 + mu) * a, -2 * (1 + mu) * a, 0 * a),
        NESTEROV: tuple(edge(mu, NESTEROV) * a * each for each in (1 + mu, -1 + 0 * mu, -mu)),
        AVERAGE: (2 * (a + mu), -2 * (a + mu), 0 * a),
    }[_known(kind)]
    left = (1 + mu - a, mu - a * (1 + mu), -a * mu)
    companion = np.zeros((*mu.shape, 3, 3))
    companion[..., 1, 0] = companion[..., 2, 1] = 1
    for column, (ours, theirs) in enumerate(zip(left, right, strict=True)):
        companion[..., 0, column] = theirs - ours
    return np.linalg.eigvals(companion).astype(np.complex128)


def quiet_momentum(alpha: ArrayLike, kind: str = HEAVY) -> Array:
    r"""The momentum up to which a parabola's cycle of two points attracts.

    .. math::

       \alpha \mu^2 + (1 + 3\alpha) \mu = 1
       \quad\text{or, with Adam's average,}\quad
       3 (1 + \alpha) \mu - \alpha \mu^2 = 1

    With Nesterov's step the cycle attracts at every momentum below 1.

    Args:
        alpha: smoothing constant in [0, 1).
        kind: as for `edge`.

    Returns:
        :math:`\mu^*`; for :math:`\alpha \to 1` it tends to :math:`\sqrt5 - 2` with the heavy ball,
        and to :math:`3 - 2 \sqrt2` with Adam's average.

    Raises:
        ValueError: for another kind, or if `alpha` is outside [0, 1).

    Book: equation ``eq-quiet-momentum``, derived there.

    >>> quiet_momentum([0.9, 0.99]).round(4), quiet_momentum([0.9, 0.99], "average").round(4)
    (array([0.2545, 0.2378]), array([0.1806, 0.1724]))
    """
    a = smoothing_constant(alpha)
    if _known(kind) == NESTEROV:
        return np.ones_like(a)
    linear, square = (1 + 3 * a, a) if kind == HEAVY else (3 * (1 + a), -a)
    return 2 / (linear + np.sqrt(linear**2 + 4 * square))


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    return kind
