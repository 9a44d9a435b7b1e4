"""What fused kernels step and what they leave to eager: always the right result, or one error."""

import copy
import pickle
import subprocess
import sys
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import Parameter

from rmsprop import RMSprop
from rmsprop.plan import WORTHWHILE

SHAPES = ((3, 4), (0,), (), (40_000,), (2, 3, 5, 5))
LIMITS = {
    torch.bfloat16: 2**-7,
    torch.float16: 2**-10,
    torch.float32: 1e-5,
    torch.float64: 1e-13,
}


def random_tensors(shapes, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=generator, dtype=torch.float64).to(dtype) for s in shapes]


def optimizer_of(tensors, **options):
    return RMSprop([Parameter(tensor.clone()) for tensor in tensors], **options)


def params_of(optimizer):
    return [param for group in optimizer.param_groups for param in group["params"]]


def step(optimizer, grads):
    for param, grad in zip(params_of(optimizer), grads, strict=True):
        param.grad = None if grad is None else grad.clone()
    optimizer.step()


def assert_close(ours, theirs, limit=1e-5):
    for a, b in zip(params_of(ours), params_of(theirs), strict=True):
        torch.testing.assert_close(a, b, rtol=limit, atol=limit)
        assert ours.state[a].keys() == theirs.state[b].keys()
        for name, value in theirs.state[b].items():
            torch.testing.assert_close(ours.state[a][name], value, rtol=10 * limit, atol=10 * limit)


# --- the same result --------------------------------------------------------------------------


@st.composite
def all_options(draw):
    """Options that do not exclude each other."""
    chosen = draw(
        st.fixed_dictionaries(
            {
                "lr": st.one_of(st.floats(0, 0.1), st.just(torch.tensor(0.013))),
                "alpha": st.floats(0.5, 0.99),
                "eps": st.floats(1e-3, 1),
                "weight_decay": st.sampled_from([0, 0.1]),
                "momentum": st.sampled_from([0, 0.9]),
                **dict.fromkeys(("centered", "maximize", "eps_in_sqrt"), st.booleans()),
                **dict.fromkeys(("lr_in_momentum", "decoupled_weight_decay"), st.booleans()),
                **dict.fromkeys(("bias_correction", "capturable"), st.booleans()),
            }
        )
    )
    chosen["nesterov"] = chosen["momentum"] > 0 and draw(st.booleans())
    return chosen


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@settings(max_examples=25)
@given(options=all_options())
def test_fused_equals_eager_with_any_options_in_any_dtype(dtype, options):
    params = random_tensors(SHAPES, dtype)
    ours, theirs = (optimizer_of(params, fused=fused, **options) for fused in (True, False))
    for seed in range(1, 4):
        grads = random_tensors(SHAPES, dtype, seed)
        step(ours, grads)
        step(theirs, grads)
    assert_close(ours, theirs, LIMITS[dtype])


@pytest.mark.parametrize("fused", [True, None])
def test_a_group_is_one_batch_per_dtype(batches, fused):
    tensors = random_tensors(SHAPES) + random_tensors(SHAPES, torch.bfloat16)
    optimizer = optimizer_of(tensors, fused=fused)
    step(optimizer, tensors)
    assert [(len(batch.lengths), batch.dtype) for batch in batches] == [
        (len(SHAPES), torch.float32),
        (len(SHAPES), torch.bfloat16),
    ]


def test_fused_none_is_eager_for_little_work_and_fused_for_much(batches):
    for elements, tensors, expected in ((9, 1, 0), (WORTHWHILE, 1, 1), (1, 16, 1), (1, 15, 0)):
        batches.clear()
        values = random_tensors([(elements,)] * tensors)
        step(optimizer_of(values), values)
        assert len(batches) == expected


def test_fused_false_is_eager(batches):
    values = random_tensors([(WORTHWHILE,)])
    step(optimizer_of(values, fused=False), values)
    assert not batches


def test_parameters_without_gradient_stay(batches):
    tensors = random_tensors(SHAPES)
    ours, theirs = (optimizer_of(tensors, fused=fused) for fused in (True, False))
    for missing in ((0, 3), (), (1,), range(len(SHAPES))):
        grads = [None if i in missing else grad for i, grad in enumerate(tensors)]
        step(ours, grads)
        step(theirs, grads)
    assert_close(ours, theirs)


def test_table_is_kept_while_nothing_moves_and_follows_gradients(batches):
    tensors = random_tensors(SHAPES)
    optimizer = optimizer_of(tensors, fused=True)
    step(optimizer, tensors)
    optimizer.step()
    assert batches[1] is batches[0]
    kept = [param.grad for param in params_of(optimizer)]
    step(optimizer, tensors)
    assert kept
    assert batches[2] is not batches[0]
    assert [param.grad.data_ptr() for param in params_of(optimizer)] == [*batches[2].addresses[1]]


def test_gradients_are_not_held_between_steps():
    optimizer = optimizer_of(random_tensors([(5,)]), fused=True)
    step(optimizer, random_tensors([(5,)]))
    (param,) = params_of(optimizer)
    grad = weakref.ref(param.grad)
    param.grad = None
    assert grad() is None


# --- memory that changes ----------------------------------------------------------------------


def moved(param):
    param.data = param.data.clone()


def shrunk(param):
    param.data = param.data[: len(param) // 2].clone()
    param.grad = param.grad[: len(param)].clone()


def channels_last(param):
    param.data = param.data.to(memory_format=torch.channels_last)
    param.grad = param.grad.to(memory_format=torch.channels_last)


@pytest.mark.parametrize("change", [moved, channels_last])
@pytest.mark.parametrize("fused", [True, None])
def test_a_parameter_that_moves_is_followed(change, fused, batches):
    tensors = random_tensors([(8, 6, 16, 32)])
    ours, theirs = (optimizer_of(tensors, fused=f, momentum=0.9) for f in (fused, False))
    for optimizer in (ours, theirs):
        step(optimizer, tensors)
        for param in params_of(optimizer):
            change(param)
        optimizer.step()
        optimizer.step()
    assert_close(ours, theirs)
    assert len(batches) == 3


def test_a_parameter_of_another_shape_than_its_state_is_refused_and_nothing_written():
    optimizer = optimizer_of(random_tensors([(100,)]), fused=True)
    step(optimizer, random_tensors([(100,)]))
    (param,) = params_of(optimizer)
    shrunk(param)
    before = param.detach().clone()
    with pytest.raises(RuntimeError, match="same dtype, device, and layout"):
        optimizer.step()
    assert torch.equal(param, before)


def test_a_buffer_that_moves_for_one_group_is_where_another_that_shares_it_looks():
    def trained(**options):
        torch.manual_seed(0)
        params = [Parameter(torch.randn(2, 3, 60, 60)) for _ in range(2)]
        optimizer = RMSprop([{"params": [param]} for param in params], **options)
        for _ in range(5):
            for param in params:
                param.grad = torch.randn_like(param)
            optimizer.step()
            shared = optimizer.state[params[0]]["square_avg"]
            optimizer.state[params[1]]["square_avg"] = shared
            params[1].data = params[1].data.to(memory_format=torch.channels_last)
        return optimizer

    assert_close(trained(), trained(fused=False))


class Meddling(torch.Tensor):
    """Moves another tensor whenever anything is done to it."""

    past = ()

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if cls.victim is not None:
            cls.past += (cls.victim.data,)  # kept, so that nothing else gets its place
            cls.victim.data = cls.victim.data.clone()
        return super().__torch_function__(function, types, args, kwargs or {})


def test_a_group_is_looked_at_again_when_other_code_has_run(batches):
    Meddling.victim = None
    meddling = torch.ones(3).as_subclass(Meddling).requires_grad_()
    victim = Parameter(torch.ones(WORTHWHILE))
    optimizer = RMSprop([{"params": [meddling]}, {"params": [victim]}])
    for param in params_of(optimizer):
        param.grad = torch.ones(param.shape)
    for Meddling.victim in (None, victim):
        optimizer.step()
    assert batches[1].addresses[0, 0] == victim.data_ptr()
    assert victim[0] < 1 - 0.1


def test_replaced_state_is_used():
    tensors = random_tensors([(5,)])
    ours, theirs = (optimizer_of(tensors, fused=fused) for fused in (True, False))
    for optimizer in (ours, theirs):
        step(optimizer, tensors)
        (state,) = optimizer.state.values()
        state["square_avg"] = torch.full((5,), 9.0)
        step(optimizer, tensors)
    assert_close(ours, theirs)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_steps_its_own_parameters(copied):
    tensors = random_tensors([(5,)])
    original = optimizer_of(tensors, fused=True)
    step(original, tensors)
    other = copied(original)
    before = params_of(original)[0].detach().clone()
    step(other, tensors)
    assert torch.equal(params_of(original)[0], before)
    step(original, tensors)
    assert_close(original, other)


def test_options_may_change_between_steps():
    tensors = random_tensors(SHAPES)
    ours, theirs = (optimizer_of(tensors, fused=fused) for fused in (True, False))
    for change in ({}, {"centered": True}, {"momentum": 0.9}, {"centered": False, "lr": 0.1}):
        for optimizer in (ours, theirs):
            optimizer.param_groups[0].update(change)
            step(optimizer, tensors)
    assert_close(ours, theirs)


# --- memory that a kernel must not touch ------------------------------------------------------


def with_gradient(param, grad):
    param.grad = grad
    return param


def expanded():
    return with_gradient(Parameter(torch.ones(()).expand(3)), torch.ones(3))


def strided():
    return with_gradient(Parameter(torch.ones(6)[::2]), torch.ones(3))


def transposed_gradient():
    param = Parameter(torch.arange(6.0).reshape(2, 3))
    return with_gradient(param, torch.arange(6.0).reshape(3, 2).t())


def negated_gradient():
    return with_gradient(Parameter(torch.ones(3)), torch._neg_view(torch.ones(3)))


def complex_parameter():
    return with_gradient(
        Parameter(torch.ones(3, dtype=torch.complex64)), torch.ones(3, dtype=torch.complex64)
    )


def gradient_in_its_parameter():
    param = Parameter(torch.ones(3))
    param.grad = param.data
    return param


def gradient_of_another_dtype():
    param = Parameter(torch.ones(3))
    param.grad_dtype = None
    return with_gradient(param, torch.ones(3, dtype=torch.float64))


def misaligned_gradient():
    grad = torch.frombuffer(bytearray(13), dtype=torch.float32, count=3, offset=1)
    return with_gradient(Parameter(torch.ones(3)), grad.fill_(2))


ODD = [
    *(expanded, strided, transposed_gradient, negated_gradient, complex_parameter),
    *(gradient_in_its_parameter, misaligned_gradient),
    pytest.param(
        gradient_of_another_dtype,
        marks=pytest.mark.skipif(
            not hasattr(torch.Tensor, "grad_dtype"),
            reason="this torch takes no gradient of another dtype",
        ),
    ),
]


@pytest.mark.parametrize("odd", ODD)
def test_what_no_kernel_can_step_is_stepped_eagerly(odd, batches):
    def trained(fused):
        torch.manual_seed(0)
        good = [with_gradient(Parameter(torch.ones(WORTHWHILE)), torch.ones(WORTHWHILE))]
        optimizer = RMSprop([odd(), *good], fused=fused)
        optimizer.step()
        optimizer.step()
        return optimizer

    # An expanded parameter cannot be written by eager either, as in torch.
    if odd is expanded:
        with pytest.raises(RuntimeError, match="more than one element"):
            trained(None)
        return
    ours, theirs = trained(None), trained(False)
    assert_close(ours, theirs)
    # Shared memory makes the order matter, so then no kernel steps at all.
    assert len(batches) == (0 if odd is gradient_in_its_parameter else 2)


def gradient_without_memory(_):
    grad = torch.ones(3)
    grad.untyped_storage().resize_(0)
    return grad


@pytest.mark.parametrize(
    "odd",
    [
        lambda param: misaligned_gradient().grad,
        lambda param: param.data,
        gradient_without_memory,
    ],
    ids=["misaligned", "in its parameter", "without memory"],
)
def test_a_gradient_that_moves_to_where_no_kernel_may_read_it_is_noticed(odd, batches):
    param, other = (with_gradient(Parameter(torch.ones(3)), torch.ones(3)) for _ in range(2))
    optimizer = RMSprop([param, other], fused=True)
    optimizer.step()
    param.grad = odd(param)
    with pytest.raises(RuntimeError, match="requires"):
        optimizer.step()
    assert len(batches) == 1


@pytest.mark.parametrize("odd", ODD)
def test_fused_true_refuses_what_no_kernel_can_step(odd):
    param = odd()
    before = param.detach().clone()
    optimizer = RMSprop([param], fused=True)
    with pytest.raises(RuntimeError, match=r"^`fused=True` requires"):
        optimizer.step()
    assert torch.equal(param, before)


@pytest.mark.parametrize("offset", [0, 1, 3])
def test_parameters_that_share_memory_are_stepped_one_after_the_other(offset, batches):
    def trained(cls, **options):
        memory = torch.ones(WORTHWHILE + 3)
        params = [Parameter(memory[offset:][:WORTHWHILE]), Parameter(memory[:WORTHWHILE])]
        optimizer = cls(params, **options)
        for k in range(3):
            for i, param in enumerate(params):
                param.grad = torch.full_like(param, 1.0 + i + k)
            optimizer.step()
        return memory

    torch.testing.assert_close(trained(RMSprop), trained(torch.optim.RMSprop, foreach=False))
    assert not batches
    with pytest.raises(RuntimeError, match="without sharing memory"):
        trained(RMSprop, fused=True)


def test_neighbors_in_one_stretch_of_memory_do_not_count_as_sharing(batches):
    memory = torch.ones(3 * WORTHWHILE)
    params = [Parameter(part) for part in memory.chunk(3)]
    for param in params:
        param.grad = torch.ones_like(param)
    RMSprop(params).step()
    assert len(batches) == 1
    assert torch.equal(memory, memory[:1].expand_as(memory))


def test_two_gradients_may_be_one(batches):
    params = [Parameter(torch.ones(5)), Parameter(torch.ones(5))]
    params[0].grad = params[1].grad = torch.ones(5)
    RMSprop(params, fused=True).step()
    assert torch.equal(*params)


def test_sparse_gradients_are_refused_before_anything_changes():
    first, second = Parameter(torch.ones(3)), Parameter(torch.ones(3))
    first.grad = torch.ones(3)
    second.grad = torch.ones(3).to_sparse()
    optimizer = RMSprop([{"params": [first]}, {"params": [second]}], fused=True)
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        optimizer.step()
    assert torch.equal(first, torch.ones(3))


def test_meta_tensors_are_refused():
    param = with_gradient(Parameter(torch.ones(3, device="meta")), torch.ones(3, device="meta"))
    with pytest.raises(RuntimeError, match=r"supported devices: .* but torch.float32 and meta"):
        RMSprop([param], fused=True).step()


# --- what torch says --------------------------------------------------------------------------


def test_refusals_are_worded_as_torch_words_them():
    params = [Parameter(torch.ones(2, dtype=torch.complex64))]
    params[0].grad = torch.ones_like(params[0])
    for options in ({"differentiable": True}, {"foreach": True}):
        messages = []
        for cls in (RMSprop, torch.optim.Adam):
            with pytest.raises(RuntimeError) as error:
                cls(params, fused=True, **options)
            messages.append(str(error.value))
        assert messages[0] == messages[1]
    beginnings = []
    for cls in (RMSprop, torch.optim.Adam):
        with pytest.raises(RuntimeError) as error:
            cls(params, fused=True).step()
        beginnings.append(str(error.value).split("[")[0])
    assert beginnings[0] == beginnings[1]


# --- scaled gradients -------------------------------------------------------------------------


def test_grad_scaler_leaves_scale_and_infinities_to_the_kernel(batches):
    def train(fused):
        param = Parameter(torch.ones(3))
        optimizer = RMSprop([param], fused=fused)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for k in range(5):
            optimizer.zero_grad()
            loss = (param * torch.arange(1.0, 4)).sum() * (torch.inf if k == 2 else k + 1)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        assert scaler.get_scale() == 512
        assert optimizer.state[param]["step"] == 4
        return param

    torch.testing.assert_close(train(True), train(False))
    assert len(batches) == 5


def test_grad_scaler_leaves_gradients_as_torchs_fused_optimizers_do():
    def unscaled(cls):
        param, other = (Parameter(torch.ones(3, dtype=torch.float16)) for _ in range(2))
        optimizer = cls([param, other], lr=0, fused=True)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        scaler.scale((param * torch.arange(3) / 7 + other).sum()).backward()
        scaler.step(optimizer)
        return [param.grad, other.grad]

    torch.testing.assert_close(unscaled(RMSprop), unscaled(torch.optim.Adam), rtol=0, atol=0)


def test_a_gradient_that_two_parameters_share_is_refused_where_it_would_be_divided_twice():
    params = [Parameter(torch.ones(3)) for _ in range(2)]
    params[0].grad = params[1].grad = torch.ones(3)
    optimizer = RMSprop(params, fused=True)
    optimizer.grad_scale = torch.tensor(2.0)
    with pytest.raises(RuntimeError, match="shares memory"):
        optimizer.step()
    assert torch.equal(params[0], torch.ones(3))


@pytest.mark.parametrize("found_inf", [0.0, 1.0])
def test_a_compiled_step_takes_scaled_gradients(found_inf):
    def stepped(compiled):
        optimizer = optimizer_of(random_tensors([(3,)]), fused=True)
        optimizer.grad_scale, optimizer.found_inf = torch.tensor([8.0]), torch.tensor([found_inf])
        for param in params_of(optimizer):
            param.grad = torch.ones_like(param)
        (torch.compile(optimizer.step, backend="eager") if compiled else optimizer.step)()
        return params_of(optimizer)[0]

    torch.testing.assert_close(stepped(True), stepped(False))


def test_fused_true_insists_under_a_compiler_as_far_as_devices_go():
    param = with_gradient(Parameter(torch.ones(3, device="meta")), torch.ones(3, device="meta"))
    with pytest.raises(Exception, match=r"supported devices: .* but torch.float32 and meta"):
        torch.compile(RMSprop([param], fused=True).step, backend="eager")()


# --- options that become something else -------------------------------------------------------


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", ["lr", "alpha", "eps", "weight_decay", "momentum"])
def test_a_number_may_become_a_tensor(name, fused):
    tensors = random_tensors(SHAPES)
    numbers = {"lr": 0.1, "alpha": 0.5, "eps": 0.1, "weight_decay": 0.1, "momentum": 0.5}
    for shape in ((), (1,)):
        ours, theirs = (
            optimizer_of(tensors, fused=fused, decoupled_weight_decay=True, **numbers)
            for _ in range(2)
        )
        step(ours, tensors)
        step(theirs, tensors)
        ours.param_groups[0][name] = torch.full(shape, numbers[name], dtype=torch.float64)
        step(ours, tensors)
        step(theirs, tensors)
        assert_close(ours, theirs)


@pytest.mark.parametrize("fused", [False, None, True])
@pytest.mark.parametrize("value", ["0.1", None, True, torch.tensor(1j)], ids=str)
def test_what_is_no_number_is_refused_at_the_step_too(value, fused):
    optimizer = optimizer_of(random_tensors(SHAPES), fused=fused)
    for name in ("lr", "alpha", "momentum"):
        before = optimizer.param_groups[0][name]
        optimizer.param_groups[0][name] = value
        with pytest.raises(TypeError, match=f"^{name} must be a number, got "):
            step(optimizer, random_tensors(SHAPES))
        optimizer.param_groups[0][name] = before
    assert not optimizer.state


def test_schedules_may_leave_the_range_by_a_rounding_error():
    optimizer = optimizer_of(random_tensors(SHAPES), fused=True)
    optimizer.param_groups[0]["lr"] = -1e-20
    step(optimizer, random_tensors(SHAPES))


# --- state that is counted otherwise ----------------------------------------------------------


def test_strides_of_single_elements_keep_nothing_from_the_kernel(batches):
    tensors = random_tensors([(4, 1, 5), (1, 6)])
    optimizer = optimizer_of(tensors, fused=True)
    for param, grad in zip(params_of(optimizer), tensors, strict=True):
        strides = [99 if n == 1 else s for n, s in zip(grad.shape, grad.stride(), strict=True)]
        param.grad = grad.as_strided(grad.shape, strides)
    optimizer.step()
    assert len(batches) == 1


def test_a_count_in_one_dimension_is_counted(batches):
    optimizer = optimizer_of(random_tensors([(3,)]), fused=True)
    (param,) = params_of(optimizer)
    optimizer.state[param]["step"] = count = torch.zeros(1)
    step(optimizer, random_tensors([(3,)]))
    assert optimizer.state[param]["step"] is count
    assert count == 1
    assert len(batches) == 1


COUNTS = [torch.tensor(1.0).double(), torch.tensor(1), torch.ones(1), 1]


@pytest.mark.parametrize("count", COUNTS, ids=str)
def test_a_count_of_a_checkpoint_becomes_what_the_kernel_counts(count, batches):
    optimizer = optimizer_of(random_tensors([(3,)]), fused=True)
    step(optimizer, random_tensors([(3,)]))
    checkpoint = copy.deepcopy(optimizer.state_dict())
    checkpoint["state"][0]["step"] = count
    optimizer.load_state_dict(checkpoint)
    step(optimizer, random_tensors([(3,)]))
    (state,) = optimizer.state.values()
    assert (state["step"].dtype, state["step"].shape, state["step"]) == (torch.float32, (), 2)
    assert len(batches) == 2


@pytest.mark.parametrize("count", COUNTS[:2], ids=str)
def test_a_count_put_in_place_by_hand_is_counted_by_torch_or_named(count):
    for fused in (None, False, True):
        optimizer = optimizer_of(random_tensors([(WORTHWHILE,)]), fused=fused)
        step(optimizer, random_tensors([(WORTHWHILE,)]))
        (state,) = optimizer.state.values()
        state["step"] = count.clone()
        if fused:
            with pytest.raises(RuntimeError, match=f"whose step is of {count.dtype}"):
                step(optimizer, random_tensors([(WORTHWHILE,)]))
        else:
            step(optimizer, random_tensors([(WORTHWHILE,)]))
            assert state["step"] == 2
            assert state["step"].dtype == count.dtype


@pytest.mark.filterwarnings("ignore:optimizer contains a parameter group with duplicate")
def test_a_parameter_that_is_there_twice_is_named_as_what_it_is():
    param = with_gradient(Parameter(torch.ones(3)), torch.ones(3))
    with pytest.raises(RuntimeError, match="which shares memory, or another in its group does"):
        RMSprop([param, param], fused=True).step()


# --- without Numba ----------------------------------------------------------------------------


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_neither_compiler():
    loaded = run("import sys, rmsprop; print({'numba', 'triton'} & sys.modules.keys())")
    assert loaded == "set()\n"


WITHOUT = """
import sys, torch
sys.modules["numba"] = None  # as if it were not installed
from rmsprop import RMSprop
w = torch.nn.Parameter(torch.ones(100_000))
w.grad = torch.ones_like(w)
RMSprop([w]).step()
assert w[0] < 1
try:
    RMSprop([w], fused=True).step()
except RuntimeError as error:
    print(error)
"""


def test_without_numba_steps_are_eager_and_fused_true_says_what_is_missing():
    assert "supported devices: [] but torch.float32 and cpu (is Numba installed?)" in run(WITHOUT)
