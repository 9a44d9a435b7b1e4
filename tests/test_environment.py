"""pyproject.toml, the lock files, the workflows and what is installed say the same."""

import json
import re
import sys
import tomllib
from importlib.metadata import requires, version
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]


def pins(*files):
    """Return the pins of lock files, and how many hashes each has."""
    text = "\n".join((ROOT / file).read_text() for file in files)
    lines = re.sub(r"^#.*", "", text, flags=re.M).replace("\\\n", "").splitlines()
    entries = (line.split("--hash=sha256:") for line in lines if line)
    return [(Requirement(pin), len(hashes)) for pin, *hashes in entries]


def here(pinned):
    """Return the versions that a lock gives on this machine."""
    return {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin, _ in pinned
        if pin.marker is None or pin.marker.evaluate()
    }


BESIDE_TORCH, TORCH = pins("requirements.lock"), pins("requirements-torch.lock")
OF_ORACLES = pins("requirements-oracles.lock")
LOCK, ORACLES = here(BESIDE_TORCH + TORCH), here(OF_ORACLES)
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
GROUPS = dict(PYPROJECT["dependency-groups"])
ORACLE_REQUIREMENTS = GROUPS.pop("oracles")
REQUIREMENTS = [
    *PYPROJECT["build-system"]["requires"],
    *PROJECT["dependencies"],
    *chain.from_iterable(PROJECT["optional-dependencies"].values()),
    *(line for group in GROUPS.values() for line in group if isinstance(line, str)),
]
REQUIREMENTS = [line for line in REQUIREMENTS if not line.startswith("rmsprop[")]


@pytest.mark.parametrize("pinned", [BESIDE_TORCH, OF_ORACLES], ids=["book", "oracles"])
def test_a_lock_pins_each_package_once_by_its_hashes(pinned):
    chosen = [pin for pin, _ in pinned if pin.marker is None or pin.marker.evaluate()]
    names = [canonicalize_name(pin.name) for pin in chosen]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"==[^*+]+", str(pin.specifier)) for pin, _ in pinned)
    assert all(hashes for _, hashes in pinned)


def test_torch_alone_has_no_hash_and_what_it_asks_for_is_locked_but_not_cuda():
    """An index has many builds of it, and a machine gets the one that runs there."""
    ((torch, hashes),) = TORCH
    assert (torch.name, hashes) == ("torch", 0)
    needed = (Requirement(line) for line in requires("torch"))
    names = {need.name for need in needed if need.marker is None or need.marker.evaluate()}
    assert "setuptools" in names
    of_cuda = re.compile("cuda|nvidia")
    assert {name for name in names if not of_cuda.match(name)} <= LOCK.keys()
    assert not any(of_cuda.match(pin.name) for pin, _ in BESIDE_TORCH)


@pytest.mark.parametrize("lock", [*ROOT.glob("requirements*.lock")], ids=lambda lock: lock.name)
def test_no_lock_names_an_index(lock):
    assert "://" not in lock.read_text()


def test_no_oracle_replaces_what_the_book_is_made_with():
    assert not LOCK.keys() & ORACLES.keys()


@pytest.mark.parametrize(
    ("lock", "line"),
    [
        *((LOCK, line) for line in REQUIREMENTS),
        *((ORACLES, line) for line in ORACLE_REQUIREMENTS),
    ],
)
def test_the_locks_satisfy_pyproject(lock, line):
    requirement = Requirement(line)
    assert lock[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("name", LOCK)
def test_the_lock_is_what_is_installed(name):
    assert Version(version(name)).public == LOCK[name]


def test_the_package_is_installed_in_the_version_of_pyproject():
    assert version("rmsprop") == PROJECT["version"]


def test_workflows_run_the_book_on_condas_python_and_the_package_on_each_that_it_supports():
    supported = SpecifierSet(PROJECT["requires-python"])
    (conda,) = (line.partition("=")[2] for line in CONDA if str(line).startswith("python="))
    set_up = yaml.safe_load((ROOT / ".github/actions/set-up/action.yml").read_text())
    asked = [step.get("with", {}).get("python-version") for step in set_up["runs"]["steps"]]
    assert asked == [conda, None]
    assert (ROOT / ".binder/runtime.txt").read_text() == f"python-{conda}\n"
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert container["image"] == f"python:{conda}"
    workflow = yaml.safe_load((ROOT / ".github/workflows/matrix.yml").read_text())
    (matrix,) = (job["strategy"]["matrix"] for job in workflow["jobs"].values())
    pythons, oldest = {*matrix["python"]}, {each["python"]: each for each in matrix["include"]}
    (torch,) = (r for r in map(Requirement, PROJECT["dependencies"]) if r.name == "torch")
    assert oldest.keys() == pythons
    assert SpecifierSet(f">={oldest[conda]['oldest']}") == SpecifierSet(f"{torch.specifier}.0")
    title = "Programming Language :: Python :: "
    classified = {line.removeprefix(title) for line in PROJECT["classifiers"] if title in line}
    assert classified == pythons | {"3 :: Only"}
    assert all(python in supported for python in pythons | {conda})
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in supported


def test_the_statement_of_support_says_what_is_pinned_what_is_asked_for_and_what_extras_there_are():
    text = (ROOT / "SUPPORT.md").read_text()
    asked = {"torch": "PyTorch", "numpy": "NumPy"}
    for requirement in map(Requirement, PROJECT["dependencies"]):
        pinned = Version(LOCK[requirement.name])
        least = str(requirement.specifier).removeprefix(">=")
        tested = rf"\| {asked[requirement.name]} \| {pinned.major}\.{pinned.minor}\b"
        assert re.search(rf"{tested}.* \| {least} or newer \|", text)
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.M)) == PROJECT["optional-dependencies"].keys()
