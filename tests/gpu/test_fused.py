"""The optimizer on a GPU: fused against eager, scaled gradients, graphs, and what stays eager."""

import copy
import random

import pytest
import torch
import torch.distributed as dist
from torch.nn import Parameter

from rmsprop import RMSprop
from rmsprop.kernels import cuda
from tests import mutations

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


@pytest.fixture
def stepped(monkeypatch):
    """The batches that the kernel steps, one entry per call."""
    batches = []

    def recording(batch, changed, **options):
        if batch.lengths.any():  # it is no trial
            batches.append(batch)
        step(batch, changed, **options)

    step = cuda.step
    monkeypatch.setattr(cuda, "step", recording)
    return batches


def model_and_data(dtype=torch.float32):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 64, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(2304, 10)
    )
    return model.to("cuda", dtype), torch.randn(8, 3, 8, 8, device="cuda", dtype=dtype)


def train(model, data, optimizer, steps=5):
    for _ in range(steps):
        optimizer.zero_grad()
        model(data).square().mean().backward()
        optimizer.step()


def test_gradients_that_move_are_followed(stepped):
    models = []
    for fused in (True, False):
        model, data = model_and_data()
        train(model, data, RMSprop(model.parameters(), fused=fused, eps=1e-3))
        models.append(model)
    torch.testing.assert_close([*models[0].parameters()], [*models[1].parameters()])
    assert len(stepped) == 5
    assert all(batch.first is stepped[0].first for batch in stepped[1:])


def test_channels_last_is_stepped_by_the_kernel(stepped):
    models = []
    for fused in (True, False):
        model, data = model_and_data()
        model = model.to(memory_format=torch.channels_last)
        train(model, data, RMSprop(model.parameters(), fused=fused, eps=1e-3))
        models.append(model)
    torch.testing.assert_close([*models[0].parameters()], [*models[1].parameters()])
    assert len(stepped) == 5


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_checkpoint_of_state_in_bfloat16_continues_bit_for_bit(options):
    def trained_model(interrupted):
        model, data = model_and_data()

        def make():
            return RMSprop(model.parameters(), **options, state_dtype=torch.bfloat16, fused=True)

        optimizer = make()
        train(model, data, optimizer, 3)
        if interrupted:
            saved = copy.deepcopy(optimizer.state_dict())
            optimizer = make()
            optimizer.load_state_dict(saved)
        train(model, data, optimizer, 3)
        return model, optimizer

    (whole, optimizer), (parts, _) = trained_model(False), trained_model(True)
    assert all(map(torch.equal, whole.parameters(), parts.parameters()))
    dtypes = {
        name: value.dtype for state in optimizer.state.values() for name, value in state.items()
    }
    wide = {"step": torch.float32, "rounding_seed": torch.int64}
    assert all(dtype == wide.get(name, torch.bfloat16) for name, dtype in dtypes.items())


@pytest.mark.parametrize("state_dtype", [None, torch.bfloat16], ids=str)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_captured_training_step_is_that_outside(options, state_dtype, stepped):
    options = copy.deepcopy(options) | {"state_dtype": state_dtype}
    if "lr" in options:
        options["lr"] = options["lr"].cuda()
    models = [model_and_data()[0] for _ in range(2)]
    data = model_and_data()[1]
    plain, captured = (
        RMSprop(model.parameters(), fused=True, capturable=True, **options) for model in models
    )
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        train(models[1], data, captured, 3)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    captured.zero_grad()
    before = len(stepped)
    with torch.cuda.graph(graph):
        models[1](data).square().mean().backward()
        captured.step()
    assert len(stepped) == before + 1
    for _ in range(4):
        graph.replay()
    train(models[0], data, plain, 7)
    torch.testing.assert_close([*models[1].parameters()], [*models[0].parameters()])
    assert {state["step"].item() for state in captured.state.values()} == {7}


def test_two_streams_step_two_optimizers_at_once():
    pairs = [model_and_data() for _ in range(2)]
    optimizers = [RMSprop(model.parameters(), fused=True, eps=1e-3) for model, _ in pairs]
    expected, data = model_and_data()
    train(expected, data, RMSprop(expected.parameters(), fused=True, eps=1e-3), 20)
    torch.cuda.synchronize()
    streams = [torch.cuda.Stream() for _ in range(2)]
    for _ in range(20):
        for stream, (model, data), optimizer in zip(streams, pairs, optimizers, strict=True):
            with torch.cuda.stream(stream):
                train(model, data, optimizer, 1)
    torch.cuda.synchronize()
    for model, _ in pairs:
        torch.testing.assert_close([*model.parameters()], [*expected.parameters()])


def test_a_group_of_two_dtypes_is_two_batches(stepped):
    params = [
        Parameter(torch.ones(20_000, device="cuda", dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16, torch.float32)
    ]
    for param in params:
        param.grad = torch.ones_like(param)
    RMSprop(params, fused=True).step()
    assert sorted(len(batch.lengths) for batch in stepped) == [1, 2]
    assert all((param - 0.9).abs().max() < 0.01 for param in params)


def test_a_kernel_is_compiled_once_for_numbers_at_odd_addresses(stepped):
    from rmsprop.kernels.triton_step import rmsprop_step

    def compiled():
        return sum(len(caches[0]) for caches in rmsprop_step.device_caches.values())

    numbers = torch.full((9,), 0.01, device="cuda")
    param = Parameter(torch.ones(20_000, device="cuda"))
    param.grad = torch.ones_like(param)
    optimizer = RMSprop([param], lr=numbers[0], fused=True)
    optimizer.step()
    before = compiled()
    for i in range(1, 9):
        optimizer.param_groups[0]["lr"] = numbers[i]
        optimizer.step()
    assert len(stepped) == 9
    assert compiled() == before


def test_fully_sharded_parameters_are_stepped_by_the_kernel(stepped):
    dist.init_process_group("nccl", store=dist.HashStore(), rank=0, world_size=1)
    try:
        models = []
        for fused in (True, False):
            model, data = model_and_data()
            dist.fsdp.fully_shard(model)
            train(model, data, RMSprop(model.parameters(), fused=fused, eps=1e-3))
            models.append([param.full_tensor() for param in model.parameters()])
    finally:
        dist.destroy_process_group()
    torch.testing.assert_close(*models)
    assert len(stepped) == 5


# --- whatever happens between steps -----------------------------------------------------------


def changes(seed):
    dice = random.Random(-seed)
    return [dice.choice(mutations.CHANGES) for _ in range(mutations.LONG)]


@pytest.mark.parametrize("change", mutations.CHANGES, ids=lambda change: change.__name__)
def test_steps_after_one_kind_of_change_are_those_of_torch(change):
    for seed in range(4):
        mutations.play(seed, [change] * 3, device="cuda")


def test_steps_after_changes_are_those_of_torch(stepped):
    for seed in range(100):
        mutations.play(seed, changes(seed), device="cuda")
    assert len(stepped) > 200
