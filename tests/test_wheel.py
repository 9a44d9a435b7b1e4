"""The wheel and the sdist: what they hold, and that what the wheel declares is all it needs."""

import json
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FLOORS = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
NAME = f"rmsprop-{PYPROJECT['project']['version']}"

DOCTESTS = """
import doctest, importlib, json, pkgutil, sys, rmsprop
modules = [name for _, name, _ in pkgutil.walk_packages(rmsprop.__path__, "rmsprop.")]
modules = [name for name in modules if not name.startswith(tuple(sys.argv[1:]))]
failed = {}
for module in map(importlib.import_module, modules):
    for test in doctest.DocTestFinder().find(module):
        output = []
        if doctest.DocTestRunner().run(test, out=output.append).failed:
            failed[test.name] = "".join(output)
print(json.dumps({"modules": modules, "failed": failed, "file": rmsprop.__file__}))
"""
# An error that is ignored must be there: mypy, when strict, complains of one that is not.
USER = """
from typing import Any, assert_type

import numpy as np
import torch
from numpy.typing import NDArray

from rmsprop import RMSprop, convention, equations, expected_floor
from rmsprop.experiments.problems import quadratic

model = torch.nn.Linear(2, 1)
optimizer: torch.optim.Optimizer = RMSprop(model.parameters(), alpha=0.9, **convention("keras"))
optimizer.step()
assert_type(convention("keras"), dict[str, Any])
assert_type(expected_floor(RMSprop(model.parameters())), float)
assert_type(equations.half_life(0.99), NDArray[np.float64])
print(quadratic(0.1))
RMSprop(model.parameters(), lr="fast")  # type: ignore[arg-type]
"""


def run(*command: str | Path, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, folder: Path) -> tuple[Path, Path]:
    """Return the wheel and the sdist of a source tree."""
    run(sys.executable, "-m", "hatchling", "build", "--directory", folder, cwd=source)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def needed(requirements: list[Requirement], extra: str = "") -> set[str]:
    """Return the names of the packages that requirements ask for here, and those that these do."""
    names = set()
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            further = [*map(Requirement, distribution(requirement.name).requires or [])]
            names |= {requirement.name}.union(
                *(needed(further, extra) for extra in ("", *requirement.extras))
            )
    return names


def install(wheel: Path, folder: Path, extra: str = "") -> Path:
    """Install a wheel into an empty environment with what it declares; return its Python.

    Packages that it needs are those of this environment, each linked by itself.
    """
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in needed(metadata(wheel).requires_dist, extra):
        package = distribution(name)
        for top in {file.parts[0] for file in package.files} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(package.locate_file(top))
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin/python"]
    run(*pip, "install", "--no-deps", "--no-index", wheel)
    return folder / "bin/python"


def metadata(wheel: Path) -> Metadata:
    with zipfile.ZipFile(wheel) as archive:
        return Metadata.from_email(archive.read(f"{NAME}.dist-info/METADATA"))


def doctests(python: Path, *without: str) -> dict:
    result = json.loads(run(python, "-I", "-c", DOCTESTS, *without))
    assert Path(result["file"]).is_relative_to(python.parents[1])
    return result


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def bare(built, tmp_path_factory) -> Path:
    return install(built[0], tmp_path_factory.mktemp("bare"))


def test_the_wheel_holds_the_floors_from_the_experiments_down_and_no_more(built):
    with zipfile.ZipFile(built[0]) as archive:
        files = {name: archive.getinfo(name).file_size for name in archive.namelist()}
    of_package = {name for name in files if not name.startswith(f"{NAME}.dist-info/")}
    lower = " | ".join(FLOORS[FLOORS.index("experiments") :]).split(" | ")
    expected = {
        path.relative_to(ROOT).as_posix()
        for name in ("__init__.py", "py.typed", *lower, *(f"{module}.py" for module in lower))
        for path in (ROOT / "rmsprop" / name, *(ROOT / "rmsprop" / name).rglob("*"))
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert of_package == expected
    assert {name for name in files.keys() - of_package if "licenses" in name} == {
        f"{NAME}.dist-info/licenses/LICENSE"
    }
    assert f"{NAME}.dist-info/entry_points.txt" not in files
    assert {Path(name).suffix for name in of_package} == {".py", ".typed", ".md"}  # no data
    assert sum(files.values()) < 520_000


def test_the_sdist_holds_the_book_and_makes_the_same_wheel(built, tmp_path):
    wheel, sdist = built
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    again, _ = build(tmp_path / NAME, tmp_path / "dist")
    assert again.read_bytes() == wheel.read_bytes()
    for name in ("Makefile", "requirements.lock", "book/_toc.yml", "rmsprop/press/draw.py"):
        assert (tmp_path / NAME / name).read_bytes() == (ROOT / name).read_bytes()


def test_optimizer_and_equations_need_what_is_declared_and_four_functions_scipy(bare):
    result = doctests(bare, "rmsprop.experiments", "rmsprop.kernels")
    assert {"rmsprop.optimizer", "rmsprop.conventions", "rmsprop.equations.rule"} <= {
        *result["modules"]
    }
    assert result["failed"].keys() == {
        "rmsprop.equations.bits.enough_digits",
        "rmsprop.equations.bits.nearest_level",
        "rmsprop.equations.cycle.dip",
        "rmsprop.equations.traps.safe_window",
    }
    for output in result["failed"].values():
        assert "ModuleNotFoundError: No module named 'scipy'" in output


def test_experiments_need_what_their_extra_declares(built, tmp_path):
    python = install(built[0], tmp_path, "experiments")
    result = doctests(python, "rmsprop.kernels.triton_step", "rmsprop.kernels.cuda")
    assert "rmsprop.experiments.sweep" in result["modules"]
    assert result["failed"] == {}


def test_the_extra_cpu_brings_what_fused_steps_need(built, bare, tmp_path):
    ask = "from rmsprop.kernels.fused import kernel_of; print(kernel_of('cpu') is not None)"
    assert run(install(built[0], tmp_path, "cpu"), "-I", "-c", ask) == "True\n"
    assert run(bare, "-I", "-c", ask) == "False\n"


def test_a_users_file_passes_mypy_strict(bare, tmp_path):
    (tmp_path / "user.py").write_text(USER)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache"]
    run(*mypy, "--python-executable", bare, "user.py", cwd=tmp_path)
