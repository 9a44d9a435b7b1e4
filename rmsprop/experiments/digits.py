"""Train small networks to read handwritten digits, every learning rate and seed in one stack."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from rmsprop.experiments.networks import MakeOptimizer, network, train

__all__ = ["train_digits"]

HIDDEN, TRAINING, BATCH = 32, 1437, 32


def train_digits(
    make_optimizer: MakeOptimizer,
    lrs: Sequence[float],
    *,
    seeds: int,
    steps: int,
    device: torch.device | str = "cpu",
) -> tuple[Tensor, Tensor]:
    r"""Train classifiers of handwritten digits, one per learning rate and seed.

    The data are the 1797 images of 8 x 8 pixels that come with scikit-learn, a part of the UCI set
    "Optical recognition of handwritten digits" (Alpaydin and Kaynak, 1998), with pixels scaled to
    :math:`[-1, 1]`. The classifier is `rmsprop.experiments.networks.network` with 64 inputs, 32
    hidden units and 10 outputs, in float64; the loss is the cross-entropy.

    Each seed has its own initial weights, its own 1437 images for training (the other 360 test) and
    its own order of them, the same for every learning rate and every optimizer, so that results can
    be compared in pairs. A step sees 32 images; an epoch shuffles and takes each once, but for the
    few that fill no batch.

    Args:
        make_optimizer: takes a list of param groups, one per learning rate, and returns an
            optimizer. It must treat every number on its own, as RMSprop, Adam and SGD do.
        lrs: the learning rates.
        seeds: number of seeds, at least 1.
        steps: number of steps, at least 0; 44 make an epoch.
        device: where to train. Splits, orders and initial weights are drawn on the CPU and do not
            depend on it.

    Returns:
        Mean cross-entropy (in nats) over the training images, and the share of test images that
        are read rightly, both after training, float64 on the CPU, shape ``(len(lrs), seeds)``.

    >>> losses, accuracies = train_digits(torch.optim.SGD, [0.01, 0.1], seeds=3, steps=5)
    >>> losses.shape, accuracies.shape
    (torch.Size([2, 3]), torch.Size([2, 3]))
    """
    generators = [torch.Generator().manual_seed(seed) for seed in range(seeds)]

    def normal(*shape: int) -> Tensor:
        return torch.stack(
            [torch.randn(shape, generator=each, dtype=torch.float64) for each in generators]
        ).to(device)

    def shuffled(rows: Tensor) -> Tensor:
        return torch.stack(
            [
                row[torch.randperm(len(row), generator=each)]
                for row, each in zip(rows, generators, strict=True)
            ]
        )

    images, labels = load_digits(return_X_y=True)
    images = torch.as_tensor(images / 8 - 1).to(device)
    labels = torch.as_tensor(labels).to(device)
    everything = shuffled(torch.arange(len(labels)).expand(seeds, -1))
    training, test = everything[:, :TRAINING], everything[:, TRAINING:]
    initial = [
        normal(64, HIDDEN) / 8,
        torch.zeros(seeds, 1, HIDDEN, dtype=torch.float64, device=device),
        normal(HIDDEN, 10) / HIDDEN**0.5,
        torch.zeros(seeds, 1, 10, dtype=torch.float64, device=device),
    ]

    def outputs(rows: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return network(images[rows.to(device)], weights)

    def losses(rows: Tensor, weights: Sequence[Tensor]) -> Tensor:
        predicted = outputs(rows, weights).log_softmax(-1)
        truth = labels[rows.to(device), None].expand(*predicted.shape[:-1], 1)
        return -predicted.gather(-1, truth).mean((-1, -2))

    def batches() -> Iterator[Callable[[list[Tensor]], Tensor]]:
        per_epoch = TRAINING // BATCH
        for step in range(steps):
            if step % per_epoch == 0:
                order = shuffled(training)
            first = step % per_epoch * BATCH
            yield partial(losses, order[:, first : first + BATCH])

    weights = train(make_optimizer, lrs, initial, batches())
    right = outputs(test, weights).argmax(-1) == labels[test.to(device)]
    return losses(training, weights).cpu(), right.double().mean(-1).cpu()
