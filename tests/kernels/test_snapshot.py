"""What a snapshot of tensors tells apart, and where tensors are, each way they are found out."""

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from rmsprop.kernels import batch, cpu, snapshot
from rmsprop.kernels.snapshot import Snapshot
from tests import mutations

OTHERS = {
    "class": lambda t: Parameter(t, requires_grad=False),
    "dtype of the same size": lambda t: t.view(torch.int32),
    "dtype": lambda t: t.double(),
    "device": lambda t: t.to("meta"),
    "shape": lambda t: t[:1],
    "shape of as many": lambda t: t.reshape(3, 2),
    "dimensions": lambda t: t[None],
    "strides": lambda t: t.t().contiguous().t(),
    "gaps": lambda t: torch.ones(2, 6)[:, ::2],
    "sign": torch._neg_view,
    "layout": lambda t: t.to_sparse(),
    "no memory": lambda t: torch._efficientzerotensor(2, 3),
}


@pytest.fixture(params=["by torch's guards", "in Python"])
def compared(request, monkeypatch):
    """Both ways of comparing; the first is what this version of torch takes."""
    assert snapshot._guards_see_all()
    if request.param == "in Python":
        monkeypatch.setattr(snapshot, "_guards_see_all", lambda: False)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_whatever_says_how_memory_is_read_is_told_apart(compared, other):
    before, after = torch.ones(2, 3), other(torch.ones(2, 3))
    rest = torch.ones(4)
    taken = Snapshot([before, rest])
    assert taken.matches([torch.zeros(2, 3), rest])
    assert not taken.matches([after, rest])
    assert not taken.matches([before, rest, rest])
    assert not taken.matches([rest, before])


def test_a_tensor_of_inference_is_told_apart(compared):
    with torch.inference_mode():
        after = torch.ones(2, 3)
    assert not Snapshot([torch.ones(2, 3)]).matches([after])


def test_a_tensor_may_be_there_twice(compared):
    tensor = torch.ones(3)
    assert Snapshot([tensor, tensor]).matches([tensor, tensor])


def test_tensors_are_not_kept(compared):
    tensors = [torch.ones(3)]
    taken = Snapshot(tensors)
    address = tensors[0].data_ptr()
    tensors.clear()
    assert taken.matches([torch.ones(3)])
    assert address


@pytest.mark.parametrize("guards", [True, False])
@pytest.mark.parametrize("reader", [True, False])
def test_steps_are_right_whichever_way_is_taken(monkeypatch, guards, reader):
    if not guards:
        monkeypatch.setattr(snapshot, "_guards_see_all", lambda: False)
    if not reader:
        monkeypatch.setattr(cpu, "_reader", lambda: None)
    for seed in range(40):
        mutations.play(seed, mutations.CHANGES[seed::8])


def test_places_are_those_that_python_finds():
    assert cpu._reader() is not None
    memory = torch.arange(24.0).reshape(2, 3, 4)
    tensors = [
        *(memory, memory[1], memory.mT[:, 2:], Parameter(memory[:, 1]), torch.ones(0)),
        *(torch.zeros(()), torch.ones(3, dtype=torch.bfloat16), torch.ones(3, device="meta")),
    ]
    assert np.array_equal(cpu.data_ptrs(tensors), batch.data_ptrs(tensors))
    assert cpu.data_ptrs([]).shape == (0,)
