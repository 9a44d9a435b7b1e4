"""Every step is torch's own, whatever happened to tensors since the last one."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import mutations

FILE = Path(mutations.__file__)


@settings(max_examples=200)
@given(seed=st.integers(0, 2**32), changes=st.lists(st.sampled_from(mutations.CHANGES), max_size=8))
def test_steps_after_changes_are_those_of_torch(seed, changes):
    mutations.play(seed, changes)


@pytest.mark.parametrize("change", mutations.CHANGES, ids=lambda change: change.__name__)
def test_steps_after_one_kind_of_change_are_those_of_torch(change):
    for seed in range(8):
        mutations.play(seed, [change] * 3)


@pytest.mark.skipif(sys.platform != "linux", reason="needs mprotect")
def test_no_kernel_touches_what_is_beside_its_tensors():
    """In a process of its own, which a page that nobody may touch would end."""
    command = [sys.executable, FILE, "0", "60", "--guarded"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    stepped = int(done.stdout.split(" changes, ")[1].split()[0])
    assert stepped > 500


# --- what the random changes rest on ----------------------------------------------------------


def test_most_of_what_is_stepped_is_stepped_by_the_kernel(batches):
    ended = [
        mutations.play(seed, [random.Random(seed).choice(mutations.CHANGES)]) for seed in range(20)
    ]
    assert len(batches) > 40
    assert sum(end == "steps" for _, end in ended) > 15


def test_worlds_that_differ_are_told_apart(monkeypatch):
    def skipping(*arguments, **options):
        pass

    monkeypatch.setattr(mutations.cpu, "step", skipping)
    with pytest.raises(AssertionError, match="after \\['nothing'\\]"):
        mutations.play(0, [])
