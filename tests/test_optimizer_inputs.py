"""The optimizer on the very inputs that PyTorch tests its own RMSprop with."""

import copy
import warnings

import pytest
import torch
from torch.nn import Parameter
from torch.testing._internal.common_optimizers import (
    optim_error_inputs_func_rmsprop,
    optim_inputs_func_rmsprop,
)

from rmsprop import RMSprop

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
INPUTS = [
    pytest.param(device, item.kwargs, id=f"{device}: {item.desc}")
    for device in DEVICES
    for item in optim_inputs_func_rmsprop(device=device)
]
ERRORS = optim_error_inputs_func_rmsprop("cpu", torch.float64)


@pytest.mark.parametrize("foreach", [None, False, True])
@pytest.mark.parametrize(("device", "options"), INPUTS)
def test_training_a_layer_equals_torch(device, options, foreach):
    torch.manual_seed(0)
    ours = torch.nn.Linear(5, 3, device=device, dtype=torch.float64)
    theirs = copy.deepcopy(ours)
    data = torch.randn(4, 5, device=device, dtype=torch.float64)
    target = torch.randn(4, 3, device=device, dtype=torch.float64)
    # The gradients vary slowly, so torch loses digits to v - m^2 when it centers.
    tolerance = 1e-10 if options.get("centered") else 1e-13
    optimizers = [
        cls(model.parameters(), **options, foreach=foreach)
        for cls, model in ((RMSprop, ours), (torch.optim.RMSprop, theirs))
    ]
    for _ in range(20):
        for model, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            (model(data) - target).tanh().square().sum().backward()
            optimizer.step()
    for our_param, their_param in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(our_param, their_param, rtol=tolerance, atol=tolerance)
        our_step, their_step = (
            o.state[p]["step"] for o, p in zip(optimizers, (our_param, their_param), strict=True)
        )
        torch.testing.assert_close(our_step, their_step, rtol=0, atol=0)


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case.optimizer_error_input.desc)
def test_input_that_torch_refuses_is_refused_in_the_same_words(case):
    params = case.optimizer_error_input.params
    if params is None:
        params = [Parameter(torch.ones(2))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(case.error_type, match=case.error_regex):
            RMSprop(params, **case.optimizer_error_input.kwargs)
