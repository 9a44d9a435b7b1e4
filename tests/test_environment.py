"""pyproject.toml, the lock files, environment.yml and what is installed say the same."""

import re
import sys
import tomllib
from importlib.metadata import version
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
LINES = {
    path.name: [line for line in path.read_text().splitlines() if line[0] != "#"]
    for path in ROOT.glob("requirements*.lock")
}
LOCK, ORACLES = (
    {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in map(Requirement, LINES[file])
    }
    for file in ("requirements.lock", "requirements-oracles.lock")
)
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
GROUPS = dict(PYPROJECT["dependency-groups"])
ORACLE_REQUIREMENTS = GROUPS.pop("oracles")
REQUIREMENTS = [
    *PYPROJECT["build-system"]["requires"],
    *PROJECT["dependencies"],
    *chain.from_iterable(PROJECT["optional-dependencies"].values()),
    *(line for group in GROUPS.values() for line in group if isinstance(line, str)),
]


@pytest.mark.parametrize("file", LINES)
def test_a_lock_pins_each_package_once_and_in_order(file):
    """Also that no pin has a local label, which only some machines could install."""
    pinned = (line.partition(";")[0].split("==") for line in LINES[file])
    names, pins = zip(*pinned, strict=True)
    assert list(names) == sorted(names, key=str.lower)
    assert len({canonicalize_name(name) for name in names}) == len(names)
    assert all(Version(pin).local is None for pin in pins)


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


def test_conda_names_the_main_tools_in_the_versions_of_the_lock():
    """The five that the book is about come first, then the lock, then the package itself."""
    *pins, lock, package = CONDA[-1]["pip"]
    tools = dict(pin.split("==") for pin in pins)
    assert tools == {name: LOCK[name] for name in tools}
    assert tools.keys() == {"jupyter-book", "torch", "numpy", "matplotlib", "nbmake"}
    assert (lock, package) == ("-r requirements.lock", "--editable .")


HERE = [
    canonicalize_name(pin.name)
    for pin in map(Requirement, LINES["requirements.lock"])
    if pin.marker is None or pin.marker.evaluate()
]


@pytest.mark.parametrize("name", HERE)
def test_the_lock_is_what_is_installed(name):
    assert Version(version(name)).public == LOCK[name]


def test_the_package_is_installed_in_the_version_of_pyproject():
    assert version("rmsprop") == PROJECT["version"]


def test_workflows_run_the_book_on_condas_python_and_the_package_on_each_that_it_supports():
    supported = SpecifierSet(PROJECT["requires-python"])
    (conda,) = (line.partition("=")[2] for line in CONDA if str(line).startswith("python="))
    workflows = [yaml.safe_load(path.read_text()) for path in ROOT.glob(".github/workflows/*.yml")]
    jobs = [job for workflow in workflows for job in workflow["jobs"].values()]
    named = {
        step["with"]["python-version"]
        for job in jobs
        for step in job["steps"]
        if "python-version" in step.get("with", {})
    }
    assert named == {conda, "${{ matrix.python }}"}
    (matrix,) = (job["strategy"]["matrix"] for job in jobs if "strategy" in job)
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
