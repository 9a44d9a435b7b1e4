"""RMSprop for PyTorch: the `optimizer`, and the `conventions` of other frameworks and papers."""

from rmsprop.conventions import convention
from rmsprop.optimizer import RMSprop

__all__ = ["RMSprop", "convention"]
__version__ = "0.1.0"
