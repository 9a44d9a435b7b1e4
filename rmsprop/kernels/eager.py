"""The update rule in PyTorch operations: any device, any dtype, differentiable."""

import torch
from torch import Tensor

__all__ = ["step"]


def step(
    param: Tensor,
    grad: Tensor,
    *,
    square_avg: Tensor | None = None,
    grad_avg: Tensor | None = None,
    grad_var: Tensor | None = None,
    momentum_buffer: Tensor | None = None,
    lr: float | Tensor,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
) -> None:
    r"""Step one parameter and its state in place.

    The equation is that of `rmsprop.equations.step`. Which state is given decides the variant:
    `square_avg` alone is uncentered, `grad_avg` with `grad_var` centered, `momentum_buffer` adds
    momentum.

    Args:
        param: real tensor of any shape; this and the state are changed in place.
        grad: its gradient, same shape and dtype; never changed.
        square_avg: average of squared gradients, or None for the centered rule.
        grad_avg: average of gradients, or None for the uncentered rule.
        grad_var: their weighted variance, given together with `grad_avg`.
        momentum_buffer: or None for no momentum.
        lr: learning rate, a number or a one-element tensor on the parameter's device.
        alpha: smoothing constant.
        eps: added outside the root.
        weight_decay: coupled.
        momentum: factor of the momentum buffer.
        maximize: climb instead of descend.

    >>> w, v = torch.tensor([1.0]), torch.zeros(1)
    >>> options = dict(lr=0.1, alpha=0.75, eps=0.0, weight_decay=0, momentum=0, maximize=False)
    >>> step(w, torch.tensor([4.0]), square_avg=v, **options)
    >>> w, v
    (tensor([0.8000]), tensor([4.]))
    """
    if maximize:
        grad = -grad
    if weight_decay != 0:
        grad = grad.add(param, alpha=weight_decay)
    denominator = _average(grad, square_avg, grad_avg, grad_var, alpha).sqrt().add(eps)
    if momentum_buffer is None:
        direction = grad / denominator
    else:
        # Not in place: through a differentiable step autograd needs the direction as it was.
        direction = torch.addcdiv(momentum_buffer * momentum, grad, denominator)
        momentum_buffer.copy_(direction)
    param.sub_(direction * (lr.reshape(()) if isinstance(lr, Tensor) else lr))


def _average(
    grad: Tensor,
    square_avg: Tensor | None,
    grad_avg: Tensor | None,
    grad_var: Tensor | None,
    alpha: float,
) -> Tensor:
    """Update the averages in place and return the one that the step divides by the root of."""
    if grad_avg is None or grad_var is None:
        assert square_avg is not None
        return square_avg.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
    deviation = grad - grad_avg
    grad_avg.add_(deviation, alpha=1 - alpha)
    return grad_var.addcmul_(deviation, deviation, value=1 - alpha).mul_(alpha)
