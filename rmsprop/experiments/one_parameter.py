"""What torch's RMSprop makes of gradients that are given to one parameter."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

__all__ = ["Course", "follow_gradients"]

Array = NDArray[np.float64]


class Course(NamedTuple):
    """Where the parameter is and what the optimizer remembers, after each step.

    Attributes:
        distance: from the start, downhill where gradients are positive, in units of lr, shape
            ``(steps,)``.
        square_avg: the optimizer's average of squared gradients, same shape.
    """

    distance: Array
    square_avg: Array


def follow_gradients(
    gradients: ArrayLike, alpha: float, *, device: torch.device | str = "cpu"
) -> Course:
    """Let ``torch.optim.RMSprop`` without eps follow gradients, wherever they lead.

    Args:
        gradients: one for each step, shape ``(steps,)``; the first is not 0.
        alpha: smoothing constant in [0, 1).
        device: where the parameter is, in float64.

    Returns:
        Its course.

    >>> follow_gradients([4.0, 0.0], alpha=0.75)
    Course(distance=array([2., 2.]), square_avg=array([4., 3.]))
    """
    parameter = torch.zeros((), dtype=torch.float64, device=device, requires_grad=True)
    optimizer = torch.optim.RMSprop([parameter], lr=1.0, alpha=alpha, eps=0.0)
    course = []
    for gradient in torch.as_tensor(np.array(gradients, dtype=np.float64), device=device):
        parameter.grad = gradient
        optimizer.step()
        course.append((-parameter.item(), optimizer.state[parameter]["square_avg"].item()))
    return Course(*np.array(course).T)
