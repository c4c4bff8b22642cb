# Stratapolis: `make` alone prints what there is to do.

# The first Python that is new enough makes .venv; everything after that is .venv's own.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for name in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
endif
BIN := .venv/bin
REQUIREMENTS := infra/requirements
DISTRIBUTIONS := $(wildcard protos/pyproject.toml services/*/pyproject.toml cli/pyproject.toml e2e_tests/pyproject.toml \
	examples/pyproject.toml examples/*/pyproject.toml benchmarks/pyproject.toml)
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help env protos documents lock check format test sabotage chaos demo up bench reset baseline clean
.NOTPARALLEL:

help: ## Print this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | column -t -s @ 2>/dev/null \
		|| sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1  \2/p' $(MAKEFILE_LIST)

env: ## Make .venv with everything pinned, and compile the contracts; again when something changed
	@$(if $(PYTHON),,echo 'env: Python 3.11 or newer is missing: sudo apt-get install python3 python3-venv'; exit 2;) \
	$(PYTHON) infra/build/environment.py $(DISTRIBUTIONS)
	@$(BIN)/python infra/build/compile_contracts.py

protos: env ## Compile the contracts to Python (part of env)

documents: env ## Write docs/contract from the contract and the wiring: AsyncAPI, the manifest's JSON Schema, pages
	@$(BIN)/python -m infra.documents

test: env ## Every test: unit, integration, end to end
	@$(BIN)/pytest --numprocesses 2

sabotage: env ## Break a copy of the code, one place at a time: a named test must notice each; ONLY=NAME for one
	@$(BIN)/python -m infra.sabotage $(if $(ONLY),--only $(ONLY))

check: env ## Format, lint, types, import rules, contracts, dead code
	@$(BIN)/python infra/build/check.py

format: env ## Put code and contracts into shape
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/buf format protos --path protos/city --write

chaos: env ## A city under load while it is killed, frozen and cut; ARGS="--journeys N --kills N --observations N --seed N --minutes N"
	@$(BIN)/python -m e2e_tests.chaos $(ARGS)

demo: env ## The story of the city, from nothing to live services that are used
	@$(BIN)/city demo

up: env ## Start a city and keep it running; Ctrl-C stops it
	@$(BIN)/city up

reset: env ## Wipe the local city's data
	@$(BIN)/city reset

bench: env ## Measure what the README's figures say
	@$(BIN)/python -m benchmarks

lock: env ## Pin the dependencies again, after a line of requirements.in, dev.in or uv.in changed
	@for name in uv requirements dev; do $(LOCK) $(REQUIREMENTS)/$$name.in --output-file $(REQUIREMENTS)/$$name.txt || exit 1; done

baseline: env ## Keep today's contracts, events and migrations as what later ones must not break: make baseline VERSION=0.1.0
	@$(if $(VERSION),,echo 'baseline: say which version: make baseline VERSION=0.1.0'; exit 2;) \
	$(BIN)/python -m infra.baseline $(VERSION)

clean: ## Remove what the build made: .venv, compiled contracts, caches (the local city's data stay)
	@rm -rf .venv protos/gen .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
