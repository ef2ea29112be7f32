.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## List every target
	@grep -hE '^[a-zA-Z0-9_-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# --- set-up -----------------------------------------------------------------

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "rsolv needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing (hash-checked) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "Installing what the tests need (hash-checked) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/dev.stamp ## Install everything for working on the code

.PHONY: lock
lock: setup ## Lock requirements/*.in again (no host name may enter a lock file)
	@for name in run dev; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate --no-emit-index-url requirements/$$name.in --output-file requirements/$$name.txt || exit 1; \
	done

# --- use --------------------------------------------------------------------

.PHONY: run
run: $(VENV)/run.stamp ## Start everything: PostgreSQL, migrations, Stripe's twin, web, worker
	@exec $(BIN)/rsolv up

# --- prove ------------------------------------------------------------------

include mk/check.mk
include mk/stripe.mk
include mk/crash.mk
include mk/bench.mk

TESTS ?= tests
COVERED := COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml $(BIN)/coverage run

.PHONY: test
test: setup check stripe-examples ## Run every check and test; COVERAGE=1 also demands the branch coverage we promise
	@rm -rf $(STRIPE_LOG) .coverage .coverage.*
	@$(if $(COVERAGE),$(COVERED),$(BIN)/python) -m pytest --numprocesses 2 --dist worksteal -q $(TESTS)
	@$(MAKE) --no-print-directory stripe-log $(if $(COVERAGE),coverage-report)

.PHONY: coverage
coverage: ## Run every check and test, and demand the branch coverage we promise
	@$(MAKE) --no-print-directory test COVERAGE=1

.PHONY: coverage-report
coverage-report:
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report --fail-under 95
	@$(BIN)/coverage report --fail-under 100 --include 'src/rsolv/ledger/*,src/rsolv/api_keys/*,*/rules.py'
