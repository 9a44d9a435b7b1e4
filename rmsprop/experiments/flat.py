"""The losses of small networks as functions of one long vector: what floors are measured on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmsprop.experiments.networks import backpropagate, network

__all__ = ["FlatLoss"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FlatLoss:
    """A network's loss over its examples, of points that hold all weights in a row.

    Attributes:
        x: inputs, an example a column, shape ``(inputs, examples)``.
        y: the truth, shape ``(outputs, examples)``.
        initial: a network's weights, as `rmsprop.experiments.networks.initial_weights` draws them.
        cost: maps outputs and truth to the loss of each network, shape ``(networks,)``.
        error: maps them to the loss's derivative by the outputs.
    """

    x: Array
    y: Array
    initial: Sequence[Array]
    cost: Callable[[Array, Array], Array]
    error: Callable[[Array, Array], Array]

    @property
    def start(self) -> Array:
        """The initial weights in a row, shape ``(n,)``."""
        return np.concatenate([layer.ravel() for layer in self.initial])

    def value(self, points: Array) -> Array:
        """Return the loss over all examples at points of shape ``(networks, n)``."""
        return self.cost(network(self.x, self._layers(points)), self.y)

    def gradient(self, points: Array, rows: Any = slice(None)) -> Array:
        """Return its gradient by all examples, or by some of them, shape ``(networks, n)``."""
        x, y = self.x[:, rows], self.y[:, rows]
        by_layer = backpropagate(x, y, self._layers(points), self.error)
        return np.concatenate([layer.reshape(len(points), -1) for layer in by_layer], axis=1)

    def _layers(self, points: Array) -> list[Array]:
        ends = np.cumsum([layer.size for layer in self.initial])[:-1]
        parts = np.split(points, ends, axis=1)
        shapes = [(len(points), *layer.shape) for layer in self.initial]
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
