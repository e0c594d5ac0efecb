# The commands people use; each says in README.md what it does. Overridable: PORT, DATABASE_URL, CASES, PYTHON.
SHELL := bash
.DEFAULT_GOAL := help
PYTHON ?= python3
PY := .venv/bin/python
export PYTHON PORT DATABASE_URL CASES

.PHONY: help setup setup-dev run test fuzz check bench sim lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## the environment in .venv, and nothing else
	@PYTHON=$(PYTHON) bash scripts/setup.sh run
	@$(PY) scripts/compile_translations.py

setup-dev:
	@PYTHON=$(PYTHON) bash scripts/setup.sh dev
	@$(PY) scripts/compile_translations.py

run: setup ## the portal with demonstration data on http://localhost:8000 (PORT, CASES, DATABASE_URL)
	@exec $(PY) scripts/run.py

test: setup-dev ## every test: both databases, the browser (TESTS=... narrows)
	@bash scripts/test_tools.sh
	@$(PY) -m pytest -n logical --maxprocesses 4 $(TESTS)

fuzz: setup-dev ## the property tests once more, on examples that nobody has seen (a failure prints how to repeat it)
	@HYPOTHESIS_PROFILE=fuzz $(PY) -m pytest -n logical --maxprocesses 4 -m hypothesis $(TESTS)

check: setup-dev ## style, types, floors of the house, definitions
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo
	@.venv/bin/flask definitions check workflows/

bench: setup-dev ## figures, one JSON object a line (docs/bench.md keeps them)
	@$(PY) -m bench

.PHONY: tamper kills races exchange
exchange: setup-dev ## 10,000 cases whose data change before the decision, 10,000 needs after an outage, on each database
	@$(PY) -m tests.hard.changed
	@$(PY) -m tests.hard.deferred

kills: setup-dev ## kill -9 and database restarts under load, 200 that interrupt on each database
	@$(PY) -m tests.hard.kills

races: setup-dev ## 10,000 races for one step and every pair of actions, on each database
	@$(PY) -m tests.hard.races

tamper: setup-dev ## 10,000 changes of the records on each database, each to be found and named
	@$(PY) -m tests.hard.tamper
	@$(PY) -m tests.hard.log_tamper

sim: setup-dev ## the simulation: a million committed transitions with faults (SIM=20000: fewer; LEDGER=file: may be broken off; docs/simulation.md)
	@$(PY) -m tests.sim.grand --transitions $(or $(SIM),1000000) $(if $(LEDGER),--ledger $(LEDGER))

lock: setup-dev ## after a change of requirements*.in: pins and hashes anew (needs uv)
	@uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command 'make lock' requirements.in -o requirements.txt
	@uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command 'make lock' requirements-dev.in -c requirements.txt -o requirements-dev.txt

clean: ## removes the environment, the embedded database and caches
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find translations -name '*.mo' -delete 2>/dev/null || true
