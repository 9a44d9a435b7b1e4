"""The update rule in PyTorch operations: any device, any dtype, differentiable."""

import math

import torch
from torch import Tensor

__all__ = ["step"]

LOW_PRECISION = (torch.float16, torch.bfloat16)


def step(
    param: Tensor,
    grad: Tensor,
    *,
    square_avg: Tensor | None = None,
    grad_avg: Tensor | None = None,
    grad_var: Tensor | None = None,
    momentum_buffer: Tensor | None = None,
    lr: float | Tensor,
    alpha: float | Tensor,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
    eps_in_sqrt: bool,
    lr_in_momentum: bool,
    decoupled_weight_decay: bool,
    nesterov: bool,
) -> None:
    r"""Step one parameter and its state in place.

    The equation is that of `rmsprop.equations.step`. Which state is given decides the variant:
    `square_avg` alone is uncentered, `grad_avg` with `grad_var` centered, `momentum_buffer` adds
    momentum.

    Args:
        param: real tensor of any shape; this and the state are changed in place. In float16 and
            bfloat16 the arithmetic is done in float32, the dtype that the state then has.
        grad: its gradient, same shape; never changed.
        square_avg: average of squared gradients, or None for the centered rule.
        grad_avg: average of gradients, or None for the uncentered rule.
        grad_var: their weighted variance, given together with `grad_avg`.
        momentum_buffer: or None for no momentum.
        lr: learning rate, a number or a one-element tensor.
        alpha: smoothing constant of this step, a number or a 0-dimensional tensor.
        eps: added to the denominator; where that is 0 nevertheless, the parameter stays.
        weight_decay: see `decoupled_weight_decay`.
        momentum: factor of the momentum buffer.
        maximize: climb instead of descend.
        eps_in_sqrt: add `eps` inside the root.
        lr_in_momentum: put the learning rate into the momentum buffer.
        decoupled_weight_decay: shrink the parameter instead of adding the decay to the gradient.
        nesterov: step along the buffer as it will be.

    >>> w, v = torch.tensor([1.0]), torch.zeros(1)
    >>> numbers = dict(lr=0.1, alpha=0.75, eps=0.0, weight_decay=0, momentum=0)
    >>> switches = "maximize eps_in_sqrt lr_in_momentum decoupled_weight_decay nesterov"
    >>> off = dict.fromkeys(switches.split(), False)
    >>> step(w, torch.tensor([4.0]), square_avg=v, **numbers, **off)
    >>> w, v
    (tensor([0.8000]), tensor([4.]))
    """
    if isinstance(lr, Tensor):
        lr = lr.reshape(())
    target, working = param, param
    if param.dtype in LOW_PRECISION:
        working = param.float()
    grad = grad.to(working.dtype)
    if maximize:
        grad = -grad
    if weight_decay != 0 and decoupled_weight_decay:
        working = working.mul(1 - lr * weight_decay)
    elif weight_decay != 0:
        grad = grad.add(working, alpha=weight_decay)
    average = _average(grad, square_avg, grad_avg, grad_var, alpha)
    update = grad / _denominator(average, eps, eps_in_sqrt)
    if lr_in_momentum:
        update = update * lr
    if momentum_buffer is not None:
        # Not in place: through a differentiable step autograd needs the buffer as it was.
        buffer = update.add(momentum_buffer, alpha=momentum)
        momentum_buffer.copy_(buffer)
        update = update.add(buffer, alpha=momentum) if nesterov else buffer
    if not lr_in_momentum:
        update = update * lr
    if working is target:
        target.sub_(update)
    else:
        target.copy_(working - update)


def _average(
    grad: Tensor,
    square_avg: Tensor | None,
    grad_avg: Tensor | None,
    grad_var: Tensor | None,
    alpha: float | Tensor,
) -> Tensor:
    """Update the averages in place and return the one that the step divides by the root of."""
    if grad_avg is None or grad_var is None:
        assert square_avg is not None
        return square_avg.mul_(alpha).add_(grad * grad * (1 - alpha))
    deviation = grad - grad_avg
    grad_avg.add_(deviation * (1 - alpha))
    return grad_var.add_(deviation * deviation * (1 - alpha)).mul_(alpha)


def _denominator(average: Tensor, eps: float, eps_in_sqrt: bool) -> Tensor:
    root = average.add(eps).sqrt() if eps_in_sqrt else average.sqrt().add(eps)
    # Without an eps that this dtype can tell from 0, a gradient that has always been 0, or is too
    # small to square, would be divided by 0.
    enough = eps >= torch.finfo(root.dtype).tiny
    return root if enough else root.masked_fill(root == 0, math.inf)
