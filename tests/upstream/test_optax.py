"""What Optax tests every optimizer of its own for: that it arrives, and keeps dtypes."""

import pytest
import torch
from torch.nn import Parameter

from rmsprop import RMSprop, convention

GOAL = [1.0, -1.0, 1.0]


def problems(dtype):
    """Return where a parabola and Rosenbrock's function start, their slopes, and their minima."""
    a = 1 + 1j if dtype.is_complex else 1
    goal = a * torch.tensor(GOAL, dtype=dtype)

    def valley(w):
        x, y = w
        return torch.stack([2 * (x - a) - 400 * x.conj() * (y - x * x), 200 * (y - x * x)])

    minimum = torch.tensor([a, a * a], dtype=dtype)
    return [
        (torch.tensor([-1.0, 10.0, 1.0], dtype=dtype), lambda w: 2 * (w - goal), goal),
        (torch.zeros(2, dtype=dtype), valley, minimum),
    ]


@pytest.mark.parametrize(("momentum", "lr"), [(0, 1e-2), (0.9, 5e-3)])
def test_minima_are_found_by_real_and_by_complex_parameters(momentum, lr, fused):
    """Without momentum that of the parabola: the other takes 10,000 steps then."""
    dtypes = [torch.float32] if fused else [torch.float32, torch.complex64]  # kernels are for real
    tasks = [task for dtype in dtypes for task in problems(dtype)[: 2 if momentum else 1]]
    params = [Parameter(start) for start, *_ in tasks]
    options = convention("optax", lr=lr, momentum=momentum)
    optimizer = RMSprop(params, **options, fused=fused)
    for _ in range(1500):
        for param, (_, slope, _) in zip(params, tasks, strict=True):
            param.grad = slope(param.detach())
        optimizer.step()
    minima = [minimum for *_, minimum in tasks]
    torch.testing.assert_close([p.detach() for p in params], minima, rtol=3e-2, atol=3e-2)


DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", [*DTYPES, torch.complex64, torch.complex128], ids=str)
def test_dtypes_of_parameters_and_state_stay(dtype, fused):
    param = Parameter(torch.tensor([1.0, 2.0], dtype=dtype))
    fused = fused and not dtype.is_complex
    optimizer = RMSprop([param], **convention("optax", lr=5e-3, momentum=0.9), fused=fused)
    dtypes = []
    for _ in range(3):
        param.grad = 2 * param.detach()
        optimizer.step()
        dtypes.append([param.dtype, *(value.dtype for value in optimizer.state[param].values())])
    wide = torch.promote_types(dtype, torch.float32)
    assert dtypes == [[dtype, torch.float32, wide, wide]] * 3


def test_options_may_be_injected_at_every_step(fused):
    ends = []
    for injected in (False, True):
        params = [Parameter(-torch.ones(2, 3)), Parameter(torch.ones(2, 5, 2))]
        options = convention("optax", lr=5e-3, momentum=0.9)
        optimizer = RMSprop(params, **({} if injected else options), fused=fused)
        for _ in range(3):
            if injected:
                optimizer.param_groups[0].update(options)
            for param in params:
                param.grad = -param.detach()
            optimizer.step()
        ends.append([*params, *optimizer.state.values()])
    torch.testing.assert_close(*ends, rtol=0, atol=0)
