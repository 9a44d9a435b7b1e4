r"""The centered variance: its recursion, its mean, and the steps that it makes."""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations import arithmetic
from rmsprop.equations.arguments import Array, float64, smoothing_constant
from rmsprop.equations.noise import variance_factor

__all__ = ["constant_gradient_step", "expected_grad_var", "update_variance"]


def update_variance(
    grad_avg: ArrayLike, grad_var: ArrayLike, grad: ArrayLike, alpha: ArrayLike
) -> tuple[Array, Array]:
    r"""Take one step of the exponentially weighted mean and variance of the gradient.

    .. math::

       d_t &= g_t - m_{t-1} \\
       m_t &= m_{t-1} + (1 - \alpha)\, d_t \\
       c_t &= \alpha \left(c_{t-1} + (1 - \alpha)\, d_t^2\right)

    Args:
        grad_avg: :math:`m_{t-1}`, any shape.
        grad_var: :math:`c_{t-1}`, at least 0, broadcasting against `grad_avg`.
        grad: the gradient :math:`g_t`; broadcasts.
        alpha: smoothing constant in [0, 1); broadcasts.

    Returns:
        :math:`m_t` and :math:`c_t`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-centered-variance``. In exact arithmetic :math:`c_t = v_t - m_t^2`, the
    difference that ``torch.optim.RMSprop(centered=True)`` takes the root of; unlike that difference
    it is a sum of non-negative terms, so rounding can never make it negative. Source of the
    recursion: Finch (2009), section 9.

    >>> m, c = update_variance(0.0, 0.0, 2.0, alpha=0.5)
    >>> float(m), float(c)
    (1.0, 1.0)
    """
    return arithmetic.variance(
        float64(grad_avg), float64(grad_var), float64(grad), smoothing_constant(alpha)
    )


def constant_gradient_step(alpha: ArrayLike, t: ArrayLike) -> Array:
    r"""Length of the centered step for a constant gradient, in units of lr, without eps.

    .. math:: \frac{|w_t - w_{t-1}|}{\eta} = \frac{1}{\sqrt{\alpha^t (1 - \alpha^t)}}

    Args:
        alpha: smoothing constant in [0, 1).
        t: number of the step, at least 1; broadcasts.

    Returns:
        Lengths, at least 2, at the half-life, and from then on growing without bound.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-constant-gradient``, derived there. The uncentered step is
    :math:`1 / \sqrt{1 - \alpha^t}`, which tends to 1.

    >>> float(constant_gradient_step(0.5, 1))
    2.0
    """
    remembered = smoothing_constant(alpha) ** float64(t)
    with np.errstate(divide="ignore"):
        return 1 / np.sqrt(remembered * (1 - remembered))


def expected_grad_var(alpha: ArrayLike, t: ArrayLike, noise: ArrayLike) -> Array:
    r"""Mean of the variance :math:`c_t` for a steady gradient with noise, from a zero start.

    .. math::

       \frac{\mathbb{E}\, c_t}{\bar g^2} = \alpha^t (1 - \alpha^t)
       + \rho^2 \left(1 - \alpha^t - \frac{1 - \alpha}{1 + \alpha} (1 - \alpha^{2t})\right)

    Args:
        alpha: smoothing constant in [0, 1).
        t: number of gradients seen, at least 0; broadcasts.
        noise: :math:`\rho`, standard deviation of the gradient over its mean :math:`\bar g`, at
            least 0; broadcasts.

    Returns:
        In units of :math:`\bar g^2`.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-expected-variance``, derived there.

    >>> float(expected_grad_var(0.5, 1, noise=0.0))
    0.25
    """
    remembered = smoothing_constant(alpha) ** float64(t)
    scatter = 1 - remembered - variance_factor(alpha, t)
    return remembered * (1 - remembered) + float64(noise) ** 2 * scatter
