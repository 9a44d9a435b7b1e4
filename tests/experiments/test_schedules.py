"""A schedule against the sum of its rates."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rmsprop.experiments.schedules import scheduled


@given(st.lists(st.floats(0, 2), min_size=1, max_size=9))
def test_every_step_has_its_own_rate_in_every_group(factors):
    weights = [torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in range(2)]
    groups = [{"params": [w], "lr": lr} for w, lr in zip(weights, (0.5, 3.0), strict=True)]
    # After the last step the scheduler looks one further.
    optimizer = scheduled(torch.optim.SGD, lambda t: [*factors, 7.0][t])(groups)
    for w in weights:
        w.grad = torch.ones((), dtype=torch.float64)
    for t in range(len(factors)):
        optimizer.step()
        expected = [-lr * sum(factors[: t + 1]) for lr in (0.5, 3.0)]
        assert_allclose([w.item() for w in weights], expected, rtol=1e-12, atol=1e-15)
