"""What `import rmsprop` loads, and that the optimizer stands alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import rmsprop

PACKAGE = Path(rmsprop.__file__).parent
LIFTED = (
    "__init__",
    "optimizer",
    "options",
    "plan",
    "state",
    "conventions",
    "expected_floor",
)
STEPS = """
import torch, rmsprop
w = torch.ones(40_000, requires_grad=True)
optimizer = rmsprop.RMSprop([w], **rmsprop.convention("keras"))
for _ in range(2):
    w.square().sum().backward()
    optimizer.step()
print(rmsprop.__file__, w.mean().item())
"""


def run(code, folder):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_importing_the_optimizer_loads_its_own_modules_and_no_large_package():
    loaded = set(
        run(
            "import sys, torch; before = set(sys.modules)\n"
            "import rmsprop; print(*set(sys.modules) - before)",
            PACKAGE.parent,
        ).split()
    )
    packages = {name.split(".")[0] for name in loaded}
    assert packages <= {"rmsprop", "torch", "numpy", "importlib"}
    own = {name.split(".")[1] for name in loaded if name.startswith("rmsprop.")}
    assert own == {*LIFTED[1:], "kernels"}
    assert not any("numba" in name or "triton" in name for name in loaded)


def test_optimizer_works_without_the_rest_of_the_package(tmp_path):
    lifted = tmp_path / "rmsprop"
    shutil.copytree(PACKAGE / "kernels", lifted / "kernels")
    for name in LIFTED:
        shutil.copy(PACKAGE / f"{name}.py", lifted)
    here, there = (run(STEPS, folder).split() for folder in (PACKAGE.parent, tmp_path))
    assert Path(there[0]).is_relative_to(tmp_path)
    assert here[1] == there[1]
