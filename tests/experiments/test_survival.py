"""Trainings that end in NaN: when, and that others are those of torch alone."""

from functools import partial

import pytest
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

from rmsprop.experiments.survival import StateInFloat32, train_until_nan

RULE = partial(torch.optim.RMSprop, lr=1e-3, alpha=0.9)


class NanAtThird(torch.optim.SGD):
    """Spoil one weight of the last parameters at the third step."""

    calls = 0

    def step(self):
        self.calls += 1
        if self.calls == 3:
            self.param_groups[0]["params"][-1].data[0, 7] = torch.nan


def test_first_nan_of_any_weight_ends_the_training():
    run = train_until_nan(partial(NanAtThird, lr=1.0), dtype=torch.float32, batch=8, steps=9)
    assert run.died == 3
    assert run.loss > 0


def test_training_in_float32_is_that_of_torch_alone():
    images, labels = map(torch.as_tensor, load_digits(return_X_y=True))
    generator = torch.Generator().manual_seed(0)
    classifier = torch.nn.Sequential(
        torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 10)
    )
    with torch.no_grad():
        for layer in classifier[::2]:
            shape = layer.in_features, layer.out_features
            drawn = torch.randn(shape, generator=generator)
            layer.weight.copy_(drawn.T / layer.in_features**0.5)
            layer.bias.zero_()
    optimizer = RULE(classifier.parameters())
    for _ in range(20):
        rows = torch.randperm(len(labels), generator=generator)[:32]
        loss = cross_entropy(classifier((images[rows] / 16).float()), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    run = train_until_nan(RULE, dtype=torch.float32, batch=32, steps=20)
    assert run.died is None
    assert run.loss == pytest.approx(loss.item(), rel=1e-4)


def test_weights_and_gradients_have_the_dtype():
    seen = []

    class Recorder(torch.optim.SGD):
        def step(self):
            seen.extend(w.grad.dtype for w in self.param_groups[0]["params"])

    train_until_nan(partial(Recorder, lr=1.0), dtype=torch.bfloat16, batch=8, steps=1)
    assert seen == [torch.bfloat16] * 4


def test_same_weights_and_batches_for_every_optimizer():
    runs = [train_until_nan(RULE, dtype=torch.float32, batch=16, steps=5) for _ in range(2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("centered", [False, True])
def test_state_in_float32_is_torchs_rule_where_the_weights_are_too(centered):
    rules = (partial(rule, lr=1e-3, centered=centered) for rule in (RULE.func, StateInFloat32))
    torchs, ours = (
        train_until_nan(rule, dtype=torch.float32, batch=32, steps=20).loss for rule in rules
    )
    assert ours == torchs


def test_state_in_float32_keeps_what_bfloat16_would_lose():
    weight = torch.nn.Parameter(torch.ones(1, dtype=torch.bfloat16))
    optimizer = StateInFloat32([weight], lr=1e-3, alpha=0.99)
    for _ in range(500):
        weight.grad = torch.ones(1, dtype=torch.bfloat16)
        optimizer.step()
    (state,) = optimizer.state.values()
    assert state["square_avg"].item() == pytest.approx(1 - 0.99**500, rel=1e-5)
    assert weight.dtype == torch.bfloat16
