"""Stochastic rounding: unbiased, exact where it can be, never across zero, the same everywhere."""

import copy
import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rmsprop import RMSprop
from rmsprop.kernels import rounding, warning
from rmsprop.kernels.rounding import round_stochastically

ALL_BITS = torch.arange(2**16)
finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
VARIANTS = [
    {},
    {"centered": True},
    {"momentum": 0.9},
    {"centered": True, "momentum": 0.9, "nesterov": True, "bias_correction": True},
]
BUFFERS = {"square_avg", "grad_avg", "grad_var", "momentum_buffer"}


# --- one number -------------------------------------------------------------------------------


def test_what_bfloat16_has_stays_whatever_the_bits():
    stored = torch.arange(2**16, dtype=torch.int32).to(torch.uint16).view(torch.bfloat16)
    for bits in (0, 1, 2**15, 2**16 - 1):
        rounded = round_stochastically(stored.float(), torch.full((2**16,), bits))
        assert torch.equal(rounded.isnan(), stored.isnan())
        kept = ~stored.isnan()
        assert torch.equal(rounded[kept].view(torch.uint16), stored[kept].view(torch.uint16))


@settings(max_examples=40)
@given(finite.filter(lambda x: abs(x) < 3.3e38))
def test_mean_over_all_bits_is_the_number_and_neighbors_are_all_there_is(value):
    x = torch.tensor(value)
    rounded = round_stochastically(x.expand(2**16), ALL_BITS).double()
    assert rounded.mean().item() == pytest.approx(value, rel=1e-12, abs=0)
    assert torch.equal(rounded.signbit(), x.signbit().expand(2**16))
    below, above = rounded.min(), rounded.max()
    step = torch.nextafter(below.bfloat16(), torch.tensor(torch.inf).bfloat16())
    assert below <= x.double() <= above <= step.double()


@pytest.mark.parametrize("value", [np.inf, -np.inf, 0.0, -0.0])
def test_infinities_and_zeros_stay_with_their_sign(value):
    rounded = round_stochastically(torch.full((2**16,), value), ALL_BITS).float()
    assert torch.equal(rounded.view(torch.int32), torch.full((2**16,), value).view(torch.int32))


def test_beyond_the_largest_number_there_is_infinity():
    largest = torch.finfo(torch.float32).max
    rounded = round_stochastically(torch.full((2**16,), largest), ALL_BITS)
    assert set(rounded.tolist()) == {torch.finfo(torch.bfloat16).max, np.inf}


# --- random bits ------------------------------------------------------------------------------


def halves(n, step, seed, count=4):
    places = torch.arange(n)
    return rounding._halves(places, torch.tensor(float(step)), torch.tensor(seed), count)


@pytest.mark.parametrize("step", [1, 2, 1000, 2**24])
@pytest.mark.parametrize("seed", [0, 1, 77])
def test_rounding_is_unbiased_to_four_standard_errors(step, seed):
    n = 40_000
    for part in (0.001, 1 / 3, 0.9):
        x = torch.full((n,), 1 + part / 128)
        for bits in halves(n, step, seed):
            up = (round_stochastically(x, bits) > 1).double().mean().item()
            assert abs(up - part) < 4 * (part * (1 - part) / n) ** 0.5 + 2.0**-16


def test_bits_of_steps_seeds_elements_and_buffers_have_nothing_in_common():
    rows = [
        half.double()
        for step, seed in ((1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1000, 5))
        for half in halves(20_000, step, seed)
    ]
    rows += [half.double().roll(lag) for half in halves(20_000, 1, 0) for lag in (1, 2, 1024)]
    off = torch.corrcoef(torch.stack(rows)) - torch.eye(len(rows), dtype=torch.float64)
    assert off.abs().max() < 5 / 20_000**0.5
    over_time = torch.stack([halves(50, step, 3, 1)[0].double() for step in range(1, 4001)])
    over_time = (over_time - over_time.mean(0)) / over_time.std(0)
    for lag in (1, 2, 7):
        assert (over_time[lag:] * over_time[:-lag]).mean(0).abs().max() < 5 / 4000**0.5


@pytest.mark.parametrize("lag", [1, 32, 96, 768, 1024, 1536, 2048, 3072, 4096, 16384])
def test_bits_of_elements_so_far_apart_have_nothing_in_common(lag):
    """Well-known hashes fail this where matrices have as many columns."""
    counts = np.zeros((32, 32))
    for step, seed in ((1, 0), (2, 0), (3, 5), (1000, 77)):
        for half in halves(2**17, step, seed, 2):
            bins = half.numpy() // 2**11
            np.add.at(counts, (bins[lag:], bins[:-lag]), 1)
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4


# --- the optimizer ----------------------------------------------------------------------------


def trained(steps, shapes=((300, 70), (5,)), dtype=torch.float32, seed=0, **options):
    """Return parameters and optimizer after steps of random gradients."""
    torch.manual_seed(seed)
    params = [torch.nn.Parameter(torch.randn(shape).to(dtype)) for shape in shapes]
    options = {"state_dtype": torch.bfloat16} | options
    optimizer = RMSprop(params, lr=0.01, **options)
    stepped(optimizer, params, range(steps))
    return params, optimizer


def stepped(optimizer, params, steps):
    for t in steps:
        generator = torch.Generator().manual_seed(t)
        for param in params:
            param.grad = torch.empty_like(param.detach()).normal_(generator=generator)
        optimizer.step()


def assert_same_state(ours, theirs):
    for mine, its in zip(ours.state.values(), theirs.state.values(), strict=True):
        assert mine.keys() == its.keys()
        for name in mine:
            assert mine[name].dtype == its[name].dtype
            assert torch.equal(mine[name], its[name]), name


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_state_is_bfloat16_beside_a_count_and_a_seed_of_its_own(options):
    params, optimizer = trained(2, **options)
    for place, param in enumerate(params):
        state = optimizer.state[param]
        assert {state[name].dtype for name in BUFFERS & state.keys()} == {torch.bfloat16}
        assert state["step"] == 2
        assert state["rounding_seed"] == place


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
def test_kernel_rounds_as_torch_operations_do(dtype, options):
    """The averages to the bit; momentum has torch's root in it, which may be one digit off."""
    # One step from equal state each, as a step of another size would change all that follow.
    params, eager = trained(3, dtype=dtype, fused=False, **options)
    twins = copy.deepcopy(params)
    fused = RMSprop(twins, lr=0.01, fused=True, state_dtype=torch.bfloat16, **options)
    fused.load_state_dict(eager.state_dict())
    fused.param_groups[0]["fused"] = True
    for optimizer, of in ((eager, params), (fused, twins)):
        stepped(optimizer, of, [3])
    for mine, its in zip(eager.state.values(), fused.state.values(), strict=True):
        for name in mine.keys() - {"momentum_buffer"}:
            assert torch.equal(mine[name], its[name]), name
        if "momentum_buffer" in mine:
            assert (mine["momentum_buffer"] == its["momentum_buffer"]).double().mean() > 0.999
    for mine, its in zip(params, twins, strict=True):
        torch.testing.assert_close(mine, its)


def test_channels_last_takes_the_bits_of_its_places_in_memory():
    shape = (8, 16, 12, 12)
    states = []
    for fused in (False, True):
        torch.manual_seed(0)
        memory = torch.randn(shape).to(memory_format=torch.channels_last)
        param = torch.nn.Parameter(memory)
        optimizer = RMSprop([param], fused=fused, centered=True, state_dtype=torch.bfloat16)
        stepped(optimizer, [param], range(3))
        states.append(optimizer)
    assert_same_state(*states)


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_any_number_of_threads_makes_the_same_bits(options):
    before, runs = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            runs.append(trained(3, shapes=((200_001,), (3,)), fused=True, **options))
    finally:
        torch.set_num_threads(before)
    for params, optimizer in runs[1:]:
        assert all(map(torch.equal, params, runs[0][0]))
        assert_same_state(optimizer, runs[0][1])


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_checkpoint_continues_bit_for_bit(options, fused):
    params, straight = trained(6, fused=fused, **options)
    halfway, begun = trained(3, fused=fused, **options)
    file = io.BytesIO()
    torch.save(begun.state_dict(), file)
    file.seek(0)
    resumed = RMSprop(halfway, state_dtype=torch.bfloat16)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    stepped(resumed, halfway, range(3, 6))
    assert all(map(torch.equal, params, halfway))
    assert_same_state(straight, resumed)


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_average_is_unbiased_where_nearest_is_stuck(options):
    """A step is an eighth of a spacing here."""
    n, steps = 8000, 300
    _, optimizer = trained(steps, shapes=((n,),), fused=True, alpha=0.999, **options)
    _, exact = trained(steps, shapes=((n,),), fused=True, alpha=0.999, state_dtype=None, **options)
    for state, wide in zip(optimizer.state.values(), exact.state.values(), strict=True):
        for name in BUFFERS & state.keys() - {"momentum_buffer"}:
            error = state[name].double() - wide[name].double()
            # Rounding the mean makes a variance of its own.
            bias = 0.01 * wide[name].double().mean().abs() if name == "grad_var" else 0
            assert error.mean().abs() < 4 * error.std() / n**0.5 + bias
            assert error.std() > 0


@settings(max_examples=30)
@given(
    st.lists(finite.filter(lambda x: abs(x) < 1e18), min_size=1, max_size=20),
    st.booleans(),
    st.sampled_from([0.0, 0.5, 0.999]),
)
def test_centered_variance_is_never_negative(gradients, fused, alpha):
    param = torch.nn.Parameter(torch.zeros(64))
    options = {"centered": True, "alpha": alpha, "state_dtype": torch.bfloat16}
    optimizer = RMSprop([param], lr=1e-3, fused=fused, **options)
    for gradient in gradients:
        param.grad = torch.full((64,), gradient)
        optimizer.step()
        assert (optimizer.state[param]["grad_var"] >= 0).all()
        assert param.isfinite().all()


@pytest.mark.parametrize("ratio", [30, 300])
def test_centered_variance_is_biased_by_the_rounding_of_the_mean(ratio):
    """By b = a sqrt(1 + b), of a = 0.4 spacings times mean over deviation."""
    torch.manual_seed(0)
    param = torch.nn.Parameter(torch.zeros(4000))
    optimizer = RMSprop([param], lr=0, centered=True, alpha=0.99, state_dtype=torch.bfloat16)
    mean, settled = 1.4, 2 * 0.99 / 1.99
    param.grad = torch.full((4000,), mean)
    optimizer.step()
    optimizer.state[param]["grad_avg"].fill_(mean)
    optimizer.state[param]["grad_var"].fill_(settled * (mean / ratio) ** 2)
    for _ in range(400):
        param.grad = mean + mean / ratio * torch.randn(4000)
        optimizer.step()
    unrounded = settled * (mean / ratio) ** 2
    bias = optimizer.state[param]["grad_var"].double().mean().item() / unrounded - 1
    a = 2.0**-7 / mean * ratio * (2 / np.pi) ** 0.5 / 2
    assert bias == pytest.approx((a**2 + (a**4 + 4 * a**2) ** 0.5) / 2, rel=0.15)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("gradient", [0.0, 1e-22, 1e-30, np.inf, np.nan])
def test_extreme_gradients_leave_what_float32_leaves(gradient, fused):
    states = []
    for state_dtype in (None, torch.bfloat16):
        param = torch.nn.Parameter(torch.zeros(1000))
        optimizer = RMSprop([param], alpha=0.0, fused=fused, state_dtype=state_dtype)
        param.grad = torch.full((1000,), gradient)
        optimizer.step()
        states.append((optimizer.state[param]["square_avg"].float(), param.detach()))
    (wide, moved), (narrow, also) = states
    torch.testing.assert_close(narrow, wide, rtol=2**-7, atol=2**-133, equal_nan=True)
    torch.testing.assert_close(also, moved, equal_nan=True)


# --- checkpoints of another state, and what is refused ----------------------------------------


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_checkpoint_of_bfloat16_becomes_float32_exactly_and_says_so_once(options, monkeypatch):
    monkeypatch.setattr(warning, "_said", set())
    params, narrow = trained(3, **options)
    wide = RMSprop(params)
    with pytest.warns(RuntimeWarning, match=r"torch.bfloat16 to None"):
        wide.load_state_dict(narrow.state_dict())
    wide.load_state_dict(narrow.state_dict())
    assert wide.param_groups[0]["state_dtype"] is None
    for mine, its in zip(wide.state.values(), narrow.state.values(), strict=True):
        assert "rounding_seed" not in mine
        for name in BUFFERS & mine.keys():
            assert mine[name].dtype == torch.float32
            assert torch.equal(mine[name], its[name].float())
    stepped(wide, params, [3])


@pytest.mark.parametrize("theirs", [RMSprop, torch.optim.RMSprop])
@pytest.mark.parametrize("centered", [False, True])
def test_checkpoint_of_float32_is_rounded_and_says_so_once(theirs, centered, monkeypatch):
    monkeypatch.setattr(warning, "_said", set())
    params = [torch.nn.Parameter(torch.zeros(1000))]
    wide = theirs(params, centered=centered)
    stepped(wide, params, range(3))
    narrow = RMSprop(params, state_dtype=torch.bfloat16)
    with pytest.warns(RuntimeWarning, match=r"None to torch.bfloat16"):
        narrow.load_state_dict(wide.state_dict())
    narrow.load_state_dict(wide.state_dict())
    again = RMSprop(params)
    again.load_state_dict(wide.state_dict())
    for mine, its in zip(narrow.state.values(), again.state.values(), strict=True):
        for name in BUFFERS & mine.keys():
            assert mine[name].dtype == torch.bfloat16
            torch.testing.assert_close(mine[name].float(), its[name], rtol=2**-7, atol=0)
    stepped(narrow, params, [3])


def test_option_that_is_changed_by_hand_is_followed():
    params, optimizer = trained(2, state_dtype=None)
    for state_dtype, stored in ((torch.bfloat16, torch.bfloat16), (None, torch.float32)):
        optimizer.param_groups[0]["state_dtype"] = state_dtype
        stepped(optimizer, params, [2, 3])
        assert {state["square_avg"].dtype for state in optimizer.state.values()} == {stored}


@pytest.mark.parametrize("state_dtype", [torch.float16, torch.float32, "bfloat16", 16])
def test_unknown_dtypes_name_the_allowed_ones(state_dtype):
    param = torch.nn.Parameter(torch.zeros(1))
    with pytest.raises(ValueError, match=r"must be None or torch.bfloat16, got"):
        RMSprop([param], state_dtype=state_dtype)


def test_differentiable_steps_and_complex_parameters_are_refused():
    param = torch.nn.Parameter(torch.zeros(1, dtype=torch.complex64))
    with pytest.raises(RuntimeError, match="does not support `differentiable`"):
        RMSprop([param], state_dtype=torch.bfloat16, differentiable=True)
    optimizer = RMSprop([param], state_dtype=torch.bfloat16)
    param.grad = torch.ones_like(param)
    with pytest.raises(TypeError, match="needs real parameters"):
        optimizer.step()


def test_step_that_is_compiled_rounds_alike():
    (ours,), plain = trained(2, shapes=((64,),), fused=False)
    (theirs,), optimizer = trained(0, shapes=((64,),), fused=False)
    step = torch.compile(optimizer.step, backend="eager")
    for t in range(2):
        generator = torch.Generator().manual_seed(t)
        theirs.grad = torch.empty(64).normal_(generator=generator)
        step()
    assert torch.equal(ours, theirs)
    assert_same_state(plain, optimizer)
