"""The optimizer's tests on other versions of torch, with the Python that runs this file.

    python tests/matrix.py 2.6.0 2.14.1

For each version there is an environment in ``.venv``, into which the package is installed as a
wheel. Its tests run in a folder where there is no other copy of it. Printed is a table in Markdown
of all that ran; the exit status is 0 only if nothing failed.
"""

import argparse
import platform
import shutil
import subprocess
import sys
import venv
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"
# What is copied: the tests, what they read, and pytest's settings.
READ = ["tests", "pyproject.toml", "book/training-loop.md"]
# The tests first, so that those of docstrings, which are in what is installed, import nothing anew.
CASES = [
    *("tests/equations", "tests/kernels", "tests/gpu", "tests/upstream"),
    *(
        f"tests/test_{subject}.py"
        for subject in (
            *("autograd", "by_hand", "conventions", "distributed", "expected_floor", "fuzz"),
            *("import", "interrupts", "mutations", "optimizer", "plan", "programs", "state"),
            *("training_loop_page", "training_loops"),
        )
    ),
    *("--pyargs", "rmsprop", "--ignore-glob=/*/rmsprop/experiments/*"),
]


def environment(torch: str) -> Path:
    """Return the Python of an environment with this torch and the package as it is now."""
    folder = ROOT / ".venv" / f"{HERE}-torch{torch}"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True, upgrade_deps=True)  # only a recent pip knows groups
    needed = ["torch" if torch == "newest" else f"torch=={torch}", f"{ROOT}[cpu]"]
    tools = ["--group", f"{ROOT / 'pyproject.toml'}:matrix"]
    pip = [python, "-m", "pip", "install", "--quiet", "--upgrade"]
    subprocess.run([*pip, *needed, *tools], check=True)
    return python


def run(python: Path, workers: str) -> ElementTree.Element:
    """Run the tests; return pytest's report."""
    folder = ROOT / "build" / "matrix" / python.parents[1].name
    shutil.rmtree(folder, ignore_errors=True)
    for name in READ:
        copied = folder / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, copied)
    options = ["-q", "-n", workers, "-p", "no:cacheprovider", "--junit-xml=report.xml"]
    subprocess.run([python, "-m", "pytest", *options, *CASES], cwd=folder, stdout=sys.stderr)
    (suite,) = ElementTree.parse(folder / "report.xml").getroot()
    return suite


def versions(python: Path) -> list[str]:
    """Return the versions of what matters in an environment."""
    code = """
import importlib.util, numpy, torch
print(torch.__version__, numpy.__version__)
for name in ("numba", "triton"):
    print(__import__(name).__version__ if importlib.util.find_spec(name) else "none")
"""
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def main() -> int:
    """Print the table, and why tests were skipped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("torch", nargs="+", help="versions, such as 2.6.0, or newest")
    parser.add_argument("-n", default="2", help="how many tests run at once")
    arguments = parser.parse_args()
    lines, skipped, failures = [], {}, 0
    for torch in arguments.torch:
        python = environment(torch)
        suite = run(python, arguments.n)
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skips = [case.get("message") for case in suite.iter("skipped")]
        passed = int(suite.get("tests")) - failed - len(skips)
        system = f"{platform.system()} {platform.machine()}"
        cells = [platform.python_version(), *versions(python), system, passed, len(skips), failed]
        lines.append(f"| {' | '.join(map(str, cells))} |")
        skipped[torch] = Counter(skips)
        failures += failed
    print("\n| Python | torch | NumPy | Numba | Triton | system | passed | skipped | failed |")
    print("|---|---|---|---|---|---|---|---|---|", *lines, "", "Skipped:", "", sep="\n")
    for torch, reasons in skipped.items():
        for reason, n in reasons.most_common():
            print(f"- torch {torch}, {n} tests: {reason}")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
