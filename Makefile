PYTHON ?= python3

CHAPTERS := $(sort $(patsubst book/%.ipynb,%,$(wildcard book/*.ipynb)))
EXECUTED := $(CHAPTERS:%=build/executed/%.ipynb)
PACKAGE  := $(shell find rmsprop -name '*.py')
LOCK     := requirements.lock requirements-torch.lock
# With the folders, so that a removed page is noticed too.
BOOK     := book/ $(shell find book -mindepth 1 -not -path '*/.*')

SHELL := bash
# With -p it takes no functions, start file or options from the environment.
.SHELLFLAGS := -peuo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
ifeq ($(filter oneshell,$(.FEATURES)),)
$(error GNU make 4 is needed; on macOS: `brew install make`, then use `gmake`)
endif

# What is built depends on the repository and the lock: of the environment a command sees only what
# rmsprop/sealed.py lets through. Paths are relative, because this folder's may have spaces.
SEALED := .venv/bin/python -IS rmsprop/sealed.py
PY := $(SEALED) .venv/bin/python
JUPYTER_BOOK := $(PY) .venv/bin/jupyter-book
CHECK_SCHEMA := $(SEALED) .venv/bin/check-jsonschema --quiet
# Only pip sees the rest, to find packages as this machine does; they go into .venv all the same.
UNSEALED := unset $${!PYTHON*} PIP_PREFIX PIP_PYTHON PIP_ROOT PIP_TARGET; export PIP_USER=0

# pip takes the build of torch that its index offers; with UV_TORCH_BACKEND=cpu, or auto, uv knows where
# there is one without CUDA, or the one for this machine.
INSTALL_TORCH := $(if $(UV_TORCH_BACKEND),.venv/bin/uv pip install --python .venv,\
  .venv/bin/python -m pip install)

# What Sphinx reads: the book with its chapters executed, and the pages made from them.
define SOURCE
cp -R book $$run/source
cp $(EXECUTED) $$run/source
$(PY) -m rmsprop.press.ledger $(EXECUTED) > $$run/source/claims.md
$(PY) -m rmsprop.press.gallery book $(EXECUTED) > $$run/source/gallery.md
$(PY) -m rmsprop.press.reference $$run/source
endef

.PHONY: help book pdf verify accept sweep replicate test matrix parity elsewhere check links serve bench pages lab lint release lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

book: build/html/index.html ## execute what changed, then render build/html (add -j2 for two chapters at once)
	@echo 'The book is at build/html/index.html'

pdf: book ## print the whole book with Chromium into build/rmsprop.pdf
	@$(PY) -m rmsprop.press.pdf

verify: .venv/.ready ## execute chapters again and compare figures with their records (FIGURE=id: one)
	@$(PY) -m rmsprop.commands verify $(FIGURE)

accept: .venv/.ready ## adopt deliberate changes of figures as the published records (FIGURE=id: one)
	@$(PY) -m rmsprop.commands accept $(FIGURE)

sweep: .venv/.ready ## run the studies on all cores and record them in book/sweeps (NAME=study: one)
	@$(PY) -m rmsprop.commands sweep $(NAME)

replicate: .venv/.ready ## make the conclusions anew on fresh seeds (ID=conclusion: one; SEEDS=FROM:TO)
	@$(PY) -m rmsprop.commands replicate $(ID) $(if $(SEEDS),--seeds $(SEEDS))

test: .venv/.ready ## run the package's tests
	@$(PY) -m pytest -n 2 --ignore=tests/book --ignore=tests/oracles --ignore=tests/elsewhere

matrix: ## run the optimizer's tests with other versions of torch (TORCH='2.6.0 newest': these)
	@$(UNSEALED)
	$(PYTHON) tests/matrix.py $(or $(TORCH),2.6.0 newest)

parity: .venv/oracles/.ready ## compare the conventions with Keras, Optax, TensorFlow and timm themselves
	@$(PY) -m pytest -o pythonpath=.venv/oracles tests/oracles

elsewhere: .venv/.ready ## execute chapters of the last commit as in Colab and as in Binder
	@$(UNSEALED)
	.venv/bin/python -m pytest tests/elsewhere

check: book ## test the rendered pages
	@$(PY) -m pytest -n 2 --dist worksteal tests/book

links: $(EXECUTED) | .venv/.ready ## ask every other host that the book links to
	@run=$$(mktemp -d build/links.XXXXXX)
	trap 'rm -rf $$run' EXIT
	$(SOURCE)
	$(JUPYTER_BOOK) build $$run/source --config _config.yml --path-output $$run \
	  --builder linkcheck

serve: book ## read the book at http://localhost:8000
	@$(PY) -m http.server --bind 127.0.0.1 --directory build/html 8000

bench: .venv/.ready ## time a step of every kernel; writes benchmarks/results, takes half an hour
	@$(SEALED) env -u OMP_NUM_THREADS .venv/bin/python -m benchmarks

pages: book ## measure weight, largest paint and layout shift of every page
	@$(PY) -m benchmarks.page_weight

lab: .venv/.ready ## edit the chapters in JupyterLab
	@JUPYTER_PATH="$$PWD/.jupyter" .venv/bin/python -I -m jupyterlab --notebook-dir=book

lint: .venv/.ready ## check style, types, workflows, that figures have records, and chapters no outputs
	@$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(PY) .venv/bin/lint-imports --no-cache
	$(PY) -m rmsprop.commands check
	$(PY) -m nbstripout --keep-id --verify $(CHAPTERS:%=book/%.ipynb)
	$(SEALED) .venv/bin/zizmor --offline --quiet .github
	$(CHECK_SCHEMA) --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(CHECK_SCHEMA) --builtin-schema vendor.github-actions .github/actions/*/*
	$(CHECK_SCHEMA) --builtin-schema vendor.dependabot .github/dependabot.yml

release: ## into dist: wheel and sdist, and an archive of the book, its sources and its records
	@rm -rf build/html
	$(MAKE) check
	rm -rf dist
	$(PY) -m rmsprop.commands release
	$(PY) -m hatchling build --directory dist
	cp build/html/figures.json dist
	cd dist && sha256sum *.* > SHA256SUMS

# Builds of torch differ by what they run on; so do their hashes, and what those for CUDA ask for beyond
# the lock. So torch has a line of its own, and pip or uv take the build for this machine. The oracles
# get what they need beyond the first lock; the one file of timm that is read needs only torch.
OF_CUDA := cuda-bindings cuda-toolkit \
  nvidia-cudnn-cu13 nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvshmem-cu13
OF_TIMM := huggingface-hub safetensors torchvision
MOVED = $(if $(filter all,$(UPGRADE)),--upgrade,$(UPGRADE:%=--upgrade-package %))
lock: .venv/.ready ## lock what pyproject.toml asks for; pins stay if they can (UPGRADE=name, or all)
	@$(UNSEALED)
	run=$$(mktemp -d)
	trap 'rm -rf "$$run"' EXIT
	cp requirements*.lock "$$run"
	printf '%s\n' $(OF_CUDA) $(OF_TIMM) > "$$run/excluded"
	compile=(.venv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	  --no-annotate --custom-compile-command 'make lock' $(MOVED))
	beside_torch=(--generate-hashes --excludes "$$run/excluded" --no-emit-package torch \
	  --constraint "$$run/requirements-torch.lock")
	"$${compile[@]}" --no-deps --no-emit-package numpy --output-file "$$run/requirements-torch.lock"
	"$${compile[@]}" "$${beside_torch[@]}" --all-extras --group lab --group test --group lint --group lock \
	  --output-file "$$run/requirements.lock"
	"$${compile[@]}" "$${beside_torch[@]}" --group oracles --constraint "$$run/requirements.lock" \
	  $$(sed -n 's/^\([^ =]*\)==.*/--no-emit-package \1/p' "$$run/requirements.lock") \
	  --output-file "$$run/requirements-oracles.lock"
	for lock in requirements*.lock; do
	  cmp -s "$$run/$$lock" $$lock || cp "$$run/$$lock" $$lock
	done

clean: ## remove everything built; the environment stays
	@rm -rf build

# The path to the package is made relative: Python reads it in the locale's encoding, which may lack
# letters of this folder's.
.venv/.ready: $(LOCK) pyproject.toml
	@$(UNSEALED)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Python 3.11 or newer is needed; name yours with `make PYTHON=python3.11`.")'
	echo 'Installing the environment into .venv: once, a few minutes.'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(INSTALL_TORCH) --quiet -r requirements-torch.lock
	.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	echo ../../../.. | tee .venv/lib/python*/site-packages/_rmsprop.pth > /dev/null
	touch $@

# In a folder of their own: some change what torch does merely by being there.
.venv/oracles/.ready: requirements-oracles.lock | .venv/.ready
	@$(UNSEALED)
	echo 'Installing the packages to compare with into .venv/oracles: once, a few minutes, 2 GB.'
	rm -rf .venv/oracles
	.venv/bin/python -m pip install --quiet --require-hashes --no-deps --target .venv/oracles \
	  -r requirements-oracles.lock
	touch $@

# Every run has a folder of its own, which an interrupted run leaves behind and nobody reads. Its
# pytest.ini shields nbmake from the repository's settings and remembers when the run began: that
# is the result's date, so that an edit made meanwhile counts as newer.
build/executed/%.ipynb: book/%.ipynb $(PACKAGE) $(LOCK) | .venv/.ready
	@rm -rf $@ build/run/$*.*
	mkdir -p build/executed build/run
	run=$$(mktemp -d build/run/$*.XXXXXX)
	touch $$run/pytest.ini
	cp $< $$run
	chapter="$$(echo $(CHAPTERS) | tr ' ' '\n' | grep -nx '$*' | cut -d: -f1)/$(words $(CHAPTERS)) $*"
	echo "executing $$chapter"
	trap 'exit 130' INT
	$(PY) -m pytest -q --nbmake --nbmake-kernel=python3 --overwrite $$run/$*.ipynb \
	  > $$run/log 2>&1 || { cat $$run/log; echo "$< failed: its cell and error are above."; exit 1; }
	touch -r $$run/pytest.ini $$run/$*.ipynb
	mv $$run/$*.ipynb $@
	rm -rf $$run
	echo "executed  $$chapter in $$SECONDS s"

# Any chapter may read any recording.
$(EXECUTED): $(wildcard book/sweeps/*)

build/executed/performance.ipynb: $(wildcard benchmarks/results/*.json) benchmarks/chunks.json benchmarks/ahead.json

build/html/index.html: $(EXECUTED) $(BOOK) _config.yml | .venv/.ready
	@if [ ! -e build/html ]; then mv build/render.*/previous build/html 2> /dev/null || true; fi
	rm -rf build/render.* $(filter-out $(EXECUTED),$(wildcard build/executed/*.ipynb))
	mkdir -p build
	run=$$(mktemp -d build/render.XXXXXX)
	touch $$run/began
	$(SOURCE)
	$(JUPYTER_BOOK) build $$run/source --config _config.yml --path-output $$run \
	  -W -n --keep-going --quiet > /dev/null
	touch -r $$run/began $$run/_build/html/index.html
	if [ -e build/html ]; then mv build/html $$run/previous; fi
	mv $$run/_build/html build/html
	rm -rf $$run
