# Every target installs what it needs into .venv first. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-header pyproject.toml --group build

.DEFAULT_GOAL := help
.PHONY: help demo test check bench fuzz build format lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.lab ## Evaluate a real model on the bundled support tickets and print what it found
	@$(BIN)/evalayer run recipes/support_tickets.yaml --data data/support_tickets/gen_qa.jsonl \
	  --train data/support_tickets/train.jsonl --output output --overwrite

test: $(VENV)/.dev ## Run every test and doctest, warnings as errors
	@$(BIN)/pytest -n auto $(PYTEST_ARGS)

check: $(VENV)/.dev ## Format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache
	if [ -e template.yaml ]; then $(BIN)/cfn-lint template.yaml && $(BIN)/sam validate --lint; fi

bench: $(VENV)/.dev ## Measure speed beside the alternatives, in one run, as ratios
	@for script in benchmarks/[!_]*.py; do $(BIN)/python $$script || exit 1; done

fuzz: $(VENV)/.dev ## 100,000 made-up events through the handler
	@EVALAYER_FUZZ_EXAMPLES=100000 $(BIN)/pytest -q -p no:cacheprovider tests/test_fuzz_events.py

build: $(VENV)/.dev ## Build the wheel and the source distribution into dist/
	@$(BIN)/python -m hatchling build

format: $(VENV)/.dev ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: $(VENV)/.dev ## Renew the hash-locked requirements
	@$(BIN)/$(LOCK) --extra lab --output-file requirements.txt
	@$(BIN)/$(LOCK) --extra dev --output-file requirements-dev.txt

clean: ## Remove the environment and everything that was built
	rm -rf $(VENV) build dist output .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evalayer needs Python 3.11 or newer; run: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: requirements.txt pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.lab requirements-dev.txt
	@echo "installing the development tools into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements-dev.txt
	@touch $@
