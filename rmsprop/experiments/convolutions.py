"""The loss of small convolutional networks on handwritten digits, of one long vector."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rmsprop.experiments.digits import digits_loss

__all__ = ["ConvolutionLoss", "convolution_loss"]

Array = NDArray[np.float64]

SIZE, FIRST, SECOND, CLASSES = 8, 8, 16, 10
SHAPES = (
    *((FIRST, 1, 3, 3), (FIRST,)),
    *((SECOND, FIRST, 3, 3), (SECOND,)),
    *((CLASSES, SECOND * (SIZE // 4) ** 2), (CLASSES,)),
)


@dataclass(frozen=True)
class ConvolutionLoss:
    """The mean cross-entropy of convolutional networks, each a point that holds all its weights.

    Images of 8 x 8 pixels pass 8 filters of 3 x 3, then 16, both at every second pixel and followed
    by a rectifier, and a linear layer with 10 outputs.

    Attributes:
        images: shape ``(examples, 64)``.
        labels: shape ``(examples,)``.
        start: initial weights in a row, shape ``(n,)``.
    """

    images: Array
    labels: NDArray[np.int64]
    start: Array

    def value(self, points: Array) -> Array:
        """Return the loss over all images at points of shape ``(networks, n)``."""
        with torch.no_grad():
            return self._losses(torch.from_numpy(points), slice(None)).numpy()

    def gradient(self, points: Array, rows: Any = slice(None)) -> Array:
        """Return its gradient by all images, or by those of some rows, shape ``(networks, n)``."""
        stack = torch.from_numpy(points).requires_grad_()
        (by_points,) = torch.autograd.grad(self._losses(stack, rows).sum(), stack)
        return by_points.numpy()

    def _losses(self, points: Tensor, rows: Any) -> Tensor:
        images, labels = (torch.from_numpy(array[rows]) for array in (self.images, self.labels))
        n, parts = len(points), points.split([int(np.prod(shape)) for shape in SHAPES], dim=1)
        w1, b1, w2, b2, w3, b3 = (
            part.reshape(n, *shape) for part, shape in zip(parts, SHAPES, strict=True)
        )
        hidden = _convolved(images.reshape(-1, 1, 1, SIZE, SIZE), w1, b1).relu()
        hidden = _convolved(hidden, w2, b2).relu().flatten(2)
        outputs = torch.einsum("enh,nch->nce", hidden, w3) + b3[..., None]
        truth = labels.expand(n, -1)
        return functional.cross_entropy(outputs, truth, reduction="none").mean(dim=1)


def _convolved(images: Tensor, filters: Tensor, biases: Tensor) -> Tensor:
    """Return what filters make of images, of the shape (examples, networks, channels, n, n)."""
    patches = functional.unfold(images.flatten(0, 1), 3, padding=1, stride=2)
    sums = filters.flatten(2) @ patches.unflatten(0, images.shape[:2]) + biases[..., None]
    return sums.unflatten(-1, (images.shape[-1] // 2, -1))


def convolution_loss(seed: int, nudge: float = 0.0) -> ConvolutionLoss:
    """Return the loss over the training images of `rmsprop.experiments.digits.digits_loss`.

    Args:
        seed: of the choice of images and of the initial weights: normal, with a variance of two
            over a unit's inputs; biases 0.
        nudge: by which part of themselves these are changed.

    >>> loss = convolution_loss(seed=0)
    >>> loss.gradient(np.stack(2 * [loss.start]), [0, 1]).shape
    (2, 1898)
    """
    dense, rng = digits_loss(seed), np.random.default_rng([seed, 1])
    start = [
        rng.standard_normal(shape) * (2 / np.prod(shape[1:])) ** 0.5 * (len(shape) > 1)
        for shape in SHAPES
    ]
    images = np.ascontiguousarray(dense.x.T)
    flat = np.concatenate([layer.ravel() for layer in start])
    return ConvolutionLoss(images, dense.y.argmax(axis=0), flat * (1 + nudge))
