# alertd: everything a developer runs. `make` alone lists the targets.
# Needs make, git and Python 3.11 or newer with venv; the rest goes into .venv by itself.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   ?= .venv
CLIENTS ?= .venv-clients
JOBS   ?= 2
ARGS   ?=

BIN     := $(VENV)/bin
PY      := $(BIN)/python
PIP     := $(PY) -m pip --disable-pip-version-check --no-input --quiet
LOCKED  := $(PIP) install --only-binary :all: --require-hashes
PROJECT := $(PIP) install --no-deps --no-build-isolation --editable .
PYTEST  := $(PY) -m pytest -n $(JOBS) --dist loadfile
LOCK    := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
           --no-emit-find-links --custom-compile-command 'make lock' $(ARGS)

# A venv whose Python has gone (system upgrade, moved tree) is made again.
$(shell test -e $(CLIENTS)/.made && ! $(CLIENTS)/bin/python -c 'import pip' 2>/dev/null && rm -f $(CLIENTS)/.made $(CLIENTS)/.npm)
$(shell test -e $(VENV)/.made && ! $(PY) -c 'import pip' 2>/dev/null && rm -f $(VENV)/.made $(VENV)/.run $(VENV)/.dev)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile | awk -F': ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'alertd needs Python 3.11 or newer: install one, or name it: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo 'this Python cannot make a venv: install it (Debian, Ubuntu: apt-get install python3-venv) and run make again' >&2; exit 1; }
	@$(PY) -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@touch $@

# The stamps are younger than the lists they were installed from.
$(VENV)/.run: requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/.made
	@echo 'installing what alertd runs on into $(VENV)'
	@$(LOCKED) -r requirements/build.txt -r requirements/run.txt
	@$(PROJECT)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/.made
	@echo 'installing what alertd is developed with into $(VENV)'
	@$(LOCKED) -r requirements/dev.txt
	@$(PROJECT)
	@touch $(VENV)/.run $@

.PHONY: demo
demo: $(VENV)/.run ## alerts become tickets, in a terminal, against a simulated Autotask (ARGS=--once ends by itself)
	$(BIN)/alertd demo $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## the quick tests, some 4 minutes (ARGS='-k NAME' picks some)
	$(PYTEST) -m 'not slow' $(ARGS)

.PHONY: test-slow
test-slow: $(VENV)/.dev ## the tests that `make test` leaves out
	$(PYTEST) --dist load --maxschedchunk 1 --timeout 300 -m slow $(ARGS)

$(CLIENTS)/.made: requirements/clients.txt | $(VENV)/.made
	@echo "installing other people's clients into $(CLIENTS)"
	@$(PYTHON) -m venv --clear $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip --disable-pip-version-check --no-input --quiet install --no-deps \
	  --ignore-requires-python --only-binary :all: -r $<
	@touch $@

# Node's packages lie in the same folder; without npm their tests say so.
$(CLIENTS)/.npm: requirements/clients-npm.txt $(CLIENTS)/.made
	@command -v node >/dev/null && command -v npm >/dev/null || { \
	  echo 'node or npm is missing, so the clients from npm are left out: apt-get install nodejs npm' >&2; exit 0; }; \
	npm install --prefix $(CLIENTS) --loglevel error --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
	  $$(cat $<) >/dev/null && touch $@

.PHONY: test-clients
test-clients: $(VENV)/.run $(CLIENTS)/.npm ## clients that others wrote: Autotask's against the simulator, senders' against alertd
	ALERTD_PYTHON=$(PY) $(CLIENTS)/bin/python -m pytest -c tests/clients/pytest.ini $(ARGS) --ignore=tests/clients/senders tests/clients
	ALERTD_PYTHON=$(PY) $(CLIENTS)/bin/python -m pytest -c tests/clients/senders/pytest.ini $(ARGS) tests/clients/senders

.PHONY: test-all
test-all: test test-slow ## every test

.PHONY: lint
lint: $(VENV)/.dev ## formatting, ruff, types, import rule, dependencies, dead code
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy --strict
	$(BIN)/lint-imports
	$(PY) -m deptry alertd
	$(PY) -m vulture

.PHONY: cover
cover: $(VENV)/.dev ## the core's own tests reach every branch of it
	$(PYTEST) tests/core -m 'not slow' --cov=alertd/core --cov-report=term-missing:skip-covered --cov-fail-under=100

.PHONY: check
check: lint cover test ## lint, cover and test: what has to pass before a change is shown

.PHONY: bench
bench: $(VENV)/.dev ## durable accepts and settled alerts per second, beside a bare handler
	$(PY) -m bench $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.dev ## 30,000 mutated payloads for each parser
	ALERTD_FUZZ_CASES=30000 $(PYTEST) -m '' -k fuzz --timeout 1800 $(ARGS)

.PHONY: docs
docs: $(VENV)/.run ## docs/sources/*.md and the table of kinds anew, from the sheets of core/sources
	$(PY) docs/make_pages.py

.PHONY: wheel
wheel: $(VENV)/.run ## dist/alertd-*.whl, for installing on a server
	@rm -rf dist
	$(PY) -m hatchling build --target wheel

.PHONY: lock
lock: | $(VENV)/.made ## requirements/*.txt anew from pyproject.toml (ARGS=--upgrade takes newer releases)
	@$(PIP) install 'uv>=0.9'
	@echo 'resolving requirements/{run,calendar,build,dev}.txt'
	@$(LOCK) pyproject.toml --extra uvloop --output-file requirements/run.txt >/dev/null
	@$(LOCK) pyproject.toml --extra uvloop --extra calendar --constraint requirements/run.txt \
	  --output-file requirements/calendar.txt >/dev/null
	@$(LOCK) --group build --output-file requirements/build.txt >/dev/null
	@$(LOCK) pyproject.toml --extra uvloop --extra calendar --group dev --constraint requirements/run.txt \
	  --constraint requirements/build.txt --output-file requirements/dev.txt >/dev/null
	@! grep -nE '://|^-|index-url|find-links' requirements/*.txt || { \
	  echo 'a lock file names an address or an index; it may only name versions and hashes' >&2; exit 1; }

.PHONY: clean
clean: ## remove .venv and everything else that was made
	rm -rf $(VENV) $(CLIENTS) build dist .coverage .grimp_cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache mutants
	find alertd tests -name __pycache__ -type d -prune -exec rm -rf {} +
