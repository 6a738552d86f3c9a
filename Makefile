# Commands of the project. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
# Tests of one file share costly fixtures, so a file stays in one process, and files start in their order:
# the slowest are not the last. Many tests mostly wait for servers and clusters, so there is one
# process more than cores. PARALLEL= runs all in one process.
PROCESSES = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PARALLEL ?= -n $(PROCESSES) --maxprocesses 5 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup run test coverage test-fast test-transformers-4 check docs format ui mini15 ablation fingerprints generate lock clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## create .venv (needs Python 3.11+, pip and g++)
	@$(PYTHON) infra/bootstrap.py

run: setup  ## run the pipeline on the sample world, print results
	@$(BIN)/xlm run --profile sample
	@$(BIN)/xlm results --profile sample

test: setup  ## run the tests, or some: PYTEST="-k store"
	@$(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

coverage: setup  ## run the tests, and fail if they reach too few lines
	@$(BIN)/python -m pytest $(PARALLEL) --cov=xlm --cov-report=term:skip-covered --cov-fail-under=85 $(PYTEST)

test-fast: setup  ## run the tests without the slow ones, in two minutes
	@$(BIN)/python -m pytest $(PARALLEL) -m "not slow and not fault" $(PYTEST)

# Packages that come before those of .venv, where transformers is the newest release.
OLD := $(CURDIR)/.venv/transformers-4
OLD_VERSION := 4.57.6
OLD_PACKAGES := transformers==$(OLD_VERSION) tokenizers==0.22.2 huggingface-hub==0.36.2
# The card's counts of sentences are those of the newest release.
test-transformers-4: setup  ## test published models in transformers 4.57
	@$(BIN)/uv pip install -q --python $(BIN)/python --target "$(OLD)" --no-deps $(OLD_PACKAGES)
	@PYTHONPATH="$(OLD)" $(BIN)/python -c "import transformers as t; assert t.__version__ == '$(OLD_VERSION)', t"
	@PYTHONPATH="$(OLD)" $(BIN)/python -m pytest -q tests/release/test_tokenizer.py \
		tests/release/card/test_pipelines.py tests/inference/test_parity.py \
		tests/model/formats/test_onnx.py -k "not as_many_as_on_the_card"

check: setup  ## check style, format, types and imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell -D - -D infra/words.txt

docs: setup  ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

format: setup  ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

ui: setup  ## start the Prefect UI and a worker
	@$(BIN)/xlm ui

mini15: setup  ## run on real data; MIRROR=DIR for a local copy
	@$(BIN)/xlm run --profile mini15 $(if $(MIRROR),--set sources.mirror=$(MIRROR))
	@$(BIN)/xlm results --profile mini15

ablation: setup  ## compare MLM+TLM with MLM on the sample world
	@$(BIN)/python bench/ablation.py

fingerprints: setup  ## record the code of stages; WAIVER="reason"
	@$(BIN)/python -m xlm.stages.fingerprint $(if $(WAIVER),--waiver "$(WAIVER)")

generate: setup  ## write prefect.yaml from the registry of stages
	@$(BIN)/python infra/generate.py

lock: setup  ## resolve infra/constraints.txt; UPGRADE=1: newer
	@$(BIN)/python infra/lock.py $(if $(UPGRADE),--upgrade)

clean:  ## remove .venv and caches, but not ./data
	rm -rf .venv site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
