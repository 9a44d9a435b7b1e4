"""How the packages must be set up before they are imported, and the table at the end."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
os.environ |= {
    "CUDA_VISIBLE_DEVICES": "",
    "JAX_ENABLE_X64": "1",
    "JAX_PLATFORMS": "cpu",
    "KERAS_BACKEND": "torch",
    "KERAS_HOME": str(ROOT / "build/keras"),
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def pytest_terminal_summary(terminalreporter):
    """Print for every preset how far the package's paths were from ours at most."""
    found = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, (theirs, deviation) in report.user_properties:
                found.setdefault((name, theirs), []).append(deviation)
    if not found:
        return
    write = terminalreporter.write_line
    write(f"\n{'of':14}{'in':24}{'cases':>5}  largest relative deviation")
    for (name, theirs), deviations in found.items():
        write(f"{name:14}{theirs:24}{len(deviations):5}  {max(deviations):.1e}")
