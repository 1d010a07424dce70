# Every command sets up what it needs: the virtual environment, and the packages at the versions in constraints.txt, or in LOCK.
PYTHON ?= python3
VENV ?= .venv
LOCK ?= constraints.txt
BIN := $(VENV)/bin
WORKERS ?= 2
BUDGET ?= 180
SEED ?= 0
EACH ?=
RESULT ?=
PART ?=
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
MANIFEST := pyproject.toml $(LOCK)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK)

.PHONY: run test test-long test-browser plots lint check train bench wheel docs parity-sweep parity-mutants functional-sweep format clean

run: $(VENV)/run.stamp
	$(BIN)/jaxtut check
	$(BIN)/jaxtut train --against torch

check: $(VENV)/run.stamp
	$(BIN)/jaxtut check

train: $(VENV)/run.stamp
	$(BIN)/jaxtut train

# All tests, and of a test with many cases a sixth of them.
test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --sample

# What `make test` leaves out: tests that take minutes, and the other cases. PART=2/3 runs the second of three parts.
test-long: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(WORKERS) --sample -m "long and not browser" $(if $(PART),--part $(PART))

# The page of a graph in Chromium, which is installed where there is none.
test-browser: $(VENV)/browser.stamp
	$(BIN)/python -m pytest -m browser tests/browser

# Pictures of activations, a loss surface, filters and gradients, into results/plots.
plots: $(VENV)/run.stamp
	$(BIN)/jaxtut plots

# Random correct pairs for BUDGET seconds: the engine must not cry wolf. RESULT writes the counts as JSON.
parity-sweep: $(VENV)/dev.stamp
	$(BIN)/python -m jaxtut.parity.trials.sweep --budget $(BUDGET) --seed $(SEED) $(if $(RESULT),--json $(RESULT))

# Random calls of every operation for BUDGET seconds, or EACH of every operation: all must be PyTorch's, value and gradient.
# RESULT writes the counts as JSON.
functional-sweep: $(VENV)/dev.stamp
	$(BIN)/python -m jaxtut.parity.trials.operations.sweep --budget $(BUDGET) --seed $(SEED) \
	  $(if $(EACH),--each $(EACH) --workers $(WORKERS)) $(if $(RESULT),--json $(RESULT))

# Mutants: the engine must see every one; and who else does.
parity-mutants: $(VENV)/dev.stamp
	$(BIN)/python -m jaxtut.parity.trials.table $(if $(RESULT),--json $(RESULT))

docs: $(VENV)/docs.stamp
	$(BIN)/python -m sphinx -W --keep-going -q docs build/docs
	@echo "build/docs/index.html"

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/run.stamp
	$(BIN)/python -m benchmarks

# The wheel is built, installed without torch in an environment of its own, and imported there.
wheel: $(VENV)/dev.stamp
	rm -rf dist build/wheel-env
	$(BIN)/python -m build --wheel --outdir dist .
	$(PYTHON) -m venv build/wheel-env
	build/wheel-env/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) dist/*.whl
	cd build && wheel-env/bin/python -c "import jaxtut; print('jaxtut', jaxtut.__version__, jaxtut.chain_rule.backward((1.0, 2.0)).dL_dx)"

$(VENV)/python.stamp:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/run.stamp: $(VENV)/python.stamp $(MANIFEST)
	$(PIP) --editable ".[torch]"
	touch $@

$(VENV)/dev.stamp: $(VENV)/python.stamp $(MANIFEST)
	$(PIP) --editable ".[torch,dev]"
	touch $@ $(VENV)/run.stamp

$(VENV)/docs.stamp: $(VENV)/python.stamp $(MANIFEST)
	$(PIP) --editable ".[torch,dev,docs]"
	touch $@ $(VENV)/run.stamp $(VENV)/dev.stamp

$(VENV)/browser.stamp: $(VENV)/python.stamp $(MANIFEST)
	$(PIP) --editable ".[torch,dev,browser]"
	command -v chromium || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; }
	touch $@ $(VENV)/run.stamp $(VENV)/dev.stamp

clean:
	rm -rf $(VENV) build dist results .pytest_cache .ruff_cache .hypothesis
