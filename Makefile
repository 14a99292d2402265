# The commands of this project. Works with the GNU make 3.81 that macOS ships: no newer functions.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install demo test check format bench chaos lock wheel clean

VENV := .venv
BENCH_VENV := .venv-bench
AUDIT_VENV := .venv-audit
PYTHON ?=
UPGRADE ?=

# Environments hold absolute paths: after the folder was moved or copied they are made again.
MOVED := $(shell for folder in $(VENV) $(BENCH_VENV) $(AUDIT_VENV); do \
  [ ! -f $$folder/.installed ] || [ "`cat $$folder/.installed`" = "`pwd -P`" ] || \
  rm -f $$folder/.installed; done)

# Sets $$python to an interpreter that can run the project, or stops with what to install.
# Each candidate is run, because a version switcher's stand-in may be on PATH and not work.
# Python 3.12 and later need SQLite 3.42 or later: the engine's queue timestamps are NULL below it.
define find_python
python=; \
for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3 python; do \
  if "$$candidate" -c 'import ensurepip, sqlite3, ssl, sys, venv; v = sys.version_info[:2]; \
sys.exit(not ((3, 11) <= v <= (3, 14) and (v == (3, 11) or sqlite3.sqlite_version_info >= (3, 42))))' \
  >/dev/null 2>&1; then python=$$candidate; break; fi; \
done; \
if [ -z "$$python" ]; then \
  echo "Handrail needs Python 3.11, 3.12, 3.13 or 3.14 (with venv, ssl and sqlite3), and found none on PATH." >&2; \
  echo "  macOS           its own python3 is 3.9; install one with: brew install python@3.13" >&2; \
  echo "  Debian, Ubuntu  sudo apt-get install python3 python3-venv   (Debian 12, Ubuntu 24.04 or later)" >&2; \
  echo "  Fedora          sudo dnf install python3.13" >&2; \
  echo "  Windows         use WSL (wsl --install), then as for Ubuntu" >&2; \
  echo "Python 3.12 and later must come with SQLite 3.42 or later. Installed elsewhere? make PYTHON=/path/to/python3 ..." >&2; \
  exit 1; \
fi
endef

# $(call fill,FOLDER,LOCK): a virtual environment with the locked packages and the command `handrail`.
# Nothing is built in isolation: setuptools itself comes from the lock, with its hash.
define fill
$(find_python); \
if ! "$(1)/bin/pip" --version 2>/dev/null | grep -qF "$(CURDIR)/$(1)/"; then \
  rm -rf "$(1)"; "$$python" -m venv "$(1)" || exit 1; fi; \
printf 'Installing %s packages into $(1) ... ' "`grep -c '^[A-Za-z0-9]' $(2)`"; start=`date +%s`; \
PIP_DISABLE_PIP_VERSION_CHECK=1 "$(1)/bin/python" -m pip install --quiet --quiet --progress-bar off \
  --require-hashes --requirement $(2) && \
PIP_DISABLE_PIP_VERSION_CHECK=1 "$(1)/bin/python" -m pip install --quiet --quiet --progress-bar off \
  --no-index --no-deps --no-build-isolation --editable . || \
{ echo "failed. The lines above say why; 'make clean install' starts afresh."; exit 1; }; \
echo "done in $$((`date +%s` - start)) s"; pwd -P > "$(1)/.installed"
endef

help: ## show this list
	@echo "Handrail: make TARGET"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  %-9s %s\n", $$1, $$2 }'

install: $(VENV)/.installed ## set up .venv with the locked packages and the command handrail

$(VENV)/.installed: requirements/dev.lock pyproject.toml
	@$(call fill,$(VENV),requirements/dev.lock)

$(BENCH_VENV)/.installed: requirements/bench.lock pyproject.toml
	@$(call fill,$(BENCH_VENV),requirements/bench.lock)

$(AUDIT_VENV)/.installed: requirements/audit.lock
	@$(find_python); rm -rf $(AUDIT_VENV); "$$python" -m venv $(AUDIT_VENV) && \
	$(AUDIT_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
	  --require-hashes --requirement requirements/audit.lock && pwd -P > $(AUDIT_VENV)/.installed

demo: $(VENV)/.installed ## set up and open the playground on this machine
	@$(VENV)/bin/handrail demo

test: check ## set up, check and run every test
	@$(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: $(VENV)/.installed ## lint, format, types and the directions between packages
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --check --quiet . || \
	{ echo "Some files are not formatted: make format" >&2; exit 1; }
	@$(VENV)/bin/mypy --no-error-summary
	@mkdir -p build; $(VENV)/bin/lint-imports > build/lint-imports.txt 2>&1 || { cat build/lint-imports.txt; exit 1; }
	@echo "check: style, format, types and import directions are fine"

format: $(VENV)/.installed ## bring the source into the project's format
	@$(VENV)/bin/ruff check --quiet --fix . ; $(VENV)/bin/ruff format --quiet .

# What cannot be looked up fails too: an audit that saw nothing is none.
audit: $(AUDIT_VENV)/.installed ## look up known weaknesses of every locked package (asks PyPI)
	@failed=0; for lock in requirements/*.lock; do echo "$$lock"; \
	$(AUDIT_VENV)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
	  --requirement "$$lock" || failed=1; done; exit $$failed

bench: $(BENCH_VENV)/.installed ## compare with other libraries, in one run; writes build/bench.json
	@$(BENCH_VENV)/bin/python -m tests.benchmarks

chaos: $(VENV)/.installed ## kills, outages and storms, many rounds (HANDRAIL_CHAOS_KILLS, 200; _ROUNDS, 10)
	@HANDRAIL_CHAOS_ROUNDS="$${HANDRAIL_CHAOS_ROUNDS:-10}" HANDRAIL_CHAOS_KILLS="$${HANDRAIL_CHAOS_KILLS:-200}" \
	  $(VENV)/bin/python -m pytest -m chaos --session-timeout 10800

# `make lock` keeps what is pinned where it still fits; `make lock UPGRADE=--upgrade` takes the newest.
LOCK := uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url \
  --no-header --python-version 3.11 $(UPGRADE)

lock: ## remake requirements/*.lock from pyproject.toml (needs uv)
	@command -v uv >/dev/null 2>&1 || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	@$(LOCK) --output-file requirements/runtime.lock >/dev/null
	@$(LOCK) --group dev --output-file requirements/dev.lock >/dev/null
	@$(LOCK) --group dev --group bench --output-file requirements/bench.lock >/dev/null
	@$(subst pyproject.toml,,$(LOCK)) --group audit --output-file requirements/audit.lock >/dev/null

wheel: $(VENV)/.installed ## build the wheel into dist/
	@rm -rf build/lib build/bdist.*   # a former build's leftovers would get into the wheel
	@$(VENV)/bin/python -m pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

clean: ## remove what make made: environments, builds, caches (not your data)
	@rm -rf $(VENV) $(BENCH_VENV) $(AUDIT_VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache \
	  .hypothesis .import_linter_cache
