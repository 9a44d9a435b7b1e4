"""Property-based tests draw the same examples on every machine and have no deadline."""

import os

import pytest
from hypothesis import settings

os.environ["MPLBACKEND"] = "agg"
settings.register_profile(
    "reproducible", derandomize=True, deadline=None, database=None, max_examples=50
)
settings.load_profile("reproducible")


@pytest.fixture
def batches(monkeypatch):
    """The batches that the kernel on the CPU steps, one entry per call."""
    from rmsprop.kernels import cpu

    stepped = []

    def recording(batch, changed, **options):
        stepped.append(batch)
        step_batch(batch, changed, **options)

    step_batch = cpu.step
    monkeypatch.setattr(cpu, "step", recording)
    return stepped
