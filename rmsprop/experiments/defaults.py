"""What alpha is where nobody sets it: in implementations and papers."""

import inspect

import torch

from rmsprop.conventions import convention

__all__ = ["usual_alphas"]

# Read in each project's source, as of 2026.
_READ = {
    "Stable-Baselines3, `RMSpropTFLike`": 0.99,
    "bitsandbytes, `RMSprop`": 0.99,
    "MLX, `optimizers.RMSprop`": 0.99,
    "Burn, `RmsPropConfig`": 0.99,
    "Paddle, `optimizer.RMSProp`": 0.95,
    "MXNet, `optimizer.RMSProp`": 0.9,
    "Optimisers.jl, `RMSProp`": 0.9,
}
_CONVENTIONS = {
    "Hinton's lecture {cite}`hinton2012`": "hinton",
    "Graves, handwriting {cite}`graves2013`": "graves",
    "DQN, released code {cite}`mnih2015`": "dqn",
    "TensorFlow 1, `train.RMSPropOptimizer`": "tensorflow",
    "Keras 3, `optimizers.RMSprop`": "keras",
    "Optax, `rmsprop`": "optax",
    "timm, `RMSpropTF`": "timm",
}


def usual_alphas() -> dict[str, float]:
    """Return the alpha of each implementation and paper, the greatest first.

    PyTorch's is read from the installed library, the others from `rmsprop.convention`, which tests
    hold to the packages, or from a list.

    >>> usual_alphas()["PyTorch, `torch.optim.RMSprop`"]
    0.99
    """
    signature = inspect.signature(torch.optim.RMSprop).parameters
    alphas = {"PyTorch, `torch.optim.RMSprop`": float(signature["alpha"].default), **_READ}
    alphas |= {source: float(convention(name)["alpha"]) for source, name in _CONVENTIONS.items()}
    return dict(sorted(alphas.items(), key=lambda item: -item[1]))
