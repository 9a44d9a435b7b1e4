"""pyproject.toml, requirements.lock, environment.yml and what is installed say the same."""

import sys
import tomllib
from importlib.metadata import version
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
LINES = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line[0] != "#"]
LOCK = {canonicalize_name(name): pin for name, _, pin in (line.partition("==") for line in LINES)}
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
REQUIREMENTS = [
    *PYPROJECT["build-system"]["requires"],
    *PROJECT["dependencies"],
    *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
]


def test_the_lock_pins_each_package_once_and_in_order():
    """Also that no pin has a local label, which only some machines could install."""
    names = [line.partition("==")[0] for line in LINES]
    assert names == sorted(names, key=str.lower)
    assert len(LOCK) == len(names)
    assert all(Version(pin).local is None for pin in LOCK.values())


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_the_lock_satisfies_pyproject(line):
    requirement = Requirement(line)
    assert LOCK[canonicalize_name(requirement.name)] in requirement.specifier


def test_conda_names_the_main_tools_in_the_versions_of_the_lock():
    """The five that the book is about come first, then the lock, then the package itself."""
    *pins, lock, package = CONDA[-1]["pip"]
    tools = dict(pin.split("==") for pin in pins)
    assert tools == {name: LOCK[name] for name in tools}
    assert tools.keys() == {"jupyter-book", "torch", "numpy", "matplotlib", "nbmake"}
    assert (lock, package) == ("-r requirements.lock", "--editable .")


@pytest.mark.parametrize("name", LOCK)
def test_the_lock_is_what_is_installed(name):
    assert Version(version(name)).public == LOCK[name]


def test_the_package_is_installed_in_the_version_of_pyproject():
    assert version("rmsprop") == PROJECT["version"]


def test_every_file_names_a_python_that_the_package_supports():
    supported = SpecifierSet(PROJECT["requires-python"])
    (conda,) = (line.partition("=")[2] for line in CONDA if str(line).startswith("python="))
    workflows = [yaml.safe_load(path.read_text()) for path in ROOT.glob(".github/workflows/*.yml")]
    published = {
        step["with"]["python-version"]
        for workflow in workflows
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "python-version" in step.get("with", {})
    }
    assert published == {conda}
    assert conda in supported
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in supported
