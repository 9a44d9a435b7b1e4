"""What the optimizer remembers: its precision, its checkpoints, and options that change midway."""

import copy
import io
import pickle
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Parameter

from rmsprop import RMSprop
from rmsprop import state as making
from rmsprop.kernels import rounding
from rmsprop.state import complete_state, complete_states

LOW = [torch.float16, torch.bfloat16]
DTYPES = [*LOW, torch.float32, torch.float64, torch.complex64, torch.complex128]
VARIANTS = {
    "default": {},
    "centered": {"centered": True},
    "momentum": {"momentum": 0.9},
    "centered, momentum": {"centered": True, "momentum": 0.9, "nesterov": True},
    "bias-corrected": {"bias_correction": True},
}
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
each_low = pytest.mark.parametrize("dtype", LOW, ids=str)
each_variant = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)


def gradients(n, dtype=torch.float32, shape=(3, 2), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, dtype=dtype, generator=generator) for _ in range(n)]


def take_steps(optimizer, grads):
    for grad in grads:
        for group in optimizer.param_groups:
            for param in group["params"]:
                param.grad = grad.clone()
        optimizer.step()
    return optimizer


def weight(optimizer):
    return optimizer.param_groups[0]["params"][0]


def trained(cls, dtype, *, steps=5, **options):
    param = Parameter(torch.ones(3, 2, dtype=dtype))
    return take_steps(cls([param], lr=0.1, **options), gradients(steps, dtype))


def fresh(like, **options):
    """Return an optimizer of ours without state, whose parameter is a copy of another's."""
    return RMSprop([Parameter(weight(like).detach().clone())], **options)


def through_file(state_dict):
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def contents(optimizer):
    """Return a copy of all that an optimizer holds, by its state dict's names."""
    param = weight(optimizer).detach()
    return copy.deepcopy(optimizer.state_dict() | {"param": param})


def assert_same_bits(first, second):
    torch.testing.assert_close(contents(first), contents(second), rtol=0, atol=0)


# --- low precision ----------------------------------------------------------------------------


@each_low
@each_variant
def test_state_of_low_precision_is_float32_and_holds_what_a_float32_parameter_would_make(
    dtype, options
):
    param = Parameter(torch.ones(3, 2, dtype=dtype))
    wide = Parameter(torch.ones(3, 2))
    grads = gradients(5, dtype)
    optimizer = take_steps(RMSprop([param], lr=0, **options), grads)
    expected = take_steps(RMSprop([wide], lr=0, **options), [grad.float() for grad in grads])
    for name, value in expected.state[wide].items():
        assert torch.equal(optimizer.state[param][name], value)
        assert optimizer.state[param][name].dtype == torch.float32


@each_low
def test_parameter_is_rounded_once_a_step(dtype):
    param = Parameter(torch.ones(3, 2, dtype=dtype))
    wide = Parameter(torch.ones(3, 2))
    narrow, reference = RMSprop([param], momentum=0.9), RMSprop([wide], momentum=0.9)
    for grad in gradients(20, dtype):
        take_steps(narrow, [grad])
        take_steps(reference, [grad.float()])
        assert torch.equal(param, wide.to(dtype))
        wide.data.copy_(param)


@each_low
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("eps", [1e-8, 0.0, 1e-300])
def test_zero_gradient_in_low_precision_is_a_zero_step(dtype, centered, eps):
    param = Parameter(torch.ones(4, dtype=dtype))
    optimizer = RMSprop([param], eps=eps, centered=centered, momentum=0.9)
    take_steps(optimizer, [torch.zeros(4, dtype=dtype)] * 3)
    assert torch.equal(param, torch.ones(4, dtype=dtype))


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_complex_halves_keep_their_state_in_complex64():
    param = Parameter(torch.ones(4, dtype=torch.complex32))
    optimizer = RMSprop([param])
    take_steps(optimizer, [torch.zeros(4, dtype=torch.complex32)])
    assert torch.equal(torch.view_as_real(param.detach()), torch.tensor([[1.0, 0.0]] * 4).half())
    optimizer.load_state_dict(through_file(optimizer.state_dict()))
    assert optimizer.state[param]["square_avg"].dtype == torch.complex64


def test_zero_gradient_in_float16_makes_nan_in_torch():
    param = Parameter(torch.ones(4, dtype=torch.float16))
    take_steps(torch.optim.RMSprop([param]), [torch.zeros(4, dtype=torch.float16)])
    assert param.isnan().all()


def test_average_in_bfloat16_keeps_moving_where_torchs_stops():
    reached = []
    for cls in (RMSprop, torch.optim.RMSprop):
        param = Parameter(torch.zeros(1, dtype=torch.bfloat16))
        optimizer = cls([param], lr=0, alpha=0.999)
        take_steps(optimizer, [torch.ones(1, dtype=torch.bfloat16)] * 5000)
        reached.append(optimizer.state[param]["square_avg"].item())
    assert reached[0] == pytest.approx(1 - 0.999**5000, rel=1e-4)
    assert reached[1] <= 0.5


@pytest.mark.skipif(
    not hasattr(torch.Tensor, "grad_dtype"), reason="this torch takes no gradient of another dtype"
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_gradient_of_lower_precision_than_the_parameter_counts_as_its_values(dtype):
    param, same = (Parameter(torch.ones(3, 2, dtype=dtype)) for _ in range(2))
    param.grad_dtype = None
    grads = gradients(5, torch.bfloat16)
    mixed = take_steps(RMSprop([param]), grads)
    assert_same_bits(mixed, take_steps(RMSprop([same]), [grad.to(dtype) for grad in grads]))


# --- how it begins ----------------------------------------------------------------------------


@each_dtype
@each_variant
@pytest.mark.parametrize("first", [0, 0.25])
@pytest.mark.parametrize("state_dtype", [None, torch.bfloat16])
def test_many_states_begin_as_each_would_alone(dtype, options, first, state_dtype):
    if (dtype.is_complex and state_dtype) or (first and "bias_correction" in options):
        pytest.skip("is refused")
    image = torch.ones(2, 3, 4, 5, dtype=dtype)
    layouts = [
        *(image, image.to(memory_format=torch.channels_last), image.permute(3, 1, 0, 2)),
        *(image[:, ::2], image[:0], image[0, 0, 0, 0], image[:1, :, :, :1]),
    ]
    params = [Parameter(tensor) for tensor in layouts]
    group = RMSprop(
        params, **options, initial_accumulator_value=first, state_dtype=state_dtype
    ).param_groups[0]
    together, alone = [{} for _ in params], [{} for _ in params]
    complete_states(together, params, group)
    for state, param in zip(alone, params, strict=True):
        complete_state(state, param, group)
    for ours, theirs in zip(together, alone, strict=True):
        assert [*ours] == [*theirs]
        for name in theirs:
            torch.testing.assert_close(ours[name], theirs[name], rtol=0, atol=0)
            assert ours[name].stride() == theirs[name].stride()
            assert ours[name].untyped_storage().nbytes() == theirs[name].untyped_storage().nbytes()


@pytest.mark.parametrize("fused", [None, False, True])
@pytest.mark.parametrize("shape", [(1,), (1, 1), ()])
def test_a_first_average_may_be_a_tensor_of_one_element(fused, shape):
    first = torch.full(shape, 0.25)
    number, tensor = (
        trained(RMSprop, torch.float32, initial_accumulator_value=value, fused=fused)
        for value in (0.25, first)
    )
    assert torch.equal(weight(number), weight(tensor))


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(
    ("function", "state_dtype"),
    [("_begin", None), ("_begin", torch.bfloat16), ("_narrow", torch.bfloat16)],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_state_whose_making_was_interrupted_is_made_by_the_next_step(
    fused, state_dtype, function, when, monkeypatch
):
    options = {"momentum": 0.9, "initial_accumulator_value": 0.25}
    options |= {"fused": fused, "state_dtype": state_dtype}
    whole = getattr(making, function)

    def interrupted(*arguments):
        if when == "after":
            whole(*arguments)
        raise KeyboardInterrupt

    (grad,) = gradients(1)
    param = Parameter(torch.ones(3, 2))
    optimizer = RMSprop([param], lr=0.1, **options)
    param.grad = grad.clone()
    with monkeypatch.context() as context:
        context.setattr(making, function, interrupted)
        with pytest.raises(KeyboardInterrupt):
            optimizer.step()
    take_steps(optimizer, [grad])
    undisturbed = trained(RMSprop, torch.float32, steps=0, **options)
    take_steps(undisturbed, [grad])
    for name, value in undisturbed.state[weight(undisturbed)].items():
        assert torch.equal(optimizer.state[param][name], value), name


def test_rounding_that_was_interrupted_is_done_by_the_next_step(monkeypatch):
    options = {"state_dtype": torch.bfloat16, "fused": True, "initial_accumulator_value": 0.3}
    (grad,) = gradients(1)
    param = Parameter(torch.ones(3, 2))
    optimizer = RMSprop([param], lr=0.1, **options)
    param.grad = grad.clone()
    with monkeypatch.context() as context:
        context.setattr(rounding, "round_stochastically", raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            optimizer.step()
    take_steps(optimizer, [grad])
    undisturbed = trained(RMSprop, torch.float32, steps=0, **options)
    assert torch.equal(param, weight(take_steps(undisturbed, [grad])))


def raise_interrupt(*_):
    raise KeyboardInterrupt


def test_a_wrapped_tensor_begins_as_torch_makes_it():
    param = torch._to_functional_tensor(torch.ones(20_000))
    param.grad = torch._to_functional_tensor(torch.ones(20_000))
    param.requires_grad_()
    RMSprop([param]).step()
    now = torch._from_functional_tensor(param.detach())
    torch.testing.assert_close(now, torch.full((20_000,), 0.9))


@pytest.mark.parametrize("fused", [None, False])
def test_a_step_count_is_no_matter_of_the_default_device(fused):
    optimizer = trained(RMSprop, torch.float32, fused=fused)
    optimizer.state[weight(optimizer)]["step"] = 5
    with torch.device("meta"):
        optimizer.step()
    assert optimizer.state[weight(optimizer)]["step"].item() == 6


@pytest.mark.skipif(sys.platform != "linux", reason="depends on who gives out memory")
@pytest.mark.parametrize("state_dtype", [None, torch.bfloat16])
def test_objects_of_buffers_lie_side_by_side(state_dtype):
    """Where elements of small tensors lie between them, a step takes up to a quarter longer."""
    program = f"""
import torch
from rmsprop import RMSprop
params = [torch.nn.Parameter(torch.zeros(1000)) for _ in range(1000)]
for param in params:
    param.grad = torch.ones(1000)
optimizer = RMSprop(params, momentum=0.9, centered=True, state_dtype={state_dtype}, fused=True)
optimizer.step()
for name in "grad_avg", "grad_var", "momentum_buffer":
    print(len({{optimizer.state[param][name]._cdata // 4096 for param in params}}))
"""
    # In a process of its own, whose memory is in few pieces: gaps in it are filled first.
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    pages = [*map(int, done.stdout.split())]
    assert len(pages) == 3, done.stderr
    assert max(pages) < 400  # of 4 kB; a thousand where elements lie between


# --- checkpoints ------------------------------------------------------------------------------


@each_dtype
@each_variant
def test_checkpoint_restores_every_bit_and_continues_like_the_original(dtype, options):
    original = trained(RMSprop, dtype, **options)
    restored = fresh(original)
    restored.load_state_dict(through_file(original.state_dict()))
    deep, pickled = copy.deepcopy(original), pickle.loads(pickle.dumps(original))
    for optimizer in (restored, deep, pickled):
        assert_same_bits(optimizer, original)
    more = gradients(5, dtype, seed=1)
    take_steps(original, more)
    for optimizer in (restored, deep, pickled):
        assert_same_bits(take_steps(optimizer, more), original)


@each_low
@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("centered", [False, True])
def test_checkpoint_of_torch_in_low_precision_loads_its_values_and_continues(
    dtype, centered, momentum
):
    theirs = trained(torch.optim.RMSprop, dtype, centered=centered, momentum=momentum)
    ours = fresh(theirs)
    ours.load_state_dict(through_file(theirs.state_dict()))
    state, expected = ours.state[weight(ours)], dict(theirs.state[weight(theirs)])
    square = expected.pop("square_avg").float()
    mean = expected["grad_avg"].float() if centered else torch.zeros(3, 2)
    variance = state["grad_var" if centered else "square_avg"]
    # Not exactly where v - m^2 subtracts: by float32's rounding of m^2, here below 1.
    torch.testing.assert_close(variance, (square - mean**2).clamp(min=0), rtol=0, atol=1e-7)
    for name, value in expected.items():
        assert torch.equal(state[name], value.float())
    before = weight(ours).detach().clone()
    take_steps(ours, gradients(1, dtype, seed=1))
    assert weight(ours).isfinite().all()
    assert not torch.equal(weight(ours), before)


@each_dtype
@each_variant
def test_loading_aliases_nothing(dtype, options):
    original = trained(RMSprop, dtype, **options)
    checkpoint = original.state_dict()
    other = fresh(original)
    other.load_state_dict(checkpoint)
    before = copy.deepcopy(checkpoint)
    take_steps(other, gradients(3, dtype, seed=1))
    torch.testing.assert_close(checkpoint, before, rtol=0, atol=0)
    torch.testing.assert_close(original.state_dict(), before, rtol=0, atol=0)
    after = copy.deepcopy(other.state_dict())
    take_steps(original, gradients(3, dtype, seed=2))
    torch.testing.assert_close(other.state_dict(), after, rtol=0, atol=0)


def test_loading_leaves_a_checkpoint_of_torch_as_it_was():
    checkpoint = trained(torch.optim.RMSprop, torch.float32, centered=True).state_dict()
    before = copy.deepcopy(checkpoint)
    ours = RMSprop([Parameter(torch.ones(3, 2))])
    ours.load_state_dict(checkpoint)
    take_steps(ours, gradients(3))
    torch.testing.assert_close(checkpoint, before, rtol=0, atol=0)


def test_checkpoint_from_before_the_first_step_loads():
    source = RMSprop([Parameter(torch.ones(3, 2))], momentum=0.5)
    ours = trained(RMSprop, torch.float32)
    ours.load_state_dict(source.state_dict())
    assert not ours.state
    assert ours.param_groups[0]["momentum"] == 0.5


def test_checkpoint_of_an_old_torch_with_a_number_for_the_step_loads():
    theirs = trained(torch.optim.RMSprop, torch.float32)
    checkpoint = copy.deepcopy(theirs.state_dict())
    checkpoint["state"][0]["step"] = 5
    for option in ("foreach", "maximize", "differentiable", "capturable"):
        del checkpoint["param_groups"][0][option]
    ours = fresh(theirs)
    ours.load_state_dict(checkpoint)
    assert torch.equal(ours.state[weight(ours)]["step"], torch.tensor(5.0))
    more = gradients(3, seed=1)
    torch.testing.assert_close(
        weight(take_steps(ours, more)), weight(take_steps(theirs, more)), rtol=1e-6, atol=1e-6
    )


def test_checkpoint_of_the_first_torch_that_had_it_loads():
    """From before there was momentum, centering, or foreach."""
    theirs = trained(torch.optim.RMSprop, torch.float32)
    checkpoint = copy.deepcopy(theirs.state_dict())
    checkpoint["state"][0]["step"] = 5
    (group,) = checkpoint["param_groups"]
    checkpoint["param_groups"] = [
        {name: group[name] for name in ("params", "lr", "alpha", "eps", "weight_decay")}
    ]
    ours = fresh(theirs)
    ours.load_state_dict(checkpoint)
    more = gradients(3, seed=1)
    torch.testing.assert_close(
        weight(take_steps(ours, more)), weight(take_steps(theirs, more)), rtol=1e-6, atol=1e-6
    )


REFUSED = {
    "Adam": lambda p: torch.optim.Adam(p),
    "AdamW": lambda p: torch.optim.AdamW(p),
    "SGD": lambda p: torch.optim.SGD(p, momentum=0.9),
    "Adagrad": lambda p: torch.optim.Adagrad(p),
    "ASGD, which has an alpha too": lambda p: torch.optim.ASGD(p),
    "other shapes": lambda p: torch.optim.RMSprop([Parameter(torch.ones(2)) for _ in p]),
    "shapes that broadcast": lambda p: RMSprop([Parameter(torch.ones(3, 1)) for _ in p]),
    "more groups": lambda p: RMSprop([{"params": [q]} for q in p]),
    "larger groups": lambda p: RMSprop([*p, Parameter(torch.ones(3, 2))]),
    "smaller groups": lambda p: RMSprop(p[:1]),
}


def with_state(change):
    """Return a checkpoint of RMSprop whose first state has been changed."""

    def checkpoint(params):
        optimizer = RMSprop(params)
        take_steps(optimizer, gradients(1))
        change(optimizer.state[params[0]])
        return optimizer

    return checkpoint


REFUSED["state of another optimizer"] = with_state(lambda s: s.update(exp_avg=s.pop("square_avg")))
REFUSED["count of two numbers"] = with_state(lambda s: s.update(step=torch.ones(2)))
REFUSED["state without a step"] = with_state(lambda s: s.pop("step"))


@pytest.mark.parametrize("build", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("steps", [0, 3])
def test_checkpoint_that_does_not_fit_is_refused_in_one_sentence_and_changes_nothing(build, steps):
    params = [Parameter(torch.ones(3, 2)) for _ in range(2)]
    ours = take_steps(RMSprop(params, lr=0.5, momentum=0.9, centered=True), gradients(steps))
    theirs = build([Parameter(torch.ones(3, 2)) for _ in range(2)])
    for param in (p for group in theirs.param_groups for p in group["params"]):
        param.grad = torch.ones_like(param)
    if not theirs.state:
        theirs.step()
    before = contents(ours)
    with pytest.raises(ValueError, match=r"^[^\n.]*$"):
        ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(contents(ours), before, rtol=0, atol=0)
    assert ours._optimizer_load_state_dict_pre_hooks == {}
    assert ours._optimizer_load_state_dict_post_hooks == {}
    take_steps(ours, gradients(2))


def test_state_of_no_parameter_is_carried_along_as_torch_does():
    theirs = trained(torch.optim.RMSprop, torch.float32)
    checkpoint = theirs.state_dict()
    checkpoint["state"]["note"] = "kept"
    ours = fresh(theirs)
    ours.load_state_dict(checkpoint)
    assert ours.state["note"] == "kept"


@each_low
def test_load_hooks_run_around_the_whole_of_loading(dtype):
    """A pre-hook may return another checkpoint, and a post-hook sees float32 state."""
    source = trained(RMSprop, dtype, momentum=0.9)
    # Half of an ulp of float16's 1: what a cast to low precision would lose.
    value = torch.full((3, 2), 1 + 2**-11)
    ours = fresh(source)
    seen = []

    def pre_hook(optimizer, state_dict):
        assert optimizer is ours
        state_dict = copy.deepcopy(state_dict)
        state_dict["state"] = {7: state_dict["state"][0] | {"square_avg": value}}
        state_dict["param_groups"][0]["params"] = [7]
        return state_dict

    ours.register_load_state_dict_pre_hook(pre_hook)
    ours.register_load_state_dict_post_hook(lambda o: seen.append(dict(o.state[weight(o)])))
    for _ in range(2):
        ours.load_state_dict(source.state_dict())
    assert len(seen) == 2
    for state in seen:
        assert torch.equal(state["square_avg"], value)
    assert len(ours._optimizer_load_state_dict_pre_hooks) == 1
    assert len(ours._optimizer_load_state_dict_post_hooks) == 1


def test_state_dict_hooks_run():
    optimizer = trained(RMSprop, torch.float32)
    calls = []
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("pre"))
    optimizer.register_state_dict_post_hook(lambda o, d: calls.append("post"))
    optimizer.state_dict()
    assert calls == ["pre", "post"]


# --- options that change midway ---------------------------------------------------------------


@each_dtype
def test_momentum_turned_on_later_starts_from_an_empty_buffer(dtype):
    late = trained(RMSprop, dtype)
    early = trained(RMSprop, dtype, momentum=0.5)
    early.state[weight(early)]["momentum_buffer"].zero_()
    weight(early).data.copy_(weight(late))
    late.param_groups[0]["momentum"] = 0.5
    more = gradients(5, dtype, seed=1)
    assert_same_bits(take_steps(late, more), take_steps(early, more))


def test_momentum_turned_off_and_on_again_is_torchs():
    ours, theirs = (
        trained(cls, torch.float64, momentum=0.9) for cls in (RMSprop, torch.optim.RMSprop)
    )
    for momentum in (0, 0.5):
        for optimizer in (ours, theirs):
            optimizer.param_groups[0]["momentum"] = momentum
            take_steps(optimizer, gradients(3, torch.float64, seed=1))
        torch.testing.assert_close(weight(ours), weight(theirs), rtol=1e-13, atol=1e-13)


def square_average(state, centered):
    """Return v, from whatever the state holds."""
    if not centered:
        return state["square_avg"]
    mean = state["grad_avg"]
    square = torch.complex(mean.real.square(), mean.imag.square()) if mean.is_complex() else mean**2
    return state["grad_var"] + square


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@given(switches=st.lists(st.booleans(), min_size=1, max_size=8))
def test_centering_may_change_at_every_step_and_the_mean_square_goes_on(dtype, switches):
    steady, switched = (RMSprop([Parameter(torch.ones(3, 2, dtype=dtype))]) for _ in range(2))
    for centered, grad in zip(switches, gradients(8, dtype), strict=False):
        switched.param_groups[0]["centered"] = centered
        take_steps(switched, [grad])
        take_steps(steady, [grad])
        state = switched.state[weight(switched)]
        names = {"step", *(("grad_avg", "grad_var") if centered else ("square_avg",))}
        assert state.keys() == names
        torch.testing.assert_close(
            square_average(state, centered),
            square_average(steady.state[weight(steady)], False),
            rtol=1e-13,
            atol=1e-13,
        )


@each_low
def test_centering_turned_on_and_off_in_low_precision_keeps_float32(dtype):
    optimizer = trained(RMSprop, dtype)
    for centered in (True, False, True):
        optimizer.param_groups[0]["centered"] = centered
        take_steps(optimizer, gradients(2, dtype, seed=1))
        state = optimizer.state[weight(optimizer)]
        assert {value.dtype for value in state.values()} == {torch.float32}
    assert weight(optimizer).isfinite().all()


def test_checkpoint_is_converted_to_its_own_options_and_later_to_others():
    theirs = trained(torch.optim.RMSprop, torch.float64, centered=True)
    ours = fresh(theirs)
    ours.load_state_dict(theirs.state_dict())
    ours.param_groups[0]["centered"] = False
    grad = gradients(1, torch.float64, seed=1)
    expected = 0.99 * theirs.state[weight(theirs)]["square_avg"] + 0.01 * grad[0] ** 2
    take_steps(ours, grad)
    torch.testing.assert_close(
        ours.state[weight(ours)]["square_avg"], expected, rtol=1e-13, atol=1e-13
    )


# --- centering --------------------------------------------------------------------------------


def variance_and_reference(dtype, mean, noise, steps=2000, alpha=0.99, n=2000):
    """Our float32 variance, and by v - m^2 in float64, of the same rounded gradients."""
    generator = torch.Generator().manual_seed(0)
    param = Parameter(torch.zeros(n, dtype=dtype))
    optimizer = RMSprop([param], alpha=alpha, centered=True)
    m, v = torch.zeros(2, n, dtype=torch.float64)
    for _ in range(steps):
        grad = (mean + noise * torch.randn(n, generator=generator)).to(dtype)
        take_steps(optimizer, [grad])
        m.lerp_(grad.double(), 1 - alpha)
        v.lerp_(grad.double() ** 2, 1 - alpha)
    assert param.isfinite().all()
    return optimizer.state[param]["grad_var"].double(), v - m**2


@pytest.mark.parametrize(
    ("dtype", "mean", "noise", "tolerance"),
    [
        (torch.float32, 1, 1e-2, 5e-5),
        (torch.float32, 1, 1e-3, 5e-4),
        (torch.float32, 1, 1e-4, 5e-3),
        (torch.float32, 10, 1e-3, 5e-3),
        (torch.bfloat16, 1, 0.1, 1e-5),
        (torch.float16, 1, 0.1, 1e-5),
    ],
    ids=str,
)
def test_centered_variance_is_that_of_float64_in_every_coordinate(dtype, mean, noise, tolerance):
    ours, reference = variance_and_reference(dtype, mean, noise)
    error = (ours / reference - 1).abs()
    assert error.max() < tolerance


# --- state that was there before the first step -----------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("fused", [False, True])
def test_state_that_processes_share_stays_where_it_is(fused, centered, shape):
    """As in A3C: put in place under torch's names, shared, and then stepped by every process."""
    param = Parameter(torch.ones(3, 2))
    optimizer = RMSprop([param], centered=centered, momentum=0.9, fused=fused)
    names = ["square_avg", "momentum_buffer", *(["grad_avg"] if centered else [])]
    shared = {name: torch.zeros(3, 2).share_memory_() for name in names}
    shared["step"] = torch.zeros(shape).share_memory_()
    optimizer.state[param].update(shared)
    take_steps(optimizer, gradients(3))
    addresses = {name: value.data_ptr() for name, value in shared.items()}
    if centered:
        addresses["grad_var"] = addresses.pop("square_avg")
    state = optimizer.state[param]
    assert {name: value.data_ptr() for name, value in state.items()} == addresses
    assert all(value.is_shared() for value in state.values())
    expected = take_steps(
        RMSprop([Parameter(torch.ones(3, 2))], centered=centered, momentum=0.9, fused=False),
        gradients(3),
    )
    torch.testing.assert_close(param, weight(expected))


def test_a_differentiable_step_from_torchs_state_has_the_gradient_of_the_equations():
    theirs = trained(torch.optim.RMSprop, torch.float64, centered=True)
    state = theirs.state[weight(theirs)]

    def stepped(param, grad, square_avg, grad_avg):
        moved = param.detach().clone()
        optimizer = RMSprop([moved], lr=0.1, centered=True, differentiable=True)
        moved.grad = grad
        averages = {"square_avg": square_avg.clone(), "grad_avg": grad_avg.clone()}
        optimizer.state[moved] = averages | {"step": state["step"].clone()}
        optimizer.step()
        return moved

    (grad,) = gradients(1, torch.float64, seed=3)
    inputs = (grad, state["square_avg"] + 1, state["grad_avg"])
    inputs = [value.clone().requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(lambda *rest: stepped(weight(theirs), *rest), inputs)
