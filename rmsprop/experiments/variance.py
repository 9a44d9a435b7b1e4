r"""The variance that centering divides by, found in ways that know nothing of each other.

Gradients have their steps along the last axis.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from rmsprop import equations
from rmsprop.equations import arithmetic

__all__ = ["gap_of_fractions", "recursive_variance", "torch_variance", "weighted_variance"]

Array = NDArray[np.float64]


def recursive_variance(gradients: ArrayLike, alpha: float) -> Array:
    r"""Follow the recursion of `rmsprop.equations.update_variance` from zeros.

    Args:
        gradients: shape ``(..., steps)``.
        alpha: smoothing constant in [0, 1).

    Returns:
        :math:`c_t` after every step, shape ``(..., steps)``.

    >>> recursive_variance([1.0, 1.0], alpha=0.5)
    array([0.25  , 0.1875])
    """
    gradients = np.asarray(gradients, dtype=np.float64)
    grad_avg = grad_var = np.zeros(gradients.shape[:-1])
    variances = np.empty_like(gradients)
    for t in range(gradients.shape[-1]):
        grad_avg, grad_var = equations.update_variance(grad_avg, grad_var, gradients[..., t], alpha)
        variances[..., t] = grad_var
    return variances


def torch_variance(gradients: ArrayLike, alpha: float, device: torch.device | str = "cpu") -> Array:
    r"""Subtract the averages that ``torch.optim.RMSprop(centered=True)`` keeps in float64.

    Args:
        gradients: shape ``(..., steps)``.
        alpha: smoothing constant in [0, 1).
        device: where to compute.

    Returns:
        :math:`v_t - m_t^2` after every step, shape ``(..., steps)``.

    >>> torch_variance([1.0, 1.0], alpha=0.5)
    array([0.25  , 0.1875])
    """
    gradients = np.asarray(gradients, dtype=np.float64)
    w = torch.zeros(gradients.shape[:-1], dtype=torch.float64, device=device, requires_grad=True)
    optimizer = torch.optim.RMSprop([w], alpha=alpha, centered=True)
    variances = np.empty_like(gradients)
    for t in range(gradients.shape[-1]):
        w.grad = torch.as_tensor(gradients[..., t]).to(device)
        optimizer.step()
        state = optimizer.state[w]
        variances[..., t] = (state["square_avg"] - state["grad_avg"] ** 2).cpu().numpy()
    return variances


def weighted_variance(gradients: ArrayLike, alpha: float) -> Array:
    r"""Compute the exponentially weighted variance of all gradients from its definition.

    .. math:: \sum_i w_i (g_i - m)^2 + \Bigl(1 - \sum_i w_i\Bigr)\, m^2, \qquad m = \sum_i w_i g_i

    The second term is that of the zeros before the first gradient.

    Args:
        gradients: shape ``(..., steps)``, the oldest first.
        alpha: smoothing constant in [0, 1).

    Returns:
        The variance after the last step, shape ``(...)``.

    >>> float(weighted_variance([1.0, 1.0], alpha=0.5))
    0.1875
    """
    gradients = np.asarray(gradients, dtype=np.float64)
    weights = equations.weights(alpha, gradients.shape[-1])[::-1]
    mean = gradients @ weights
    unseen = 1 - weights.sum()
    return np.asarray((gradients - mean[..., None]) ** 2 @ weights + unseen * mean**2)


def gap_of_fractions(gradients: Sequence[Fraction], alpha: Fraction) -> Fraction:
    r"""Subtract :math:`v_t - m_t^2` from the :math:`c_t` of our recursion, without any rounding.

    Args:
        gradients: one for each step.
        alpha: smoothing constant in [0, 1).

    Returns:
        The difference after the last step, 0 if equation ``eq-identity`` is right.

    >>> gap_of_fractions([Fraction(1), Fraction(-2, 3)], Fraction(9, 10))
    Fraction(0, 1)
    """
    m = v = c = Fraction(0)
    for g in gradients:
        v = arithmetic.average(v, g * g, alpha)
        m, c = arithmetic.variance(m, c, g, alpha)
    return c - (v - m**2)
