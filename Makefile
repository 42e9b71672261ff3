# Every target installs what it needs into .venv first. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME ?= python3.13
ARCH ?= arm64
COMPILE := uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
LOCK := $(COMPILE) --universal --python-version 3.11 pyproject.toml --group build

# SAM wants a region even to validate; nothing here talks to AWS.
export AWS_DEFAULT_REGION ?= us-east-1
export SAM_CLI_TELEMETRY ?= 0

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast check bench fuzz build layer sam-build format lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.lab ## Evaluate a real model on the bundled support tickets and print what it found
	@$(BIN)/evalayer run recipes/support_tickets.yaml --data data/support_tickets/gen_qa.jsonl \
	  --train data/support_tickets/train.jsonl --output output --overwrite --html output/report.html

test: $(VENV)/.dev ## Run every test and doctest, warnings as errors
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-fast: $(VENV)/.dev ## Run the tests that are quick, in a tenth of the time
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow" $(PYTEST_ARGS)

check: $(VENV)/.dev $(VENV)/checkov/.done ## Format, lint, types, import rules, security of the template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache
	$(BIN)/cfn-lint template.yaml
	$(BIN)/sam validate --lint
	$(VENV)/checkov/bin/checkov --file template.yaml --framework cloudformation --skip-download --quiet --compact

bench: $(VENV)/.dev ## Measure speed beside the alternatives, in one run, as ratios
	@for script in benchmarks/[!_]*.py; do $(BIN)/python $$script || exit 1; done

fuzz: $(VENV)/.dev ## 100,000 made-up events through the handler
	@EVALAYER_FUZZ_EXAMPLES=100000 $(BIN)/pytest -q -p no:cacheprovider tests/test_fuzz_events.py

build: $(VENV)/.dev ## Build the wheel and the source distribution into dist/
	@$(BIN)/python -m hatchling build

layer: | $(BIN)/python ## Build the layer's zip into dist/; RUNTIME=python3.12 and ARCH=x86_64 choose others
	@$(BIN)/python layer/build_layer.py zip --runtime $(RUNTIME) --arch $(ARCH) --into dist

sam-build: $(VENV)/.dev ## Build what `sam deploy` uploads into .aws-sam/
	@$(BIN)/sam build

format: $(VENV)/.dev ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

.PHONY: docs
docs: $(VENV)/.dev ## Renew what is made from the code: docs/commands.md, the report's schema and picture, the messages
	@$(BIN)/python -m tests.renew
	@$(BIN)/python -m tests.picture

lock: $(VENV)/.dev ## Renew the hash-locked requirements
	@$(BIN)/$(LOCK) --extra dev --output-file requirements-dev.txt
	@$(BIN)/$(LOCK) --extra lab --constraint requirements-dev.txt --output-file requirements.txt
	@$(BIN)/$(LOCK) --output-file layer/requirements-build.txt
	@for python in 3.12 3.13; do $(BIN)/$(COMPILE) --python-version $$python --python-platform aarch64-manylinux_2_28 \
	  pyproject.toml --extra metrics --output-file layer/python$$python/requirements.txt; done
	@echo 'awslambdaric>=4' | $(BIN)/$(COMPILE) --no-annotate --universal --python-version 3.12 - \
	  --output-file lab/evalayer_lab/function/runtime-client.txt
	@echo checkov | $(BIN)/$(COMPILE) --universal --python-version 3.11 - --output-file requirements-checkov.txt
	@printf 'mlflow\nsagemaker-mlflow\n' > $(VENV)/oracle-excludes.txt
	@echo sagemaker-train | $(BIN)/$(COMPILE) --universal --python-version 3.11 - \
	  --excludes $(VENV)/oracle-excludes.txt --output-file requirements-oracle.txt

clean: ## Remove the environment and everything that was built
	rm -rf $(VENV) .aws-sam build dist output .mypy_cache .pytest_cache .ruff_cache .hypothesis

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

# checkov brings a hundred packages of its own, so it lives apart.
$(VENV)/checkov/.done: requirements-checkov.txt | $(BIN)/python
	@echo "installing checkov into $(VENV)/checkov (once)"
	@$(BIN)/python -m venv $(VENV)/checkov
	@$(VENV)/checkov/bin/python -m pip install --quiet --no-deps --require-hashes --requirement requirements-checkov.txt
	@touch $@

# The SageMaker SDK, whose requests tests compare with ours, takes half a gigabyte, so it lives apart.
$(VENV)/oracle/.done: requirements-oracle.txt | $(BIN)/python
	@echo "installing the SageMaker SDK into $(VENV)/oracle (once)"
	@$(BIN)/python -m venv $(VENV)/oracle
	@$(VENV)/oracle/bin/python -m pip install --quiet --no-deps --require-hashes --requirement requirements-oracle.txt
	@touch $@
