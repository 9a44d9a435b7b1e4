#!/usr/bin/env bash
# Runs what needs an NVIDIA GPU, with the Python, PyTorch and Triton that a machine has:
#
#   bash tests/gpu/run.sh [FOLDER]
#
# Python needs pytest, pytest-xdist, hypothesis and scipy too; where it has the packages of the book,
# chapters are executed on the GPU and their figures compared. Reports and the kernel's times by chunk
# go into FOLDER, build/gpu unless named. The benchmarks, `python -m benchmarks`, take ten minutes more.
set -uo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-build/gpu}
mkdir -p "$folder"
export PYTHONPATH=$PWD
figures="scale-invariance one-difference centered-nan ewma-memory stored-average"
status=0

report() {  # NAME COMMAND...
  local name=$1
  shift
  "$@" > "$folder/$name.log" 2>&1 || { status=1; echo "$name failed:"; }
  tail -n 3 "$folder/$name.log"
}

run_tests() {
  # A plugin that some have warns of the processes, and a warning is an error.
  python3 -m pytest -q -p no:cacheprovider -p no:benchmark "$@"
}

report tests run_tests -n 4 tests/gpu
report marked run_tests -n 4 -m gpu tests/kernels tests/test_*.py
report changes python3 tests/mutations.py 0 400 --device cuda
if command -v compute-sanitizer > /dev/null; then
  # With memory from the driver for every tensor, so that one byte too far is seen.
  PYTORCH_NO_CUDA_MEMORY_CACHING=1 report sanitizer compute-sanitizer --error-exitcode 9 \
    python3 tests/mutations.py 0 40 --device cuda
fi
if python3 -c 'import myst_nb, nbclient' 2> /dev/null; then
  # shellcheck disable=SC2086
  RMSPROP_DEVICE=cuda report figures python3 -IS rmsprop/sealed.py \
    python3 -m rmsprop.commands verify $figures
fi
report chunks python3 -c \
  "from pathlib import Path; from benchmarks.chunks import main; main(Path('$folder/chunks.json'))"
exit $status
