"""The optimizer on a GPU: fused against eager, scaled gradients, graphs, and what stays eager."""

import pytest
import torch
from torch.nn import Parameter

from rmsprop import RMSprop

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
SHAPES = ((3, 4), (0,), (), (40_000,), (2, 3, 5, 5))
OPTIONS = {
    "default": {},
    "centered, momentum": {"centered": True, "momentum": 0.9, "eps": 1e-3},
    "bias-corrected": {"bias_correction": True, "weight_decay": 0.1},
    "tensor lr": {"lr": torch.tensor(0.013), "nesterov": True, "momentum": 0.5},
}
LIMITS = {torch.bfloat16: 2**-7, torch.float16: 2**-10, torch.float32: 1e-5}


def random_tensors(dtype=torch.float32, seed=0):
    generator = torch.Generator("cuda").manual_seed(seed)
    return [torch.randn(s, generator=generator, device="cuda").to(dtype) for s in SHAPES]


def trained(dtype=torch.float32, steps=4, **options):
    params = [Parameter(tensor) for tensor in random_tensors(dtype)]
    optimizer = RMSprop(params, **options)
    for seed in range(1, steps + 1):
        for param, grad in zip(params, random_tensors(dtype, seed), strict=True):
            param.grad = grad
        optimizer.step()
    return params, optimizer


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_fused_equals_eager(dtype, options):
    ours, optimizer = trained(dtype, fused=True, **options)
    theirs, _ = trained(dtype, fused=False, **options)
    torch.testing.assert_close(ours, theirs, rtol=LIMITS[dtype], atol=LIMITS[dtype])
    assert {state["step"].device.type for state in optimizer.state.values()} == {"cuda"}
    assert {state["step"].item() for state in optimizer.state.values()} == {4}


def test_float64_stays_eager():
    ours, _ = trained(torch.float64)
    theirs, _ = trained(torch.float64, fused=False)
    torch.testing.assert_close(ours, theirs)
    with pytest.raises(RuntimeError, match="requires all the params"):
        trained(torch.float64, fused=True)


def test_a_checkpoint_of_eager_steps_continues_fused():
    _, eager = trained(fused=False)
    params = [Parameter(tensor) for tensor in random_tensors(seed=9)]
    optimizer = RMSprop(params, fused=True)
    optimizer.load_state_dict(eager.state_dict())
    for group in optimizer.param_groups:
        group["fused"] = True
    for param, grad in zip(params, random_tensors(), strict=True):
        param.grad = grad
    optimizer.step()
    assert {state["step"].item() for state in optimizer.state.values()} == {5}


def test_grad_scaler_needs_no_host():
    def train(fused):
        param = Parameter(torch.ones(30_000, device="cuda"))
        optimizer = RMSprop([param], fused=fused)
        scaler = torch.amp.GradScaler("cuda", init_scale=1024.0)
        for k in range(5):
            optimizer.zero_grad()
            scaler.scale(param.sum() * (torch.inf if k == 2 else k + 1)).backward()
            scaler.step(optimizer)
            scaler.update()
        assert scaler.get_scale() == 512
        assert optimizer.state[param]["step"].item() == 4
        return param

    torch.testing.assert_close(train(True), train(False))
