"""A stack of classifiers learns what each of its networks would learn alone, by PyTorch."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

from rmsprop.experiments import digits
from rmsprop.experiments.digits import BATCH, EPOCH, HIDDEN, TRAINING, score_digits, train_digits
from rmsprop.experiments.rules import GradientDescent, RMSpropRule


def train_alone(seed, lr, steps):
    """Train one classifier with torch.nn and torch.optim, images and weights drawn alike."""
    rng = np.random.default_rng(seed)
    images, labels = load_digits(return_X_y=True)
    images, labels = torch.as_tensor(images) / 8 - 1, torch.as_tensor(labels)
    rows = rng.permutation(len(labels))
    training, test = rows[:TRAINING], rows[TRAINING:]
    classifier = torch.nn.Sequential(
        torch.nn.Linear(64, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 10)
    ).double()
    with torch.no_grad():
        for layer in classifier[::2]:
            drawn = rng.standard_normal((layer.out_features, layer.in_features))
            layer.weight.copy_(torch.as_tensor(drawn / layer.in_features**0.5))
            layer.bias.zero_()
    optimizer = torch.optim.RMSprop(classifier.parameters(), lr=lr, alpha=0.9)
    for step in range(steps):
        if step % EPOCH == 0:
            order = rng.permutation(training)
        batch = order[step % EPOCH * BATCH :][:BATCH]
        optimizer.zero_grad()
        cross_entropy(classifier(images[batch]), labels[batch]).backward()
        optimizer.step()
    with torch.no_grad():
        loss = cross_entropy(classifier(images[training]), labels[training])
        accuracy = (classifier(images[test]).argmax(-1) == labels[test]).double().mean()
    return loss.item(), accuracy.item()


@pytest.mark.parametrize("seed", range(3))
def test_each_network_of_the_stack_is_trained_as_if_alone(seed):
    steps = EPOCH + 4  # into the second epoch, which shuffles anew
    score = score_digits(
        train_digits(RMSpropRule([1e-3, 1e-2], 0.9), seed=seed, steps=steps), seed=seed
    )
    for i, lr in enumerate((1e-3, 1e-2)):
        loss, accuracy = train_alone(seed, lr, steps)
        assert score.loss[i] == pytest.approx(loss, rel=1e-9)
        assert score.accuracy[i] == accuracy


def test_an_epoch_takes_each_of_its_images_once_and_no_image_of_the_test():
    problem = digits._problem(5)
    seen = np.concatenate([images for images, _ in problem.batches(EPOCH)], axis=1)
    assert seen.shape == (64, EPOCH * BATCH)
    known = {column.tobytes() for column in digits._images()[0][:, problem.training].T}
    assert {column.tobytes() for column in np.ascontiguousarray(seen.T)} <= known
    assert not {*problem.training} & {*problem.test}


def test_the_nudge_moves_the_start_and_nothing_else():
    rule = GradientDescent([0.0])
    plain, nudged = (train_digits(rule, seed=0, steps=1, nudge=n).weights for n in (0.0, 0.5))
    for a, b in zip(plain, nudged, strict=True):
        assert_array_equal(1.5 * a, b)


def test_zero_steps_leave_the_initial_classifier():
    score = score_digits(train_digits(GradientDescent([0.1, 1.0]), seed=0, steps=0), seed=0)
    assert score.loss[0] == score.loss[1] > 2
    assert (score.accuracy < 0.4).all()
