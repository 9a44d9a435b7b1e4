r"""What each framework and paper means by "RMSprop".

Each function returns the options that make `rmsprop.RMSprop` do what the named implementation
does, with that implementation's defaults. :math:`v` is the average of squared gradients, :math:`m`
that of gradients, :math:`b` the momentum buffer, :math:`\eta` the learning rate.
`rmsprop.convention` looks them up by name and changes options on the way.
"""

from collections.abc import Callable
from typing import Any

__all__ = [
    "CONVENTIONS",
    "NAMES",
    "WITHOUT",
    "convention",
    "dqn",
    "graves",
    "hinton",
    "keras",
    "optax",
    "pytorch",
    "tensorflow",
    "timm",
]


def pytorch() -> dict[str, Any]:
    r"""Return PyTorch's meaning, ``torch.optim.RMSprop``: the default of `rmsprop.RMSprop`.

    .. math:: b \leftarrow \mu b + \frac{g}{\sqrt{v} + \epsilon}, \qquad w \leftarrow w - \eta\, b

    Centered, :math:`\sqrt{v - m^2} + \epsilon`. Weight decay is coupled, :math:`v_0 = 0`.

    Source: ``torch/optim/rmsprop.py``, PyTorch 2.13.

    >>> pytorch()["alpha"]
    0.99
    """
    return {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8}


def tensorflow() -> dict[str, Any]:
    r"""Return TensorFlow 1's meaning, ``tf.compat.v1.train.RMSPropOptimizer``.

    .. math:: b \leftarrow \mu b + \frac{\eta\, g}{\sqrt{v + \epsilon}}, \qquad w \leftarrow w - b

    Centered, :math:`\sqrt{v - m^2 + \epsilon}`. No weight decay, and :math:`v_0 = 1`. It has no
    default for the learning rate; PyTorch's stays.

    Source: ``tensorflow/python/training/rmsprop.py``.

    >>> tensorflow()["initial_accumulator_value"]
    1.0
    """
    return {
        "alpha": 0.9,
        "eps": 1e-10,
        "eps_in_sqrt": True,
        "initial_accumulator_value": 1.0,
        "lr_in_momentum": True,
    }


def keras() -> dict[str, Any]:
    r"""Return Keras 3's meaning, ``keras.optimizers.RMSprop``.

    .. math:: b \leftarrow \mu b + \frac{\eta\, g}{\sqrt{v + \epsilon}}, \qquad w \leftarrow w - b

    Centered, :math:`\sqrt{v - m^2 + \epsilon}`. Weight decay is decoupled, by
    :math:`\eta\lambda`, and :math:`v_0 = 0`.

    Source: ``keras/src/optimizers/rmsprop.py``, Keras 3.

    >>> keras()["eps"]
    1e-07
    """
    return {
        "lr": 1e-3,
        "alpha": 0.9,
        "eps": 1e-7,
        "eps_in_sqrt": True,
        "lr_in_momentum": True,
        "decoupled_weight_decay": True,
    }


def optax() -> dict[str, Any]:
    r"""Return Optax's meaning, ``optax.rmsprop``.

    .. math:: b \leftarrow \mu b + \frac{\eta\, g}{\sqrt{v + \epsilon}}, \qquad w \leftarrow w - b

    Centered, :math:`\sqrt{v - m^2 + \epsilon}`. No weight decay, and :math:`v_0 = 0`. Its
    options ``eps_in_sqrt``, ``nesterov`` and ``bias_correction`` are called the same here, and
    ``initial_scale`` is `initial_accumulator_value`; here Nesterov needs a momentum, and bias
    correction excludes an initial scale. It has no default for the learning rate; PyTorch's stays.

    Source: ``optax/_src/alias.py`` and ``transform.py``.

    >>> optax()["eps_in_sqrt"]
    True
    """
    return {"alpha": 0.9, "eps": 1e-8, "eps_in_sqrt": True, "lr_in_momentum": True}


def timm() -> dict[str, Any]:
    r"""Return timm's meaning, ``timm.optim.RMSpropTF``, made to reproduce TensorFlow 1.

    .. math:: b \leftarrow \mu b + \frac{\eta\, g}{\sqrt{v + \epsilon}}, \qquad w \leftarrow w - b

    Centered, :math:`\sqrt{v - m^2 + \epsilon}`. Weight decay is coupled, :math:`v_0 = 1`. Its
    options ``decoupled_decay`` and ``lr_in_momentum`` are `decoupled_weight_decay` and
    `lr_in_momentum` here; ``corrected_weight_decay`` and ``caution`` have no counterpart.

    Source: ``timm/optim/rmsprop_tf.py``.

    >>> timm()["eps"]
    1e-10
    """
    return {**tensorflow(), "lr": 1e-2}


def hinton() -> dict[str, Any]:
    r"""Return the rule of the slide that introduced RMSprop, which has no :math:`\epsilon`.

    .. math:: w \leftarrow w - \frac{\eta\, g}{\sqrt{v}}

    It names no start; here :math:`v_0 = 0`. It has no momentum, no weight decay, and no default for
    the learning rate; PyTorch's stays.

    Source: Tieleman and Hinton (2012), lecture 6e, slide 29.

    >>> hinton()["eps"]
    0.0
    """
    return {"alpha": 0.9, "eps": 0.0}


def graves() -> dict[str, Any]:
    r"""Return the centered rule with which Graves trained networks to write.

    .. math::

       b \leftarrow \mu b + \frac{\eta\, g}{\sqrt{v - m^2 + \epsilon}}, \qquad w \leftarrow w - b

    :math:`v_0 = m_0 = 0`. No weight decay.

    Source: Graves (2013), equations 38-45.

    >>> graves()["momentum"]
    0.9
    """
    return {
        "lr": 1e-4,
        "alpha": 0.95,
        "eps": 1e-4,
        "momentum": 0.9,
        "centered": True,
        "eps_in_sqrt": True,
        "lr_in_momentum": True,
    }


def dqn() -> dict[str, Any]:
    r"""Return the centered rule of DQN's released code.

    .. math:: w \leftarrow w - \frac{\eta\, g}{\sqrt{v - m^2 + \epsilon}}

    What the paper's table calls gradient momentum is the smoothing constant of :math:`m`; there is
    no momentum buffer, and no weight decay. With :math:`\epsilon = 0.01` inside the root no step is
    longer than :math:`10\, \eta\, |g|`, however little the gradient varies.

    Source: Mnih et al. (2015), extended data table 1, and ``NeuralQLearner.lua`` of the released
    code.

    >>> dqn()["eps"]
    0.01
    """
    return {"lr": 2.5e-4, "alpha": 0.95, "eps": 0.01, "centered": True, "eps_in_sqrt": True}


#: The functions of this module by their names.
CONVENTIONS: dict[str, Callable[[], dict[str, Any]]] = {
    preset.__name__: preset
    for preset in (pytorch, tensorflow, keras, optax, timm, hinton, graves, dqn)
}

#: What an implementation does not have at all; our options for it are then switched off.
WITHOUT: dict[str, tuple[str, ...]] = {
    "tensorflow": ("weight_decay",),
    "optax": ("weight_decay",),
    "hinton": ("momentum", "weight_decay"),
    "graves": ("weight_decay",),
    "dqn": ("momentum", "weight_decay"),
}

#: What a package calls our options, where it calls them otherwise, by name of its convention.
NAMES: dict[str, dict[str, str]] = {
    "pytorch": {},
    "tensorflow": {"lr": "learning_rate", "alpha": "decay", "eps": "epsilon"},
    "keras": {"lr": "learning_rate", "alpha": "rho", "eps": "epsilon"},
    "optax": {
        "lr": "learning_rate",
        "alpha": "decay",
        "initial_accumulator_value": "initial_scale",
    },
    "timm": {"decoupled_weight_decay": "decoupled_decay"},
}


def convention(name: str, **changes: Any) -> dict[str, Any]:
    """Return the options of `rmsprop.RMSprop` that make it mean what `name` means by RMSprop.

    Args:
        name: one of ``pytorch``, ``tensorflow``, ``keras``, ``optax``, ``timm``, ``hinton``,
            ``graves``, ``dqn``.
        changes: options that differ from that implementation's defaults.

    Returns:
        Keyword arguments for `rmsprop.RMSprop`.

    Raises:
        ValueError: for an unknown name; lists the known ones.

    >>> convention("keras", lr=0.1, momentum=0.9)["momentum"]
    0.9
    >>> convention("caffe")
    Traceback (most recent call last):
    ValueError: convention must be one of pytorch, tensorflow, keras, optax, timm, hinton, graves, \
dqn, got 'caffe'
    """
    if name not in CONVENTIONS:
        raise ValueError(f"convention must be one of {', '.join(CONVENTIONS)}, got {name!r}")
    return {**CONVENTIONS[name](), **changes}
