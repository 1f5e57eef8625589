# The verbs of the project. Everything installs from the committed locks; nothing needs starting by hand.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
SOURCES := domain messaging storage llm bot planner dispatcher agents aggregator app tests benchmarks examples

.PHONY: run test failures check chaos setup bench bench-planning simulate format lint types layers sizes lock clean

run: setup ## start what the settings configure; with none, the terminal chat
	@$(BIN)/xingshu chat

test: $(VENV)/.dev ## the whole test suite with branch coverage
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --cov --cov-report=term --cov-fail-under=90 $(ARGS)

failures: $(VENV)/.dev ## every row of docs/reference/failures.md on both deployments
	@TEST_FAILURES=all $(BIN)/pytest -n 2 --dist loadfile tests/failures $(ARGS)

check: lint types layers sizes ## what CI checks without running the product

setup: $(VENV)/.run ## install the command at .venv/bin/xingshu

bench: $(VENV)/.dev ## the figures of docs/reference/performance.md
	@$(BIN)/python -m benchmarks

bench-planning: $(VENV)/.dev ## the figures of reading, mending, streaming and keeping plans
	@$(BIN)/python -m benchmarks.bench_plan
	@$(BIN)/python -m benchmarks.bench_stream
	@$(BIN)/python -m benchmarks.bench_cache

chaos: $(VENV)/.dev ## break everything, with processes, a broker and a database of its own; ARGS=C3 for one scenario
	@$(BIN)/python -m tests.chaos.real $(ARGS)

simulate: $(VENV)/.dev ## SEEDS worlds in which everything goes wrong (default 20000)
	@$(BIN)/python -m benchmarks.bench_simulation $(SEEDS)

lint: $(VENV)/.dev
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

types: $(VENV)/.dev
	@$(BIN)/mypy

layers: $(VENV)/.dev
	@$(BIN)/lint-imports

sizes: $(VENV)/.dev
	@$(BIN)/pytest -q tests/unit/test_sizes.py

lock: $(VENV)/.dev ## renew the locks after changing pyproject.toml
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage* *.egg-info

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Xingshu needs Python 3.11 or newer; install it, or run: make PYTHON=/path/to/python" >&2; exit 2; }
	@echo "Setting up $(VENV), once…" >&2
	@$(PYTHON) -m venv $(VENV) >&2

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e . >&2
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock >&2
	@touch $@
