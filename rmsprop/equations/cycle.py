r"""At the bottom of a parabola: the cycle, how it attracts, and what comes before it."""

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.equations.arguments import Array, float64, smoothing_constant

__all__ = ["cycle_amplitude", "dip", "ring_down"]


def cycle_amplitude(
    curvature: ArrayLike, lr: ArrayLike, eps: ArrayLike = 0.0, *, eps_in_sqrt: bool = False
) -> Array:
    r"""Distance from the minimum at which RMSprop jumps to and fro for ever, on a parabola.

    .. math::

       |w| = \max\left(\frac\eta2 - \frac\epsilon h,\ 0\right)
       \quad\text{or, inside the root,}\quad
       |w| = \frac\eta2 \sqrt{\max\left(1 - \frac{4\epsilon}{\eta^2 h^2},\ 0\right)}

    Args:
        curvature: :math:`h > 0` of :math:`h w^2 / 2`.
        lr: learning rate :math:`\eta`; broadcasts.
        eps: :math:`\epsilon`; broadcasts.
        eps_in_sqrt: divide by :math:`\sqrt{v_t + \epsilon}`.

    Returns:
        The amplitude of the attracting two-cycle, for any alpha; 0 where RMSprop converges.

    Book: equation ``eq-eps-cycle``, derived there.

    >>> float(cycle_amplitude(1.0, lr=0.5))
    0.25
    """
    curvature, lr, eps = float64(curvature), float64(lr), float64(eps)
    if eps_in_sqrt:
        return lr / 2 * np.sqrt(np.maximum(1 - 4 * eps / (lr * curvature) ** 2, 0))
    return np.maximum(lr / 2 - eps / curvature, 0)


def ring_down(alpha: ArrayLike) -> tuple[Array, Array]:
    r"""How the cycle at the bottom of a parabola attracts: decay per step and period.

    .. math::

       z^2 - (3\alpha - 1)\, z + \alpha = 0, \qquad
       |z| = \sqrt\alpha, \quad
       \arg z = \pm\arccos \frac{3\alpha - 1}{2 \sqrt\alpha} \quad
       \text{for } \tfrac19 < \alpha < 1

    Args:
        alpha: smoothing constant in [0, 1).

    Returns:
        The modulus :math:`|z|` of the eigenvalue that decays last, and its period
        :math:`2\pi / |\arg z|` in steps. Up to 1/9 the eigenvalues are real and negative, and the
        period is 2.

    Raises:
        ValueError: if `alpha` is outside [0, 1).

    Book: equation ``eq-ring-down``, derived there, for any curvature and learning rate, eps = 0.

    >>> decay, period = ring_down(0.9)
    >>> float(decay.round(6)), float(period.round(2))
    (0.948683, 13.65)
    """
    alpha = smoothing_constant(alpha)
    trace = 3 * alpha - 1
    root = np.sqrt(trace**2 - 4 * alpha + 0j)
    slowest = (trace + np.where(trace < 0, -root, root)) / 2
    return np.abs(slowest), 2 * np.pi / np.abs(np.angle(slowest))


def dip(alpha: ArrayLike, first: ArrayLike = 0.0) -> Array:
    r"""How far RMSprop falls before a spike throws it back, on a parabola.

    .. math::

       \ln \frac{|w|_\text{least}}{|w|_\text{first}}
       \approx -\frac{2}{|\ln\alpha|} \int_{s_0}^2 \frac{-\ln|1 - s|}{s}\, ds
       = -\frac{2}{|\ln\alpha|} \left(\frac{\pi^2}{4} - \operatorname{Li}_2(s_0)\right)

    Args:
        alpha: smoothing constant in (0, 1).
        first: :math:`s_0` in [0, 1), the least :math:`s = \eta h / \sqrt v`: where the fall begins;
            broadcasts. From an empty average it is small only if :math:`\eta / \sqrt{1 - \alpha}`
            is a small share of the way.

    Returns:
        Natural logarithms, negative; the ratio itself soon underflows. The error stays a few
        units while alpha tends to 1.

    Raises:
        ValueError: if `alpha` is outside [0, 1).
        ModuleNotFoundError: without SciPy, which has the dilogarithm.

    Book: equation ``eq-dip``, derived there.

    >>> dip(0.99, [0.0, 0.25]).round()
    array([-491., -438.])
    """
    from scipy.special import spence

    depth = np.pi**2 / 4 - spence(1 - float64(first))
    return 2 * depth / np.log(smoothing_constant(alpha))
