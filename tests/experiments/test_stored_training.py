"""Training with stored averages, and the convolutional networks that are trained so."""

import dataclasses

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop.experiments.convolutions import convolution_loss
from rmsprop.experiments.rules import RMSpropRule
from rmsprop.experiments.stored_training import train_stored


def trained(digits, seed, **options):
    stream, start = np.random.default_rng(0), np.linspace(1, 2, 50)
    rule = RMSpropRule(np.array([0.01, 0.1]), alpha=0.999, **options)
    return train_stored(
        lambda w: w * stream.standard_normal(50), start, rule, steps=60, digits=digits, seed=seed
    )


@pytest.mark.parametrize("options", [{}, {"centered": True}, {"momentum": 0.9}], ids=str)
def test_with_all_digits_it_is_torch(options):
    stream = np.random.default_rng(0)
    w = torch.linspace(1, 2, 50, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.RMSprop([w], lr=0.1, alpha=0.999, **options)
    for _ in range(60):
        w.grad = w.detach() * torch.from_numpy(stream.standard_normal(50))
        optimizer.step()
    for seed in (None, 1):
        assert_allclose(trained(53, seed, **options)[1], w.detach().numpy(), rtol=1e-6)


def test_rounding_has_a_seed_of_its_own():
    assert_array_equal(trained(8, 1), trained(8, 1))
    assert (trained(8, 1) != trained(8, 2)).any()
    assert (trained(8, 1) != trained(8, None)).any()


def test_convolutions_are_torchs():
    loss = convolution_loss(seed=2)
    sizes = (1, 8, 3, 2), (8, 16, 3, 2)
    layers = [torch.nn.Conv2d(i, o, k, stride, padding=1) for i, o, k, stride in sizes]
    network = torch.nn.Sequential(
        *(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU()),
        *(torch.nn.Flatten(), torch.nn.Linear(64, 10)),
    ).double()
    points = np.stack([loss.start, 1.5 * loss.start + 0.01])
    rows = np.arange(40)
    some = dataclasses.replace(loss, images=loss.images[rows], labels=loss.labels[rows])
    images, labels = torch.from_numpy(some.images), torch.from_numpy(some.labels)
    for i, point in enumerate(points):
        torch.nn.utils.vector_to_parameters(torch.from_numpy(point), network.parameters())
        network.zero_grad()
        expected = torch.nn.functional.cross_entropy(network(images.view(-1, 1, 8, 8)), labels)
        expected.backward()
        flat = torch.cat([param.grad.flatten() for param in network.parameters()])
        assert some.value(points)[i] == pytest.approx(expected.item(), rel=1e-9)
        assert_allclose(loss.gradient(points, rows)[i], flat, rtol=1e-7, atol=1e-10)


def test_a_nudge_moves_the_start_by_its_share():
    assert_allclose(convolution_loss(1, nudge=0.1).start, 1.1 * convolution_loss(1).start)
