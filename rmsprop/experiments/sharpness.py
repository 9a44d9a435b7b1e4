"""Curvature of a loss of many weights, from its gradient alone: Hessian, products, sharpness."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rmsprop.experiments.flat import FlatLoss
from rmsprop.experiments.rules import RMSpropRule

__all__ = ["follow_sharpness", "hessian", "hessian_product", "sharpness"]

Array = NDArray[np.float64]
Gradient = Callable[[Array], Array]

#: How far from the point gradients are taken: with central differences and float64 nine digits.
REACH = 1e-4


def hessian_product(gradient: Gradient, points: Array, directions: Array) -> Array:
    r"""Multiply directions by the Hessian, by a central difference of gradients.

    Args:
        gradient: maps points of shape ``(m, n)`` to gradients of that shape.
        points: shape ``(m, n)``.
        directions: shape ``(m, n)``, none of them 0.

    Returns:
        Shape ``(m, n)``.

    >>> hessian_product(lambda w: 3 * w, np.ones((1, 2)), np.array([[1.0, 2.0]])).round(6)
    array([[3., 6.]])
    """
    reach = REACH / np.linalg.norm(directions, axis=-1, keepdims=True)
    ahead = gradient(points + reach * directions)
    return (ahead - gradient(points - reach * directions)) / (2 * reach)


def hessian(gradient: Gradient, point: Array, *, at_once: int = 64) -> Array:
    """Return the Hessian at a point.

    Args:
        gradient: maps points of shape ``(m, n)`` to gradients of that shape.
        point: shape ``(n,)``.
        at_once: how many columns are computed together.

    Returns:
        Shape ``(n, n)``, symmetric.

    >>> hessian(lambda w: w @ np.array([[2.0, 1.0], [1.0, 4.0]]), np.zeros(2)).round(6)
    array([[2., 1.],
           [1., 4.]])
    """
    directions = np.eye(len(point))
    rows = [
        hessian_product(gradient, point[None], directions[i : i + at_once])
        for i in range(0, len(point), at_once)
    ]
    whole = np.concatenate(rows)
    return (whole + whole.T) / 2


def sharpness(
    gradient: Gradient, points: Array, divisor: Array, directions: Array, *, rounds: int = 10
) -> tuple[Array, Array]:
    r"""Return the largest preconditioned curvature, by power iteration.

    .. math:: \lambda_\text{max}\left(d^{-1/2}\, h\, d^{-1/2}\right)

    Args:
        gradient: maps points of shape ``(m, n)`` to gradients of that shape.
        points: shape ``(m, n)``.
        divisor: :math:`d`, positive, what the gradient is divided by in a step, such as
            :math:`\sqrt v / \eta`; shape ``(m, n)``.
        directions: where the iteration starts, any, or what the last one returned, shape
            ``(m, n)``.
        rounds: of the iteration.

    Returns:
        The curvatures, shape ``(m,)``, and the directions, shape ``(m, n)``.

    >>> points, divisor = np.zeros((1, 2)), np.array([[2.0, 1.0]])
    >>> found, _ = sharpness(lambda w: w * [8.0, 1.0], points, divisor, np.ones((1, 2)), rounds=9)
    >>> found.round(6)
    array([4.])
    """
    scale = 1 / np.sqrt(divisor)
    curvature = np.zeros(len(points))
    for _ in range(rounds):
        directions = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        product = scale * hessian_product(gradient, points, scale * directions)
        curvature = (directions * product).sum(axis=-1)
        directions = product
    return curvature, directions


def follow_sharpness(loss: FlatLoss, rule: RMSpropRule, steps: int, every: int) -> Array:
    r"""Train networks on all examples at once, and watch their preconditioned sharpness.

    Args:
        loss: of a network, the same for all.
        rule: its arrays have shape ``(networks,)``; constant rates, not centered.
        steps: number of steps.
        every: at how many steps' distance the sharpness is taken.

    Returns:
        The sharpness with the divisor :math:`\sqrt v / \eta`, shape
        ``(networks, steps // every)``.

    >>> from rmsprop.experiments.students import student_loss
    >>> rule = RMSpropRule(np.array([1e-3, 1e-2]))
    >>> follow_sharpness(student_loss(seed=0), rule, steps=10, every=5).shape
    (2, 2)
    """
    rates = np.asarray(rule.lr)
    point = np.tile(loss.start, (rates.size, 1))
    state = rule.start(point.shape)
    directions = np.random.default_rng(0).standard_normal(point.shape)
    found = []
    for step in range(1, steps + 1):
        point, state = rule.step(point, loss.gradient(point), state)
        if step % every == 0:
            divisor = np.sqrt(state.square_avg) / rates[:, None]
            curvature, directions = sharpness(loss.gradient, point, divisor, directions, rounds=5)
            found.append(curvature)
    return np.transpose(found)
