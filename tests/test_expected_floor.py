"""The floor read off an optimizer, against the loss that simulated runs hover at."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rmsprop
from rmsprop import equations, expected_floor

LR = 1e-2


def hovering(optimizer, w, curvature, noise=0.0, *, steps=6000, watched=3000):
    """Run on a quadratic; return the mean loss and the mean floor of the last steps."""
    generator = torch.Generator().manual_seed(0)
    loss = floor = 0.0
    for left in reversed(range(steps)):
        if left < watched:
            loss += float((w.detach() ** 2 @ curvature) / 2) / watched
        draw = torch.randn(w.shape, generator=generator, dtype=w.dtype)
        w.grad = w.detach() * curvature + noise * draw
        optimizer.step()
        if left < watched:
            floor += expected_floor(optimizer) / watched
    return loss, floor


OPTIONS = {
    "plain": {},
    "a large eps": {"eps": 3e-3},
    "inside": {"eps": 1e-5, "eps_in_sqrt": True},
    "centered": {"centered": True},
    "heavy ball": {"momentum": 0.8},
    "rate in the buffer": {"momentum": 0.8, "lr_in_momentum": True},
    "nesterov": {"momentum": 0.8, "nesterov": True},
    "corrected": {"bias_correction": True},
    "a rate in a tensor": {"lr": torch.tensor(LR)},
}


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_loss_hovers_at_it(options, noise):
    curvature = torch.linspace(0.5, 4, 50, dtype=torch.float64)
    w = torch.nn.Parameter(torch.full((50,), 0.02, dtype=torch.float64))
    optimizer = rmsprop.RMSprop([w], **({"lr": LR, "alpha": 0.99} | options))
    loss, floor = hovering(optimizer, w, curvature, noise)
    assert loss == pytest.approx(floor, rel=0.03)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"centered": True}], ids=str)
def test_torchs_own_has_the_same(options):
    curvature = torch.linspace(0.5, 4, 20, dtype=torch.float64)
    floors = []
    for kind in (rmsprop.RMSprop, torch.optim.RMSprop):
        w = torch.nn.Parameter(torch.full((20,), 0.02, dtype=torch.float64))
        optimizer = kind([w], lr=LR, alpha=0.9, **options)
        floors.append(hovering(optimizer, w, curvature, 0.02, steps=50, watched=1)[1])
    assert floors[0] == pytest.approx(floors[1], rel=1e-9)


@pytest.mark.parametrize("nesterov", [False, True])
@given(mu=st.floats(0, 0.99), eps=st.floats(0, 1), inside=st.booleans(), seed=st.integers(0, 99))
def test_it_is_the_equation(nesterov, mu, eps, inside, seed):
    generator = torch.Generator().manual_seed(seed)
    v, b = torch.rand((2, 7), generator=generator, dtype=torch.float64)
    w = torch.nn.Parameter(torch.zeros(7, dtype=torch.float64))
    optimizer = rmsprop.RMSprop([w], lr=LR, eps=eps, eps_in_sqrt=inside)
    optimizer.param_groups[0].update(momentum=mu, nesterov=nesterov)
    optimizer.state[w] = {"step": torch.tensor(1.0), "square_avg": v, "momentum_buffer": b}
    given_ = {"momentum": mu, "momentum_buffer": b, "nesterov": nesterov, "eps_in_sqrt": inside}
    expected = equations.state_floor(v, LR, eps, **given_)
    assert expected_floor(optimizer) == pytest.approx(float(expected), rel=1e-12)


def stepped(params, **options):
    optimizer = rmsprop.RMSprop(params, **options)
    for param in (param for group in optimizer.param_groups for param in group["params"]):
        param.grad = torch.full_like(param, 2.0)
    optimizer.step()
    return optimizer


def params(*shapes, dtype=torch.float32):
    return [torch.nn.Parameter(torch.ones(shape, dtype=dtype)) for shape in shapes]


def test_groups_add_up_each_with_its_rate():
    first, second = params(3, 5)
    both = stepped([{"params": [first], "lr": 0.1}, {"params": [second]}], lr=0.4, alpha=0)
    assert expected_floor(both) == pytest.approx((0.1 * 3 + 0.4 * 5) / 4 * 2)


def test_momentum_that_is_yet_to_come_does_not_count():
    optimizer = stepped(params(3), lr=0.1, alpha=0)
    optimizer.param_groups[0]["momentum"] = 0.9
    assert expected_floor(optimizer) == pytest.approx(0.1 / 4 * 2 * 3)


def test_what_has_had_no_gradient_adds_nothing():
    first, second = params(3, 5)
    optimizer = rmsprop.RMSprop([first, second], lr=0.1, alpha=0)
    first.grad = torch.ones_like(first)
    optimizer.step()
    assert expected_floor(optimizer) == pytest.approx(0.1 / 4 * 3)
    assert second not in optimizer.state


def test_where_the_loss_is_climbed_it_is_the_same():
    floors = [
        expected_floor(stepped(params(3), alpha=0, maximize=maximize)) for maximize in (False, True)
    ]
    assert floors[0] == floors[1] > 0


def test_gradients_of_zero_leave_no_floor():
    (w,) = params(3)
    optimizer = rmsprop.RMSprop([w], eps=0)
    w.grad = torch.zeros_like(w)
    optimizer.step()
    assert expected_floor(optimizer) == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.complex64, torch.float64])
def test_any_dtype_and_any_number_of_parameters(dtype):
    optimizer = stepped(params(100_000, dtype=dtype), lr=0.1, alpha=0, eps=0)
    assert expected_floor(optimizer) == pytest.approx(0.1 / 4 * 2 * 100_000, rel=1e-5)


@pytest.mark.parametrize("kind", [rmsprop.RMSprop, torch.optim.RMSprop])
def test_it_only_reads(kind):
    (w,) = params(3)
    optimizer = kind([w], momentum=0.9, centered=True)
    w.grad = torch.ones_like(w)
    optimizer.step()
    before = [value.clone() for value in optimizer.state[w].values()]
    keys = {*optimizer.param_groups[0]}
    expected_floor(optimizer)
    assert {*optimizer.param_groups[0]} == keys
    torch.testing.assert_close([*optimizer.state[w].values()], before, rtol=0, atol=0)


def test_what_it_has_no_law_for_is_refused_by_name():
    with pytest.raises(ValueError, match=r"weight_decay must be 0 or coupled, got 0\.01"):
        expected_floor(stepped(params(3), weight_decay=0.01, decoupled_weight_decay=True))
    expected_floor(stepped(params(3), decoupled_weight_decay=True))
    with pytest.raises(ValueError, match="must have taken a step"):
        expected_floor(rmsprop.RMSprop(params(3)))
    with pytest.raises(TypeError, match="must be an RMSprop, got Adam"):
        expected_floor(torch.optim.Adam(params(3)))


def test_coupled_decay_belongs_to_the_loss():
    w = torch.nn.Parameter(torch.full((50,), 0.02, dtype=torch.float64))
    optimizer = rmsprop.RMSprop([w], lr=LR, weight_decay=0.5)
    curvature = torch.linspace(0.5, 4, 50, dtype=torch.float64)
    loss, floor = hovering(optimizer, w, curvature, 0.02)
    assert loss < 0.95 * floor  # without the penalty
    plain = rmsprop.RMSprop([w], lr=LR)
    assert hovering(plain, w, curvature + 0.5, 0.02)[0] == pytest.approx(floor, rel=0.03)
