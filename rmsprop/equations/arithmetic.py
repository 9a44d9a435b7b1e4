"""The update rule in plain arithmetic: NumPy runs it on arrays, Numba compiles it for numbers.

Nothing is checked or converted here. `rmsprop.equations.step` and its companions do that, and say
what each argument is.
"""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["State", "average", "corrected_alpha", "mean_factor", "quotient", "step", "variance"]


class State(NamedTuple):
    r"""What RMSprop remembers of the past, each array of the parameters' shape.

    Averages that the options do not need stay as they are.

    Attributes:
        square_avg: :math:`v`, the average of squared gradients, uncentered.
        grad_avg: :math:`m`, the gradient's weighted mean, centered.
        grad_var: :math:`c`, the gradient's weighted variance, centered.
        momentum_buffer: :math:`b`.
        t: steps taken.

    >>> State.start((2,)).square_avg
    array([0., 0.])
    """

    square_avg: Any
    grad_avg: Any
    grad_var: Any
    momentum_buffer: Any
    t: int

    @classmethod
    def start(cls, shape: tuple[int, ...], initial_accumulator_value: float = 0.0) -> "State":
        """Return the state before the first step, for parameters of this shape.

        `initial_accumulator_value` is what :math:`v` and :math:`c` start from.
        """
        accumulator = np.full(shape, float(initial_accumulator_value))
        return cls(accumulator, np.zeros(shape), accumulator, np.zeros(shape), 0)


def average(average: Any, x: Any, alpha: Any) -> Any:
    """Return the moving average after one more observation."""
    return alpha * average + (1 - alpha) * x


def variance(grad_avg: Any, grad_var: Any, grad: Any, alpha: Any) -> Any:
    """Return the weighted mean and variance after one more gradient."""
    deviation = grad - grad_avg
    return (
        grad_avg + (1 - alpha) * deviation,
        alpha * (grad_var + (1 - alpha) * (deviation * deviation)),
    )


def mean_factor(alpha: Any, t: Any) -> Any:
    """Return the mean of the average that starts at zero, as a fraction of the observations'."""
    return 1 - alpha**t


def corrected_alpha(alpha: Any, t: Any) -> Any:
    """Return the smoothing constant of a step with which the average is free of bias."""
    return alpha * (1 - alpha ** (t - 1)) / (1 - alpha**t)


def quotient(grad: Any, denominator: Any) -> Any:
    """Return a gradient over its denominator, and 0 where that is 0."""
    # In arithmetic: a choice of numbers would be slow when compiled, and impossible for arrays.
    return grad * (denominator != 0) / (denominator + (denominator == 0))


def step(
    param: Any,
    grad: Any,
    state: State,
    lr: Any,
    alpha: Any,
    eps: Any,
    weight_decay: Any,
    momentum: Any,
    centered: bool,
    maximize: bool,
    eps_in_sqrt: bool,
    lr_in_momentum: bool,
    decoupled_weight_decay: bool,
    bias_correction: bool,
    nesterov: bool,
) -> tuple[Any, State]:
    """Return a parameter and its state after one more step of RMSprop."""
    square_avg, grad_avg, grad_var, momentum_buffer, t = state
    t += 1
    if bias_correction:
        alpha = corrected_alpha(alpha, t)
    if maximize:
        grad = -grad
    if decoupled_weight_decay:
        param = param * (1 - lr * weight_decay)
    else:
        grad = grad + weight_decay * param
    if centered:
        grad_avg, grad_var = variance(grad_avg, grad_var, grad, alpha)
    else:
        square_avg = average(square_avg, grad * grad, alpha)
    mean = grad_var if centered else square_avg
    root = np.sqrt(mean + eps) if eps_in_sqrt else np.sqrt(mean) + eps
    update = quotient(grad, root)
    if lr_in_momentum:
        update = lr * update
    momentum_buffer = momentum * momentum_buffer + update
    direction = momentum * momentum_buffer + update if nesterov else momentum_buffer
    return (
        param - (direction if lr_in_momentum else lr * direction),
        State(square_avg, grad_avg, grad_var, momentum_buffer, t),
    )
