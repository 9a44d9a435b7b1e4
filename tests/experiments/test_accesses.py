"""Accesses counted against operations whose accesses can be told from their formula."""

from functools import partial

import pytest
import torch

from rmsprop.experiments.accesses import count_accesses


def stepping(operation):
    """Return a maker of optimizers whose step is this operation on a parameter."""

    class Optimizer(torch.optim.SGD):
        @torch.no_grad()
        def step(self):
            operation(self.param_groups[0]["params"][0])

    return Optimizer


@pytest.mark.parametrize(
    ("operation", "accesses"),
    [
        (lambda w: w.zero_(), 2),  # an operation that changes a tensor counts as reading it
        (lambda w: w.mul_(2), 2),
        (lambda w: w.mul_(w), 2),
        (lambda w: w.add_(w.grad), 3),
        (lambda w: w.addcdiv_(w.grad, w.grad), 3),
        (lambda w: w + w.grad, 3),
        (lambda w: w.copy_(w.grad * 2), 5),
        (lambda w: w.grad.sum(), 1),
        (lambda w: torch.ones(3) * 2, 0),
        (lambda w: None, 0),
    ],
)
def test_operation_reads_what_goes_in_and_writes_what_comes_out(operation, accesses):
    assert count_accesses(stepping(operation)) == accesses


@pytest.mark.parametrize("foreach", [False, True])
def test_step_is_one_that_finds_its_state(foreach):
    # buf *= momentum; buf += grad; w -= lr * buf
    sgd = partial(torch.optim.SGD, lr=0.1, momentum=0.9, foreach=foreach)
    assert count_accesses(sgd) == 2 + 3 + 3
