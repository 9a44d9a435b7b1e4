"""What PyTorch tests its C++ RMSprop for: values of the Python class, and that it learns XOR."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from rmsprop import RMSprop

VALUES = {
    "default": {},
    "weight decay": {"weight_decay": 1e-2},
    "centered": {"weight_decay": 1e-6, "centered": True},
    "centered, momentum": {"weight_decay": 1e-6, "centered": True, "momentum": 0.9},
}


def network(width, dtype=torch.float32):
    torch.manual_seed(0)
    layers = [nn.Linear(2, width), nn.Sigmoid(), nn.Linear(width, 1), nn.Sigmoid()]
    return nn.Sequential(*layers).to(dtype)


def path(cls, **options):
    """Return the parameters after every twentieth of 101 steps down the output itself."""
    model = network(3, torch.float64)
    optimizer = cls(model.parameters(), lr=0.1, **options)
    data = torch.linspace(0.1, 0.6, 6, dtype=torch.float64).reshape(3, 2)
    values = []
    for step in range(101):
        optimizer.zero_grad()
        model(data).sum().backward()
        optimizer.step()
        if step % 20 == 0:
            values += [param.detach().clone() for param in model.parameters()]
    return values


@pytest.fixture(scope="module")
def theirs():
    return {name: path(torch.optim.RMSprop, **options) for name, options in VALUES.items()}


@pytest.mark.parametrize("name", VALUES)
def test_values_are_those_of_the_python_class(name, theirs, fused):
    # Upstream takes 1001 steps. Here decay has weights cycle about 0 after 150, from where on
    # rounding doubles every few steps.
    torch.testing.assert_close(
        path(RMSprop, fused=fused, **VALUES[name]), theirs[name], rtol=1e-11, atol=1e-11
    )


@pytest.mark.parametrize(
    "options", [{"centered": True}, {"momentum": 0.9, "weight_decay": 1e-6}], ids=str
)
def test_a_network_learns_xor(options, fused):
    model = network(8)
    optimizer = RMSprop(model.parameters(), lr=0.1, fused=fused, **options)
    corners = torch.cartesian_prod(torch.arange(2.0), torch.arange(2.0))
    labels = (corners.sum(1) == 1).float()
    for step in range(3000):
        batch = torch.arange(4 * step, 4 * step + 4).mul(7).remainder(4)  # in another order
        optimizer.zero_grad()
        loss = functional.binary_cross_entropy(model(corners[batch])[:, 0], labels[batch])
        if loss < 0.01:
            break
        loss.backward()
        optimizer.step()
    assert loss < 0.01
