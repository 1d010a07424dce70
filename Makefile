# Every command sets up what it needs: the virtual environment, and the packages at the versions in constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
MANIFEST := pyproject.toml constraints.txt
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test lint check train bench wheel format clean

run: $(VENV)/run.stamp
	$(BIN)/jaxtut check
	$(BIN)/jaxtut train

check: $(VENV)/run.stamp
	$(BIN)/jaxtut check

train: $(VENV)/run.stamp
	$(BIN)/jaxtut train

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(WORKERS)

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
	build/wheel-env/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt dist/*.whl
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

clean:
	rm -rf $(VENV) build dist results .pytest_cache .ruff_cache .hypothesis
