r"""What the size of a batch changes: settings, where weights come to rest, the best rate."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64, smoothing_constant

__all__ = [
    "Moments",
    "Recipe",
    "move_recipe",
    "noise_moments",
    "noisy_speed_up",
    "one_step_rate",
]


class Recipe(NamedTuple):
    r"""Settings of RMSprop that depend on the size of the batch.

    Attributes:
        lr: learning rate :math:`\eta`.
        alpha: smoothing constant.
        eps: :math:`\epsilon`, outside the root.
        weight_decay: :math:`\lambda`, decoupled.
    """

    lr: Array
    alpha: Array
    eps: Array
    weight_decay: Array


def move_recipe(
    factor: ArrayLike,
    *,
    lr: ArrayLike,
    alpha: ArrayLike = 0.99,
    eps: ArrayLike = 1e-8,
    weight_decay: ArrayLike = 0.0,
    power: ArrayLike = 0.5,
) -> Recipe:
    r"""Move a recipe to batches of another size, over as many examples.

    .. math::

       \eta \to \nu^{1/2}\, \eta, \qquad \alpha \to \alpha^\nu, \qquad
       \epsilon \to \nu^{-1/2}\, \epsilon, \qquad \lambda \to \nu^{1/2}\, \lambda

    Args:
        factor: :math:`\nu`, the new size over the old one; above 0; all arguments broadcast.
        lr: learning rate :math:`\eta`.
        alpha: smoothing constant in [0, 1). Its memory stays as many examples long.
        eps: :math:`\epsilon`, outside the root. One inside the root, a square, is divided by the
            factor.
        weight_decay: :math:`\lambda`, decoupled. Coupled decay stays as it is.
        power: of the factor that the rate is multiplied by: 0.5 is the square-root rule, 1 the
            linear one, 0 keeps the rate. The decay's is what is missing to 1, so that an example
            shrinks the weights as before.

    Returns:
        The settings for the new size.

    Raises:
        ValueError: if `factor` is not above 0, or `alpha` is outside [0, 1).

    Book: equation ``eq-square-root-rule``. Source: Malladi et al. (2022), whose smoothing constant
    is the first order of ours, which is that of Marek et al. (2025).

    >>> moved = move_recipe(4.0, lr=0.01, alpha=0.99)
    >>> float(moved.lr), round(float(moved.alpha), 9)
    (0.02, 0.96059601)
    """
    factor, power = float64(factor), float64(power)
    if not np.all(factor > 0):
        raise ValueError(f"factor must be above 0, got {factor}")
    return Recipe(
        float64(lr) * factor**power,
        smoothing_constant(alpha) ** factor,
        float64(eps) / np.sqrt(factor),
        float64(weight_decay) * factor ** (1 - power),
    )


class Moments(NamedTuple):
    """Mean and variance of a weight.

    Attributes:
        mean: over runs.
        variance: likewise.
    """

    mean: Array
    variance: Array


def noise_moments(
    t: ArrayLike, *, start: ArrayLike, lr: ArrayLike, noise: ArrayLike, curvature: ArrayLike = 1.0
) -> Moments:
    r"""Mean and variance of a weight on a parabola, where gradients are nearly all noise.

    .. math::

       \mathbb{E} w_t = w_0\, e^{-\eta h t/\sigma}, \qquad
       \operatorname{Var} w_t = \frac{\eta \sigma}{2 h} \left(1 - e^{-2 \eta h t/\sigma}\right)

    Args:
        t: steps; this and all arguments broadcast.
        start: :math:`w_0`.
        lr: learning rate :math:`\eta`.
        noise: standard deviation :math:`\sigma` of a gradient.
        curvature: :math:`h`.

    Returns:
        The moments.

    Book: equation ``eq-noise-moments``. Source: the stochastic differential equation of Malladi et
    al. (2022), solved on a parabola.

    >>> noise_moments(np.inf, start=1.0, lr=0.1, noise=2.0)
    Moments(mean=array(0.), variance=array(0.1))
    """
    lr, noise, h = float64(lr), float64(noise), float64(curvature)
    kept = np.exp(-lr * h / noise * float64(t))
    mean, variance = float64(start) * kept, lr * noise / (2 * h) * (1 - kept**2)
    return Moments(np.asarray(mean), np.asarray(variance))


def one_step_rate(grad: ArrayLike, noise: ArrayLike, hessian: ArrayLike) -> Array:
    r"""Learning rate of the step that lowers a quadratic most, in the mean over the noise.

    .. math::

       \eta^* = \frac{\sum_i \bar g_i \varsigma_i}
       {\sum_{ij} h_{ij} \varsigma_i \varsigma_j + \sum_i h_{ii} (1 - \varsigma_i^2)},
       \qquad \varsigma_i = \frac{\bar g_i}{\sqrt{\bar g_i^2 + \sigma_i^2}}

    Args:
        grad: :math:`\bar g`, the gradient without noise, shape ``(..., n)``.
        noise: :math:`\sigma`, standard deviations of its noise, independent between coordinates;
            broadcasts. A batch :math:`\nu` times as large divides them by the root of :math:`\nu`.
        hessian: :math:`h`, shape ``(n, n)``.

    Returns:
        The rate for a divisor that is the root mean square of the gradients; shape ``(...)``.

    Book: equation ``eq-one-step-rate``, derived there.

    >>> float(one_step_rate([1.0], 0.0, [[2.0]]))
    0.5
    """
    grad, h = float64(grad), float64(hessian)
    share = grad / np.hypot(grad, float64(noise))
    curved = np.einsum("...i,ij,...j", share, h, share) + (np.diag(h) * (1 - share**2)).sum(-1)
    return np.asarray((grad * share).sum(axis=-1) / curved)


def noisy_speed_up(curvatures: ArrayLike) -> Array:
    r"""How many times fewer steps RMSprop takes than gradient descent where noise is like the loss.

    .. math:: \frac{\sum_i h_i}{\sqrt{h_\text{least}} \sum_i \sqrt{h_i}}

    Args:
        curvatures: :math:`h`, along the axes, the noise having the covariance :math:`\sigma^2 h`;
            shape ``(..., n)``.

    Returns:
        The ratio of the rates at which the slowest direction shrinks, both methods having the rate
        that leaves the same floor; shape ``(...)``.

    Book: equation ``eq-noisy-speed-up``, derived there. Turned by 45 degrees in the plane it is 1.

    >>> round(float(noisy_speed_up([1.0, 100.0])), 6)
    9.181818
    """
    h = float64(curvatures)
    return np.asarray(h.sum(axis=-1) / (np.sqrt(h.min(axis=-1)) * np.sqrt(h).sum(axis=-1)))
