"""Numba in environments where it cannot compile, cache or be imported: steps go on, and say so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rmsprop import kernels
from rmsprop.kernels import sources

STEPS = """
import sys, warnings
import torch
from rmsprop import RMSprop

def trained(cls, dtype, **options):
    generator = torch.Generator().manual_seed(0)
    w = torch.nn.Parameter(torch.randn(40_000, generator=generator).to(dtype))
    optimizer = cls([w], **options)
    for _ in range(3):
        w.grad = torch.randn(40_000, generator=generator).to(dtype)
        optimizer.step()
    return w.detach()

if "edited" in sys.argv:
    import pathlib, re
    from rmsprop.kernels import rounding
    module = pathlib.Path(rounding.__file__)
    text, count = re.subn("(?m)^FACTORS = .*$", "FACTORS = 3, 5", module.read_text())
    assert count == 1
    module.write_text(text)

dtype = getattr(torch, sys.argv[1])
options = {"state_dtype": torch.bfloat16} if "rounded" in sys.argv else {}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    ours = trained(RMSprop, dtype, **options)
reference = trained(RMSprop, dtype, fused=False, **options)
torch.testing.assert_close(ours, reference, rtol=1e-5, atol=1e-5)
print(len(caught), *(warning.message for warning in caught))
"""


def steps(folder, *arguments, before="", **environment):
    """Take steps in a process of its own; return how many warnings there were, and their text."""
    environment = {"NUMBA_CACHE_DIR": str(folder / "cache")} | environment
    done = subprocess.run(
        [sys.executable, "-c", before + STEPS, *(arguments or ["float32"])],
        env=os.environ | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    count, _, text = done.stdout.strip().partition(" ")
    return int(count), text


def test_the_threads_of_numba_are_not_used(tmp_path):
    assert steps(tmp_path, NUMBA_THREADING_LAYER="tbb") == (0, "")  # which is not installed


@pytest.mark.parametrize(
    ("variable", "value", "cause"),
    [
        ("NUMBA_DISABLE_JIT", "1", "Numba fails here: RuntimeError('NUMBA_DISABLE_JIT is set')"),
        ("NUMBA_NUM_THREADS", "0", "numba cannot be imported here: ValueError"),
    ],
)
def test_where_numba_cannot_compile_a_warning_says_why(tmp_path, variable, value, cause):
    count, text = steps(tmp_path, **{variable: value})
    assert count == 1
    assert text.startswith(f"RMSprop steps without its fused kernel, because {cause}")


def test_a_package_that_numba_takes_for_another_is_a_reason_to_step_without(tmp_path):
    (tmp_path / "coverage").mkdir()
    count, text = steps(tmp_path, PYTHONPATH=str(tmp_path))
    assert count == 1
    assert text.startswith("RMSprop steps without its fused kernel, because numba cannot")


def test_a_cache_that_was_cut_off_is_not_used(tmp_path):
    assert steps(tmp_path) == (0, "")
    files = [path for path in Path(tmp_path, "cache").rglob("*") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[:100])
    count, text = steps(tmp_path)
    assert count == 1
    assert text.startswith("RMSprop compiles its kernel in every process, as Numba's cache fails:")


def test_a_cache_is_not_used_where_what_the_loop_calls_has_changed(tmp_path):
    package = Path(*kernels.__path__).parent
    shutil.copytree(package, tmp_path / "rmsprop", ignore=lambda *_: ["__pycache__"])
    assert steps(tmp_path, "float32", "rounded") == (0, "")
    # Between the import and the first step, which is of what was imported.
    count, text = steps(tmp_path, "float32", "rounded", "edited")
    assert count == 1
    assert "sources of rmsprop.kernels have changed since they were imported" in text
    assert steps(tmp_path, "float32", "rounded") == (0, "")


def test_every_kind_of_tensors_has_a_place_of_its_own_in_the_cache(tmp_path):
    """Else two processes that write at a time may each be given what the other compiled."""
    for arguments in ["float32"], ["float64"], ["float32", "rounded"]:
        assert steps(tmp_path, *arguments) == (0, "")
    folder = tmp_path / "cache"
    indices = [*folder.rglob("*rmsprop_step*.nbi")]
    assert len(indices) == 3
    assert len([*folder.rglob("*rmsprop_step*.nbc")]) == 3
    assert all(index.with_name(index.stem + ".1.nbc").exists() for index in indices)


def test_sources_that_cannot_be_found_are_no_reason_to_take_what_is_in_the_cache(monkeypatch):
    monkeypatch.setattr(sources.resources, "files", lambda _: Path(__file__).parent / "nothing")
    with pytest.raises(FileNotFoundError):
        sources.imported_digest()
    monkeypatch.setattr(sources.resources, "files", lambda _: Path(__file__).parents[1] / "book")
    with pytest.raises(RuntimeError, match="have changed since they were imported"):
        sources.imported_digest()


def test_what_is_no_module_is_no_source(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text("x = 1")
    monkeypatch.setattr(sources.resources, "files", lambda _: tmp_path)
    before = sources.digest()
    (tmp_path / ".#a.py").symlink_to("nowhere")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "notes.txt").write_text("")
    assert sources.digest() == before
    (tmp_path / "b.py").write_text("")
    (tmp_path / "a.py").write_text("x = 2")
    assert sources.digest() != before


def test_a_full_disk_is_no_reason_to_fail(tmp_path):
    limit = """
import resource, signal, torch
torch.optim.SGD([torch.nn.Parameter(torch.ones(1))])  # writes, where it is made for the first time
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
"""
    count, text = steps(tmp_path, before=limit)
    assert count == 1
    assert "Numba's cache fails: OSError" in text


def test_numba_finds_another_folder_where_the_one_it_is_given_cannot_be_made(tmp_path):
    (tmp_path / "cache").write_text("a file in the place of the folder")
    assert steps(tmp_path) == (0, "")


def test_halves_without_instructions_for_them_are_stepped_by_torch(tmp_path):
    """LLVM would end the process."""
    assert steps(tmp_path, "float16", NUMBA_CPU_NAME="generic") == (0, "")
    assert steps(tmp_path, "bfloat16", NUMBA_CPU_NAME="generic") == (0, "")
