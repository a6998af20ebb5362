# make demo    install into .venv and run the demonstration
# make test    install with everything for development, then check and run all tests
# make quick   while you work, within a minute: lint and the tests that are not slow; ARGS=tests/ring for some of them
# make check   formatting, lint, types and layers only
# make format  rewrite the sources in the project's format
# make bench   measure operations and models; make bench-peers: others beside them; make bench-report: write it up
PYTHON ?= python3
# Tests run on so many cores; auto: half of them (tests/conftest.py).
WORKERS ?= auto
VENV ?= .venv
BIN := $(VENV)/bin
# Exact versions, also for what the build itself needs.
PINNED := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt
INSTALL := $(PINNED) $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Tests of one xdist_group share something that takes long to make: one worker has them all.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup
# An editable install sees changed Python files by itself; only these ask for a new one.
NEEDS_INSTALL := pyproject.toml constraints.txt $(wildcard native/CMakeLists.txt native/*.cpp native/*.h)

.PHONY: demo test quick check lint format clean bench bench-peers bench-report

demo: $(VENV)/.installed-demo
	$(BIN)/tacit demo

test: check
	$(PYTEST)

# test_parity_quick.py has its part of test_parity.py, which takes seconds even without its slow tests.
quick: lint
	$(PYTEST) -q -m 'not slow' --ignore=tests/tensor/test_parity.py $(ARGS)

check: lint
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-demo
	$(BIN)/python -m benchmarks --json benchmarks/results/bench.json $(ARGS)

bench-peers: $(VENV)/.installed-demo
	$(BIN)/python -m benchmarks.peers --json benchmarks/results/peers.json $(ARGS)

bench-report: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.document

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: $(NEEDS_INSTALL) | $(BIN)/python
	$(INSTALL) --editable '.[demo]'
	@touch $@

$(VENV)/.installed-dev: $(NEEDS_INSTALL) | $(BIN)/python
	$(INSTALL) --editable '.[dev,demo]'
	@touch $@ $(VENV)/.installed-demo

$(VENV)/.installed-bench: $(NEEDS_INSTALL) | $(BIN)/python
	$(INSTALL) --editable '.[bench]'
	@touch $@

clean:
	git clean -fdX --exclude='!/$(VENV)/' native src build dist
