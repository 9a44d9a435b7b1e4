"""The optimizer against torch's, against the equations, and where it must do better than torch."""

import copy
import inspect
import io
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Parameter
from torch.optim import lr_scheduler

from rmsprop import RMSprop, equations
from rmsprop.kernels.eager import LOW_PRECISION
from rmsprop.options import OFF

# Of a parameter or state of size 1, after at most 30 steps of at most a tenth.
TOLERANCE = {
    torch.bfloat16: 2**-6,
    torch.float32: 1e-6,
    torch.complex64: 1e-6,
    torch.float64: 1e-14,
    torch.complex128: 1e-14,
}
# Torch subtracts m^2 from v, which amplifies its rounding.
CENTERED_TOLERANCE = {dtype: 100 * tolerance for dtype, tolerance in TOLERANCE.items()}


SWITCHES = ("eps_in_sqrt", "lr_in_momentum", "decoupled_weight_decay", "bias_correction")


def random_tensors(*shapes, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, dtype=dtype, generator=generator) for shape in shapes]


def random_steps(params, n, seed=1):
    """Gradients for n steps."""
    generator = torch.Generator().manual_seed(seed)
    return [
        [torch.randn(p.shape, dtype=p.dtype, generator=generator) for p in params] for _ in range(n)
    ]


def take_steps(optimizer, steps):
    params = [param for group in optimizer.param_groups for param in group["params"]]
    for grads in steps:
        for param, grad in zip(params, grads, strict=True):
            param.grad = grad
        optimizer.step()
    return optimizer


def run(cls, params, steps, **options):
    """Let an optimizer make these steps with copies of these parameters."""
    params = [Parameter(p.clone()) for p in params]
    return take_steps(cls(params, **options), steps)


def assert_close(ours, theirs, tolerance):
    assert ours.dtype == theirs.dtype
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


def assert_equivalent(ours, theirs, tolerance=None):
    """Compare options, parameters and state of an optimizer of ours with one of torch's."""
    for our_group, their_group in zip(ours.param_groups, theirs.param_groups, strict=True):
        assert {k: our_group[k] for k in their_group.keys() - {"params"}} == {
            k: their_group[k] for k in their_group.keys() - {"params"}
        }
        centered = our_group["centered"]
        for our_param, their_param in zip(our_group["params"], their_group["params"], strict=True):
            limits = CENTERED_TOLERANCE if centered else TOLERANCE
            limit = limits[our_param.dtype] if tolerance is None else tolerance
            assert_close(our_param.detach(), their_param.detach(), limit)
            our_state, their_state = dict(ours.state[our_param]), dict(theirs.state[their_param])
            if centered and their_state:
                square, mean = their_state.pop("square_avg"), their_state["grad_avg"]
                their_state["grad_var"] = square - parts(torch.square, mean)
            assert our_state.keys() == their_state.keys()
            for name, value in our_state.items():
                if our_param.dtype in LOW_PRECISION and name != "step":
                    assert value.dtype == torch.float32
                    value = value.to(our_param.dtype)
                # A momentum buffer is as large as the sum of ten steps over lr.
                assert_close(value, their_state[name], limit * (10 if "momentum" in name else 1))


def parts(function, tensor):
    """Apply a function to the real and the imaginary part alike."""
    if not tensor.is_complex():
        return function(tensor)
    return torch.view_as_complex(function(torch.view_as_real(tensor)))


# --- what is torch's --------------------------------------------------------------------------


def test_signature_and_defaults_are_those_of_torch():
    ours, theirs = (
        [(p.name, p.default, p.kind) for p in inspect.signature(cls).parameters.values()]
        for cls in (RMSprop, torch.optim.RMSprop)
    )
    assert ours[: len(theirs)] == theirs
    assert [(name, default) for name, default, _ in ours[len(theirs) :]] == list(OFF.items())
    assert {kind for *_, kind in ours[len(theirs) :]} == {inspect.Parameter.KEYWORD_ONLY}


def test_optimizer_is_an_instance_of_torchs_with_its_options():
    ours, theirs = (cls([Parameter(torch.ones(1))]) for cls in (RMSprop, torch.optim.RMSprop))
    assert isinstance(ours, torch.optim.RMSprop)
    assert ours.defaults == theirs.defaults | OFF


options = st.fixed_dictionaries(  # torch's
    {
        "lr": st.floats(0, 0.1),
        "alpha": st.floats(0.5, 0.99),
        "eps": st.floats(1e-8, 1),
        "weight_decay": st.sampled_from([0, 0.0, 0.01, 1]),
        "momentum": st.sampled_from([0, 0.0, 0.5, 0.95]),
        "centered": st.booleans(),
        "maximize": st.booleans(),
        "foreach": st.sampled_from([None, True, False]),
    }
)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(options=options)
def test_optimizer_equals_torch_with_any_options_in_any_dtype(dtype, options):
    params = random_tensors((3,), (2, 2), dtype=dtype)
    steps = random_steps(params, 4 if dtype == torch.bfloat16 else 20)
    # In bfloat16 torch's v - m^2 has no digits to compare with.
    options["centered"] &= dtype != torch.bfloat16
    ours, theirs = (run(cls, params, steps, **options) for cls in (RMSprop, torch.optim.RMSprop))
    assert_equivalent(ours, theirs)


@st.composite
def all_options(draw):
    """Options of ours that do not exclude each other."""
    chosen = draw(options) | draw(st.fixed_dictionaries(dict.fromkeys(SWITCHES, st.booleans())))
    if not chosen["bias_correction"]:
        chosen["initial_accumulator_value"] = draw(st.sampled_from([0, 0.5, 1.0]))
    chosen["nesterov"] = chosen["momentum"] > 0 and draw(st.booleans())
    return chosen


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@given(options=all_options(), scale=st.floats(1e-3, 1e3))
def test_optimizer_equals_the_equations_with_any_options(dtype, limit, options, scale):
    (param,) = random_tensors((5,), dtype=dtype)
    steps = [[scale * grad] for (grad,) in random_steps([param], 20)]
    optimizer = run(RMSprop, [param], steps, **options)
    weight = optimizer.param_groups[0]["params"][0]
    del options["foreach"]
    start = options.pop("initial_accumulator_value", 0)
    expected, state = param.numpy(), equations.State.start((5,), start)
    for (grad,) in steps:
        expected, state = equations.step(expected, grad.numpy(), state, **options)
    assert_near(weight.detach(), expected, limit, 1)
    for name, value in optimizer.state[weight].items():
        if name != "step":
            assert_near(value, getattr(state, name), limit, 1 + scale**2)


def assert_near(ours, expected, limit, size):
    """Compare with a float64 array, to a share of its value and of the size that data have."""
    assert np.allclose(ours.double().numpy(), expected, rtol=limit, atol=limit * size)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [0, 0.9])
def test_foreach_does_not_change_a_bit(centered, momentum):
    params = random_tensors((3,), (2, 2), dtype=torch.float32)
    steps = random_steps(params, 5)
    runs = [
        run(RMSprop, params, steps, foreach=foreach, centered=centered, momentum=momentum)
        for foreach in (None, True, False)
    ]
    for other in runs[1:]:
        for a, b in zip(
            runs[0].param_groups[0]["params"], other.param_groups[0]["params"], strict=True
        ):
            assert torch.equal(a, b)


def test_param_groups_keep_their_own_options():
    params = random_tensors((3,), (4,), (2,))
    groups = [
        {"centered": True, "momentum": 0.9},
        {"lr": 0.1, "alpha": 0.5, "eps": 1e-3, "weight_decay": 0.1},
        {"maximize": True, "lr": torch.tensor(0.02)},
    ]
    ours, theirs = (
        take_steps(
            cls(
                [
                    {"params": [Parameter(p.clone())]} | g
                    for p, g in zip(params, groups, strict=True)
                ]
            ),
            random_steps(params, 10),
        )
        for cls in (RMSprop, torch.optim.RMSprop)
    )
    assert_equivalent(ours, theirs)


def test_param_group_can_be_added_between_steps():
    first, second = random_tensors((3,), (4,))
    optimizers = []
    for cls in (RMSprop, torch.optim.RMSprop):
        optimizer = run(cls, [first], random_steps([first], 3))
        optimizer.add_param_group({"params": [Parameter(second.clone())], "momentum": 0.5})
        optimizers.append(take_steps(optimizer, random_steps([first, second], 3, seed=2)))
    assert_equivalent(*optimizers)


def test_named_parameters_keep_their_names():
    optimizer = RMSprop(torch.nn.Linear(2, 1).named_parameters())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]


@pytest.mark.parametrize(
    "lr", [torch.tensor(0.05), torch.tensor([0.05]), torch.tensor([[0.05]])], ids=str
)
@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_learning_rate_can_be_a_tensor_of_one_element(lr, momentum, shape):
    params = random_tensors(shape, dtype=torch.float32)
    steps = random_steps(params, 10)
    ours = run(RMSprop, params, steps, lr=lr, momentum=momentum)
    theirs = run(RMSprop, params, steps, lr=lr.item(), momentum=momentum)
    (our_param,), (their_param,) = (o.param_groups[0]["params"] for o in (ours, theirs))
    assert our_param.shape == shape
    torch.testing.assert_close(our_param, their_param, rtol=1e-6, atol=1e-6)


def test_parameter_in_low_precision_feels_a_learning_rate_tensor_like_the_number():
    params = random_tensors((1000,), dtype=torch.bfloat16)
    steps = random_steps(params, 1)
    number, tensor = (
        run(RMSprop, params, steps, lr=lr).param_groups[0]["params"][0].detach()
        for lr in (0.001, torch.tensor(0.001))
    )
    torch.testing.assert_close(tensor, number, rtol=2**-7, atol=2**-7)


SCHEDULERS = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, step_size=3, gamma=0.5),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9),
    "OneCycleLR, which cycles the momentum": lambda o: lr_scheduler.OneCycleLR(
        o, max_lr=0.1, total_steps=20
    ),
}


@pytest.mark.parametrize("lr", [0.05, torch.tensor(0.05)], ids=["number", "tensor"])
@pytest.mark.parametrize("scheduler", SCHEDULERS.values(), ids=SCHEDULERS)
def test_scheduler_sets_the_learning_rate_as_for_torch(scheduler, lr):
    (param,) = random_tensors((4,))
    optimizers = []
    for cls in (RMSprop, torch.optim.RMSprop):
        optimizer = cls([Parameter(param.clone())], lr=copy.deepcopy(lr), momentum=0.9)
        schedule = scheduler(optimizer)
        for step in random_steps([param], 10):
            take_steps(optimizer, [step])
            schedule.step()
        optimizers.append(optimizer)
    # A tensor lr is float32 and passes through its own products.
    assert_equivalent(*optimizers, tolerance=1e-12)


def test_closure_is_called_with_gradients_enabled_and_its_loss_returned():
    weight = Parameter(torch.ones(2))
    optimizer = RMSprop([weight])

    def closure():
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 2
    assert (weight < 1).all()
    assert optimizer.step() is None


def test_parameter_without_gradient_is_left_alone():
    moved, frozen = (Parameter(torch.ones(2)) for _ in range(2))
    optimizer = RMSprop([moved, frozen], weight_decay=0.1, momentum=0.9)
    moved.grad = torch.ones(2)
    optimizer.step()
    assert frozen not in optimizer.state
    assert torch.equal(frozen, torch.ones(2))
    assert not torch.equal(moved, torch.ones(2))


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,)])
def test_scalars_and_empty_tensors_step_like_torchs(shape, centered):
    params = random_tensors(shape)
    steps = random_steps(params, 5)
    ours, theirs = (
        run(cls, params, steps, momentum=0.9, centered=centered)
        for cls in (RMSprop, torch.optim.RMSprop)
    )
    assert_equivalent(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
def test_transposed_parameters_and_expanded_gradients_step_like_torchs(dtype):
    (base,) = random_tensors((4, 3), dtype=dtype)
    steps = [[grad[:, :1].expand(3, 4)] for (grad,) in random_steps([base.t()], 5)]
    optimizers = []
    for cls in (RMSprop, torch.optim.RMSprop):
        param = Parameter(base.clone().t())
        assert not param.is_contiguous()
        optimizers.append(take_steps(cls([param], momentum=0.9, centered=True), steps))
    assert_equivalent(*optimizers)
    state = optimizers[0].state[param := optimizers[0].param_groups[0]["params"][0]]
    assert state["grad_var"].stride() == param.stride()


def test_gradient_is_never_changed():
    (param,) = random_tensors((3,))
    ((grad,),) = steps = random_steps([param], 1)
    before = grad.clone()
    run(RMSprop, [param], steps, maximize=True, weight_decay=0.1, centered=True, momentum=0.9)
    assert torch.equal(grad, before)


def test_sparse_gradient_raises_the_error_of_torch():
    errors = []
    for cls in (RMSprop, torch.optim.RMSprop):
        weight = Parameter(torch.ones(3))
        weight.grad = torch.sparse_coo_tensor([[0]], [1.0], (3,), check_invariants=True)
        with pytest.raises(RuntimeError) as caught:
            cls([weight]).step()
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


# --- differentiable ---------------------------------------------------------------------------


def unrolled(cls, start, lr, **options):
    """Where three steps on a quartic lead."""
    weight = start.clone()
    optimizer = cls([weight], lr=lr, alpha=0.9, eps=1e-3, differentiable=True, **options)
    for _ in range(3):
        # The step changes the weight in place, so what autograd keeps must be a copy.
        weight.grad = 4 * weight.clone() ** 3 + 1
        optimizer.step()
    return weight


VARIANTS = [
    {},
    {"centered": True},
    {"momentum": 0.9},
    {"momentum": 0.9, "weight_decay": 0.1, "maximize": True},
    {"weight_decay": 0.1, "maximize": True, "momentum": 0.9, "centered": True},
]


# Through torch's centered steps autograd refuses to go: torch changes in place what it needs.
@pytest.mark.parametrize("options", [v for v in VARIANTS if "centered" not in v], ids=str)
def test_gradient_flows_through_the_steps_as_through_torchs(options):
    start = torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64)
    (ours,), (theirs,) = (
        torch.autograd.grad(unrolled(cls, leaf, 0.1, **options).sum(), leaf)
        for cls in (RMSprop, torch.optim.RMSprop)
        for leaf in [start.clone().requires_grad_()]
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_gradient_through_the_steps_equals_finite_differences_in_start_and_learning_rate(options):
    start = torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64, requires_grad=True)
    lr = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda start, lr: unrolled(RMSprop, start, lr, **options), (start, lr)
    )


# --- checkpoints ------------------------------------------------------------------------------


def through_file(state_dict):
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("centered", [False, True])
def test_checkpoint_of_torch_loads_and_continues_as_torch_does(centered, momentum, dtype):
    params = random_tensors((3,), (2, 2), dtype=dtype)
    theirs = run(
        torch.optim.RMSprop, params, random_steps(params, 10),
        lr=0.05, alpha=0.9, centered=centered, momentum=momentum,
    )  # fmt: skip
    ours = RMSprop([Parameter(p.detach().clone()) for p in theirs.param_groups[0]["params"]])
    ours.load_state_dict(through_file(theirs.state_dict()))
    assert_equivalent(ours, theirs)
    more = random_steps(params, 10, seed=2)
    assert_equivalent(take_steps(ours, more), take_steps(theirs, more))


def test_checkpoint_of_torch_whose_variance_was_rounded_below_zero_loads_as_zero():
    weight = Parameter(torch.ones(3))
    optimizer = torch.optim.RMSprop([weight], centered=True)
    take_steps(optimizer, [[torch.ones(3)]])
    checkpoint = optimizer.state_dict()
    checkpoint["state"][0]["grad_avg"] = torch.tensor([1.0, 0.5, 0.0])
    checkpoint["state"][0]["square_avg"] = torch.tensor([0.9, 0.25, 0.5])
    ours = RMSprop([weight])
    ours.load_state_dict(checkpoint)
    assert ours.state[weight]["grad_var"].tolist() == [0, 0, 0.5]
    assert checkpoint["state"][0].keys() == {"step", "grad_avg", "square_avg"}
    take_steps(ours, [[torch.ones(3)]])
    assert torch.isfinite(weight).all()


@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("centered", [False, True])
def test_own_checkpoint_continues_to_the_last_bit(centered, momentum):
    params = random_tensors((3,), dtype=torch.float32)
    original = run(
        RMSprop, params, random_steps(params, 5), lr=0.1, centered=centered, momentum=momentum
    )
    restored = RMSprop([Parameter(p.detach().clone()) for p in original.param_groups[0]["params"]])
    restored.load_state_dict(through_file(original.state_dict()))
    clone = pickle.loads(pickle.dumps(original))
    for optimizer in (original, restored, clone):
        take_steps(optimizer, random_steps(params, 5, seed=2))
    for other in (restored, clone):
        assert_equivalent_bits(original, other)


def assert_equivalent_bits(a, b):
    first, second = (o.param_groups[0]["params"][0] for o in (a, b))
    assert torch.equal(first, second)
    assert a.state[first].keys() == b.state[second].keys()
    assert all(torch.equal(a.state[first][k], b.state[second][k]) for k in a.state[first])


# --- better than torch ------------------------------------------------------------------------


def test_centering_stays_finite_in_float32_where_torch_makes_nan():
    generator = torch.Generator().manual_seed(0)
    weights = [Parameter(torch.zeros(10_000)) for _ in range(2)]
    ours = RMSprop(weights[:1], lr=0.01, alpha=0.99, centered=True)
    theirs = torch.optim.RMSprop(weights[1:], lr=0.01, alpha=0.99, centered=True)
    for _ in range(2000):
        grad = 1 + 1e-4 * torch.randn(10_000, generator=generator)
        weights[0].grad = weights[1].grad = grad
        ours.step()
        theirs.step()
    assert torch.isfinite(weights[0]).all()
    assert torch.isnan(weights[1]).any()


@given(
    level=st.floats(-1e3, 1e3),
    spread=st.sampled_from([0.0, 1e-7, 1e-4, 1.0]),
    alpha=st.floats(0, 0.999),
)
def test_centered_variance_is_never_negative_in_float32(level, spread, alpha):
    (noise,) = random_tensors((30, 20), dtype=torch.float32)
    weight = Parameter(torch.zeros(20))
    optimizer = RMSprop([weight], alpha=alpha, centered=True)
    for row in noise:
        take_steps(optimizer, [[level + spread * row]])
        assert (optimizer.state[weight]["grad_var"] >= 0).all()
    assert torch.isfinite(weight).all()


# --- refused ----------------------------------------------------------------------------------

NAMES = {
    "lr": "learning rate",
    "alpha": "alpha",
    "eps": "epsilon",
    "weight_decay": "weight_decay",
    "momentum": "momentum",
}
each_number = pytest.mark.parametrize("name", NAMES)


def construct(**options):
    RMSprop([Parameter(torch.ones(1))], **options)


def add_group(**options):
    optimizer = RMSprop([Parameter(torch.ones(1))])
    optimizer.add_param_group({"params": [Parameter(torch.ones(1))], **options})


def construct_group(**options):
    RMSprop([{"params": [Parameter(torch.ones(1))], **options}])


everywhere = pytest.mark.parametrize("build", [construct, add_group, construct_group])


@everywhere
@each_number
@pytest.mark.parametrize(
    "value", [-1.0, -1e-300, math.nan, math.inf, -math.inf, np.float32(-2)], ids=str
)
def test_number_out_of_range_is_named_with_its_value(build, name, value):
    with pytest.raises(ValueError, match=rf"Invalid {NAMES[name]}.*: {value} "):
        build(**{name: value})


@everywhere
@pytest.mark.parametrize("value", [1, 1.0, 1.5])
def test_alpha_of_one_or_more_is_refused(build, value):
    with pytest.raises(ValueError, match=rf"Invalid alpha value: {value} \(allowed: \[0, 1\)\)"):
        build(alpha=value)


@everywhere
@each_number
@pytest.mark.parametrize("value", ["0.1", None, True, 0.1j, [0.1]], ids=repr)
def test_value_that_is_no_number_is_named(build, name, value):
    with pytest.raises(TypeError) as caught:
        build(**{name: value})
    assert str(caught.value) == f"{name} must be a number, got {value!r}"


@everywhere
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
@pytest.mark.parametrize("shape", [(), (1,)])
def test_learning_rate_tensor_out_of_range_is_refused(build, value, shape):
    with pytest.raises(ValueError, match="Invalid learning rate"):
        build(lr=torch.full(shape, value))


@everywhere
@pytest.mark.parametrize("value", [torch.tensor(0.1j), torch.tensor(True)], ids=str)
def test_learning_rate_tensor_that_is_no_real_number_is_refused(build, value):
    with pytest.raises(TypeError, match="lr must be a number"):
        build(lr=value)


@everywhere
def test_learning_rate_tensor_of_two_elements_is_refused(build):
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        build(lr=torch.ones(2))


@each_number
@pytest.mark.parametrize("value", [0, 0.5, np.float64(0.5), np.float32(0.5)], ids=repr)
def test_number_within_its_range_is_accepted(name, value):
    weight = Parameter(torch.ones(1))
    take_steps(RMSprop([weight], **{name: value}), [[torch.ones(1)]] * 2)
    assert torch.isfinite(weight).all()
