"""Stochastic rounding to bfloat16, with random bits that depend on nothing but what they are for.

An element's bits are a hash of its place in memory, the step and the parameter's seed. So they are
the same in every kernel, whatever the threads and their order, and after a checkpoint.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["FACTORS", "round_stochastically", "store"]

# Found by search: with these the bits of elements have nothing in common however far apart they
# are, which tests hold; with the factors of well-known hashes those a power of 2 apart do.
FACTORS = 0x6EFA4E2D, 0x9A7DD00B
WORD = 0xFFFFFFFF


def store(
    buffers: Mapping[str, Tensor], values: Mapping[str, Tensor], step: Tensor, seed: Tensor
) -> None:
    """Store what a step computed in bfloat16, rounded stochastically.

    Args:
        buffers: of bfloat16, by name; the k-th takes the k-th 16 bits of an element.
        values: what they shall hold, by the same names, in float32 or float64.
        step: number of the step.
        seed: of the parameter, an integer.
    """
    halves = None
    for k, (name, buffer) in enumerate(buffers.items()):
        to, value = _local(buffer), _local(values[name])
        if halves is None:
            halves = _halves(_places(to), step, seed, len(buffers))
        to.copy_(round_stochastically(value.float(), halves[k]))


def round_stochastically(values: Tensor, bits: Tensor) -> Tensor:
    """Round to one of the two numbers of bfloat16 beside a value, exactly with its probability.

    The 16 bits of float32 that bfloat16 has not are the probability of the number further from 0,
    in units of 2^-16. What bfloat16 has stays as it is, infinities and denormals too; NaN stays
    NaN. Only beyond the largest number is there none further from 0 but infinity.

    Args:
        values: of float32.
        bits: uniform integers from 0 to 2^16 - 1, same shape.

    >>> x = torch.tensor([1.0, -1 - 2.0**-9])
    >>> round_stochastically(x, torch.tensor([65535, 49151]))
    tensor([ 1., -1.], dtype=torch.bfloat16)
    >>> round_stochastically(x, torch.tensor([65535, 49152]))
    tensor([ 1.0000, -1.0078], dtype=torch.bfloat16)
    """
    words = values.view(torch.int32).to(torch.int64) & WORD
    upper = (words + bits) >> 16
    rounded = torch.where(values.isnan(), 0x7FC0, upper)
    return rounded.to(torch.uint16).view(torch.bfloat16)


def _halves(places: Tensor, step: Tensor, seed: Tensor, count: int) -> list[Tensor]:
    """Return so many times 16 random bits for every element."""
    key = _mixed((_mixed(seed) + step.to(torch.int64)) & WORD)
    word = places ^ key
    halves: list[Tensor] = []
    while len(halves) < count:
        word = _mixed(word)
        halves += [word >> 16, (word ^ word >> 16) & 0xFFFF]
    return halves


def _mixed(word: Tensor) -> Tensor:
    """Return a hash of 32 bits, in integers of 64; the lower 16 are random with the upper ones."""
    word = (word * FACTORS[0]) & WORD
    word = word ^ (word >> 16)
    return (word * FACTORS[1]) & WORD


def _places(tensor: Tensor) -> Tensor:
    """Return where in a tensor's memory each element is, as 32 bits."""
    pairs = zip(tensor.shape, tensor.stride(), strict=True)
    reach = 1 + sum((n - 1) * stride for n, stride in pairs) if tensor.numel() else 0
    places = torch.arange(reach, device=tensor.device) & WORD
    return places.as_strided(tensor.shape, tensor.stride())


def _local(tensor: Any) -> Tensor:
    """Return the part that this process has of a distributed tensor, another as it is."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor
