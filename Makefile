# make run     sets up what is missing and starts the studio; ARGS="..." is passed on to lewm-studio
# make test    sets up what is missing and runs every check: ruff, mypy, import walls, pytest
# make setup   only sets up; make lint, make bench, make clean as named
.DEFAULT_GOAL := help
.PHONY: help run test lint bench setup setup-dev clean

BIN := .venv/bin
ARGS ?=
PYTEST_ARGS ?=
SETUP_INPUTS := pyproject.toml constraints.txt .ci/setup .ci/debian-packages .ci/debian-packages-test

help:
	@sed -n 's/^# make/make/p' Makefile

run: .venv/.ready
	@$(BIN)/lewm-studio $(ARGS)

test: lint
	@echo "== pytest"
	@# Three workers on two cores: the end-to-end tests wait for sounds most of the time.
	@$(BIN)/python -m pytest -n 3 --dist loadfile $(PYTEST_ARGS)

lint: .venv/.ready-dev
	@echo "== ruff"
	@$(BIN)/ruff check .
	@echo "== mypy"
	@$(BIN)/mypy
	@echo "== import walls"
	@$(BIN)/lint-imports

bench: .venv/.ready
	@$(BIN)/lewm bench $(ARGS)

setup: .venv/.ready
setup-dev: .venv/.ready-dev

.venv/.ready: $(SETUP_INPUTS)
	@bash .ci/setup run

.venv/.ready-dev: $(SETUP_INPUTS)
	@bash .ci/setup dev

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
