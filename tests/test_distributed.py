"""Two processes train together and arrive where one does: DDP, FSDP2, sharded checkpoints."""

import copy
import datetime
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch.distributed import checkpoint
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

import rmsprop

WORLD = 2
SECONDS = 120  # for the start of the processes and all they do
STEPS = 6
SHARDS = hasattr(torch.cpu.Stream, "record_event")  # else FSDP2 fails on a CPU
OPTIONS = {
    "default": {},
    "centered, momentum": {"centered": True, "momentum": 0.9, "alpha": 0.9},
    "decoupled weight decay": {"weight_decay": 0.1, "decoupled_weight_decay": True},
    "every switch": {
        "eps": 0,
        "momentum": 0.5,
        "nesterov": True,
        "lr_in_momentum": True,
        "bias_correction": True,
        "weight_decay": 0.1,
        "maximize": True,
    },
    "tensors for lr and step": {
        "lr": torch.tensor(0.01),
        "capturable": True,
        "bias_correction": True,
        "centered": True,
        "eps_in_sqrt": True,
        "weight_decay": 0.1,
        "decoupled_weight_decay": True,
    },
}


def build(options, dtype=torch.float64):
    """A model, whose first layer two processes cannot halve, and its optimizer's constructor."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 5, dtype=dtype), torch.nn.Tanh(), torch.nn.Linear(5, 1, dtype=dtype)
    )
    return model, lambda params: rmsprop.RMSprop(params, **copy.deepcopy(options))


def train(model, optimizer, steps, rank=None):
    """Train on one process's half of every batch, or on all of it."""
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        batch = torch.randn(8, 4, generator=generator, dtype=torch.float64)
        batch = batch.to(next(model.parameters()).dtype)
        optimizer.zero_grad()
        model(batch if rank is None else batch[rank::WORLD]).square().mean().backward()
        optimizer.step()


def train_alone(options):
    model, build_optimizer = build(options)
    train(model, build_optimizer(model.parameters()), range(STEPS))
    return [p.detach() for p in model.parameters()]


# --- what each process does -------------------------------------------------------------------


def train_with_ddp(options, rank):
    model, build_optimizer = build(options)
    optimizer = build_optimizer(model.parameters())
    train(torch.nn.parallel.DistributedDataParallel(model), optimizer, range(STEPS), rank)
    return [p.detach() for p in model.parameters()]


def shard(options, dtype):
    model, build_optimizer = build(options, dtype)
    mesh = dist.device_mesh.init_device_mesh("cpu", (WORLD,))
    for layer in (model[0], model[2], model):
        fully_shard(layer, mesh=mesh)
    return model, build_optimizer(model.parameters())


def train_with_fsdp(options, rank):
    model, optimizer = shard(options, torch.float64)
    train(model, optimizer, range(STEPS), rank)
    for param in model.parameters():
        assert isinstance(param, DTensor)
        for name, value in optimizer.state[param].items():
            assert name == "step" or value.placements == param.placements
    return [p.detach().full_tensor() for p in model.parameters()]


def floor_with_fsdp(options, rank):
    model, optimizer = shard(options, torch.float64)
    train(model, optimizer, range(STEPS), rank)
    return torch.tensor(rmsprop.expected_floor(optimizer))


def continue_from_checkpoint(options, rank, folder, dtype):
    """Train on, from the running processes and from what they saved: local parameters and state."""
    model, optimizer = shard(options, dtype)
    train(model, optimizer, range(STEPS // 2), rank)
    parts = dict(zip(("model", "optimizer"), get_state_dict(model, optimizer), strict=True))
    checkpoint.save(parts, checkpoint_id=folder)
    restored, restored_optimizer = shard(options, dtype)
    with torch.no_grad():
        for param in restored.parameters():
            param.zero_()
    parts = get_state_dict(restored, restored_optimizer)
    loaded = dict(zip(("model", "optimizer"), parts, strict=True))
    checkpoint.load(loaded, checkpoint_id=folder)
    set_state_dict(
        restored,
        restored_optimizer,
        model_state_dict=loaded["model"],
        optim_state_dict=loaded["optimizer"],
    )
    runs = []
    for a_model, an_optimizer in ((model, optimizer), (restored, restored_optimizer)):
        train(a_model, an_optimizer, range(STEPS // 2, STEPS), rank)
        runs.append(
            [
                {name: local(value) for name, value in an_optimizer.state[param].items()}
                | {"param": local(param.detach())}
                for param in a_model.parameters()
            ]
        )
    return runs


def local(tensor):
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def work(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/rendezvous",
        rank=rank,
        world_size=WORLD,
        timeout=datetime.timedelta(seconds=SECONDS),
    )
    results = {}
    for name, options in OPTIONS.items():
        results["ddp", name] = train_with_ddp(options, rank)
        if not SHARDS:
            continue
        results["fsdp", name] = train_with_fsdp(options, rank)
        if not options.get("decoupled_weight_decay"):
            results["floor", name] = floor_with_fsdp(options, rank)
        for dtype in (torch.float64, torch.bfloat16):
            saved = folder / f"{name} {dtype}"
            results[dtype, name] = continue_from_checkpoint(options, rank, saved, dtype)
    torch.save(results, folder / f"{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()


# --- what the tests make of it ----------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What every process found."""
    folder = tmp_path_factory.mktemp("distributed")
    here = os.environ | {"PYTHONPATH": str(Path(rmsprop.__file__).parents[1])}
    command = [sys.executable, "-W", "ignore", __file__]
    workers = [
        subprocess.Popen(
            [*command, str(rank), str(folder)],
            env=here,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(WORLD)
    ]
    try:
        outputs = [worker.communicate(timeout=SECONDS)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            worker.stdout.close()
    assert all(worker.returncode == 0 for worker in workers), "\n\n".join(outputs)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(WORLD)]


pytestmark = pytest.mark.skipif(not dist.is_gloo_available(), reason="needs gloo")
each_option = pytest.mark.parametrize("name", OPTIONS)
needs_shards = pytest.mark.skipif(not SHARDS, reason="this torch shards on no CPU")


@each_option
@pytest.mark.parametrize("method", ["ddp", pytest.param("fsdp", marks=needs_shards)])
def test_two_processes_arrive_where_one_does(results, method, name):
    alone = train_alone(OPTIONS[name])
    assert not torch.equal(alone[0], build({})[0][0].weight)
    for result in results:
        # The mean over processes is rounded differently from the mean over the batch, and a
        # centered step magnifies that. A tensor lr is float32 on both sides.
        torch.testing.assert_close(result[method, name], alone, rtol=1e-9, atol=1e-9)


@needs_shards
@pytest.mark.parametrize("name", ["default", "centered, momentum", "every switch"])
def test_every_process_reads_the_whole_floor(results, name):
    model, build_optimizer = build(OPTIONS[name])
    optimizer = build_optimizer(model.parameters())
    train(model, optimizer, range(STEPS))
    expected = torch.tensor(rmsprop.expected_floor(optimizer))
    for result in results:
        torch.testing.assert_close(result["floor", name], expected, rtol=1e-6, atol=0)


@needs_shards
@each_option
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_sharded_checkpoint_continues_to_the_last_bit(results, dtype, name):
    for result in results:
        running, restored = result[dtype, name]
        torch.testing.assert_close(restored, running, rtol=0, atol=0)
        for state in restored:
            assert state["param"].dtype == dtype
            for key in state.keys() - {"param"}:
                high = torch.float32 if dtype == torch.bfloat16 or key == "step" else dtype
                assert state[key].dtype == high


if __name__ == "__main__":
    work(int(sys.argv[1]), Path(sys.argv[2]))
