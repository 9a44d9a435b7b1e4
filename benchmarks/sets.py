"""The sets of tensors that are stepped: shapes of real models, and the two extremes."""

from collections.abc import Iterator

__all__ = ["SETS"]

Shape = tuple[int, ...]


def resnet50() -> Iterator[Shape]:
    """Return the 161 shapes of a ResNet-50 with 1,000 classes (He et al., 2016)."""
    yield from ((64, 3, 7, 7), (64,), (64,))
    inputs = 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            outputs = 4 * width
            yield from ((width, inputs, 1, 1), (width,), (width,))
            yield from ((width, width, 3, 3), (width,), (width,))
            yield from ((outputs, width, 1, 1), (outputs,), (outputs,))
            if block == 0:
                yield from ((outputs, inputs, 1, 1), (outputs,), (outputs,))
            inputs = outputs
    yield from ((1000, 2048), (1000,))


def gpt2_small() -> Iterator[Shape]:
    """Return the 148 shapes of GPT-2 small, embeddings tied (Radford et al., 2019)."""
    d = 768
    yield from ((50257, d), (1024, d))
    for _ in range(12):
        yield from ((d,), (d,), (d, 3 * d), (3 * d,), (d, d), (d,))
        yield from ((d,), (d,), (d, 4 * d), (4 * d,), (4 * d, d), (d,))
    yield from ((d,), (d,))


SETS: dict[str, list[Shape]] = {
    "1 x 25M": [(25_000_000,)],
    "ResNet-50": [*resnet50()],
    "GPT-2 small": [*gpt2_small()],
    "1,000 x 1,000": [(1000,)] * 1000,
}
