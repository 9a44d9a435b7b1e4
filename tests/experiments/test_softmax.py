"""Softmax regression, against PyTorch's loss and scikit-learn's fit."""

import numpy as np
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from rmsprop.experiments import softmax

X, LABELS = load_digits(return_X_y=True)
X = np.column_stack([X / 8 - 1, np.ones(len(X))])


def in_torch(points, rows):
    w = torch.tensor(points, requires_grad=True)
    outputs = torch.tensor(X[rows]) @ w.reshape(-1, 10)
    loss = torch.nn.functional.cross_entropy(outputs, torch.tensor(LABELS[rows]))
    loss = loss + 5e-4 * (w**2).sum()
    loss.backward()
    return loss.item(), w.grad.numpy()


def test_value_and_gradient_are_torchs():
    points = np.random.default_rng(0).standard_normal((2, 650))
    everything = np.arange(softmax.EXAMPLES)
    some = [3, 17, 3]
    for i, point in enumerate(points):
        loss, gradient = in_torch(point, everything)
        assert_allclose(softmax.value(points)[i], loss, rtol=1e-12)
        assert_allclose(softmax.gradient(points)[i], gradient, atol=1e-12)
        assert_allclose(softmax.gradient(points, some)[i], in_torch(point, some)[1], atol=1e-12)


def test_the_minimum_is_scikit_learns():
    found = softmax.minimum()
    assert np.abs(softmax.gradient(found[None])).max() < 1e-7
    # Its penalty is on the sum of the losses.
    fit = LogisticRegression(C=1 / (1e-3 * len(X)), fit_intercept=False, tol=1e-8, max_iter=5000)
    fit.fit(X, LABELS)
    assert_allclose(found.reshape(65, 10), fit.coef_.T, atol=1e-4)


def test_curvature_and_noise_are_those_of_the_gradients():
    curvature, square = softmax.curvature_and_noise()
    point, at = softmax.minimum(), [40, 215, 333, 649]
    nudged = np.tile(point, (2, len(at), 1))
    for row, i in enumerate(at):
        nudged[:, row, i] += [1e-4, -1e-4]
    above, below = (softmax.gradient(points) for points in nudged)
    found = [(above - below)[row, i] / 2e-4 for row, i in enumerate(at)]
    assert_allclose(curvature[at], found, rtol=1e-6)
    each = np.array([softmax.gradient(point[None], [i])[0] for i in range(softmax.EXAMPLES)])
    assert_allclose(square, (each**2).mean(axis=0), rtol=1e-10)
