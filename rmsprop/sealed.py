"""The environment of every command and every kernel: ``python -IS rmsprop/sealed.py COMMAND``.

What is built depends on the repository and the lock. So of the user's variables a command gets
those that say what this machine has and how it reaches the network, and a home in the repository,
where there are no settings. This module imports nothing but Python's library, so that with ``-IS``
nothing else is read before.
"""

import os
import sys
from fnmatch import fnmatchcase
from pathlib import Path

__all__ = ["environment", "execute"]

KEPT = (
    "PATH",
    "LD_LIBRARY_PATH",
    "TERM",
    "TMPDIR",
    "CI",
    "CUDA_DEVICE_ORDER",
    "CUDA_VISIBLE_DEVICES",
    "RMSPROP_*",
    "*_proxy",
    "*_PROXY",
    "SSL_CERT_*",
    "*_CA_BUNDLE",
    # A kernel ends when the process that it is told of ends.
    "JPY_*",
)


def environment(root: Path) -> dict[str, str]:
    """Return the environment of commands and kernels.

    Args:
        root: the repository, or a release. Its package is imported, whatever else is installed.
    """
    kept = [name for name in os.environ if any(fnmatchcase(name, pattern) for pattern in KEPT)]
    return {name: os.environ[name] for name in kept} | {
        "HOME": str(_home(root)),
        "PYTHONPATH": str(root),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "MPL_IGNORE_SYSTEM_FONTS": "1",
        # Sums and sets keep their order from run to run; chapters do not compete for cores.
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }


def execute(root: Path, *command: str) -> None:
    """Replace this process by a command in that environment.

    Args:
        root: the repository, or a release.
        command: a program and its arguments.
    """
    _home(root).mkdir(parents=True, exist_ok=True)
    os.execvpe(command[0], command, environment(root))


def _home(root: Path) -> Path:
    return root / "build" / "home"


if __name__ == "__main__":
    execute(Path(__file__).resolve().parents[1], *sys.argv[1:])
