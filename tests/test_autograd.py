"""What follows tensors and operations must see a fused step: autograd, tracers, transforms."""

import copy

import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import Parameter
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from rmsprop import RMSprop

OPTIONS = {
    "default": {},
    "centered, momentum": {"centered": True, "momentum": 0.9},
}
each_options = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def stepped(options=None, n=2, **more):
    """An optimizer after a step, and its parameters, with gradients."""
    params = [Parameter(torch.linspace(1, 2, 5) + i) for i in range(n)]
    optimizer = RMSprop(params, fused=True, **(options or {}), **more)
    for param in params:
        param.grad = torch.ones_like(param)
    optimizer.step()
    return optimizer, params


# --- older graphs -----------------------------------------------------------------------------


@each_options
def test_two_optimizers_on_one_graph_are_refused_as_with_torch(options):
    optimizer, (first, second) = stepped(options)
    loss = (first * second).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_truncated_backpropagation_with_a_state_that_is_not_detached_is_refused_as_with_torch():
    optimizer, (weight, _) = stepped()
    hidden = torch.ones(5, requires_grad=True)
    hidden = (hidden * weight).tanh()
    hidden.sum().backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        (hidden * 2).sum().backward()


@each_options
def test_a_graph_that_saved_state_notices_that_it_changed(options):
    optimizer, (weight, _) = stepped(options)
    for value in optimizer.state[weight].values():
        loss = (weight.detach().requires_grad_() * value).sum()
        optimizer.step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_a_gradient_counts_as_changed_where_its_scale_is_taken_out():
    optimizer, (weight, _) = stepped()
    before = weight.grad._version
    optimizer.step()
    assert weight.grad._version == before
    optimizer.grad_scale = torch.tensor(2.0)
    optimizer.step()
    assert weight.grad._version == before + 1
    assert torch.equal(weight.grad, torch.full((5,), 0.5))


def test_nothing_counts_as_changed_in_a_step_that_is_skipped():
    optimizer, (weight, _) = stepped()
    before = weight._version
    optimizer.found_inf = torch.tensor(1.0)
    optimizer.step()
    assert weight._version == before


# --- who follows operations -------------------------------------------------------------------


def step_of(weight, grad):
    """Return what a weight becomes in the first step."""
    param = weight.clone()
    # With an average that is not 0 at first the step depends on the gradient.
    optimizer = RMSprop([param], lr=0.1, initial_accumulator_value=1, fused=True)
    param.grad = grad
    optimizer.step()
    return param


def random_pair(*shape):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for _ in range(2)]


def test_vmap_takes_a_step_for_every_weight():
    weights, grads = random_pair(3, 4)
    batched = torch.func.vmap(step_of)(weights, grads)
    alone = torch.stack([step_of(w, g) for w, g in zip(weights, grads, strict=True)])
    torch.testing.assert_close(batched, alone)


@pytest.mark.parametrize("tracing_mode", ["real", "fake", "symbolic"])
def test_a_trace_has_the_step(tracing_mode):
    weight, grad = random_pair(4)
    graph = make_fx(step_of, tracing_mode=tracing_mode)(weight, grad)
    torch.testing.assert_close(graph(2 * weight, -grad), step_of(2 * weight, -grad))


@pytest.mark.filterwarnings("ignore:`torch.jit.trace`")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_jit_trace_has_the_step():
    weight, grad = random_pair(4)
    graph = torch.jit.trace(step_of, (weight, grad), check_trace=False)
    torch.testing.assert_close(graph(2 * weight, -grad), step_of(2 * weight, -grad))


def test_a_fake_step_leaves_real_parameters_alone():
    optimizer, params = stepped()
    before = copy.deepcopy(params)
    with FakeTensorMode():
        assert step_of(torch.ones(4), torch.ones(4)).shape == (4,)
        # Torch refuses to mix the two, though only when the step has begun.
        with pytest.raises(AssertionError, match="FakeTensors"):
            optimizer.step()
    torch.testing.assert_close(params, before, rtol=0, atol=0)


# Torch scripts what it knows of derivatives.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_forward_mode_carries_tangents_through_the_step():
    weight, grad = random_pair(4)
    with forward_ad.dual_level():
        tangents = [forward_ad.make_dual(t.clone(), torch.ones(4)) for t in (weight, grad)]
        tangent = forward_ad.unpack_dual(step_of(*tangents)).tangent
    change = 1e-2
    slope = (step_of(weight + change, grad + change) - step_of(weight - change, grad - change)) / 2
    torch.testing.assert_close(tangent, slope / change, rtol=1e-3, atol=1e-3)
    assert (tangent - 1).abs().max() > 0.05


class Operations(TorchDispatchMode):
    """Counts the operations below autograd."""

    count = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.count += 1
        return operation(*args, **(kwargs or {}))


class Functions(TorchFunctionMode):
    """Counts the calls of torch's functions."""

    count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("mode", [Operations, Functions])
def test_a_mode_sees_every_operation(mode):
    optimizer, params = stepped()
    with mode() as seen:
        optimizer.step()
    assert seen.count > 4 * len(params)


def test_a_default_device_is_no_such_mode(batches):
    optimizer, _ = stepped()
    with torch.device("cpu"):
        optimizer.step()
    assert len(batches) == 2
