# Verbs of the project. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
# Tests of one file share costly fixtures, so a file stays in one process; PARALLEL= runs them in order.
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup run test check format ui mini15 ablation fingerprints lock clean

help:  ## list the verbs
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## create .venv (Python 3.11+, pip and g++ are needed)
	@$(PYTHON) infra/bootstrap.py

run: setup  ## run the whole pipeline on the sample world and print its results
	@$(BIN)/xlm run --profile sample
	@$(BIN)/xlm results --profile sample

test: setup  ## run the tests; PYTEST="-k store" for some of them
	@$(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

check: setup  ## lint, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell

format: setup  ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

ui: setup  ## Prefect server, worker and deployments; Ctrl-C stops them
	@$(BIN)/xlm ui

mini15: setup  ## real data in 15 languages, from the hosts or from MIRROR=path
	@$(BIN)/xlm run --profile mini15 $(if $(MIRROR),--set sources.mirror=$(MIRROR))
	@$(BIN)/xlm results --profile mini15

ablation: setup  ## MLM+TLM against MLM alone, three seeds, on the sample world
	@$(BIN)/python bench/ablation.py

fingerprints: setup  ## record the code of stages; WAIVER="why the bytes are the same"
	@$(BIN)/python -m xlm.stages.fingerprint $(if $(WAIVER),--waiver "$(WAIVER)")

lock: setup  ## rewrite infra/constraints.txt from the environment at hand
	@$(BIN)/python infra/lock.py

clean:  ## remove the environment and caches, never ./data
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
