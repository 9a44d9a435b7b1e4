"""The device is the one asked for, or the best there is, or an error that says why not."""

import pytest
import torch

from rmsprop.experiments.device import choose_device


@pytest.fixture
def machine(monkeypatch):
    def pretend(asked: str | None, cuda: bool):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        if asked is None:
            monkeypatch.delenv("RMSPROP_DEVICE", raising=False)
        else:
            monkeypatch.setenv("RMSPROP_DEVICE", asked)

    return pretend


@pytest.mark.parametrize(
    ("asked", "cuda", "device"),
    [
        (None, False, "cpu"),
        (None, True, "cuda"),
        ("", False, "cpu"),
        ("cpu", False, "cpu"),
        ("cpu", True, "cpu"),
        ("cuda", True, "cuda"),
    ],
)
def test_device_is_the_one_asked_for_or_the_best_there_is(machine, asked, cuda, device):
    machine(asked, cuda)
    assert choose_device() == torch.device(device)


def test_cuda_on_a_machine_without_it_is_an_error(machine):
    machine("cuda", cuda=False)
    with pytest.raises(RuntimeError, match=r"RMSPROP_DEVICE=cuda, .* no CUDA device"):
        choose_device()


@pytest.mark.parametrize("name", ["gpu", "CUDA", "cuda:1", "mps", " "])
@pytest.mark.parametrize("cuda", [False, True])
def test_any_other_name_is_an_error_that_quotes_it(machine, name, cuda):
    machine(name, cuda)
    with pytest.raises(ValueError, match=f"RMSPROP_DEVICE must be cpu or cuda, got '{name}'"):
        choose_device()
