r"""The update rule, and the sizes of its steps."""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations import arithmetic
from rmsprop.equations.arguments import Array, float64, smoothing_constant
from rmsprop.equations.arithmetic import State

__all__ = ["State", "effective_rate", "largest_step", "step"]


def step(
    param: ArrayLike,
    grad: ArrayLike,
    state: State,
    *,
    lr: ArrayLike = 1e-2,
    alpha: ArrayLike = 0.99,
    eps: ArrayLike = 1e-8,
    weight_decay: ArrayLike = 0.0,
    momentum: ArrayLike = 0.0,
    centered: bool = False,
    maximize: bool = False,
    eps_in_sqrt: bool = False,
    lr_in_momentum: bool = False,
    decoupled_weight_decay: bool = False,
    bias_correction: bool = False,
    nesterov: bool = False,
) -> tuple[Array, State]:
    r"""Take one step of RMSprop.

    .. math::

       g_t &\leftarrow \pm\, g_t + \lambda w_{t-1} \\
       v_t &= \alpha v_{t-1} + (1 - \alpha) g_t^2 \\
       b_t &= \mu b_{t-1} + \frac{g_t}{\sqrt{v_t} + \epsilon} \\
       w_t &= w_{t-1} - \eta\, b_t

    Centered, :math:`v_t` gives way to the variance :math:`c_t` of `update_variance`. The last five
    options are what other implementations do instead; `rmsprop.conventions` says which does what.

    Args:
        param: the weights :math:`w_{t-1}`, any shape.
        grad: their gradient :math:`g_t`, same shape.
        state: from the step before, or ``State.start(shape)``.
        lr: learning rate :math:`\eta`; this and the other numbers broadcast against `param`.
        alpha: smoothing constant in [0, 1).
        eps: :math:`\epsilon`. Where the denominator is 0 nevertheless, the parameter stays.
        weight_decay: :math:`\lambda`.
        momentum: :math:`\mu`.
        centered: divide by the standard deviation of the gradient, not by its root mean square.
            With ``alpha=0`` that is always 0, and the step is :math:`g_t / \epsilon`.
        maximize: climb instead of descend (the minus sign in the first line).
        eps_in_sqrt: divide by :math:`\sqrt{v_t + \epsilon}`.
        lr_in_momentum: :math:`b_t = \mu b_{t-1} + \eta\, g_t / (\sqrt{v_t} + \epsilon)` and
            :math:`w_t = w_{t-1} - b_t`. It matters only while the learning rate changes.
        decoupled_weight_decay: :math:`w_{t-1} \leftarrow (1 - \eta \lambda)\, w_{t-1}` in place of
            the first line.
        bias_correction: average with `corrected_alpha` instead of `alpha`.
        nesterov: step along :math:`\mu b_t + g_t / (\sqrt{v_t} + \epsilon)` instead of :math:`b_t`.

    Returns:
        :math:`w_t` and the new state.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-rmsprop``. Equal to ``torch.optim.RMSprop`` in exact arithmetic, for the
    options that it has; differs in computing the centered variance without cancellation. Sources:
    Tieleman and Hinton (2012), slide 29; Graves (2013), equations 38-45, for centering, there with
    :math:`\epsilon` inside the root; Dozat (2016) for Nesterov's momentum on a scaled gradient.

    >>> w, state = step(1.0, 4.0, State.start(()), lr=0.1, alpha=0.75, eps=0.0)
    >>> float(w)
    0.8
    """
    return arithmetic.step(
        float64(param),
        float64(grad),
        state,
        float64(lr),
        smoothing_constant(alpha),
        float64(eps),
        float64(weight_decay),
        float64(momentum),
        centered,
        maximize,
        eps_in_sqrt,
        lr_in_momentum,
        decoupled_weight_decay,
        bias_correction,
        nesterov,
    )


def effective_rate(square_avg: ArrayLike, lr: ArrayLike, eps: ArrayLike = 1e-8) -> Array:
    r"""Learning rate that each parameter really has: what its gradient is multiplied by.

    .. math:: \eta_\text{eff} = \frac{\eta}{\sqrt{v_t} + \epsilon}

    Args:
        square_avg: :math:`v_t` (or the variance, for the centered rule), any shape.
        lr: base learning rate :math:`\eta`; broadcasts.
        eps: :math:`\epsilon`; broadcasts.

    Returns:
        Rates in units of parameter per gradient, one for every entry of `square_avg`.

    Book: equation ``eq-effective-rate``.

    >>> float(effective_rate(4.0, lr=0.1, eps=0.0))
    0.05
    """
    return float64(lr) / (np.sqrt(float64(square_avg)) + float64(eps))


def largest_step(alpha: ArrayLike, lr: ArrayLike = 1.0) -> Array:
    r"""Largest step that RMSprop can take: the first one, or any after a long silence.

    .. math:: |w_t - w_{t-1}| \le \frac{\eta}{\sqrt{1 - \alpha}}

    Args:
        alpha: smoothing constant in [0, 1).
        lr: learning rate :math:`\eta`; broadcasts.

    Returns:
        The bound, in the parameters' units (without momentum and centering).

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-largest-step``. It follows from :math:`v_t \ge (1 - \alpha) g_t^2` (compare
    Kingma and Ba, 2015, section 2.1).

    >>> round(float(largest_step(0.99)), 9)
    10.0
    """
    return float64(lr) / np.sqrt(1 - smoothing_constant(alpha))
