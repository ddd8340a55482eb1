# The commands of this repository; `make help` lists them. Everything runs in .venv, made from the hashed lock.

PYTHON ?= python3
BIN := .venv/bin

# Hundreds of Pythons are started here, and none should compile each module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help .venv demo demo-chat test format-check lint types contracts workflows tests attack browser screenshots claude crash edge story faults format lock bench soak chaos advisories sbom clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- the environment ---------------------------------------------------------------------------------------------

.venv: $(BIN)/honk ## the environment, with .venv/bin/honk; made again only when the lock changes

$(BIN)/.locked: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Honk needs Python 3.11 or newer, and '$(PYTHON)' is not. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; \
	    exit 1; } >&2
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(BIN)/honk: $(BIN)/.locked pyproject.toml
	$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

# --- running it --------------------------------------------------------------------------------------------------

demo: .venv ## watch the whole loop on this machine: no key, no account, no daemon
	$(BIN)/honk demo

demo-chat: .venv ## the same from a message in Slack, with the scripted model
	env -u ANTHROPIC_API_KEY $(BIN)/honk demo --chat

bench: .venv ## the benchmarks, each with its peers; prints tables of ratios
	$(BIN)/python -m bench.loop
	$(BIN)/python -m bench.workspace
	$(BIN)/python -m bench.door
	$(BIN)/python -m bench.latency
	$(BIN)/python -m bench.recovery 5
	$(BIN)/python -m bench.throughput
	$(BIN)/python -m bench.streams

soak: .venv ## 5,000 sessions through one Honk (SOAK=300: fewer): what is lost, doubled or grows; about an hour
	$(BIN)/python -m bench.soak $(SOAK)

chaos: .venv ## workers killed, stopped and continued at random (CHAOS="60 --seed 1": seconds, plan); five minutes
	$(BIN)/python -m bench.chaos $(CHAOS)

# --- checking it -------------------------------------------------------------------------------------------------

# Two at once: mypy keeps one core busy for a minute, and the story waits more than it works.
test: .venv ## everything that CI runs
	@$(MAKE) --no-print-directory -j 2 format-check lint types contracts workflows story
	@$(MAKE) --no-print-directory tests

format-check: .venv
	$(BIN)/ruff format --check

lint: .venv ## ruff's rules
	$(BIN)/ruff check

types: .venv ## mypy, strict
	$(BIN)/mypy

contracts: .venv ## who may import whom
	$(BIN)/lint-imports --no-logo

workflows: .venv ## the workflow files, for holes
	$(BIN)/zizmor --offline --persona pedantic --no-progress --quiet .github

story: .venv ## the demo from label to merge, with the scripted model
	env -u ANTHROPIC_API_KEY $(BIN)/honk demo

attack: .venv ## each known attack, run for real; each defence, taken out; prints a table
	$(BIN)/python -m pytest -q -n 3 tests/attack

$(BIN)/.browser: requirements-browser.lock $(BIN)/.locked
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-browser.lock
	@touch $@

browser: .venv $(BIN)/.browser ## the pages in Chromium, if there is one: followed live, phone, dark, keyboard, axe
	$(BIN)/python -m pytest -q tests/browser

screenshots: .venv $(BIN)/.browser ## docs/screenshots, from the pages as they are
	$(BIN)/python -m tests.browser.screenshots

$(BIN)/.claude: requirements-claude.lock $(BIN)/.locked
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-claude.lock
	@touch $@

claude: .venv $(BIN)/.claude ## Claude Code as the engine (a download of 180 MB): what both engines must do, and its four settings
	$(BIN)/python -m pytest -q tests/story/test_engines.py tests/adapters/test_claudecode.py

crash: .venv ## a kill -9 at every point, on SQLite and on PostgreSQL; prints a table (hours)
	$(BIN)/python -m tests.crash.sweep

edge: .venv ## the tests that show the 86 cases of tests/edge/cases.txt; prints how each ended
	$(BIN)/python -m pytest -q -n 3 --dist loadfile -m edge

faults: .venv ## each call to GitHub fails alone in each way, each in a story of its own; prints a table
	$(BIN)/python -m tests.edge.faults

tests: .venv ## pytest; every branch of core must be covered by its own tests
	$(BIN)/python -m pytest -n 3 --cov --cov-report= tests/core
	$(BIN)/coverage report --fail-under=100
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 20 -m "not slow" --ignore tests/core

# --- changing it -------------------------------------------------------------------------------------------------

format: .venv ## ruff's format and its safe fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

COMPILE := uv pip compile --quiet --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

lock: ## write the locks anew (needs uv); LOCK_ARGS=--upgrade takes new versions
	$(COMPILE) $(LOCK_ARGS) --no-emit-index-url --no-emit-find-links --all-extras pyproject.toml -o requirements-dev.lock
	$(COMPILE) --no-emit-index-url --no-emit-find-links --constraints requirements-dev.lock --extra bedrock --extra vertex --extra traces pyproject.toml -o requirements.lock
	$(COMPILE) --no-emit-index-url --no-emit-find-links --constraints requirements-dev.lock --group browser -o requirements-browser.lock
	$(COMPILE) --no-emit-index-url --no-emit-find-links --constraints requirements-dev.lock --group claude -o requirements-claude.lock
	@! grep -n '://' requirements.lock requirements-dev.lock requirements-browser.lock requirements-claude.lock

advisories: .venv ## known holes in what a deployment installs (asks the network)
	$(BIN)/pip-audit --disable-pip --require-hashes -r requirements.lock

sbom: .venv ## the bill of materials, as honk.cdx.json (CycloneDX)
	$(BIN)/python scripts/sbom.py > honk.cdx.json

clean: ## remove what make and the tools made
	rm -rf .venv *.egg-info build .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
