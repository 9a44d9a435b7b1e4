"""Schedules: a learning rate that is a function of the step."""

from collections.abc import Callable
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR

from rmsprop.experiments.networks import MakeOptimizer

__all__ = ["scheduled"]


def scheduled(make_optimizer: MakeOptimizer, schedule: Callable[[int], float]) -> MakeOptimizer:
    r"""Give an optimizer a schedule, which it follows without being told.

    .. math:: \eta_t = \eta\, s(t), \qquad t = 0, 1, \dots

    Args:
        make_optimizer: takes a list of param groups and returns an optimizer.
        schedule: :math:`s`, from the number of steps taken to a factor for all learning rates.

    Returns:
        What takes a list of param groups and returns the optimizer with its schedule.

    >>> w = torch.ones(1, requires_grad=True)
    >>> optimizer = scheduled(torch.optim.SGD, lambda t: 1 / (1 + t))([{"params": [w], "lr": 0.5}])
    >>> w.grad = torch.ones(1)
    >>> optimizer.step(); optimizer.step(); w.item()
    0.25
    """

    def make(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        optimizer = make_optimizer(groups)
        scheduler = LambdaLR(optimizer, schedule)
        optimizer.register_step_post_hook(lambda *_: scheduler.step())
        return optimizer

    return make
