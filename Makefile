# Two commands set everything up on a machine that has python3 with venv, pip and make:
#   make drill   the main job, on the embedded simulated venue
#   make test    the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
FROM_LOCK := $(PIP_INSTALL) --require-hashes --only-binary :all:

.PHONY: help drill test simulate cover lint types check bench docs lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

drill: $(VENV)/.installed ## the main job on the embedded simulated venue: no keys, no network
	$(BIN)/goflat drill

test: $(VENV)/.installed-test ## every test, in under four minutes on two cores
	$(BIN)/python -m pytest -n 3 --dist worksteal

simulate: $(VENV)/.installed-test ## whole runs on bad days, each a seed: SEEDS=20000
	GOFLAT_SEEDS=$(or $(SEEDS),20000) $(BIN)/python -m pytest -n 2 tests/shell/test_worst_days.py

cover: $(VENV)/.installed-test ## the values and decisions: their own tests take every branch
	$(BIN)/python -m coverage run --branch --source=src/goflat/domain,src/goflat/core -m pytest tests/domain tests/core
	$(BIN)/python -m coverage report --skip-covered --show-missing --fail-under=100

lint: $(VENV)/.installed-test ## ruff, formatting included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test ## mypy, strict
	$(BIN)/mypy

check: lint types test ## all that a commit has to pass

bench: $(VENV)/.installed-test ## time to flat, against what people use otherwise
	$(BIN)/python -m benchmarks

lock: ## write the hashed requirements anew (needs uv)
	scripts/lock.sh

clean: ## forget the environment and what tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .coverage* build dist

# A half-made environment is made again: the stamp is written last.
$(VENV)/.installed: requirements/base.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(FROM_LOCK) -r requirements/base.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.installed-test: requirements/test.txt $(VENV)/.installed
	$(FROM_LOCK) -r requirements/test.txt
	touch $@
