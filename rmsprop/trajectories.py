"""Run optimizers on a problem, any number of runs at once, in NumPy float64.

A rule holds hyperparameters, numbers or arrays. Arrays broadcast against the leading axes of the
starting points, so a map over (lr, alpha) is one run of broadcast arrays, not a loop.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations

__all__ = [
    "Adam",
    "GradientDescent",
    "RMSpropRule",
    "Rule",
    "endpoint",
    "iterate",
    "steps_to_reach",
    "steps_to_settle",
    "trajectory",
]

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


def iterate(
    gradient: Callable[[Array], Array], start: ArrayLike, rule: Rule, steps: int
) -> Iterator[Array]:
    """Follow a rule from a start, one point at a time.

    Args:
        gradient: maps points of shape ``(..., d)`` to gradients of the same shape.
        start: shape ``(..., d)``.
        rule: its arrays broadcast against the leading axes of `start`.
        steps: number of steps, at least 0.

    Yields:
        Points of shape ``(..., d)``, the start first: ``steps + 1`` in all.

    >>> [point.item() for point in iterate(lambda w: w, [1.0], GradientDescent(lr=0.5), steps=2)]
    [1.0, 0.5, 0.25]
    """
    runs = np.broadcast_shapes(*(np.shape(value) for value in vars(rule).values()))
    point = np.asarray(start, dtype=np.float64)
    shape = np.broadcast_shapes(point.shape, (*runs, point.shape[-1]))
    point = np.broadcast_to(point, shape).copy()
    state = rule.start(point.shape)
    yield point
    for _ in range(steps):
        # A run that diverges becomes inf and nan, which is its result, not an accident.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            point, state = rule.step(point, gradient(point), state)
        yield point


def trajectory(
    gradient: Callable[[Array], Array], start: ArrayLike, rule: Rule, steps: int
) -> Array:
    """Follow a rule from a start, keeping every point.

    Args:
        gradient: maps points of shape ``(..., d)`` to gradients of the same shape.
        start: shape ``(..., d)``.
        rule: its arrays broadcast against the leading axes of `start`.
        steps: number of steps, at least 0.

    Returns:
        Points, shape ``(steps + 1, ..., d)``, beginning with the start.

    >>> trajectory(lambda w: w, [1.0], GradientDescent(lr=[0.5, 1.0]), steps=2)[..., 0]
    array([[1.  , 1.  ],
           [0.5 , 0.  ],
           [0.25, 0.  ]])
    """
    return np.stack(list(iterate(gradient, start, rule, steps)))


def endpoint(gradient: Callable[[Array], Array], start: ArrayLike, rule: Rule, steps: int) -> Array:
    """Follow a rule from a start, keeping the last point only: `trajectory` without its memory.

    Args:
        gradient: maps points of shape ``(..., d)`` to gradients of the same shape.
        start: shape ``(..., d)``.
        rule: its arrays broadcast against the leading axes of `start`.
        steps: number of steps, at least 0.

    Returns:
        The last points, shape ``(..., d)``.

    >>> endpoint(lambda w: w, [1.0], GradientDescent(lr=0.5), steps=2)
    array([0.25])
    """
    for point in iterate(gradient, start, rule, steps):
        last = point
    return last


def steps_to_reach(values: ArrayLike, threshold: float) -> Array:
    """Count the steps after which a run first comes to a threshold or below it.

    Args:
        values: what is watched, shape ``(steps + 1, ...)``, as from a `trajectory`.
        threshold: the goal.

    Returns:
        Step numbers, shape ``(...)``; inf for a run that never gets there.

    >>> steps_to_reach([[3.0, 3.0], [2.0, 3.0], [1.0, 3.0]], threshold=2.0)
    array([ 1., inf])
    """
    reached = np.asarray(values) <= threshold
    return np.where(reached.any(axis=0), reached.argmax(axis=0), np.inf)


def steps_to_settle(values: ArrayLike, threshold: float) -> Array:
    """Count the steps after which a run stays at a threshold or below it for good.

    Args:
        values: what is watched, shape ``(steps + 1, ...)``, as from a `trajectory`.
        threshold: the goal.

    Returns:
        Step numbers, shape ``(...)``; inf for a run that ends above the threshold. Never less than
        `steps_to_reach`: a run that comes there by chance and leaves again has not settled.

    >>> steps_to_settle([[3.0, 3.0], [1.0, 1.0], [3.0, 1.0], [1.0, 3.0]], threshold=2.0)
    array([ 3., inf])
    """
    outside = ~(np.asarray(values) <= threshold)
    last = len(outside) - 1 - outside[::-1].argmax(axis=0)
    settled = np.where(outside.any(axis=0), last + 1.0, 0.0)
    return np.where(outside[-1], np.inf, settled)
