"""What a constant learning rate leaves of the loss, read off an optimizer."""

import math
from typing import Any

import torch
from torch import Tensor

from rmsprop.options import complete_options, number
from rmsprop.state import as_real, wide_dtype

__all__ = ["expected_floor"]


def expected_floor(optimizer: torch.optim.RMSprop) -> float:
    r"""Return how far above its minimum a loss hovers at the present rates, by the state alone.

    .. math::

       \Phi = \frac\eta4 \sum_i \frac{v_i}{\sqrt{v_i} + \epsilon}
       \quad\text{and with momentum}\quad
       \Phi = \frac{\eta\, (1 + \mu)}4 \sum_i \left(\sqrt{v_i} + \epsilon\right) b_i^2

    summed over the parameters of all groups, each with the options of its group. A decay of the
    rate to zero releases about this much, and what further training gains comes on top. So a loss
    that hovers at this height above what can be reached waits for the decay, and one that is far
    above it does not.

    Args:
        optimizer: `rmsprop.RMSprop` or ``torch.optim.RMSprop``, after as many steps as its average
            looks back, :math:`1 / (1 - \alpha)`. It is only read. Parameters without state, which
            have had no gradient, add nothing. Where they are sharded, all processes must ask
            together, and get the whole sum.

    Returns:
        The floor in units of the loss whose gradients were given, with its coupled weight decay.
        With momentum it is that of one moment, and varies from step to step: take a mean over some.
        Where the loss is climbed, how far it hovers below its maximum.

    Raises:
        TypeError: if `optimizer` is another one.
        ValueError: if it has taken no step, or a group decouples its weight decay.

    Derived for a quadratic, an average that hardly changes, and noise that does not depend on the
    weights; a short memory adds to it a loss that no decay releases. With Nesterov's step the sum
    is that of `rmsprop.equations.state_floor`, to which this is otherwise equal, too. Centered,
    :math:`v` is the mean square, :math:`c + m^2`, and the divisor the root of :math:`c`. Book:
    equations ``eq-state-floor`` and ``eq-momentum-floor``.

    >>> from rmsprop import RMSprop
    >>> w = torch.nn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = RMSprop([w], lr=0.1, alpha=0.0)
    >>> (w * torch.tensor([1.0, 3.0])).sum().backward()
    >>> _ = optimizer.step()
    >>> round(expected_floor(optimizer), 6)
    0.1
    """
    if not isinstance(optimizer, torch.optim.RMSprop):
        raise TypeError(f"optimizer must be an RMSprop, got {type(optimizer).__name__}")
    floors = [
        _floor(state, group)
        for group in map(_checked, optimizer.param_groups)
        for param in group["params"]
        if "step" in (state := optimizer.state.get(param, {}))
    ]
    if not floors:
        raise ValueError("optimizer must have taken a step, got one without state")
    return math.fsum(floors)


def _checked(group: dict[str, Any]) -> dict[str, Any]:
    """Return a group's options, those that torch's own does not have among them."""
    group = dict(group)
    complete_options(group)
    if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
        raise ValueError(
            "decoupled_weight_decay moves the point at which the loss hovers away from its "
            f"minimum: weight_decay must be 0 or coupled, got {group['weight_decay']}"
        )
    return group


@torch.no_grad()
def _floor(state: dict[str, Any], group: dict[str, Any]) -> float:
    lr, eps, mu = (number(group[name]) for name in ("lr", "eps", "momentum"))
    square, spread = _averages(state, group["centered"])
    root = (spread + eps).sqrt() if group["eps_in_sqrt"] else spread.sqrt() + eps
    of_steps = _sum(torch.where(root > 0, square / root, 0))
    if mu == 0 or "momentum_buffer" not in state:  # which a later step makes
        return lr / 4 * of_steps
    of_buffer = _sum(root * _wide(state["momentum_buffer"]) ** 2)
    if group["lr_in_momentum"]:
        of_buffer = of_buffer / lr**2 if lr else 0.0
    if group["nesterov"]:
        return lr / 4 * (mu * (1 + mu) * of_buffer + of_steps)
    return lr / 4 * (1 + mu) * of_buffer


def _averages(state: dict[str, Any], centered: bool) -> tuple[Tensor, Tensor]:
    """Return the mean square of the gradients, and what the divisor is the root of."""
    if not centered:
        square = _wide(state["square_avg"])
        return square, square
    mean = _wide(state["grad_avg"])
    if "grad_var" in state:
        spread = _wide(state["grad_var"])
        return spread + mean**2, spread
    square = _wide(state["square_avg"])
    return square, (square - mean**2).clamp(min=0)


def _wide(buffer: Tensor) -> Tensor:
    """Return real numbers of a precision in which they can be squared and summed."""
    real = as_real(buffer)
    return real.to(wide_dtype(real))


def _sum(terms: Tensor) -> float:
    total: Any = terms.sum()
    # Of a sharded tensor each process has the sum over its shard.
    return float(total.full_tensor() if hasattr(total, "full_tensor") else total)
