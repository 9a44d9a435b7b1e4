"""What a command sees of the environment around it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rmsprop import sealed

PATH = "/usr/bin:/bin"
KEPT = ["RMSPROP_DEVICE", "TMPDIR", "CI", "https_proxy", "JPY_PARENT_PID"]
DROPPED = ["PYTHONHOME", "XDG_CONFIG_HOME", "TZ", "OMP_NUM_THREADS", "MKL_CBWR", "ANYTHING"]


@pytest.fixture
def run(tmp_path):
    """Run a command in the sealed environment of a repository that has nothing but the launcher."""
    (tmp_path / "rmsprop").mkdir()
    script = shutil.copy(sealed.__file__, tmp_path / "rmsprop")

    def run(*command, **environment):
        return subprocess.run(
            [sys.executable, "-IS", script, *command],
            env={"PATH": PATH} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def seen(done):
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", KEPT)
def test_what_describes_the_machine_is_kept(run, name):
    assert seen(run("env", **{name: "/tmp"}))[name] == "/tmp"


@pytest.mark.parametrize("name", DROPPED)
def test_whatever_else_is_set_makes_no_difference(run, name):
    assert seen(run("env", HOME="/", **{name: "/tmp"})) == seen(run("env"))


def test_home_and_package_are_the_repositorys(run, tmp_path):
    environment = seen(run("env"))
    assert Path(environment["HOME"]) == tmp_path / "build" / "home"
    assert Path(environment["PYTHONPATH"]) == tmp_path
    assert (tmp_path / "build" / "home").is_dir()


def test_command_takes_the_place_of_the_launcher(run):
    done = run("sh", "-c", "echo said; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "said\n", "")
