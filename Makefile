# Every target sets up what it needs first; a set-up that is there already costs about a second.
SHELL := /bin/bash -eu -o pipefail
.DEFAULT_GOAL := help
.PHONY: help venv toolchain up down shell recover preview audit test check bench clean lock

PYTHON ?= python3
TENANTS ?= acme globex
BASE ?= origin/main
ALL := platform $(TENANTS)
BIN := .venv/bin
CLOUD := $(BIN)/python -m local_cloud
STACKS := $(CLOUD) exec -- python -m stacks
# What stacks.up ends with when a killed update has left its lock.
NEEDS_RECOVERY := 75

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: .venv/ready

.venv/ready: requirements.lock requirements-bootstrap.lock pyproject.toml bootstrap.sh
	@PYTHON=$(PYTHON) ./bootstrap.sh

toolchain: .venv/ready
	@$(BIN)/python -m toolchain

up: toolchain  ## bring up the platform and the tenants on the local cloud, and verify them
	@$(CLOUD) up
	@exec 9>.tenantry/up.lock; flock --nonblock 9 || { echo "another make up runs: waiting for it"; flock 9; }; \
	  $(STACKS).up $(ALL) 9>&- || { [ $$? -eq $(NEEDS_RECOVERY) ] && \
	  $(STACKS).recover $(ALL) 9>&- && $(STACKS).up $(ALL) 9>&-; }
	@$(STACKS).verify $(TENANTS)

preview:  ## what this branch would change, cost and break, against BASE (origin/main) on a cloud of its own
	@.ci/preview $(BASE)

audit: toolchain  ## ask the zero-trust rules about the state of what is running
	@$(CLOUD) up
	@$(STACKS).audit

down: .venv/ready  ## stop the local cloud; disks and state stay, `make up` restores them
	@$(CLOUD) down

shell: toolchain  ## an operator's shell: `pulumi` reaches the local cloud, `ssh tenantry@…` its hosts
	@$(CLOUD) up
	@$(STACKS).project
	@cd .tenantry/project && LOCAL_CLOUD_STATE_DIR=$(CURDIR)/.tenantry/local-cloud \
	  LOCAL_CLOUD_TOOLCHAIN_MANIFEST=$(CURDIR)/.tenantry/toolchain.json $(CURDIR)/$(CLOUD) exec -- \
	  python -m stacks.identity $(TENANTS) -- $${SHELL:-bash}

recover: toolchain  ## bring stacks back after a crash: locks, pending creates, orphans
	@$(CLOUD) up
	@$(STACKS).recover $(ALL)

check: .venv/ready  ## lint, format, types, imports, workflows, secrets
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports
	@$(BIN)/python -m toolchain.workflow_linters
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --exclude-files '(\.lock|go\.sum|npm\.json|toolchain/facts/.*\.json)$$'

test: check toolchain  ## every check and every test
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -m "not end_to_end" -n 2 --cov --cov-report=
	$(BIN)/python -m pytest -m end_to_end --durations=30 --cov --cov-append --cov-report=term:skip-covered

bench: toolchain  ## measure, side by side, in one run
	@$(BIN)/python -m benchmarks

clean: .venv/ready  ## stop the local cloud and forget all its state
	@$(CLOUD) down
	rm -rf .tenantry .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*

lock: .venv/ready  ## resolve the dependencies anew
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --all-extras --no-emit-index-url --no-header \
	  --python-version 3.11 pyproject.toml -o requirements.lock
