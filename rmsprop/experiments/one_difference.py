"""How far apart two settings of the optimizer end that differ in one option."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from rmsprop.optimizer import RMSprop

__all__ = ["DIFFERENCES", "distances_apart", "final_weights"]

Array = NDArray[np.float64]

WEIGHTS = 50
NUMBERS = {"lr": 1e-3, "alpha": 0.9, "eps": 1e-8, "momentum": 0.9}
#: What differs from the defaults, by a name.
DIFFERENCES: dict[str, dict[str, Any]] = {
    "eps inside the root": {"eps_in_sqrt": True},
    "weight decay decoupled": {"decoupled_weight_decay": True, "weight_decay": 0.1},
    "centering": {"centered": True},
    "average starts from 1": {"initial_accumulator_value": 1.0},
    "bias correction": {"bias_correction": True},
    "lr inside momentum": {"lr_in_momentum": True},
    "Nesterov's momentum": {"nesterov": True},
}


def final_weights(
    sizes: ArrayLike, steps: int, *, device: torch.device | str = "cpu", **options: Any
) -> Array:
    r"""Let the optimizer follow gradients of given sizes and return where it ends.

    Gradients are :math:`s (1/2 + \xi_t)` with Gaussian noise, whatever the weights, which start at
    1. The learning rate is 1e-3 and, for the second half of the steps, 1e-4; alpha is 0.9, eps 1e-8
    and momentum 0.9. All calls see the same noise, and a longer run begins as a shorter one does.

    Args:
        sizes: :math:`s`, shape ``(n,)``.
        steps: number of steps, at least 0.
        device: where to compute. The noise is drawn on the CPU.
        options: of `rmsprop.RMSprop`, beside those numbers.

    Returns:
        The weights, in float64, shape ``(50, n)``.

    >>> final_weights([1e-3, 1.0], steps=0).shape
    (50, 2)
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    stream = np.random.default_rng(0)
    shape = WEIGHTS, len(sizes)
    w = torch.ones(shape, dtype=torch.float64, device=device, requires_grad=True)
    optimizer = RMSprop([w], **{**NUMBERS, **options})
    for t in range(steps):
        optimizer.param_groups[0]["lr"] = NUMBERS["lr"] * (1.0 if 2 * t < steps else 0.1)
        w.grad = torch.from_numpy(sizes * (0.5 + stream.standard_normal(shape))).to(device)
        optimizer.step()
    return w.detach().cpu().numpy()


def distances_apart(sizes: ArrayLike, steps: int, *, device: torch.device | str = "cpu") -> Array:
    """Return how far each of `DIFFERENCES` leads from where PyTorch's rule ends, over its way.

    A weight decay among what differs is that of both.

    Args:
        sizes: of the gradients, shape ``(n,)``.
        steps: number of steps, at least 1.
        device: where to compute.

    Returns:
        Median distance over median way, shape ``(7, n)``.

    >>> distances_apart([1.0], steps=1)[4].round(4)  # bias correction: 1 - sqrt(1 - alpha)
    array([0.6838])
    """
    references: dict[float, Array] = {}
    apart = []
    for changes in DIFFERENCES.values():
        decay = changes.get("weight_decay", 0.0)
        if decay not in references:
            references[decay] = final_weights(sizes, steps, device=device, weight_decay=decay)
        way = np.median(np.abs(references[decay] - 1), axis=0)
        changed = final_weights(sizes, steps, device=device, **changes)
        apart.append(np.median(np.abs(changed - references[decay]), axis=0) / way)
    return np.array(apart)
