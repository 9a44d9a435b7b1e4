"""Bytes of state per parameter, of optimizers whose buffers are known."""

from functools import partial

import pytest
import torch

from rmsprop import RMSprop
from rmsprop.experiments.state_bytes import state_bytes


@pytest.mark.parametrize(
    ("optimizer", "options", "buffers"),
    [
        (torch.optim.SGD, {}, 0),
        (torch.optim.SGD, {"momentum": 0.9}, 1),
        (torch.optim.RMSprop, {}, 1),
        (torch.optim.RMSprop, {"centered": True, "momentum": 0.9}, 3),
        (torch.optim.Adam, {"amsgrad": True}, 3),
        (RMSprop, {"centered": True}, 2),
    ],
)
def test_every_buffer_counts_four_bytes(optimizer, options, buffers):
    assert state_bytes(partial(optimizer, **options)) == 4 * buffers
