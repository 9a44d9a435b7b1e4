"""The ratio of mean and noise that the optimizer itself knows."""

import numpy as np
import pytest

from rmsprop import equations
from rmsprop.experiments import signal_to_noise as module
from rmsprop.experiments.networks import Trained
from rmsprop.experiments.signal_to_noise import signal_to_noise


def test_after_one_step_every_ratio_is_that_of_a_single_gradient():
    """Then m = (1 - alpha) g and c = alpha (1 - alpha) g^2, whatever g is."""
    ratios = signal_to_noise(0.9, 0.01, seeds=2, steps=1)
    assert len(ratios) <= 2 * (64 * 32 + 32 + 32 * 10 + 10)
    assert ratios == pytest.approx(np.sqrt(0.1 / 0.9))


def test_ratios_of_pure_noise_are_those_of_an_average(monkeypatch):
    """And weights that never had a gradient are left out."""

    def only_noise(rule, *, seed, steps):
        rng = np.random.default_rng(seed)
        weights = np.zeros((2, 20_000))
        state = rule.start(weights.shape)
        for _ in range(steps):
            grads = np.array([rng.standard_normal(20_000), np.zeros(20_000)])
            weights, state = rule.step(weights, grads, state)
        return Trained([weights], [state])

    monkeypatch.setattr(module, "train_digits", only_noise)
    ratios = signal_to_noise(0.99, 0.01, seeds=1, steps=2000)
    assert len(ratios) == 20_000
    expected = 1 / np.sqrt(equations.effective_samples(0.99))
    assert np.sqrt(np.mean(ratios**2)) == pytest.approx(expected, rel=0.03)
