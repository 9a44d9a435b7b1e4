"""What PyTorch tests its own RMSprop for, on the inputs that it does that with."""

import copy
import io
import warnings

import pytest
import torch
from torch import nn
from torch.nn import Parameter
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.testing._internal.common_optimizers import (
    optim_db,
    optim_error_inputs_func_rmsprop,
    optim_inputs_func_rmsprop,
)

from rmsprop import RMSprop
from tests.memory import peak_of

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
each_device = pytest.mark.parametrize("device", DEVICES)
# Torch's class takes the capturable ones on a GPU only.
each_input = pytest.mark.parametrize(
    "options",
    [pytest.param(item.kwargs, id=item.desc) for item in optim_inputs_func_rmsprop("cuda")],
)
ERRORS = optim_error_inputs_func_rmsprop("cpu", torch.float64)
(INFO,) = (info for info in optim_db if info.optim_cls is torch.optim.RMSprop)


def random(*shape, seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, **options)


def layer(dtype=torch.float32, strided=False):
    """Return weights, a bias, and how to find the gradients of a loss and the loss."""
    weight, bias, data = (
        random(*shape, seed=seed, dtype=dtype) for seed, shape in enumerate([(10, 5), (10,), (5,)])
    )
    if strided:
        weight, bias = (torch.stack([t, t], dim=-1)[..., 0] for t in (weight, bias))
    params = [Parameter(weight), Parameter(bias)]

    def backward():
        for param in params:
            param.grad = None
        loss = (params[0].mv(data) + params[1]).square().sum()
        loss.backward()
        return loss.detach()

    return params, backward


def trained(params, backward, steps=5, **options):
    optimizer = RMSprop(params, **copy.deepcopy(options))
    for _ in range(steps):
        optimizer.step(backward)
    return optimizer


# --- the steps --------------------------------------------------------------------------------


@each_device
@each_input
def test_training_a_network_equals_torch(device, options, fused):
    """With a step without gradients, a layer frozen meanwhile, and a parameter of no dimension."""
    is_centered, on_gpu = options.get("centered", False), device == "cuda"
    dtype = torch.float32 if on_gpu else torch.float64  # the kernel's on a GPU
    ours, theirs = [], []
    for cls, ends in ((RMSprop, ours), (torch.optim.RMSprop, theirs)):
        kept = copy.deepcopy(options)
        if cls is RMSprop:
            kept["fused"] = fused
        elif not on_gpu:
            kept.pop("capturable", None)
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1), nn.Sigmoid())
        model.to(device, dtype)
        data = torch.linspace(0.1, 0.6, 6, device=device, dtype=dtype).reshape(3, 2)
        alone = torch.full((), 0.3, device=device, dtype=dtype, requires_grad=True)
        optimizer = cls([*model.parameters(), alone], **kept)
        for step in range(20):
            optimizer.zero_grad()
            model[2].requires_grad_(step not in (3, 4))
            if step != 2:
                (model(data).sum() + alone.square()).backward()
            optimizer.step()
        for param in (*model.parameters(), alone):
            state = optimizer.state[param]
            averages = [] if is_centered else [state["square_avg"]]  # ours is another then
            ends.append([param.detach(), state["step"].cpu(), *averages])
    # The gradients vary slowly, so torch loses digits to v - m^2 when it centers.
    limit = 1e-3 if on_gpu else 1e-9 if is_centered else 1e-13
    torch.testing.assert_close(ours, theirs, rtol=limit, atol=limit)


@each_input
@pytest.mark.parametrize("way", ["plain", "strided, with schedules", "groups"])
def test_loss_goes_the_right_way(options, way, fused):
    params, backward = layer(strided="strided" in way)
    still = Parameter(torch.ones(2))
    bias_options = options | {"weight_decay": 0}
    groups = [
        {"params": params[:1], "lr": 1e-3} | copy.deepcopy(options),
        {"params": params[1:], "lr": 1e-3} | copy.deepcopy(bias_options),
        {"params": [still]},
    ]
    if way == "groups":
        optimizer = RMSprop(groups, lr=1e-28, fused=fused)
    else:
        optimizer = RMSprop(params, **copy.deepcopy(options), fused=fused)
    schedules = [make(optimizer) for make in INFO.scheduler_inputs[0]] if "schedules" in way else []
    before = backward()
    if fused and "strided" in way:
        with pytest.raises(RuntimeError, match=r"to have the same .* layout, dense"):
            optimizer.step()
        return
    for _ in range(20):
        still.grad = torch.ones(2)
        loss = optimizer.step(backward)
        for schedule in schedules:
            plateau = isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau)
            schedule.step(*([loss] if plateau else []))
    assert (backward() > before) == bool(options.get("maximize"))
    assert torch.equal(still, torch.ones(2))


@each_input
def test_rate_that_is_a_tensor_is_the_number(options, fused):
    ends = []
    for lr in (1e-3, torch.tensor(1e-3)):
        params, backward = layer()
        trained(params, backward, **options | {"lr": lr}, fused=fused)
        ends.append(params)
    torch.testing.assert_close(*ends)


@each_input
def test_complex_numbers_step_as_pairs_of_real_ones(options, fused):
    """With a real parameter among them."""
    values = [random(10, 5, dtype=torch.complex64), random(3, seed=1)]
    mixed = [Parameter(value.clone()) for value in values]
    pairs = [Parameter(torch.view_as_real(values[0]).clone()), Parameter(values[1].clone())]
    optimizers = [
        RMSprop(params, **copy.deepcopy(options), fused=fused) for params in (mixed, pairs)
    ]
    for step in range(3):
        for param, pair in zip(mixed, pairs, strict=True):
            param.grad = random(*param.shape, seed=step, dtype=param.dtype)
            pair.grad = torch.view_as_real(param.grad) if param.is_complex() else param.grad
        if fused:
            with pytest.raises(RuntimeError, match="to be floating point Tensors"):
                optimizers[0].step()
            return
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close([torch.view_as_real(mixed[0]), mixed[1]], pairs)


@each_input
def test_found_infinities_stop_the_step(options):
    for scale in (None, torch.ones(1)):
        params, backward = layer()
        before = copy.deepcopy(params)
        optimizer = RMSprop(params, **copy.deepcopy(options), fused=True)
        optimizer.grad_scale, optimizer.found_inf = scale, torch.ones(())
        optimizer.step(backward)
        torch.testing.assert_close(params, before, rtol=0, atol=0)
        assert all(state["step"] == 0 for state in optimizer.state.values())


def test_parameters_on_meta_are_refused():
    model = nn.Linear(2, 3, device="meta")
    optimizer = RMSprop(model.parameters(), fused=True)
    for param in model.parameters():
        param.grad = torch.ones_like(param)
    with pytest.raises(RuntimeError, match="requires all the params to be floating point Tensors"):
        optimizer.step()
    optimizer.zero_grad()
    optimizer.step()


@each_input
def test_no_gradient_or_one_of_zeros_is_no_step(options, fused):
    fixed = [random(2, 3), torch.arange(6).reshape(2, 3)]
    moved = Parameter(random(5, 1))
    optimizer = RMSprop([*fixed, moved], **copy.deepcopy(options), fused=fused)
    before = copy.deepcopy([*fixed, moved])
    assert optimizer.step(lambda: 1) == 1
    assert not optimizer.state
    if options.get("weight_decay", 0) == 0:
        moved.grad = torch.zeros_like(moved)
        optimizer.step()
        assert optimizer.state.keys() == {moved}
    torch.testing.assert_close([*fixed, moved], before, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16], ids=str)
def test_default_dtype_changes_nothing(dtype, fused):
    """Not even the dtype of the count, which in torch becomes float64."""
    ends, default = [], torch.get_default_dtype()
    for chosen in (default, dtype):
        torch.set_default_dtype(chosen)
        try:
            params, backward = layer(torch.float32)
            optimizer = trained(params, backward, momentum=0.9, centered=True, fused=fused)
        finally:
            torch.set_default_dtype(default)
        ends.append([*params, *optimizer.state.values()])
    torch.testing.assert_close(*ends, rtol=0, atol=0)


def test_memory_of_a_step_does_not_grow_with_the_number_of_parameters(fused):
    peaks = []
    for n in (1, 10):
        params = [Parameter(torch.ones(100, 100)) for _ in range(n)]
        optimizer = RMSprop(params, fused=fused)
        for param in params:
            param.grad = torch.ones_like(param)
        optimizer.step()
        peaks.append(peak_of(optimizer.step))
    # Torch's loop needs one more tensor as large as a parameter, its foreach one for each.
    assert max(peaks) < params[0].nbytes * (2.1 if fused is False else 0.1)


# --- checkpoints ------------------------------------------------------------------------------


def named(params, with_names):
    return [(f"p{i}", param) for i, param in enumerate(params)] if with_names else params


def without_names(state_dict):
    for group in (state_dict := copy.deepcopy(state_dict))["param_groups"]:
        group.pop("param_names", None)
    return state_dict


@each_input
@pytest.mark.parametrize("names", [(False, False), (True, False), (False, True), (True, True)])
def test_state_dict_goes_on_elsewhere_with_and_without_names(names, options, fused):
    params, backward = layer()
    optimizer = trained(named(params, names[0]), backward, **options, fused=fused)
    others, other_backward = layer()
    for param, other in zip(params, others, strict=True):
        other.data.copy_(param)
    resumed = RMSprop(named(others, names[1]), **copy.deepcopy(options), fused=fused)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for _ in range(3):
        optimizer.step(backward)
        resumed.step(other_backward)
    torch.testing.assert_close(others, params, rtol=0, atol=0)
    states = [without_names(each.state_dict()) for each in (resumed, optimizer)]
    torch.testing.assert_close(*states, rtol=0, atol=0)
    assert ("param_names" in resumed.state_dict()["param_groups"][0]) == any(names)
    resumed.param_groups.extend(resumed.param_groups)
    (*_, repeated), (*_, once) = (
        without_names(each.state_dict())["param_groups"] for each in (resumed, optimizer)
    )
    assert repeated == once


def through_file(state_dict):
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@each_input
def test_older_state_dicts_load_from_files_and_step(options, fused):
    """Without the options that came later, and with a number for the step."""
    params, backward = layer()
    optimizer = trained(params, backward, **options, fused=fused)
    saved = through_file(optimizer.state_dict())
    torch.testing.assert_close(saved, optimizer.state_dict(), rtol=0, atol=0)
    for group in saved["param_groups"]:
        for option in INFO.not_og_supported_flags:
            del group[option]
    for state in saved["state"].values():
        state["step"] = state["step"].item()
    optimizer.load_state_dict(saved)
    optimizer.step(backward)
    assert {state["step"].item() for state in optimizer.state.values()} == {6}


@each_input
def test_checkpoint_of_eager_steps_goes_on_fused(options):
    params, backward = layer()
    saved = copy.deepcopy(trained(params, backward, **options, fused=False).state_dict())
    saved["param_groups"][0]["fused"] = True
    optimizer = RMSprop(params, **copy.deepcopy(options), fused=True)
    optimizer.load_state_dict(saved)
    before = copy.deepcopy(params)
    optimizer.step(backward)
    assert not any(map(torch.equal, params, before))


@each_input
def test_copy_has_every_public_attribute(options, fused):
    optimizer = trained(*layer(), **options, fused=fused)
    public, copied = (
        {name for name in vars(each) if name[0] != "_"}
        for each in (optimizer, copy.deepcopy(optimizer))
    )
    assert copied == public >= {"defaults", "param_groups", "state"}


# --- hooks ------------------------------------------------------------------------------------


def calls_of_hooks(cls, **options):
    """Return which hooks ran, in which order, and what those of loading made of the rate."""
    calls = []

    def note(name, change=lambda *_: None):
        def hook(*args, **kwargs):
            calls.append(name)
            return change(*args, **kwargs)

        return hook

    def with_rate(lr):
        def change(_, state_dict):
            state_dict = copy.deepcopy(state_dict)
            state_dict["param_groups"][0]["lr"] = lr
            return state_dict

        return change

    params, backward = layer()
    optimizer, other = cls(params, **options), torch.optim.SGD(params)
    handles = [
        register_optimizer_step_pre_hook(note("global pre")),
        register_optimizer_step_post_hook(note("global post")),
        *(each.register_step_pre_hook(note("pre")) for each in (optimizer, other)),
        *(each.register_step_post_hook(note("post")) for each in (optimizer, other)),
    ]
    try:
        for each in (optimizer, other, optimizer):
            each.step(backward)
    finally:
        for handle in handles:
            handle.remove()
    optimizer.step(backward)

    def mark(optimizer):
        optimizer.state["mark"] = 1

    optimizer.register_state_dict_pre_hook(note("saving", mark))
    optimizer.register_state_dict_post_hook(
        note("saved", lambda _, saved: calls.append(saved["state"].pop("mark")))
    )
    saved = optimizer.state_dict()
    for lr, first in ((0.2, False), (0.3, False), (0.4, True)):
        optimizer.register_load_state_dict_pre_hook(note(f"to {lr}", with_rate(lr)), prepend=first)
    optimizer.register_load_state_dict_post_hook(
        note("loaded", lambda each: calls.append(each.param_groups[0]["lr"]))
    )
    optimizer.load_state_dict(saved)
    return calls, optimizer.param_groups[0]["lr"]


def test_hooks_run_when_torchs_do(fused):
    ours, theirs = calls_of_hooks(RMSprop, fused=fused), calls_of_hooks(torch.optim.RMSprop)
    assert ours == theirs
    assert ours[1] == 0.3


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case.optimizer_error_input.desc)
def test_input_that_torch_refuses_is_refused_in_the_same_words(case, fused):
    params = case.optimizer_error_input.params
    if params is None:
        params = [Parameter(torch.ones(2))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(case.error_type, match=case.error_regex):
            RMSprop(params, **case.optimizer_error_input.kwargs, fused=fused)
