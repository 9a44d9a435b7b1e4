"""What a command sees of the environment around it."""

import subprocess
import sys
from pathlib import Path

import pytest

from rmsprop import sealed

SCRIPT = Path(sealed.__file__)
ROOT = SCRIPT.parents[1]


def run(*command, **environment):
    done = subprocess.run(
        [sys.executable, "-IS", SCRIPT, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def seen(**environment):
    return dict(line.split("=", 1) for line in run("env", **environment)[1].splitlines())


@pytest.mark.parametrize(
    "name", ["RMSPROP_DEVICE", "TMPDIR", "CI", "https_proxy", "JPY_PARENT_PID"]
)
def test_what_describes_the_machine_is_kept(name):
    assert seen(PATH="/usr/bin:/bin", **{name: "/tmp"})[name] == "/tmp"


@pytest.mark.parametrize("name", ["PYTHONHOME", "XDG_CONFIG_HOME", "TZ", "MKL_CBWR", "ANYTHING"])
def test_whatever_else_is_set_is_not_seen(name):
    nothing = seen(PATH="/usr/bin:/bin")
    assert name not in nothing
    assert seen(PATH="/usr/bin:/bin", HOME="/root", OMP_NUM_THREADS="7", **{name: "x"}) == nothing


def test_home_and_package_are_the_repositorys():
    environment = seen(PATH="/usr/bin:/bin")
    assert Path(environment["HOME"]) == ROOT / "build" / "home"
    assert Path(environment["PYTHONPATH"]) == ROOT
    assert (ROOT / "build" / "home").is_dir()


def test_command_takes_the_place_of_the_launcher():
    assert run("sh", "-c", "echo said; exit 3", PATH="/usr/bin:/bin") == (3, "said\n")
