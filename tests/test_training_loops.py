"""The optimizer in the loops that people write: closures, schedulers, scalers, compilers."""

import copy

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn import Parameter
from torch.optim import lr_scheduler, swa_utils
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from rmsprop import RMSprop

BOTH = (RMSprop, torch.optim.RMSprop)
gpu = pytest.mark.gpu
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
each_device = pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=[gpu, needs_cuda])]
)


def model_and_data(dtype=torch.float64, device="cpu"):
    generator = torch.Generator().manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 5, dtype=dtype), torch.nn.Tanh(), torch.nn.Linear(5, 1, dtype=dtype)
    )
    for param in model.parameters():
        param.data = torch.randn(param.shape, generator=generator, dtype=dtype) / 2
    data = torch.randn(16, 4, generator=generator, dtype=dtype)
    return model.to(device), data.to(device)


def loss_of(model, data):
    return (model(data) - data.sum(1, keepdim=True)).square().mean()


def trained_by(cls, loop, dtype=torch.float64, **options):
    """Let a loop train a model with an optimizer of this class; return the parameters."""
    model, data = model_and_data(dtype)
    loop(model, data, cls(model.parameters(), **copy.deepcopy(options)))
    return [p.detach() for p in model.parameters()]


def assert_loop_equals_torch(loop, tolerance=1e-12, **options):
    ours, theirs = (trained_by(cls, loop, **options) for cls in BOTH)
    assert not torch.equal(ours[0], model_and_data()[0][0].weight)
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


def simple_loop(model, data, optimizer, steps=5):
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(model, data).backward()
        optimizer.step()


# --- loops ------------------------------------------------------------------------------------


@pytest.mark.parametrize("set_to_none", [False, True])
def test_gradients_may_be_zeroed_or_dropped(set_to_none):
    def loop(model, data, optimizer):
        for _ in range(5):
            loss_of(model, data).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=set_to_none)
            assert (model[0].weight.grad is None) == set_to_none

    assert_loop_equals_torch(loop, momentum=0.9)


def test_closure_in_the_style_of_lbfgs_returns_its_loss():
    losses = []

    def loop(model, data, optimizer):
        def closure():
            optimizer.zero_grad()
            loss = loss_of(model, data)
            loss.backward()
            return loss

        losses.append([optimizer.step(closure).item() for _ in range(20)])

    assert_loop_equals_torch(loop)
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    assert losses[0][-1] < losses[0][0]


def test_gradients_accumulated_in_parts_and_clipped():
    def loop(model, data, optimizer):
        for _ in range(5):
            for part in data.chunk(4):
                (loss_of(model, part) / 4).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            optimizer.zero_grad()

    assert_loop_equals_torch(loop)


def test_layer_frozen_at_first_joins_when_it_is_thawed():
    def loop(model, data, optimizer):
        model[2].requires_grad_(False)
        simple_loop(model, data, optimizer)
        assert model[2].weight not in optimizer.state
        model[2].requires_grad_(True)
        simple_loop(model, data, optimizer)

    assert_loop_equals_torch(loop, momentum=0.9, weight_decay=0.1)


def test_layer_added_as_a_group_takes_the_options_it_does_not_set_from_the_defaults():
    def loop(model, data, optimizer):
        simple_loop(model, data, optimizer)
        new = torch.nn.Linear(1, 1, dtype=torch.float64)
        torch.nn.init.ones_(new.weight)
        torch.nn.init.zeros_(new.bias)
        model.append(new)
        optimizer.add_param_group({"params": new.parameters(), "alpha": 0.9})
        assert optimizer.param_groups[1]["lr"] == 0.02
        simple_loop(model, data, optimizer)

    assert_loop_equals_torch(loop, lr=0.02)


def test_sparse_gradient_is_refused_before_any_parameter_moves():
    dense, sparse = (Parameter(torch.ones(3)) for _ in range(2))
    dense.grad = torch.ones(3)
    sparse.grad = torch.sparse_coo_tensor([[0]], [1.0], (3,), check_invariants=True)
    optimizer = RMSprop([dense, sparse])
    with pytest.raises(RuntimeError, match="sparse"):
        optimizer.step()
    assert torch.equal(dense, torch.ones(3))
    assert not optimizer.state


def test_repr_shows_the_class_and_every_option():
    optimizer = RMSprop([Parameter(torch.ones(1))], lr=0.125)
    text = repr(optimizer)
    assert text.startswith("RMSprop (")
    assert all(f"    {name}: {value}\n" in text for name, value in optimizer.defaults.items())


# --- schedulers -------------------------------------------------------------------------------

SCHEDULERS = {
    "one cycle": lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=20),
    "cycles of momentum that begin at 0": lambda o: lr_scheduler.CyclicLR(
        o, 0.001, 0.1, step_size_up=3, base_momentum=0.0, max_momentum=0.9
    ),
    "warm-up from 0, then a cosine": lambda o: lr_scheduler.SequentialLR(
        o,
        [
            lr_scheduler.LambdaLR(o, lambda t: t / 5),
            lr_scheduler.CosineAnnealingLR(o, T_max=10),
        ],
        milestones=[5],
    ),
    "restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=4),
    "stochastic weight averaging": lambda o: swa_utils.SWALR(o, swa_lr=0.05, anneal_epochs=5),
}


# Older versions of torch warn so of what they do themselves.
@pytest.mark.filterwarnings("ignore:The epoch parameter in `scheduler.step:UserWarning")
@pytest.mark.parametrize("scheduler", SCHEDULERS.values(), ids=SCHEDULERS)
@pytest.mark.parametrize("lr", [0.02, torch.tensor(0.02, dtype=torch.float64)], ids=str)
@pytest.mark.parametrize("centered", [False, True])
def test_schedule_equals_torchs(scheduler, lr, centered):
    def loop(model, data, optimizer):
        schedule = scheduler(optimizer)
        (group,) = optimizer.param_groups
        if torch.is_tensor(lr) and group["lr"] is group["initial_lr"]:
            pytest.skip("schedules of this torch write over the rate that they began with")
        for _ in range(15):
            simple_loop(model, data, optimizer, steps=1)
            schedule.step()

    assert_loop_equals_torch(loop, 1e-9, lr=lr, momentum=0.9, centered=centered)


def test_plateau_lowers_the_rate():
    def loop(model, data, optimizer):
        schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, mode="max")
        for _ in range(4):
            simple_loop(model, data, optimizer, steps=1)
            schedule.step(loss_of(model, data).item())
        assert optimizer.param_groups[0]["lr"] < 0.01

    assert_loop_equals_torch(loop)


def test_schedule_of_momentum_may_begin_after_the_first_step():
    model, data = model_and_data()
    optimizer = RMSprop(model.parameters())
    simple_loop(model, data, optimizer)
    before = loss_of(model, data).item()
    schedule = lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=40)
    for _ in range(30):
        simple_loop(model, data, optimizer, steps=1)
        schedule.step()
    assert optimizer.param_groups[0]["momentum"] > 0
    assert loss_of(model, data).item() < before


@pytest.mark.parametrize("shape", [(), (1,)])
def test_rate_that_requires_a_gradient_steps_like_the_number(shape):
    lr = torch.full(shape, 0.02, dtype=torch.float64, requires_grad=True)
    model, data = model_and_data()
    simple_loop(model, data, RMSprop(model.parameters(), lr=lr, momentum=0.9))
    expected = trained_by(RMSprop, simple_loop, lr=0.02, momentum=0.9)
    torch.testing.assert_close([p.detach() for p in model.parameters()], expected)
    assert lr.grad is None


def test_averaged_model_follows():
    averages = []

    def loop(model, data, optimizer):
        averaged = swa_utils.AveragedModel(model)
        for _ in range(5):
            simple_loop(model, data, optimizer, steps=1)
            averaged.update_parameters(model)
        averages.append([p.detach() for p in averaged.parameters()])

    assert_loop_equals_torch(loop)
    torch.testing.assert_close(*averages, rtol=1e-12, atol=1e-12)


# --- hooks ------------------------------------------------------------------------------------


def test_every_step_hook_runs_once_and_around_the_step():
    calls = []
    param = Parameter(torch.ones(1))
    param.grad = torch.ones(1)
    optimizer = RMSprop([param])

    def hook(name):
        return lambda o, args, kwargs: calls.append((name, o is optimizer, param.item() < 1))

    handles = [
        register_optimizer_step_pre_hook(hook("global pre")),
        register_optimizer_step_post_hook(hook("global post")),
    ]
    try:
        optimizer.register_step_pre_hook(hook("pre"))
        optimizer.register_step_post_hook(hook("post"))
        optimizer.step()
    finally:
        for handle in handles:
            handle.remove()
    assert sorted(calls[:2]) == [("global pre", True, False), ("pre", True, False)]
    assert sorted(calls[2:]) == [("global post", True, True), ("post", True, True)]


def test_step_is_a_record_of_its_own_in_a_profile():
    model, data = model_and_data()
    optimizer = RMSprop(model.parameters())
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        simple_loop(model, data, optimizer, steps=2)
    (record,) = [e for e in profile.key_averages() if e.key == "Optimizer.step#RMSprop.step"]
    assert record.count == 2


# --- gradient scaling -------------------------------------------------------------------------


@each_device
def test_scaler_unscales_skips_infinite_gradients_and_goes_on(device):
    def train(cls, scaled):
        model, data = model_and_data(torch.float32, device)
        optimizer = cls(model.parameters(), momentum=0.9)
        scaler = torch.amp.GradScaler(device, init_scale=2.0**10, enabled=scaled)
        for step in range(6):
            optimizer.zero_grad()
            scaler.scale(loss_of(model, data)).backward()
            if step == 3:
                if not scaled:
                    continue
                model[0].weight.grad[0, 0] = torch.inf
            before = copy.deepcopy([*model.parameters(), *optimizer.state.values()])
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10)
            scaler.step(optimizer)
            scaler.update()
            if step == 3:
                after = [*model.parameters(), *optimizer.state.values()]
                torch.testing.assert_close(after, before, rtol=0, atol=0)
        assert not scaled or scaler.get_scale() == 2.0**9
        return [p.detach() for p in model.parameters()]

    ours = train(RMSprop, True)
    torch.testing.assert_close(ours, train(torch.optim.RMSprop, True), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours, train(RMSprop, False), rtol=1e-5, atol=1e-6)


# --- compilers and graphs ---------------------------------------------------------------------

COMPILED = {
    "default": {},
    "centered, momentum": {"centered": True, "momentum": 0.9},
    "bias-corrected": {"bias_correction": True, "alpha": 0.9999},
    "tensor lr": {"lr": torch.tensor(0.01)},
    "capturable": {"capturable": True, "bias_correction": True, "eps": 0, "weight_decay": 0.1},
    "every switch": {
        "lr": torch.tensor(0.01),
        "capturable": True,
        "centered": True,
        "momentum": 0.9,
        "nesterov": True,
        "lr_in_momentum": True,
        "decoupled_weight_decay": True,
        "weight_decay": 0.1,
        "eps_in_sqrt": True,
        "bias_correction": True,
        "maximize": True,
    },
}


@pytest.mark.parametrize(
    ("backend", "dtype"), [("eager", torch.float32), ("aot_eager", torch.bfloat16)], ids=str
)
@pytest.mark.parametrize("options", COMPILED.values(), ids=COMPILED)
def test_compiled_step_equals_the_step_and_is_compiled_but_once(options, dtype, backend):
    torch._dynamo.reset()
    counter = CompileCounterWithBackend(backend)

    def loop(model, data, optimizer):
        step = torch.compile(optimizer.step, backend=counter)
        for _ in range(10):
            optimizer.zero_grad()
            loss_of(model, data).backward()
            step()

    compiled = trained_by(RMSprop, loop, dtype, **options)
    plain = trained_by(RMSprop, lambda m, d, o: simple_loop(m, d, o, steps=10), dtype, **options)
    # The parameters are of size 1, and what is fused is rounded once less.
    tolerance = 2**-7 if dtype == torch.bfloat16 else 1e-6
    torch.testing.assert_close(compiled, plain, rtol=tolerance, atol=tolerance)
    assert counter.frame_count == 1  # the state is made before the step is traced


@pytest.mark.parametrize("options", COMPILED.values(), ids=COMPILED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64], ids=str)
def test_capturable_step_reads_nothing_back_from_the_device(dtype, options):
    """On the meta device there is nothing to read, so that whoever tries is refused."""
    param = Parameter(torch.ones(3, dtype=dtype, device="meta"))
    options = options | {"capturable": True}
    if "lr" in options:
        options["lr"] = options["lr"].to("meta")
    optimizer = RMSprop([param], **options)
    for _ in range(2):
        param.grad = torch.ones_like(param)
        optimizer.step()
    assert {value.device.type for value in optimizer.state[param].values()} == {"meta"}


def test_bias_correction_on_the_device_has_the_digits_of_the_one_in_python():
    alpha = 1 - 2**-30  # 1 in float32
    runs = []
    for capturable in (False, True):
        param = Parameter(torch.ones(4))
        optimizer = RMSprop([param], alpha=alpha, bias_correction=True, capturable=capturable)
        for step in range(10):
            param.grad = torch.arange(4.0) + step
            optimizer.step()
        runs.append([param.detach(), optimizer.state[param]["square_avg"]])
    assert runs[0][0].isfinite().all()
    torch.testing.assert_close(*runs, rtol=1e-6, atol=1e-6)


def test_capturable_turned_on_later_moves_the_step_count():
    param = Parameter(torch.ones(3, device="meta"))
    param.grad = torch.ones_like(param)
    optimizer = RMSprop([param])
    for capturable, device in ((False, "cpu"), (True, "meta")):
        optimizer.param_groups[0]["capturable"] = capturable
        optimizer.step()
        assert optimizer.state[param]["step"].device.type == device


@gpu
@needs_cuda
@pytest.mark.parametrize("options", COMPILED.values(), ids=COMPILED)
def test_captured_cuda_graph_replays_the_steps(options):
    options = options | {"capturable": True}
    if "lr" in options:
        options["lr"] = options["lr"].cuda()
    params = [Parameter(torch.linspace(-1, 1, 5, device="cuda")) for _ in range(2)]
    plain, captured = (RMSprop([param], **options) for param in params)
    grads = torch.randn(8, 5, generator=torch.Generator().manual_seed(0)).cuda()
    for param in params:
        param.grad = grads[0].clone()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for grad in grads[:3]:
            params[1].grad.copy_(grad)
            captured.step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured.step()
    for grad in grads[3:]:
        params[1].grad.copy_(grad)
        graph.replay()
    for grad in grads:
        params[0].grad.copy_(grad)
        plain.step()
    torch.testing.assert_close(params[1], params[0], rtol=0, atol=0)
    assert captured.state[params[1]]["step"].item() == len(grads)


# --- libraries that drive the loop ------------------------------------------------------------


def test_accelerate_prepares_it_unchanged():
    accelerate = pytest.importorskip("accelerate")

    def loop(model, data, optimizer):
        driver = accelerate.Accelerator(cpu=True)
        prepared, wrapped = driver.prepare(model, optimizer)
        for _ in range(5):
            wrapped.zero_grad()
            driver.backward(loss_of(prepared, data))
            driver.clip_grad_norm_(prepared.parameters(), 1.0)
            wrapped.step()
        wrapped.load_state_dict(wrapped.state_dict())
        wrapped.step()

    assert_loop_equals_torch(loop, momentum=0.9)


@pytest.mark.filterwarnings("ignore")  # Lightning's own
def test_lightning_trains_with_it_and_resumes_from_its_checkpoint(tmp_path):
    lightning = pytest.importorskip("pytorch_lightning")

    class Module(lightning.LightningModule):
        def __init__(self, cls):
            super().__init__()
            self.model, self.data = model_and_data()
            self.cls = cls

        def training_step(self, batch, index):
            return loss_of(self.model, batch)

        def train_dataloader(self):
            return torch.utils.data.DataLoader(self.data, batch_size=8)

        def configure_optimizers(self):
            optimizer = self.cls(self.parameters(), momentum=0.9)
            return [optimizer], [lr_scheduler.StepLR(optimizer, 1)]

    def train(cls, epochs, resume=None):
        module = Module(cls)
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
        )
        trainer.fit(module, ckpt_path=resume)
        trainer.save_checkpoint(tmp_path / f"{cls.__module__}.ckpt")
        return [p.detach() for p in module.parameters()]

    ours, theirs = (train(cls, 4) for cls in BOTH)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    train(RMSprop, 2)
    resumed = train(RMSprop, 4, resume=tmp_path / f"{RMSprop.__module__}.ckpt")
    torch.testing.assert_close(resumed, ours, rtol=0, atol=0)
