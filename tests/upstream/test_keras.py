"""What Keras tests its RMSprop for; the numbers are from its formulas, written down here again."""

import pickle

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from rmsprop import RMSprop, convention


def optimizer_of(params, fused, **changes):
    return RMSprop(params, **convention("keras", **changes), fused=fused)


def test_first_step_is_as_long_for_every_gradient(fused):
    param = Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    param.grad = torch.tensor([1.0, 6.0, 7.0, 2.0])
    optimizer_of([param], fused, lr=0.5).step()
    expected = torch.tensor([1.0, 2.0, 3.0, 4.0]) - 0.5 / 0.1**0.5
    torch.testing.assert_close(param.detach(), expected, rtol=1e-6, atol=1e-6)


def test_decay_is_of_what_is_not_excluded(fused):
    decays, excluded = Parameter(torch.tensor(2.0)), Parameter(torch.tensor(2.0))
    groups = [{"params": [decays]}, {"params": [excluded], "weight_decay": 0}]
    optimizer = optimizer_of(groups, fused, lr=1.0, weight_decay=0.004)
    for _ in range(3):
        decays.grad, excluded.grad = torch.zeros(()), torch.zeros(())
        optimizer.step()
    assert decays.item() == pytest.approx(2 * (1 - 0.004) ** 3, rel=1e-6)
    assert excluded.item() == 2


def test_centered_path_is_that_of_the_formula(fused):
    grads = [np.full(10, 0.01), *[np.arange(0.1, 1.05, 0.1)] * 5]
    param = Parameter(torch.ones(10, dtype=torch.float64))
    optimizer = optimizer_of([param], fused, lr=0.001, centered=True)
    expected, v, m = np.ones(10), np.zeros(10), np.zeros(10)
    for grad in grads:
        param.grad = torch.from_numpy(grad)
        optimizer.step()
        v, m = 0.9 * v + 0.1 * grad**2, 0.9 * m + 0.1 * grad
        expected = expected - 0.001 * grad / np.sqrt(v - m**2 + 1e-7)
        np.testing.assert_allclose(param.detach().numpy(), expected, rtol=1e-12)


def test_configuration_survives_serialization(fused):
    changes = {"lr": 0.5, "alpha": 0.8, "momentum": 0.05, "eps": 1e-6, "centered": True}
    optimizer = optimizer_of([Parameter(torch.ones(2))], fused, **changes)
    copied = pickle.loads(pickle.dumps(optimizer))
    assert copied.defaults == optimizer.defaults == optimizer.defaults | changes


@pytest.mark.parametrize(
    "changes",
    [{name: value} for name in ("alpha", "momentum") for value in (-0.1, 1.0, 1.1, 2.0)]
    + [{"eps": -1e-7}],
    ids=str,
)
def test_numbers_out_of_their_range_are_refused(changes, fused):
    """A 1 too, which Keras takes; and eps may be 0, which Keras refuses."""
    with pytest.raises(ValueError, match="Invalid"):
        optimizer_of([Parameter(torch.ones(2))], fused, **changes)
    optimizer_of([Parameter(torch.ones(2))], fused, alpha=0.0, momentum=0.0, eps=0.0)
