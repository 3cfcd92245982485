# One door for commands. Each target prints what it does; `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install -q --disable-pip-version-check
STATE ?= .stratolith
LISTEN ?= 127.0.0.1:8774
ifndef HYPERVISOR
HYPERVISOR := $(shell etc/prepare-host choose)
endif
NETWORK ?= $(if $(filter libvirt,$(HYPERVISOR)),bridge,simulated)
VOLUMES ?= $(if $(filter libvirt,$(HYPERVISOR)),file,simulated)
comma := ,
JOBS ?= 2
say = @printf '\n\033[1m== %s\033[0m\n' "$(1)"

.DEFAULT_GOAL := help
.PHONY: help up down purge test live lint conformance conformance-ssh bench docs wheel clean host

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 17

$(VENV)/pyvenv.cfg:
	$(call say,Setting up Python packages in $(VENV))
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || etc/prepare-host install venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/simulated: setup.cfg pyproject.toml | $(VENV)/pyvenv.cfg
	$(PIP) -e . python-openstackclient
	@touch $@

$(VENV)/libvirt: setup.cfg pyproject.toml | $(VENV)/pyvenv.cfg
	$(call say,This cloud runs real guests: HYPERVISOR=simulated would need no root and no packages)
	etc/prepare-host install run
	$(PIP) -e '.[libvirt,bridge]' python-openstackclient
	@touch $@

$(VENV)/ready: setup.cfg pyproject.toml | $(VENV)/pyvenv.cfg
	$(PIP) -e '.[conformance,dev]'
	@touch $@

$(VENV)/live: $(VENV)/ready
	$(call say,Installing QEMU$(comma) libvirt and the other real parts (apt and pip))
	etc/prepare-host install live
	$(PIP) -e '.[conformance,controllers,dev,libvirt,bridge,ldap,postgresql,mysql,rabbitmq]'
	@touch $@

host: $(VENV)/$(HYPERVISOR)
ifeq ($(HYPERVISOR),libvirt)
	etc/prepare-host start
	etc/prepare-host open $(STATE)
endif

up: host ## set up, start the cloud, boot a first server, say what to type next
	$(call say,Starting the cloud: hypervisor $(HYPERVISOR)$(comma) network $(NETWORK)$(comma) volumes $(VOLUMES)$(comma) state in $(STATE))
	@$(BIN)/stratolith status --state $(STATE) || \
	  $(BIN)/stratolith up --detach --state $(STATE) --listen $(LISTEN) --hypervisor $(HYPERVISOR) --network $(NETWORK) \
	    --volume-backends $(VOLUMES) | sed -n 1p
	etc/first-server $(BIN) $(STATE) $(HYPERVISOR)

down: ## stop the cloud; its state stays
	$(call say,Stopping the cloud of $(STATE))
	$(BIN)/stratolith down --state $(STATE)

purge: ## stop the cloud and remove it: servers, networks, volumes, images, its folder
	$(call say,Removing the cloud of $(STATE))
	$(BIN)/stratolith purge --state $(STATE)

test: $(VENV)/ready ## everything that needs no root
	$(call say,Tests that need no root)
	$(BIN)/pytest -q -rs -n $(JOBS) --dist loadfile --no-loadscope-reorder --ignore=tests/live tests

live: $(VENV)/live ## everything against real parts (root)
	$(call say,Tests against real parts)
	tests/live/run $(BIN)/pytest

lint: $(VENV)/ready ## style, types and import rules
	$(call say,Style)
	$(BIN)/ruff check .
	$(call say,Types)
	@mkdir -p .types && ln -sfn .. .types/stratolith
	MYPYPATH=.types $(BIN)/mypy --namespace-packages --explicit-package-bases -p stratolith
	$(call say,Import rules)
	cd .types && ../$(BIN)/lint-imports --no-logo --config ../setup.cfg

conformance: $(VENV)/ready ## the shipped suites on each installed driver
	$(call say,The shipped suites on the simulated drivers)
	$(BIN)/pytest -q -n $(JOBS) tests/conformance

conformance-ssh: $(VENV)/live ## Tempest's compute tests that look into guests over ssh, on guests of QEMU (root)
	$(call say,Tempest$(comma) every feature claimed$(comma) guests looked into over ssh)
	$(BIN)/pytest -q -m live tests/live/test_tempest_ssh.py

bench: $(VENV)/ready ## print the figures of benchmarks/
	$(call say,Benchmarks)
	@for script in benchmarks/*.py; do echo "-- $$script"; $(BIN)/python $$script || exit 1; done

docs: $(VENV)/ready ## write the generated pages and samples anew
	$(call say,Generated pages: coverage of the API$(comma) support matrix$(comma) samples)
	$(BIN)/python docs/generate

wheel: $(VENV)/ready ## build the wheel into dist/
	$(call say,Building the wheel)
	$(BIN)/python -m build --wheel --outdir dist .

clean: ## remove what was built, but no cloud: that is what purge does
	$(call say,Removing what was built)
	rm -rf $(VENV) build dist *.egg-info .types .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
