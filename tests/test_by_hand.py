"""What users change by hand, in options, groups and state: as torch's own loop takes it."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from rmsprop import RMSprop

N = 20_000


def both(program):
    """Return what a program makes of torch's optimizer, and of ours with and without kernels."""
    torch.manual_seed(0)
    expected = program(lambda *args, **kwargs: torch.optim.RMSprop(*args, foreach=False, **kwargs))
    results = []
    for fused in (False, None):
        torch.manual_seed(0)
        results.append(
            program(lambda *args, fused=fused, **kwargs: RMSprop(*args, fused=fused, **kwargs))
        )
    return expected, *results


def assert_alike(program, rtol=1e-4):
    expected, *ours = both(program)
    for result in ours:
        torch.testing.assert_close(result, expected, rtol=rtol, atol=2e-6)


def with_grad(n=N, **options):
    param = Parameter(torch.randn(n, **options))
    param.grad = torch.randn(n, **options)
    return param


def test_learning_rate_that_is_an_element_of_a_parameter():
    def program(make):
        p, q = with_grad(), with_grad()
        p.data[0] = 0.05
        optimizer = make([p, q], lr=p.data[0])
        optimizer.step()
        optimizer.step()
        return [p.detach(), q.detach()]

    assert_alike(program)


def test_one_parameter_in_a_centered_group_and_in_one_that_is_not():
    def program(make):
        p = with_grad()
        optimizer = make([p], centered=True, alpha=0.9, eps=1e-2)
        optimizer.param_groups.append(dict(optimizer.param_groups[0], centered=False))
        for _ in range(3):
            p.grad = torch.randn(N)
            optimizer.step()
        return p.detach()

    _, eager, fused = both(program)  # torch keeps the uncentered average, ours the variance
    torch.testing.assert_close(fused, eager, rtol=1e-5, atol=1e-7)


def test_a_number_of_a_class_of_ones_own_runs_its_code_where_torch_runs_it():
    class Rate(float):
        def __float__(self):
            self.called()
            return 0.1

        def __neg__(self):
            self.called()
            return -0.1

        def __rmul__(self, other):
            self.called()
            return other * 0.1

        def called(self):
            param.data = param.data.clone()

    for make in (torch.optim.RMSprop, RMSprop):
        param = Parameter(torch.zeros(N))
        param.grad = torch.ones(N)
        optimizer = make([param], lr=0.1, alpha=0.0)
        optimizer.step()
        left, value = param.data, param.data.clone()
        optimizer.param_groups[0]["lr"] = Rate(0.1)
        optimizer.step()
        # What its code has moved the parameter away from is not written, where it has run at all.
        assert torch.equal(left, value) or left.data_ptr() == param.data_ptr()
        assert not torch.equal(param.data, value)


def test_numbers_beyond_float32_are_refused_as_torch_refuses_them():
    for fused in (False, None):
        param = with_grad()
        optimizer = RMSprop([param], fused=fused)
        optimizer.step()
        before = param.detach().clone()
        optimizer.param_groups[0]["weight_decay"] = 1e39
        with pytest.raises(RuntimeError, match="without overflow"):
            optimizer.step()
        assert torch.equal(param, before)


def test_groups_of_torch_appended_by_hand_are_stepped():
    def program(make):
        p, q = with_grad(), with_grad()
        optimizer = make([p])
        optimizer.param_groups += torch.optim.RMSprop([q], lr=0.1).param_groups
        optimizer.step()
        return [p.detach(), q.detach()]

    assert_alike(program)


def test_differentiable_step_of_a_group_that_says_it_is_not_is_no_kernels():
    def program(make):
        w = torch.randn(N, requires_grad=True)
        fast = w * 2
        optimizer = make(
            [{"params": [fast], "differentiable": False}], differentiable=True, eps=1.0
        )
        fast.grad = (fast * fast).detach() + fast
        optimizer.step()
        fast.sum().backward()
        return w.grad

    for make in (torch.optim.RMSprop, RMSprop):
        leaf = with_grad()
        optimizer = make([{"params": [leaf], "differentiable": False}], differentiable=True)
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            optimizer.step()
    eager, fused = (
        program(lambda *args, fused=fused, **kwargs: RMSprop(*args, fused=fused, **kwargs))
        for fused in (False, None)
        if torch.manual_seed(0)
    )
    assert torch.equal(eager, fused)
    assert not torch.equal(fused, torch.full((N,), 2.0))  # which it is past the step


def misaligned(param):
    return torch.frombuffer(bytearray(4 * N + 8), dtype=torch.float32, offset=2, count=N)


@pytest.mark.parametrize("odd", [misaligned, Tensor.detach], ids=["misaligned", "the parameter"])
def test_an_odd_gradient_keeps_the_kernel_away_for_its_own_step_only(odd):
    param = with_grad()
    optimizer = RMSprop([param], fused=True)
    optimizer.step()
    param.grad = odd(param)
    with pytest.raises(RuntimeError, match="`fused=True` requires"):
        optimizer.step()
    for _ in range(2):
        param.grad = torch.ones(N)
        optimizer.step()
    # One that moves while the other still is odd.
    param.grad = odd(param)
    with pytest.raises(RuntimeError, match="`fused=True` requires"):
        optimizer.step()
    param.grad = odd(param)
    with pytest.raises(RuntimeError, match="`fused=True` requires"):
        optimizer.step()
    param.grad = torch.ones(N)
    optimizer.step()


def array_of_the_user(optimizer, param):
    array = np.zeros((200, 100), dtype=np.float32, order="F")
    optimizer.state[param]["square_avg"] = torch.from_numpy(array)
    return array


def view_of_the_user(optimizer, param):
    return optimizer.state[param]["square_avg"].view(-1)


def array_of_the_buffer(optimizer, param):
    return optimizer.state[param]["square_avg"].numpy()


@pytest.mark.parametrize(
    "hold", [array_of_the_user, view_of_the_user, array_of_the_buffer], ids=lambda f: f.__name__
)
def test_state_that_somebody_else_holds_stays_where_it_is(hold):
    param = Parameter(torch.randn(200, 100))
    param.grad = torch.randn(200, 100)
    optimizer = RMSprop([param])
    optimizer.step()
    held = hold(optimizer, param)
    if hold is not array_of_the_user:  # a layout that is not the buffer's
        param.data = param.data.t().contiguous().t()
    held = torch.as_tensor(held)
    before = held.clone()
    for _ in range(2):
        param.grad = torch.randn(200, 100)
        optimizer.step()
        assert not torch.equal(before, held)
        before = held.clone()


def test_state_that_nobody_else_holds_takes_the_parameters_layout():
    param = Parameter(torch.randn(200, 100))
    param.grad = torch.randn(200, 100)
    optimizer = RMSprop([param], fused=True)
    optimizer.step()
    param.data = param.data.t().contiguous().t()
    param.grad = torch.randn(100, 200).t()
    optimizer.step()
    assert optimizer.state[param]["square_avg"].stride() == param.stride()


def test_state_that_others_keep_beside_ours_is_carried_along():
    param = with_grad()
    optimizer = RMSprop([param], momentum=0.5)
    optimizer.step()
    optimizer.state[param]["slow"] = torch.full((3,), 7.0)
    optimizer.load_state_dict(optimizer.state_dict())
    for copied in (optimizer, copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (state,) = copied.state.values()
        assert torch.equal(state["slow"], torch.full((3,), 7.0))
    optimizer.step()


def test_buffer_that_is_none_is_one_that_is_not_there():
    param = with_grad()
    optimizer = RMSprop([param])
    optimizer.step()
    optimizer.state[param]["momentum_buffer"] = None
    loaded = copy.deepcopy(optimizer)
    loaded.load_state_dict(optimizer.state_dict())
    loaded.param_groups[0]["momentum"] = 0.9
    (other,) = loaded.param_groups[0]["params"]
    other.grad = torch.ones(N)
    loaded.step()
    assert loaded.state[other]["momentum_buffer"].shape == (N,)


def test_average_survives_an_exception_while_it_is_converted():
    param = with_grad()
    optimizer = RMSprop([param])
    optimizer.step()
    average = optimizer.state[param]["square_avg"].clone()
    optimizer.param_groups[0]["centered"] = True
    optimizer.state[param]["grad_avg"] = torch.zeros(7)  # which does not fit
    with pytest.raises(RuntimeError):
        optimizer.step()
    assert torch.equal(optimizer.state[param]["square_avg"], average)


@pytest.mark.parametrize("options", [{"weight_decay": 0.1}, {"maximize": True}])
def test_conjugated_gradient_of_a_complex_parameter(options):
    def program(make):
        p = with_grad(100, dtype=torch.complex64)
        p.grad = p.grad.conj()
        optimizer = make([p], **options)
        optimizer.step()
        optimizer.step()
        return p.detach()

    assert_alike(program)


def test_a_scaled_gradient_that_two_groups_share_is_divided_once():
    a, b = Parameter(torch.ones(N)), Parameter(torch.ones(N))
    optimizer = RMSprop([{"params": [a]}, {"params": [b]}], fused=True, eps=1.0, alpha=0.0, lr=1.0)
    a.grad = b.grad = torch.full((N,), 8.0)
    optimizer.grad_scale, optimizer.found_inf = torch.tensor(4.0), torch.tensor(0.0)
    optimizer.step()
    assert a.grad[0] == 2
    assert a[0].item() == b[0].item() == pytest.approx(1 - 2 / 3)
