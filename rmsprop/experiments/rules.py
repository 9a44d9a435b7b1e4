"""Update rules in NumPy float64: how any number of points move, each run by its own numbers.

A rule holds hyperparameters, numbers or arrays. Arrays broadcast against the leading axes of the
points, so a map over (lr, alpha) is one run of broadcast arrays, not a loop.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations

__all__ = ["Adam", "GradientDescent", "RMSpropRule", "Rule"]

Array = NDArray[np.float64]


class Rule(Protocol):
    """An update rule: how a point moves, given its gradient and what the rule remembers.

    Rules are dataclasses whose fields are all hyperparameters, numbers or arrays of one per run.
    """

    def start(self, shape: tuple[int, ...]) -> Any:
        """Return the state before the first step."""

    def step(self, point: Array, grad: Array, state: Any) -> tuple[Array, Any]:
        """Return the point and the state after one more step."""


def _per_run(value: ArrayLike) -> Array:
    """Give a hyperparameter a last axis, so that it is one number per run, not per coordinate."""
    return np.asarray(value, dtype=np.float64)[..., None]


@dataclass(frozen=True)
class GradientDescent:
    r"""Gradient descent, with heavy-ball momentum on request.

    .. math:: b_t = \mu b_{t-1} + g_t, \qquad w_t = w_{t-1} - \eta\, b_t

    Attributes:
        lr: learning rate :math:`\eta`, shape ``(...)``.
        momentum: :math:`\mu`, shape ``(...)``.

    Equal to ``torch.optim.SGD``. Source: Polyak (1964).

    >>> rule = GradientDescent(lr=0.5)
    >>> rule.step(np.array([1.0, 2.0]), np.array([1.0, 2.0]), rule.start((2,)))[0]
    array([0.5, 1. ])
    """

    lr: ArrayLike
    momentum: ArrayLike = 0.0

    def start(self, shape: tuple[int, ...]) -> Array:
        """Return an empty momentum buffer."""
        return np.zeros(shape)

    def step(self, point: Array, grad: Array, state: Array) -> tuple[Array, Array]:
        """Return the point and the momentum buffer after one more step."""
        buffer = _per_run(self.momentum) * state + grad
        return point - _per_run(self.lr) * buffer, buffer


@dataclass(frozen=True)
class RMSpropRule:
    r"""RMSprop as `rmsprop.equations.step` defines it.

    Attributes:
        lr: learning rate :math:`\eta`; this and the other numbers have shape ``(...)``.
        alpha: smoothing constant in [0, 1).
        eps: added outside the root.
        momentum: :math:`\mu`.
        centered: divide by the standard deviation instead of the root mean square.
        eps_in_sqrt: add `eps` inside the root instead.

    Equal to ``torch.optim.RMSprop``, but for `eps_in_sqrt`, which that does not have.

    >>> rule = RMSpropRule(lr=0.1, alpha=0.75, eps=0.0)
    >>> rule.step(np.array([1.0, 2.0]), np.array([1.0, 200.0]), rule.start((2,)))[0]
    array([0.8, 1.8])
    """

    lr: ArrayLike
    alpha: ArrayLike = 0.99
    eps: ArrayLike = 1e-8
    momentum: ArrayLike = 0.0
    centered: bool = False
    eps_in_sqrt: bool = False

    def start(self, shape: tuple[int, ...]) -> equations.State:
        """Return zeros."""
        return equations.State.start(shape)

    def step(
        self, point: Array, grad: Array, state: equations.State
    ) -> tuple[Array, equations.State]:
        """Return the point and the averages after one more step."""
        return equations.step(
            point,
            grad,
            state,
            lr=_per_run(self.lr),
            alpha=_per_run(self.alpha),
            eps=_per_run(self.eps),
            momentum=_per_run(self.momentum),
            centered=self.centered,
            eps_in_sqrt=self.eps_in_sqrt,
        )


@dataclass(frozen=True)
class Adam:
    r"""Adam: momentum and RMSprop's denominator, both corrected for their bias.

    .. math::

       w_t = w_{t-1} - \eta\, \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    Attributes:
        lr: learning rate :math:`\eta`; this and the other numbers have shape ``(...)``.
        beta1: smoothing constant of the gradient.
        beta2: smoothing constant of the squared gradient, RMSprop's `alpha`.
        eps: added outside the root.

    Equal to ``torch.optim.Adam``. Source: Kingma and Ba (2015), algorithm 1.

    >>> rule = Adam(lr=0.1, eps=0.0)
    >>> rule.step(np.array([1.0, 2.0]), np.array([1.0, 200.0]), rule.start((2,)))[0]
    array([0.9, 1.9])
    """

    lr: ArrayLike
    beta1: ArrayLike = 0.9
    beta2: ArrayLike = 0.999
    eps: ArrayLike = 1e-8

    def start(self, shape: tuple[int, ...]) -> tuple[int, Array, Array]:
        """Return the step count and two empty averages."""
        return 0, np.zeros(shape), np.zeros(shape)

    def step(
        self, point: Array, grad: Array, state: tuple[int, Array, Array]
    ) -> tuple[Array, tuple[int, Array, Array]]:
        """Return the point, the step count and the averages after one more step."""
        t, grad_avg, square_avg = state
        beta1, beta2 = _per_run(self.beta1), _per_run(self.beta2)
        t += 1
        grad_avg = equations.update_average(grad_avg, grad, beta1)
        square_avg = equations.update_average(square_avg, grad**2, beta2)
        mean = grad_avg / equations.mean_factor(beta1, t)
        root = np.sqrt(square_avg / equations.mean_factor(beta2, t))
        point = point - _per_run(self.lr) * mean / (root + _per_run(self.eps))
        return point, (t, grad_avg, square_avg)
