"""RMSprop for PyTorch: the optimizer, and what other frameworks and papers mean by its name."""

from rmsprop.conventions import convention
from rmsprop.optimizer import RMSprop

__all__ = ["RMSprop", "convention"]
__version__ = "0.1.0"
