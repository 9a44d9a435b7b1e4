"""The update rule on tensors. Kernels know tensors and numbers, never options or param groups."""

from rmsprop.kernels import sources as sources  # before all others, as it says what they are
