"""Update rules in float64: how any number of points move, each run by its own numbers.

A rule holds hyperparameters, numbers or arrays. Arrays broadcast against the leading axes of the
points, so a map over (lr, alpha) is one run of broadcast arrays, not a loop. How a rule moves is
written once, in plain arithmetic, which `paths` runs on arrays and `races` compiles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.equations import State, arithmetic
from rmsprop.equations.arguments import smoothing_constant

__all__ = ["Adam", "GradientDescent", "RMSpropRule", "Rule"]

Array = NDArray[np.float64]
Rate = ArrayLike | Callable[[int], ArrayLike]


@dataclass(frozen=True)
class Rule:
    r"""An update rule: how a point moves, given its gradient and what the rule remembers.

    A rule is a frozen dataclass of hyperparameters, the learning rate first and switches, which are
    ``True`` or ``False`` for all runs, last. Its `move` takes them in that order.

    Attributes:
        lr: learning rate :math:`\eta`, shape ``(...)``; or a schedule, which maps the number of the
            step, from 1, to it.
    """

    lr: Rate

    @staticmethod
    def move(param: Any, grad: Any, state: State, *hyperparameters: Any) -> tuple[Any, State]:
        """Return a parameter and its state after one more step, in plain arithmetic."""
        raise NotImplementedError

    def start(self, shape: tuple[int, ...]) -> State:
        """Return the state before the first step, for points of this shape."""
        return State.start(shape)

    @property
    def scheduled(self) -> bool:
        """Whether a number changes from step to step."""
        return any(map(callable, vars(self).values()))

    def numbers(self, t: int) -> tuple[Array, tuple[bool, ...]]:
        """Return the numbers of a step, a row for every run in the order of the arrays; switches.

        Args:
            t: the number of the step, from 1; schedules are asked for it.

        Raises:
            ValueError: if the arrays do not broadcast.
        """
        given = [value(t) if callable(value) else value for value in vars(self).values()]
        switches = tuple(value for value in given if isinstance(value, bool))
        columns = np.broadcast_arrays(*map(np.asarray, given[: len(given) - len(switches)]))
        rows = np.stack([column.ravel() for column in columns], axis=-1)
        return rows.astype(np.float64), switches

    def step(self, point: Array, grad: Array, state: State) -> tuple[Array, State]:
        """Return the point and the state after one more step."""
        t = state.t + 1
        hyperparameters = (
            value if isinstance(value, bool) else _per_run(value(t) if callable(value) else value)
            for value in vars(self).values()
        )
        return self.move(point, grad, state, *hyperparameters)


def _per_run(value: ArrayLike) -> Array:
    """Give a hyperparameter a last axis, so that it is one number per run, not per coordinate."""
    return np.asarray(value, dtype=np.float64)[..., None]


@dataclass(frozen=True)
class GradientDescent(Rule):
    r"""Gradient descent, with heavy-ball momentum on request.

    .. math:: b_t = \mu b_{t-1} + g_t, \qquad w_t = w_{t-1} - \eta\, b_t

    Attributes:
        lr: learning rate :math:`\eta`, shape ``(...)``, or a schedule.
        momentum: :math:`\mu`, shape ``(...)``.

    Equal to ``torch.optim.SGD``. Source: Polyak (1964).

    >>> rule = GradientDescent(lr=0.5)
    >>> rule.step(np.array([1.0, 2.0]), np.array([1.0, 2.0]), rule.start((2,)))[0]
    array([0.5, 1. ])
    """

    momentum: ArrayLike = 0.0

    @staticmethod
    def move(param: Any, grad: Any, state: State, lr: Any, momentum: Any) -> tuple[Any, State]:
        """Return a parameter and its momentum buffer after one more step."""
        buffer = momentum * state.momentum_buffer + grad
        kept = State(state.square_avg, state.grad_avg, state.grad_var, buffer, state.t + 1)
        return param - lr * buffer, kept


@dataclass(frozen=True)
class RMSpropRule(Rule):
    r"""RMSprop as `rmsprop.equations.step` defines it.

    Attributes:
        lr: learning rate :math:`\eta`; this and the other numbers have shape ``(...)``.
        alpha: smoothing constant in [0, 1).
        eps: added outside the root.
        momentum: :math:`\mu`.
        weight_decay: :math:`\lambda`.
        initial_accumulator_value: :math:`v_0`, one number for all runs.
        centered: divide by the standard deviation instead of the root mean square. This and the
            following switches are those of `rmsprop.equations.step`.
        eps_in_sqrt: add `eps` inside the root instead.
        lr_in_momentum: keep steps in the momentum buffer, not scaled gradients.
        decoupled_weight_decay: shrink the weights instead of adding to the gradient.
        bias_correction: average with a smoothing constant that grows to `alpha`.
        nesterov: step ahead of the momentum buffer.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Equal to `rmsprop.RMSprop` with the same options, so that
    ``RMSpropRule(**rmsprop.convention("keras"))`` is Keras's rule.

    >>> rule = RMSpropRule(lr=0.1, alpha=0.75, eps=0.0)
    >>> rule.step(np.array([1.0, 2.0]), np.array([1.0, 200.0]), rule.start((2,)))[0]
    array([0.8, 1.8])
    """

    alpha: ArrayLike = 0.99
    eps: ArrayLike = 1e-8
    momentum: ArrayLike = 0.0
    weight_decay: ArrayLike = 0.0
    initial_accumulator_value: ArrayLike = 0.0
    centered: bool = False
    eps_in_sqrt: bool = False
    lr_in_momentum: bool = False
    decoupled_weight_decay: bool = False
    bias_correction: bool = False
    nesterov: bool = False

    def __post_init__(self) -> None:
        smoothing_constant(self.alpha)

    def start(self, shape: tuple[int, ...]) -> State:
        """Return the state before the first step, for points of this shape."""
        initial = np.asarray(self.initial_accumulator_value)
        if initial.ndim:
            raise ValueError(
                f"initial_accumulator_value must be one number for all runs, got {initial}"
            )
        return State.start(shape, float(initial))

    @staticmethod
    def move(
        param: Any,
        grad: Any,
        state: State,
        lr: Any,
        alpha: Any,
        eps: Any,
        momentum: Any,
        weight_decay: Any,
        initial_accumulator_value: Any,
        centered: bool,
        eps_in_sqrt: bool,
        lr_in_momentum: bool,
        decoupled_weight_decay: bool,
        bias_correction: bool,
        nesterov: bool,
    ) -> tuple[Any, State]:
        """Return a parameter and its averages after one more step."""
        return arithmetic.step(
            *(param, grad, state, lr, alpha, eps, weight_decay, momentum, centered, False),
            *(eps_in_sqrt, lr_in_momentum, decoupled_weight_decay, bias_correction, nesterov),
        )


@dataclass(frozen=True)
class Adam(Rule):
    r"""Adam: momentum and RMSprop's denominator, both corrected for their bias.

    .. math::

       w_t = w_{t-1} - \eta\, \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    Attributes:
        lr: learning rate :math:`\eta`; this and the other numbers have shape ``(...)``.
        beta1: smoothing constant of the gradient, in [0, 1).
        beta2: smoothing constant of the squared gradient, RMSprop's `alpha`, in [0, 1).
        eps: added outside the root.

    Raises:
        ValueError: if a smoothing constant is outside [0, 1).

    Equal to ``torch.optim.Adam``. Source: Kingma and Ba (2015), algorithm 1.

    >>> rule = Adam(lr=0.1, eps=0.0)
    >>> rule.step(np.array([1.0, 2.0]), np.array([1.0, 200.0]), rule.start((2,)))[0]
    array([0.9, 1.9])
    """

    beta1: ArrayLike = 0.9
    beta2: ArrayLike = 0.999
    eps: ArrayLike = 1e-8

    def __post_init__(self) -> None:
        smoothing_constant(self.beta1, "beta1")
        smoothing_constant(self.beta2, "beta2")

    @staticmethod
    def move(
        param: Any, grad: Any, state: State, lr: Any, beta1: Any, beta2: Any, eps: Any
    ) -> tuple[Any, State]:
        """Return a parameter and its averages after one more step."""
        t = state.t + 1
        grad_avg = arithmetic.average(state.grad_avg, grad, beta1)
        square_avg = arithmetic.average(state.square_avg, grad * grad, beta2)
        mean = grad_avg / arithmetic.mean_factor(beta1, t)
        root = np.sqrt(square_avg / arithmetic.mean_factor(beta2, t)) + eps
        kept = State(square_avg, grad_avg, state.grad_var, state.momentum_buffer, t)
        return param - lr * mean / root, kept
