"""Train students with many values of eps, and see how large their gradients are."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from rmsprop.experiments.students import train_students
from rmsprop.optimizer import RMSprop

__all__ = ["EpsRun", "train_with_eps"]

Array = NDArray[np.float64]


class EpsRun(NamedTuple):
    """What became of the students.

    Attributes:
        losses: after training, shape ``(..., seeds)``.
        gradients: root mean square of the recent gradients, the lower median over the weights of
            all seeds, shape ``(...)``.
    """

    losses: Array
    gradients: Array


def train_with_eps(
    lr: ArrayLike,
    eps: ArrayLike,
    *,
    seeds: int,
    steps: int,
    alpha: float = 0.99,
    eps_in_sqrt: bool = False,
    device: torch.device | str = "cpu",
) -> EpsRun:
    """Train students as `train_students` does, for every learning rate and eps.

    Args:
        lr: learning rates, shape ``(...)``.
        eps: broadcasts against them.
        seeds: number of seeds, at least 1.
        steps: number of steps, at least 1.
        alpha: smoothing constant in [0, 1).
        eps_in_sqrt: add `eps` inside the root.
        device: where to train.

    Returns:
        Losses and gradients.

    >>> run = train_with_eps([0.01, 0.1], [[1e-8], [1e-4], [1.0]], seeds=5, steps=3)
    >>> run.losses.shape, run.gradients.shape
    ((3, 2, 5), (3, 2))
    """
    lr, eps = np.broadcast_arrays(lr, eps)
    made = []

    def make_optimizer(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        for group, number in zip(groups, eps.flat, strict=True):
            group["eps"] = float(number)
        made.append(RMSprop(groups, alpha=alpha, eps_in_sqrt=eps_in_sqrt))
        return made[0]

    lrs = [float(number) for number in lr.flat]
    losses = train_students(make_optimizer, lrs, seeds=seeds, steps=steps, device=device)
    (optimizer,) = made
    gradients = [_median_size(optimizer, group["params"]) for group in optimizer.param_groups]
    return EpsRun(losses.numpy().reshape(*lr.shape, seeds), np.reshape(gradients, lr.shape))


def _median_size(optimizer: torch.optim.Optimizer, weights: list[Tensor]) -> float:
    squares = [optimizer.state[weight]["square_avg"].flatten() for weight in weights]
    return torch.cat(squares).sqrt().median().item()
