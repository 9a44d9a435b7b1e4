"""The CUDA kernel where only a GPU can tell: streams, graphs, scalers, sizes, synchronization."""

import contextlib
import gc
import math
import warnings

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from rmsprop.kernels import cuda, eager
from rmsprop.kernels.batch import Batch, Row

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
OFF = {
    "eps": 1e-8,
    "weight_decay": 0.0,
    "momentum": 0.0,
    "centered": False,
    "maximize": False,
    "eps_in_sqrt": False,
    "lr_in_momentum": False,
    "decoupled_weight_decay": False,
    "bias_correction": False,
    "nesterov": False,
}
DEFAULT = OFF | {"lr": 0.01, "alpha": 0.99}
ALL = DEFAULT | {
    "weight_decay": 0.1,
    "momentum": 0.9,
    "centered": True,
    "eps_in_sqrt": True,
    "eps": 1e-2,
    "bias_correction": True,
    "nesterov": True,
}
each_variant = pytest.mark.parametrize("options", [DEFAULT, ALL], ids=["default", "all"])


class Kernel(torch.optim.Optimizer):
    """As little of an optimizer as can stand around the kernel, or around eager operations."""

    _step_supports_amp_scaling = True

    def __init__(self, params, use_eager=False, **options):
        super().__init__(params, options)
        self.params = self.param_groups[0]["params"]
        self.options = options
        self.use_eager = use_eager
        self.rows = self.batch = None

    def step(self):
        if self.rows is None:
            self.rows = [self.row(param) for param in self.params]
        self.rows = [
            row._replace(grad=param.grad) for row, param in zip(self.rows, self.params, strict=True)
        ]
        (self.step_eager if self.use_eager else self.step_fused)()

    def row(self, param):
        def zeros():
            return torch.zeros_like(param, dtype=torch.float32).detach()

        return Row(
            param=param.detach(),
            grad=param.grad,
            average=zeros(),
            grad_avg=zeros() if self.options["centered"] else None,
            momentum_buffer=zeros() if self.options["momentum"] > 0 else None,
            step=torch.zeros((), device=param.device),
        )

    def step_fused(self):
        addresses = np.array(
            [[0 if tensor is None else tensor.data_ptr() for tensor in row] for row in self.rows]
        ).T.copy()
        if self.batch is None or not np.array_equal(self.batch.addresses, addresses):
            lengths = np.array([param.numel() for param in self.params])
            self.batch = Batch(addresses, lengths, self.params[0].dtype, self.params[0].device)
        scaling = {name: getattr(self, name, None) for name in ("grad_scale", "found_inf")}
        cuda.step(self.batch, (), **self.options, **scaling)

    def step_eager(self):
        names = ("centered", "bias_correction", "alpha")
        options = {name: value for name, value in self.options.items() if name not in names}
        for row in self.rows:
            row.step.add_(1)
            alpha, t = self.options["alpha"], row.step.double()
            if self.options["bias_correction"]:
                alpha = alpha * (1 - alpha ** (t - 1)) / (1 - alpha**t)
            average = "grad_var" if self.options["centered"] else "square_avg"
            state = {average: row.average, "grad_avg": row.grad_avg}
            eager.step(
                row.param,
                row.grad,
                **state,
                momentum_buffer=row.momentum_buffer,
                alpha=alpha,
                **options,
            )


def generator(seed=0):
    return torch.Generator("cuda").manual_seed(seed)


def random_params(lengths, dtype=torch.float32, device="cuda", seed=0):
    random = torch.Generator(device).manual_seed(seed)
    return [Parameter(torch.randn(n, generator=random, device=device).to(dtype)) for n in lengths]


def set_grads(params, seed):
    random = torch.Generator(params[0].device).manual_seed(seed)
    for param in params:
        grad = torch.randn(param.shape, generator=random, device=param.device).to(param.dtype)
        if param.grad is None:
            param.grad = grad
        else:
            param.grad.copy_(grad)


def assert_same(ours, theirs):
    """Hold parameters, state and step counts of two optimizers together, to rounding."""
    for our_row, their_row in zip(ours.rows, theirs.rows, strict=True):
        for name in Row._fields:
            our, their = getattr(our_row, name), getattr(their_row, name)
            if our is not None and name != "grad":
                rtol = 1e-5 if our.dtype == torch.float32 else torch.finfo(our.dtype).eps
                # Updates of up to 50 may cancel in the momentum buffer.
                atol = 1e-4 if name == "momentum_buffer" else 1e-6
                torch.testing.assert_close(our, their, rtol=rtol, atol=atol)


def both(lengths, options, dtype=torch.float32, device="cuda"):
    return (
        Kernel(random_params(lengths, dtype, device), **options),
        Kernel(random_params(lengths, dtype, device), use_eager=True, **options),
    )


def test_it_is_usable_here():
    options = {"centered": False, "momentum": False}
    assert cuda.is_usable(torch.device("cuda", 0), torch.float32, **options)


@pytest.mark.parametrize("dtype", cuda.DTYPES, ids=str)
@each_variant
def test_many_tensors_of_all_sizes_step_as_in_eager(options, dtype):
    lengths = [*range(300), cuda.CHUNK, 10 * cuda.CHUNK + 3, 25_000_000]
    ours, theirs = both(lengths, options, dtype)
    for step in range(3):
        for optimizer in (ours, theirs):
            set_grads(optimizer.params, step)
            optimizer.step()
        assert_same(ours, theirs)
        # Or roundings of the parameter to 16 bits, which weight decay feeds back, would add up.
        for our, their in zip(ours.params, theirs.params, strict=True):
            their.data.copy_(our)


def test_a_tensor_of_more_than_2_to_the_31_elements():
    n, piece = 2**31 + cuda.CHUNK + 1, 2**26
    if torch.cuda.mem_get_info()[0] < 24 * 2**30:
        pytest.skip("needs 24 GiB of free GPU memory")
    param = Parameter(torch.ones(n, dtype=torch.bfloat16, device="cuda"))
    param.grad = torch.empty_like(param)
    pieces = [slice(start, min(start + piece, n)) for start in range(0, n, piece)]
    for i, where in enumerate(pieces):
        param.grad[where].normal_(generator=generator(i))
    optimizer = Kernel([param], **DEFAULT)
    optimizer.step()
    (row,) = optimizer.rows
    for where in pieces:
        reference = Kernel([Parameter(torch.ones_like(param[where]))], use_eager=True, **DEFAULT)
        reference.params[0].grad = param.grad[where]
        reference.step()
        (expected,) = reference.rows
        torch.testing.assert_close(row.average[where], expected.average, rtol=1e-5, atol=0)
        torch.testing.assert_close(row.param[where], expected.param, rtol=2**-7, atol=0)
    assert row.step.item() == 1


# --- launches and synchronization -------------------------------------------------------------


@each_variant
def test_a_step_is_one_launch_and_nothing_else(options):
    optimizer = Kernel(random_params([5, 0, 70_000] * 50), **options)
    set_grads(optimizer.params, 0)
    optimizer.step()
    torch.cuda.synchronize()
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities, acc_events=True) as profile:
        optimizer.step_fused()  # past torch's hook, which marks optimizers' steps in the profile
        torch.cuda.synchronize()
    on_device = sorted(e.name for e in profile.events() if "CUDA" in str(e.device_type))
    corrections = ["rmsprop_count_and_correct"] if options["bias_correction"] else []
    assert on_device == [*corrections, "rmsprop_step"]


@contextlib.contextmanager
def refused_synchronization():
    """Let whatever waits for the device fail."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is a prototype, says torch once
            torch.cuda.set_sync_debug_mode("error")
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("lr_device", [None, "cpu", "cuda"])
@each_variant
def test_a_step_does_not_wait_for_the_device(options, lr_device):
    lr = 0.01 if lr_device is None else torch.tensor(0.01, device=lr_device)
    optimizers = [Kernel(random_params([5, 3000]), **options | {"lr": lr}) for _ in range(2)]
    for optimizer in optimizers:
        set_grads(optimizer.params, 0)
        optimizer.grad_scale = torch.full((), 2.0, device="cuda")
        optimizer.found_inf = torch.full((), 0.0, device="cuda")
    optimizers[0].step()  # compiles
    optimizers[1].rows = [optimizers[1].row(param) for param in optimizers[1].params]
    torch.cuda.synchronize()
    # 0.1 s or more: what is enqueued behind it cannot be done when the steps return.
    torch.cuda._sleep(200_000_000)
    done = torch.cuda.Event()
    with refused_synchronization():
        for _ in range(2):
            optimizers[1].step()
    done.record()
    assert not done.query()
    torch.cuda.synchronize()
    assert optimizers[1].rows[0].step.item() == 2


# --- streams and devices ----------------------------------------------------------------------


@each_variant
def test_steps_on_side_streams_outlive_their_batch(options):
    ours, theirs = both([5, 40_000], options)
    first, second = torch.cuda.Stream(), torch.cuda.Stream()
    for optimizer in (ours, theirs):
        set_grads(optimizer.params, 0)
    theirs.step()
    theirs.step()
    torch.cuda.synchronize()
    first.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(first):
        ours.step()
    second.wait_stream(first)
    with torch.cuda.stream(second):
        torch.cuda._sleep(200_000_000)
        ours.step()
    # The tables were made on the first stream, which would now give their memory to others.
    size = sum(map(len, cuda._tables(ours.batch)))
    ours.batch = None
    gc.collect()
    with torch.cuda.stream(first):
        others = [torch.full((size,), -1, device="cuda") for _ in range(20)]
    torch.cuda.synchronize()
    assert all((other == -1).all() for other in others)
    assert_same(ours, theirs)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
@each_variant
def test_tensors_on_another_device_than_the_current(options):
    ours, theirs = both([5, 40_000], options, device="cuda:1")
    for optimizer in (ours, theirs):
        set_grads(optimizer.params, 0)
        optimizer.step()
    assert torch.cuda.current_device() == 0
    torch.cuda.synchronize(1)
    assert_same(ours, theirs)


# --- CUDA graphs ------------------------------------------------------------------------------


def occupy_pinned_memory(size):
    """Write to whatever pinned memory of this size is free to be taken."""
    blocks = [torch.full((size,), -1, dtype=torch.int64).pin_memory() for _ in range(20)]
    assert all((block == -1).all() for block in blocks)


@pytest.mark.parametrize("grads", ["in place", "new in the graph"])
@each_variant
def test_a_captured_step_reads_what_has_changed_when_it_is_replayed(options, grads):
    lr = torch.tensor(0.01, device="cuda")
    ours, theirs = both([5, 0, 40_000, 30], options | {"lr": lr})
    scale, found_inf = (torch.full((), x, device="cuda") for x in (1.0, 0.0))
    ours.grad_scale, ours.found_inf = scale, found_inf
    source = [torch.empty_like(param) for param in ours.params]
    for optimizer in (ours, theirs):
        set_grads(optimizer.params, 0)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        ours.step()
    theirs.step()
    torch.cuda.synchronize()

    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for param, grad in zip(ours.params, source, strict=True):
            if grads == "in place":
                param.grad.copy_(grad)
            else:
                param.grad = grad * 1
        ours.step()
    torch.cuda.synchronize()
    assert ours.rows[0].step.item() == 1
    # The graph needs neither the batch nor anything that was made for it.
    size = sum(map(len, cuda._tables(ours.batch))) + len(ours.params)
    ours.batch = None
    gc.collect()
    for step in range(1, 5):
        occupy_pinned_memory(size)
        others = [torch.full((size,), -1, device="cuda") for _ in range(20)]
        lr.fill_(0.01 / step)
        scale.fill_(2.0**step)
        found_inf.fill_(step == 3)
        set_grads(theirs.params, step)
        for grad, param in zip(source, theirs.params, strict=True):
            grad.copy_(param.grad * scale)
        graph.replay()
        if step != 3:
            theirs.step()
        torch.cuda.synchronize()
        assert all((other == -1).all() for other in others)
        assert_same(ours, theirs)


@each_variant
def test_a_batch_that_was_captured_first_steps_outside_too(options):
    ours, theirs = both([5, 40_000], options)
    warm_up = Kernel(random_params([5, 40_000]), **options)
    for optimizer in (ours, theirs, warm_up):
        set_grads(optimizer.params, 0)
    warm_up.step()
    ours.rows = [ours.row(param) for param in ours.params]
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        ours.step()
    ours.step()
    graph.replay()
    theirs.step()
    theirs.step()
    assert_same(ours, theirs)


# --- gradient scaling -------------------------------------------------------------------------


@pytest.mark.parametrize("unscale_first", [False, True])
@each_variant
def test_grad_scaler_skips_steps_with_infinities(options, unscale_first):
    ours, theirs = both([5, 3000], options)
    scaler = torch.amp.GradScaler("cuda", init_scale=2.0**10, growth_interval=2)
    steps = 0
    for step in range(6):
        set_grads(theirs.params, step)
        for our, their in zip(ours.params, theirs.params, strict=True):
            loss = (our * their.grad).sum()
            scaler.scale(loss).backward()
        if step in (1, 4):
            ours.params[1].grad[7] = math.inf
        if unscale_first:
            scaler.unscale_(ours)
        scaled = [param.grad.clone() for param in ours.params]
        scaler.step(ours)
        divided = 1 if unscale_first or step in (1, 4) else scaler.get_scale()
        for param, grad in zip(ours.params, scaled, strict=True):
            torch.testing.assert_close(param.grad, grad / divided, rtol=0, atol=0)
        scaler.update()
        ours.zero_grad()
        if step not in (1, 4):
            theirs.step()
            steps += 1
        assert ours.rows[0].step.item() == steps
        assert_same(ours, theirs)
    assert scaler.get_scale() == 2.0**9  # halved twice, and doubled once in between
