"""What TensorFlow tests its RMSProp for; its formula is written down here again."""

import math

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from rmsprop import RMSprop, convention

# Rate, decay, momentum, epsilon, centered.
SETTINGS = [
    (0.5, 0.9, 0.0, 1e-3, True),
    (0.5, 0.9, 0.0, 1e-3, False),
    (0.1, 0.9, 0.0, 1e-3, True),
    (0.5, 0.95, 0.0, 1e-3, False),
    (0.5, 0.95, 0.0, 1e-5, True),
    (0.5, 0.95, 0.9, 1e-5, True),
    (2.0, 0.9, 0.0, 1.0, False),
    (2.0, 0.9, 0.5, 1e-5, False),
]
STARTS, GRADS = ([1.0, 2.0], [3.0, 4.0]), ([0.1, 0.2], [0.01, 0.2])


def optimizer_of(params, fused, lr, decay, momentum, epsilon, centered):
    changes = {"lr": lr, "alpha": decay, "momentum": momentum, "eps": epsilon}
    return RMSprop(params, **convention("tensorflow", **changes, centered=centered), fused=fused)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32], ids=str)
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_dense_steps_are_those_of_the_formula(setting, dtype, fused):
    lr, decay, momentum, epsilon, centered = setting
    params = [Parameter(torch.tensor(start, dtype=dtype)) for start in STARTS]
    optimizer = optimizer_of(params, fused, *setting)
    grads = [torch.tensor(grad, dtype=dtype) for grad in GRADS]
    for param, grad in zip(params, grads, strict=True):
        param.grad = grad
    w, g = (np.array([t.double().numpy(force=True) for t in ts]) for ts in (params, grads))
    rms, mean, buffer = np.ones_like(w), np.zeros_like(w), np.zeros_like(w)
    limit = 2e-3 if dtype == torch.float16 else 2e-5
    for step in range(1, 5):
        optimizer.step()
        rms = decay * rms + (1 - decay) * g**2
        mean = decay * mean + (1 - decay) * g if centered else mean
        buffer = momentum * buffer + lr * g / np.sqrt(rms - mean**2 + epsilon)
        w = w - buffer
        for i, param in enumerate(params):
            state = optimizer.state[param]
            expected = {"step": step, "grad_var" if centered else "square_avg": (rms - mean**2)[i]}
            expected |= {"grad_avg": mean[i]} if centered else {}
            expected |= {"momentum_buffer": buffer[i]} if momentum else {}
            assert state.keys() == expected.keys()
            for name, value in expected.items():
                np.testing.assert_allclose(state[name].numpy(), value, rtol=limit)
            np.testing.assert_allclose(param.detach().numpy(), w[i], rtol=limit, atol=limit)


def test_rate_may_be_asked_for_at_every_step(fused):
    param = Parameter(torch.tensor([1.0, 2.0]))
    optimizer = optimizer_of([param], fused, torch.tensor(2.0), 0.9, 0.0, 1.0, False)
    expected = 1.0
    for step in range(2):
        optimizer.param_groups[0]["lr"].fill_(2.0 / (1 + step))
        param.grad = torch.full((2,), 0.1)
        optimizer.step()
        square = 0.9 ** (step + 1) + 0.01 * (1 - 0.9 ** (step + 1))
        expected -= 2.0 / (1 + step) * 0.1 / math.sqrt(square + 1)
        assert param[0].item() == pytest.approx(expected, rel=1e-6)


def test_sparse_gradient_is_refused_where_tensorflow_steps_what_it_has(fused):
    param = Parameter(torch.tensor([1.0, 2.0]))
    param.grad = torch.sparse_coo_tensor([[0]], [0.1], (2,), check_invariants=True)
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        optimizer_of([param], fused, 0.5, 0.9, 0.0, 1e-3, False).step()
