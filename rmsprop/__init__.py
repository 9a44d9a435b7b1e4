"""RMSprop: the equations, the optimizer, and the experiments of the book."""

from rmsprop import conventions, equations, networks, problems, trajectories
from rmsprop.conventions import convention
from rmsprop.device import choose_device
from rmsprop.optimizer import RMSprop

__all__ = [
    "RMSprop",
    "choose_device",
    "convention",
    "conventions",
    "equations",
    "networks",
    "problems",
    "trajectories",
]
__version__ = "0.1.0"
