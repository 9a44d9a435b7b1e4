"""Chapters where nothing is but what Colab and Binder have: minutes, and a package index.

What is run is the last commit, because both fetch one.
"""

import json
import os
import resource
import subprocess
import venv
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from rmsprop.press.colab import prepared
from rmsprop.records.compare import compare
from rmsprop.records.mime import FIGURE
from rmsprop.records.outputs import outputs
from rmsprop.records.record import parse, read

ROOT = Path(__file__).parents[2]
MEMORY = 2 * 2**20  # KiB that Binder gives

# One draws what it computes, the other what a recording holds.
chapters = pytest.mark.parametrize("chapter", ["moving-average", "choosing-settings"])

IMAGE = """
from repo2docker.app import Repo2Docker
app = Repo2Docker()
packs = (pack(app.base_image) for pack in app.buildpacks)
pack = next(pack for pack in packs if pack.detect())
pack.platform = "linux/amd64"
print(type(pack).__name__, pack.python_version)
print(pack.render({"NB_UID": "1000"}))
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def machine(folder, *packages):
    """Return the Python of a new environment."""
    venv.create(folder, with_pip=True)
    run(folder / "bin/python", "-m", "pip", "install", "--quiet", *packages)
    return folder / "bin/python"


def execute(notebook, python, folder, monkeypatch):
    """Execute a notebook by another Python, in a folder that is its home too."""
    spec = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Elsewhere",
        "language": "python",
        "env": {"HOME": str(folder), "PATH": f"{python.parent}:/usr/bin:/bin"},
    }
    kernel = folder / "jupyter/kernels/elsewhere"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    NotebookClient(notebook, kernel_name="elsewhere", timeout=600).execute(cwd=folder)
    nbformat.write(notebook, folder / "executed.ipynb")
    return list(outputs(folder / "executed.ipynb", FIGURE))


def holds(figure):
    record = parse(figure["record"]["id"], figure["record"], figure["csv"])
    verdict = compare(read(ROOT / "book/figures", record.id), record).verdict
    return verdict in ("bit-identical", "within tolerance")


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """What Colab has of all that: Python, Jupyter and torch."""
    torch = ("-r", ROOT / "requirements-torch.lock")
    return machine(tmp_path_factory.mktemp("colab") / "venv", "ipykernel", *torch)


@chapters
def test_a_chapter_fetches_what_it_needs_and_repeats_its_figures(
    colab, chapter, tmp_path, monkeypatch
):
    commit = run("git", "rev-parse", "HEAD", cwd=ROOT).strip()
    notebook = nbformat.read(ROOT / f"book/{chapter}.ipynb", as_version=4)
    figures = execute(prepared(notebook, str(ROOT), commit), colab, tmp_path, monkeypatch)
    assert figures
    assert all(map(holds, figures))
    assert {figure["environment"]["commit"] for figure in figures} == {commit}


@pytest.fixture(scope="module")
def binder(tmp_path_factory):
    """A clone that was made ready as Binder's image is; there torch is fetched for the CPU."""
    folder = tmp_path_factory.mktemp("binder")
    run("git", "clone", "--quiet", ROOT, folder / "clone")
    torch = ("-r", ROOT / "requirements-torch.lock")
    python = machine(folder / "venv", "ipykernel", *torch)
    path = {"PATH": f"{python.parent}:{os.environ['PATH']}"}
    run(".binder/postBuild", cwd=folder / "clone", env=os.environ | path)
    return python, folder / "clone"


@chapters
def test_a_chapter_runs_in_binders_environment_and_memory(binder, chapter, monkeypatch):
    python, clone = binder
    notebook = nbformat.read(clone / f"book/{chapter}.ipynb", as_version=4)
    figures = execute(notebook, python, clone / "book" / chapter, monkeypatch)
    assert figures
    assert all(map(holds, figures))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < MEMORY


def test_binder_builds_an_image_of_python_and_what_chapters_import(binder, tmp_path):
    python = machine(tmp_path / "venv", "jupyter-repo2docker")
    image = run(python, "-c", IMAGE, cwd=binder[1])
    assert image.startswith("PythonBuildPack 3.11\n")
    assert "RUN ./.binder/postBuild" in image
    installed = run(binder[0], "-m", "pip", "freeze").splitlines()
    assert not [
        line for line in installed if line.startswith(("nvidia", "jupyter-book", "playwright"))
    ]
