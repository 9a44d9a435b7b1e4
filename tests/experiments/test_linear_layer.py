"""The linear layer against PyTorch's own, and its rates against its gradients."""

import numpy as np
import torch
from numpy.testing import assert_allclose, assert_array_equal

from rmsprop import equations
from rmsprop.experiments import linear_layer


def test_gradients_are_those_of_torchs_layer_and_optimizer():
    run = linear_layer.train([1.0, 10.0, 100.0], lr=1e-2, alpha=0.9, steps=20, seeds=2)
    generator = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    inputs = normal(256, 3)
    targets = inputs @ normal(3, 2) + 0.1 * normal(256, 2)
    inputs = inputs * torch.tensor([1.0, 10.0, 100.0])
    layer = torch.nn.Linear(3, 2, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.RMSprop(layer.parameters(), lr=1e-2, alpha=0.9)
    for gradients in run.gradients[:, 1]:
        rows = torch.randint(256, (16,), generator=generator)
        optimizer.zero_grad()
        torch.nn.MSELoss()(layer(inputs[rows]), targets[rows]).backward()
        optimizer.step()
        expected = torch.cat([layer.weight.grad.flatten(), layer.bias.grad])
        assert_allclose(gradients, expected, rtol=1e-9, atol=1e-12)


def test_rates_follow_from_the_recorded_gradients():
    run = linear_layer.train([0.5, 2.0], lr=5e-3, alpha=0.8, steps=15, seeds=3)
    square_avg = equations.iterate_average(run.gradients.T**2, 0.8).T
    assert run.rates.shape == (15, 3, 6)
    assert_allclose(run.rates, 5e-3 / (np.sqrt(square_avg) + 1e-8), rtol=1e-12)


def test_scale_of_an_input_scales_the_gradient_of_its_weights():
    plain, scaled = (
        linear_layer.train([1.0, scale], lr=1e-3, alpha=0.9, steps=1).gradients[0, 0]
        for scale in (1.0, 8.0)
    )
    assert_array_equal(scaled, plain * [1, 8, 1, 8, 1, 1])
