"""The update rule on tensors. Kernels know tensors and numbers, never options or param groups."""
