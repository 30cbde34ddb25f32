# Tieline. `make help` tells what there is; every target sets up what it needs, and repeating it is quick.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

PY := .venv/bin/python
MADE := .tieline/made
INSTANCE ?= 0
EXIT ?=
# Without root the live tests need a network namespace: SIPp sends keys from a raw socket.
ALONE := $(shell [ "$$(id -u)" = 0 ] || echo unshare --user --map-root-user --net $(PY) -m lab.own_network)

# The root in use; tests take it from the environment (see tests/support).
export TIELINE_ROOT ?= $(CURDIR)/.tieline/root

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 16

.PHONY: demo
demo: packages $(MADE)/run $(MADE)/root ## Bring up two centres and place the sample calls; EXIT=1 ends after the table
	@$(PY) -m lab.demo --instance $(INSTANCE) $(if $(EXIT),--exit)

.PHONY: test
test: packages $(MADE)/dev $(MADE)/root style ## Everything, on the real Asterisk, Kamailio, Redis, SQLite and PostgreSQL
	@$(ALONE) $(PY) -m pytest

.PHONY: check
check: packages $(MADE)/dev style ## The quick part: style, types, unit, wire and golden tests
	@$(PY) -m pytest -q tests/unit tests/wire tests/golden

.PHONY: style
style: $(MADE)/dev
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

.PHONY: fresh
fresh: packages ## Run the README's two commands in an empty Debian 12 and an empty Debian 13
	@tools/fresh.sh bookworm trixie

.PHONY: lock
lock: $(MADE)/dev ## Pin the newest Python packages that pyproject.toml allows
	@tools/lock.sh

.PHONY: venv
venv: packages $(MADE)/dev ## Only the virtual environment, with the tools of developers

.PHONY: root
root: packages $(MADE)/run $(MADE)/root ## Only the private root

.PHONY: clean
clean: ## End the lab and remove everything that was made (the private root too)
	@if [ -x .venv/bin/tieline ]; then .venv/bin/tieline lab down; fi
	@rm -rf .tieline .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: packages
packages:
	@tools/bootstrap.sh packages

# Developers' packages hold the runtime's: whoever has them needs no second installation.
$(MADE)/run: requirements-build.lock requirements.lock pyproject.toml | packages
	@if [ $(MADE)/dev -nt requirements.lock ] && [ $(MADE)/dev -nt pyproject.toml ]; then touch $@; \
	else tools/bootstrap.sh venv requirements.lock $@; fi

$(MADE)/dev: requirements-build.lock requirements-dev.lock pyproject.toml | packages
	@tools/bootstrap.sh venv requirements-dev.lock $@

$(MADE)/root: lab/root.py | $(MADE)/run
	@unset TIELINE_ROOT; tools/bootstrap.sh root
	@touch $@
