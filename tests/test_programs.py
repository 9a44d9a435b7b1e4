"""Whole training programs at random: ours and torch's end with the same parameters."""

import copy
import io
import os
import random
from unittest.mock import patch

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from rmsprop import RMSprop, plan

# More of them: RMSPROP_FUZZ=10000 pytest tests/test_programs.py
PROGRAMS = int(os.environ.get("RMSPROP_FUZZ", "1000")) // 5
BLOCKS = 4


class Interrupted(Exception):
    """What a closure may raise."""


class Pair(nn.Bilinear):
    """A function of two arguments, given the same twice."""

    def forward(self, x):
        return super().forward(x, x)


LAYERS = (
    lambda: [nn.Linear(16, 40), nn.Tanh(), nn.Linear(40, 16)],
    lambda: [nn.LayerNorm(16), nn.Linear(16, 16), nn.GELU()],
    lambda: [nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 4, 3, padding=1), nn.Flatten()],
    lambda: [nn.utils.parametrizations.weight_norm(nn.Linear(16, 16))],
    lambda: [Pair(16, 16, 16)],
    lambda: [nn.Unflatten(1, (4, 4)), nn.TransformerEncoderLayer(4, 2, 8, 0), nn.Flatten()],
)
SCHEDULES = (
    lambda o: lr_scheduler.StepLR(o, 2, gamma=0.5),
    lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=5),
    lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.01, total_steps=40),
    lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
    lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0),
)


class Program:
    """A model, an optimizer, a loop, and what happens in it, all by the dice of a seed."""

    def __init__(self, optimizer_class, seed, **more):
        self.dice = random.Random(seed)
        torch.manual_seed(seed)
        body = self.dice.choice(LAYERS)()
        width = 64 if isinstance(body[-1], nn.Flatten) and len(body[1].state_dict()) == 2 else 16
        self.model = nn.Sequential(*body, nn.Linear(width, 5))
        self.autocast = self.chance(0.2)
        self.model.to(torch.float32 if self.autocast else torch.float64)
        self.options = {
            "lr": self.dice.choice([1e-3, 1e-2, torch.tensor(1e-3)]),
            "alpha": self.dice.choice([0.9, 0.99]),
            "eps": 1e-3,
            "momentum": self.dice.choice([0.1, 0.9]),
            "weight_decay": self.dice.choice([0, 0.1]),
            "centered": self.chance(0.3),
            "maximize": self.chance(0.1),
        }
        params = [*self.model.parameters()]
        groups = [{"params": params[:1], "lr": 1e-2}, {"params": params[1:]}]
        chosen = groups if self.chance(0.5) else params
        self.optimizer = optimizer_class(chosen, **self.options, **more)
        self.schedule = self.dice.choice(SCHEDULES)(self.optimizer)
        self.parts, self.clips = self.dice.choice([1, 1, 3]), self.chance(0.3)
        self.to_none, self.by_closure = self.chance(0.7), self.chance(0.3)

    def chance(self, probability):
        return self.dice.random() < probability

    def data(self):
        generator = torch.Generator().manual_seed(self.dice.getrandbits(40))
        dtype = next(self.model.parameters()).dtype
        return torch.randn(4, 16, generator=generator, dtype=dtype)

    def run(self):
        for _ in range(self.dice.randint(2, 12)):
            try:
                self.step()
            except Interrupted:
                continue
            if self.chance(0.5):
                self.dice.choice(EVENTS)(self)
        return [param.detach() for param in self.model.parameters()]

    def step(self):
        if self.by_closure:
            loss = self.optimizer.step(self.backward)
        else:
            loss = self.backward()
            self.optimizer.step()
        plateau = isinstance(self.schedule, lr_scheduler.ReduceLROnPlateau)
        self.schedule.step(*([loss] if plateau else []))

    def backward(self):
        self.optimizer.zero_grad(set_to_none=self.to_none)
        for _ in range(self.parts):
            data = self.data()
            with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
                loss = (self.model(data).square().mean() - 1).square()
            if loss.requires_grad:
                (loss / self.parts).backward()
        if self.clips:
            nn.utils.clip_grad_norm_(self.model.parameters(), 0.1)
        if self.chance(0.1):
            raise Interrupted
        return loss.detach()


# --- what happens in a loop -------------------------------------------------------------------


def freeze_or_thaw(program):
    param = program.dice.choice([*program.model.parameters()])
    param.requires_grad_(not param.requires_grad)


def resume(program):
    file = io.BytesIO()
    torch.save((program.model.state_dict(), program.optimizer.state_dict()), file)
    file.seek(0)
    weights, state = torch.load(file, weights_only=True)
    program.model.load_state_dict(weights)
    program.optimizer.load_state_dict(state)


def go_on_with_a_copy(program):
    program.model, program.optimizer, program.schedule = copy.deepcopy(
        (program.model, program.optimizer, program.schedule)
    )


def change_layout(program):
    program.model.to(memory_format=torch.channels_last)


def change_options(program):
    for group in program.optimizer.param_groups:
        group["momentum"] = program.dice.choice([0.1, 0.5])
        group["weight_decay"] = program.dice.choice([0, 0.01])


def evaluate(program):
    with torch.inference_mode():
        program.model(program.data())


def shrink_weights(program):
    with torch.no_grad():
        for param in program.model.parameters():
            param.data = param.data.lerp(torch.zeros_like(param), 0.1)


EVENTS = (
    *(freeze_or_thaw, resume, go_on_with_a_copy, change_layout),
    *(change_options, evaluate, shrink_weights),
)


@pytest.mark.parametrize("block", range(BLOCKS))
@patch.object(plan, "WORTHWHILE", 0)
def test_programs_end_with_the_parameters_that_torch_gives_them(block, batches):
    for seed in range(block, PROGRAMS, BLOCKS):
        ours, theirs = Program(RMSprop, seed), Program(torch.optim.RMSprop, seed, foreach=False)
        # What autocast rounds to bfloat16 may be rounded otherwise for a last digit of float32;
        # centered, torch loses digits to v - m^2.
        limit = 1e-2 if ours.autocast else 1e-6 if ours.options["centered"] else 1e-10
        torch.testing.assert_close(
            ours.run(),
            theirs.run(),
            rtol=limit,
            atol=limit,
            msg=lambda text, seed=seed: f"{seed}: {text}",
        )
    assert len(batches) > 3 * PROGRAMS / BLOCKS
