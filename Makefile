# Everything a newcomer, a contributor and continuous integration run. `make help` lists it.

PYTHON ?= python3
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin
FHIR_SERVER := tests/fhir_server

.DEFAULT_GOAL := help
.PHONY: help setup demo test verify check format bench load screenshots clean system-packages

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: $(VENV)/.ready ## Set up the service: virtual environment, packages, compiled kernels

demo: setup ## Start a sample EHR with the service behind it; PORT=8080
	$(BIN)/dosewright demo --port $(PORT)

test: $(VENV)/.ready-to-test ## Set up and run every test
	$(BIN)/python -m pytest

verify: $(VENV)/.ready-to-test ## Hold every accuracy bar in its full size: simulated patients by the thousand
	$(BIN)/python -m pytest tests -m verify -vv --durations=0

check: $(VENV)/.ready-to-test ## Formatting, lint, types, import direction
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.ready-to-test ## Format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Time one estimate, one posterior, one search, one hook request
	$(BIN)/python -m benchmarks.core
	$(BIN)/python -m benchmarks.cohort
	$(BIN)/python -m benchmarks.bars
	$(BIN)/python -m benchmarks.hook_request

load: setup ## Ten hook requests a second for a minute against two workers
	$(BIN)/python -m benchmarks.load

screenshots: $(VENV)/.ready-to-test ## Draw the pictures of the documentation anew, into docs/
	$(BIN)/python -m tests.browser.screenshots docs

clean: ## Remove what setup and tests have made
	rm -rf $(VENV) build dist ./*.egg-info $(FHIR_SERVER)/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Dosewright needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV) || { echo "On Debian: apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.ready: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@echo "Compiling the kernels; this happens once and takes a few minutes."
	$(BIN)/python -m dosing_core.warm
	@touch $@

$(VENV)/.ready-to-test: $(VENV)/.ready $(FHIR_SERVER)/package-lock.json | system-packages
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	npm ci --prefix $(FHIR_SERVER) --no-audit --no-fund --loglevel=error
	@touch $@

# The browser journey needs Chromium, the FHIR server of the tests needs Node. Root installs what is missing.
system-packages:
	@missing=""; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	test -z "$$missing" && exit 0; \
	test "$$(id -u)" = 0 || { echo "The tests need:$$missing. On Debian: sudo apt install$$missing"; exit 1; }; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq$$missing
