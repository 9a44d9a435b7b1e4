"""Test functions in two dimensions: value, gradient, minima, a customary start and their source.

`value` and `gradient` take points with any leading axes: one call evaluates any number of runs.
Each function and its partial derivatives are written once, in plain arithmetic: NumPy runs it on
arrays, Numba compiles it for `races`, and autograd can check one against the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Problem", "beale", "himmelblau", "quadratic", "rosenbrock", "saddle"]


@dataclass(frozen=True)
class Problem:
    """A function of two variables that an optimizer is asked to minimize.

    Attributes:
        name: how the figures call it.
        function: maps coordinates and parameters, ``(x, y, *parameters)``, to the value.
        partials: maps the same to the pair of partial derivatives.
        minima: all global minimizers, shape ``(m, 2)``.
        start: a starting point, the customary one where there is one, shape ``(2,)``.
        source: where it was published.
        parameters: numbers, or arrays that broadcast against the coordinates.

    >>> rosenbrock().value(np.array([1.0, 1.0])).item()
    0.0
    """

    name: str
    function: Callable[..., Any]
    partials: Callable[..., tuple[Any, Any]]
    minima: NDArray[np.float64]
    start: NDArray[np.float64]
    source: str
    parameters: tuple[Any, ...] = ()

    def value(self, point: Any) -> Any:
        """Return the value at points of shape ``(..., 2)``, NumPy's or PyTorch's: shape ``(...)``.

        >>> quadratic(condition=10).value(np.array([[1.0, 1.0], [0.0, 0.0]]))
        array([5.5, 0. ])
        """
        return self.function(point[..., 0], point[..., 1], *self.parameters)

    def gradient(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gradient at points of shape ``(..., 2)``, same shape.

        >>> quadratic(condition=10).gradient(np.array([1.0, 1.0]))
        array([ 1., 10.])
        """
        return np.stack(self.partials(point[..., 0], point[..., 1], *self.parameters), axis=-1)

    @property
    def minimum(self) -> float:
        """The least value, attained at every row of `minima`."""
        return float(self.value(self.minima[0]))


def quadratic(condition: ArrayLike, angle: ArrayLike = 0.0) -> Problem:
    r"""Return a quadratic valley with curvatures 1 and `condition`, turned by `angle`.

    .. math::

       f(w) = \tfrac{1}{2} w^\top R\, \operatorname{diag}(1, \kappa)\, R^\top w,
       \qquad R = \text{rotation by } \theta

    Args:
        condition: condition number :math:`\kappa`, at least 1. This and the angle may be arrays;
            they broadcast against the leading axes of the points.
        angle: angle :math:`\theta` in radians between the valley's floor and the first axis.

    Returns:
        The problem, with its minimum 0 at the origin.

    Raises:
        ValueError: if `condition` is below 1 or not finite.

    Source: Boyd and Vandenberghe (2004), section 9.3.2; the rotation is ours.

    >>> quadratic(condition=4, angle=np.pi / 2).gradient(np.array([1.0, 1.0])).round(9)
    array([4., 1.])
    """
    condition = np.asarray(condition, dtype=np.float64)[()]
    if not np.all((condition >= 1) & (condition < np.inf)):
        raise ValueError(f"condition must be a finite number of at least 1, got {condition}")
    c, s = np.cos(angle), np.sin(angle)
    xx, xy, yy = c * c + condition * s * s, (1 - condition) * c * s, s * s + condition * c * c
    return Problem(
        name="quadratic",
        function=lambda x, y, xx, xy, yy: (xx * x * x + 2 * xy * x * y + yy * y * y) / 2,
        partials=_quadratic_partials,
        parameters=(xx, xy, yy),
        minima=np.zeros((1, 2)),
        start=np.array([1.0, 1.0]),
        source="Boyd and Vandenberghe (2004), section 9.3.2",
    )


def rosenbrock() -> Problem:
    r"""Return Rosenbrock's curved valley.

    .. math:: f(x, y) = (1 - x)^2 + 100 (y - x^2)^2

    Returns:
        The problem, with its minimum 0 at (1, 1) and the customary start (-1.2, 1).

    Source: Rosenbrock (1960).

    >>> float(rosenbrock().value(rosenbrock().start).round(9))
    24.2
    """
    return Problem(
        name="Rosenbrock",
        function=lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
        partials=_rosenbrock_partials,
        minima=np.array([[1.0, 1.0]]),
        start=np.array([-1.2, 1.0]),
        source="Rosenbrock (1960)",
    )


def beale() -> Problem:
    r"""Return Beale's plateau with sharp corners.

    .. math:: f(x, y) = \sum_{k=1}^{3} \left(a_k - x (1 - y^k)\right)^2

    with :math:`a = (1.5, 2.25, 2.625)`.

    Returns:
        The problem, with its minimum 0 at (3, 0.5) and the customary start (1, 1).

    Source: Beale (1958); Moré, Garbow and Hillstrom (1981), problem 5.

    >>> float(beale().value(np.array([3.0, 0.5])))
    0.0
    """
    return Problem(
        name="Beale",
        function=_beale,
        partials=_beale_partials,
        minima=np.array([[3.0, 0.5]]),
        start=np.array([1.0, 1.0]),
        source="Beale (1958)",
    )


def himmelblau() -> Problem:
    r"""Return Himmelblau's function, which has four equal minima.

    .. math:: f(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2

    Returns:
        The problem, with minimum 0 at four points, (3, 2) the only one with integer coordinates.

    Source: Himmelblau (1972), p. 428.

    >>> himmelblau().minima[0]
    array([3., 2.])
    """
    return Problem(
        name="Himmelblau",
        function=lambda x, y: (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2,
        partials=_himmelblau_partials,
        minima=np.array(
            [
                [3.0, 2.0],
                [-2.805118086952745, 3.131312518250573],
                [-3.7793102533777469, -3.2831859912861694],
                [3.5844283403304917, -1.8481265269644036],
            ]
        ),
        start=np.array([0.0, 0.0]),
        source="Himmelblau (1972), p. 428",
    )


def saddle() -> Problem:
    r"""Return a saddle at the origin between two shallow minima.

    .. math:: f(x, y) = \tfrac12 x^2 - \tfrac1{20} y^2 + x^{10} + y^{10}

    Returns:
        The problem, with minima at :math:`(0, \pm 100^{-1/8})` and its start on the saddle itself,
        where the gradient vanishes: only noise gets an optimizer away.

    Source: Staib et al. (2019), section 6, without their gradient noise.

    >>> round(saddle().minimum, 6)
    -0.012649
    """
    depth = 100 ** (-1 / 8)
    return Problem(
        name="saddle",
        function=lambda x, y: x * x / 2 - y * y / 20 + x**10 + y**10,
        partials=_saddle_partials,
        minima=np.array([[0.0, depth], [0.0, -depth]]),
        start=np.zeros(2),
        source="Staib et al. (2019), section 6",
    )


def _quadratic_partials(x: Any, y: Any, xx: Any, xy: Any, yy: Any) -> tuple[Any, Any]:
    return xx * x + xy * y, xy * x + yy * y


def _rosenbrock_partials(x: Any, y: Any) -> tuple[Any, Any]:
    above = y - x * x
    return -2 * (1 - x) - 400 * x * above, 200 * above


def _beale(x: Any, y: Any) -> Any:
    r1, r2, r3 = 1.5 - x * (1 - y), 2.25 - x * (1 - y**2), 2.625 - x * (1 - y**3)
    return r1**2 + r2**2 + r3**2


def _beale_partials(x: Any, y: Any) -> tuple[Any, Any]:
    y2 = y * y
    y3 = y2 * y
    r1, r2, r3 = 1.5 - x * (1 - y), 2.25 - x * (1 - y2), 2.625 - x * (1 - y3)
    return (
        -2 * (r1 * (1 - y) + r2 * (1 - y2) + r3 * (1 - y3)),
        2 * x * (r1 + 2 * r2 * y + 3 * r3 * y2),
    )


def _himmelblau_partials(x: Any, y: Any) -> tuple[Any, Any]:
    p, q = x * x + y - 11, x + y * y - 7
    return 4 * x * p + 2 * q, 2 * p + 4 * y * q


def _saddle_partials(x: Any, y: Any) -> tuple[Any, Any]:
    return x + 10 * x**9, -y / 10 + 10 * y**9
