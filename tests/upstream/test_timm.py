"""What timm tests its RMSprop, and torch's, for: that they get nearer, coordinate by coordinate."""

import pytest
import torch
from torch import nn
from torch.nn import Parameter

from rmsprop import RMSprop, convention

each_name = pytest.mark.parametrize("name", ["pytorch", "timm"])


def slopes(x, y):
    """Return the derivatives of Rosenbrock's function."""
    return -2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)


@each_name
def test_one_coordinate_at_a_time_leads_nearer_to_the_minimum(name, fused):
    param = Parameter(torch.tensor([1.5, 1.5]))
    optimizer = RMSprop([param], **convention(name, lr=1e-2), fused=fused)
    for step in range(2000):
        grad = torch.zeros(2)
        grad[step % 2] = slopes(*param.tolist())[step % 2]
        param.grad = grad
        optimizer.step()
    assert param.detach().dist(torch.ones(2)) < torch.full((2,), 0.5).norm()


@each_name
def test_each_of_twenty_steps_lowers_the_loss(name, fused):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1), nn.Sigmoid())
    optimizer = RMSprop(model.parameters(), **convention(name, lr=1e-2), fused=fused)
    data, losses = torch.linspace(0.1, 0.6, 6).reshape(3, 2), []
    for _ in range(20):
        optimizer.zero_grad()
        loss = model(data).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(set(losses), reverse=True)
