"""RMSprop for PyTorch: the `optimizer`, the `conventions` of other frameworks and papers.

And `expected_floor`, at which a loss hovers while the rate is constant.
"""

from rmsprop.conventions import convention
from rmsprop.expected_floor import expected_floor
from rmsprop.optimizer import RMSprop

__all__ = ["RMSprop", "convention", "expected_floor"]
__version__ = "0.1.0"
