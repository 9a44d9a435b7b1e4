"""A stack of classifiers learns what each of its networks would learn alone."""

from functools import partial

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

from rmsprop.experiments.digits import BATCH, HIDDEN, TRAINING, train_digits

RULE = partial(torch.optim.RMSprop, alpha=0.9)


def train_alone(seed, lr, steps):
    """Train one classifier with torch.nn and torch.optim, images and weights drawn alike."""
    generator = torch.Generator().manual_seed(seed)
    images, labels = map(torch.as_tensor, load_digits(return_X_y=True))
    images = images / 8 - 1
    rows = torch.randperm(len(labels), generator=generator)
    training, test = rows[:TRAINING], rows[TRAINING:]
    classifier = torch.nn.Sequential(
        torch.nn.Linear(64, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 10)
    ).double()
    with torch.no_grad():
        for layer in classifier[::2]:
            shape = layer.in_features, layer.out_features
            drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
            layer.weight.copy_(drawn.T / layer.in_features**0.5)
            layer.bias.zero_()
    optimizer = RULE(classifier.parameters(), lr=lr)
    order = training[torch.randperm(TRAINING, generator=generator)]
    for first in range(0, steps * BATCH, BATCH):
        batch = order[first : first + BATCH]
        optimizer.zero_grad()
        cross_entropy(classifier(images[batch]), labels[batch]).backward()
        optimizer.step()
    with torch.no_grad():
        loss = cross_entropy(classifier(images[training]), labels[training])
        accuracy = (classifier(images[test]).argmax(-1) == labels[test]).double().mean()
    return loss, accuracy


def test_each_network_of_the_stack_is_trained_as_if_alone():
    lrs = [1e-3, 1e-2]
    losses, accuracies = train_digits(RULE, lrs, seeds=3, steps=20)
    for row, lr in enumerate(lrs):
        for seed in range(3):
            loss, accuracy = train_alone(seed, lr, steps=20)
            torch.testing.assert_close(losses[row, seed], loss, rtol=1e-9, atol=0)
            assert accuracies[row, seed] == accuracy


def test_epochs_take_the_same_images_in_another_order():
    """At learning rate 0 a step's gradient depends on its images alone."""
    seen = []

    class Recorder(torch.optim.SGD):
        def step(self):
            seen.append(self.param_groups[0]["params"][3].grad.flatten())

    epoch = TRAINING // BATCH
    train_digits(Recorder, [0.0], seeds=1, steps=2 * epoch)
    first, second = torch.stack(seen).split(epoch)
    assert not torch.equal(first, second)
    # The images that fill no batch differ: 29 of 1437, each counting at most 1 / (44 x 32).
    torch.testing.assert_close(first.mean(0), second.mean(0), rtol=0, atol=29 / (44 * 32))


def test_another_number_of_seeds_leaves_the_others_alone():
    few, many = (train_digits(RULE, [1e-2], seeds=n, steps=3)[0] for n in (2, 4))
    assert torch.equal(few, many[:, :2])


def test_zero_steps_leave_the_initial_classifier():
    losses, accuracies = train_digits(RULE, [0.1, 1.0], seeds=2, steps=0)
    assert torch.equal(losses[0], losses[1])
    assert (accuracies < 0.4).all()
    assert (losses > 2).all()
