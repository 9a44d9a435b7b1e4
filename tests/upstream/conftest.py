"""Every setting of `fused`, for all that is here."""

import pytest

from rmsprop import plan


@pytest.fixture(params=[None, False, True], ids=lambda fused: f"fused={fused}")
def fused(request, monkeypatch):
    """The option; None takes the kernel for little work too."""
    monkeypatch.setattr(plan, "WORTHWHILE", 0)
    return request.param
