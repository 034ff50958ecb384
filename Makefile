# Extra pytest arguments: make test ARGS="-k paired -x"
# Another Python:         make test PYTHON=/path/to/python (only when .venv is created)
# torch with CUDA:        make test CUDA=1                 (only when .venv is created)
ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

# Candidates are tried by running them: a version manager's shim can be on PATH and
# still refuse to start, and some systems ship Python without venv or ensurepip.
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c '$(USABLE)' >/dev/null 2>&1 && { echo "$$p"; break; }; done)

# The last recorded run, and the claims of it that the README shows.
RECORDED = $(lastword $(sort $(wildcard ledger/runs/*.jsonl)))
SHOWN := organism.cannot-bind,sae-probes.non-inferior,sae-probes.wins-*,microscope.real-*,microscope.most-signal-*,microscope.latent-beats-dom,microscope.*-steers,microscope.latent-set-is-specific,microscope.circuit-is-*,microscope.steering-works,microscope.transcoder-*,microscope.skip-transcoder*,microscope.trained-more-*,autointerp.single-*

.DEFAULT_GOAL := help
.PHONY: help smoke seeds test check browser calibration mutants record bench clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

smoke: $(STAMP) ## run the smoke claims (CPU, no download)
	$(PY) -m pytest -m smoke claims --verdicts=all --report $(ARGS)

seeds: $(STAMP) ## the same claims on further training seeds of the embedded model
	$(PY) -m pytest -m seeds claims --verdicts=all --report $(ARGS)

test: $(STAMP) ## run the tests
	$(PY) -m pytest tests -n 2 $(ARGS)

check: $(STAMP) ## lint, formatting, types, and whether README and claims/README.md are rendered
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m ledger table $(RECORDED) --into README.md --limit 30 --only '$(SHOWN)' --check
	$(PY) -m ledger index | diff - claims/README.md

browser: ## install Chromium for the tests of the page, where apt-get may
	.ci/browser

calibration: $(STAMP) ## check the statistics against simulated truth
	$(PY) -m benchmarks.calibration

mutants: $(STAMP) ## re-enact known silent bugs: is each caught, and is nothing else?
	$(PY) -m benchmarks.silent_bugs $(ARGS)

record: $(STAMP) ## keep a smoke run in ledger/runs, and render README and claims/README.md from it
	$(PY) -m pytest -m smoke claims --record --verdicts=attention
	$(PY) -m ledger table --into README.md --limit 30 --only '$(SHOWN)'
	$(PY) -m ledger index -o claims/README.md

bench: $(STAMP) ## run the benchmarks
	$(PY) -m benchmarks

clean: ## remove .venv, caches and builds (.ledger, with your runs, and .store stay)
	rm -rf $(VENV) build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last: an interrupted environment is built again.
$(STAMP): requirements.lock
	@set -e; python="$(PYTHON)"; \
	"$${python:-false}" -c '$(USABLE)' 2>/dev/null || { \
		echo "error: no usable Python (tried: $${python:-python3.13, python3.12, python3.11, python3})." >&2; \
		echo "It has to be 3.11 or newer, with venv and ensurepip (Debian, Ubuntu: the python3-venv package)." >&2; \
		echo "Name one with: make PYTHON=/path/to/python ..." >&2; \
		exit 1; }; \
	echo "Installing requirements.lock into $(VENV) with $$("$$python" -V)"; \
	CUDA="$(CUDA)" .ci/install $(VENV) "$$python"; \
	touch $@
