# What a change must pass. `make check` only looks; `make format` rewrites.

LINTED := src tests tools migrations $(wildcard bench)
TYPED := src tools $(wildcard tests/factories)

.PHONY: check format lint-ruff types contracts house sizes squawk

check: lint-ruff types contracts house sizes squawk ## Check everything that needs no test run

format: $(VENV)/dev.stamp ## Rewrite the code in the house's format, with the fixes that are safe
	@$(BIN)/ruff check --quiet --fix-only $(LINTED)
	@$(BIN)/ruff format --quiet $(LINTED)
	@echo "format: done"

lint-ruff: $(VENV)/dev.stamp ## Check format and lint (ruff.toml)
	@$(BIN)/ruff format --quiet --check --output-format concise $(LINTED) || { echo "ruff: run make format"; exit 1; }
	@$(BIN)/ruff check --quiet --output-format concise $(LINTED)
	@echo "ruff: format and lint are fine"

types: $(VENV)/dev.stamp ## Check the types, strictly
	@$(BIN)/mypy --no-error-summary $(TYPED)
	@echo "types: $(TYPED) are fine"

contracts: $(VENV)/dev.stamp ## Check who imports whom (tools/lint/contracts.toml)
	@report=$$($(BIN)/lint-imports --config tools/lint/contracts.toml --cache-dir .cache/import-linter --no-logo) \
		|| { echo "$$report"; exit 1; }
	@echo "contracts: all kept"

house: $(VENV)/dev.stamp ## Check the house rules (tools/lint)
	@$(BIN)/python -m tools.lint

sizes: $(VENV)/dev.stamp ## Check how large files and functions are
	@$(BIN)/python -m tools.lint.sizes

squawk: $(VENV)/dev.stamp ## Check that migrations lock and break nothing
	@$(BIN)/squawk --reporter gcc --config .squawk.toml 'migrations/**/*.up.sql'
	@$(BIN)/squawk --reporter gcc --config tools/lint/squawk_down.toml 'migrations/**/*.down.sql'
	@echo "squawk: migrations up and down are fine"
