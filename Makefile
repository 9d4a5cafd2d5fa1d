# Everything here needs Python 3.11 or newer and make, nothing else. `make` alone lists what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m pms.runtime
UV := $(BIN)/uv --quiet pip
COMPILE := $(UV) compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
MIGRATIONS_CHECK := $(BIN)/python -W "ignore:Got an error checking" manage.py makemigrations --check --dry-run

# What the caller's shell has set must not change what runs here.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONDONTWRITEBYTECODE VIRTUAL_ENV DJANGO_SETTINGS_MODULE

# uv trusts what the machine trusts, a company's proxy included.
export UV_SYSTEM_CERTS := 1

# uv keeps its cache below HOME; without a HOME that can be written to, below the project.
ifneq ($(shell base="$${XDG_CACHE_HOME:-$${HOME:+$$HOME/.cache}}"; \
	test -n "$$base" && mkdir -p "$$base/uv" 2>/dev/null && test -w "$$base/uv" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/$(VENV)/cache
endif

.DEFAULT_GOAL := help
.PHONY: help demo demo-code demo-reset services env shell test lint format bench requirements venv installed installed-dev

help:  ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { gsub("[$$][$$]", "$$"); printf "  make %-13s %s\n", $$1, $$2 }' Makefile

demo: installed  ## run everything, with a small casino playing on it (PORT=8000, HOST=127.0.0.1)
	@$(RUN) demo

demo-code: installed  ## print the second step's codes of the demo's accounts
	@$(RUN) code

demo-reset: installed  ## stop the demo and delete its data
	@$(RUN) reset

services: installed  ## run only PostgreSQL and Valkey
	@$(RUN) services

env: installed  ## print the settings of what runs: eval "$$(make -s env)"
	@$(RUN) env

shell: installed  ## a Python shell on the running demo
	@variables="$$($(RUN) env)" && eval "$$variables" && $(BIN)/python manage.py shell

test: installed-dev  ## run the tests; ARGS="tests/wallet -k bonus" goes to pytest
	@$(RUN) test $(ARGS)

lint: export PMS_BUILD = 1
lint: installed-dev  ## check style, floors, types, templates and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/djlint --check --lint --quiet templates
	$(MIGRATIONS_CHECK)

format: installed-dev  ## put the code into the project's style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet templates

bench: installed-dev  ## measure on durable services of its own; ARGS goes to the benchmarks
	@$(RUN) bench $(ARGS)

requirements: venv  ## pin what the *.in files ask for, with hashes
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-embedded.in -o requirements-embedded.txt
	$(COMPILE) requirements-dev.in -o requirements-dev.txt
	$(COMPILE) requirements-bootstrap.in -o requirements-bootstrap.txt

installed: venv
	$(call install,requirements.txt)
	$(call install,requirements-embedded.txt)

installed-dev: installed
	$(call install,requirements-dev.txt)

# A copy of each installed file is kept: what is unchanged is not installed again.
define install
@cmp -s $(1) $(VENV)/installed/$(1) || { \
	echo "Installing $(1) ..." >&2; \
	{ $(UV) install --python $(BIN)/python --require-hashes -r $(1) \
	  || { echo "uv could not; trying pip." >&2; $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) >&2; } \
	} && cp $(1) $(VENV)/installed/; }
endef

define make-venv
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Python 3.11 or newer is needed; $(PYTHON) is: $$($(PYTHON) --version 2>&1)" >&2; \
	echo "If another one is installed, name it: make PYTHON=python3.12 demo" >&2; exit 1; }; \
echo "Making the Python environment in $(VENV) ..." >&2; \
$(PYTHON) -m venv --clear $(VENV) >&2 || { rm -rf $(VENV); \
	echo "$(PYTHON) can't make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
endef

venv:
	@$(BIN)/python -c 'import pip' 2>/dev/null || { $(make-venv); }
	@mkdir -p $(VENV)/installed
	@cmp -s requirements-bootstrap.txt $(VENV)/installed/requirements-bootstrap.txt || { \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
			-r requirements-bootstrap.txt >&2 \
		&& cp requirements-bootstrap.txt $(VENV)/installed/; }
