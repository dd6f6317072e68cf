# Every target works on a fresh clone with Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
VGG19 := model_store/vgg19.safetensors
ARCHIVE := model_store/bruno.mar
HANDLER_FILES := $(shell find handler -name '*.py')
CODE := handler client config docs model_store examples benchmarks tests
YAML := mkdocs.yml $(shell find config docs/api -name '*.yaml' -o -name '*.yml')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list
	@echo 'Targets of make:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Settings: PORT=8080 BIND=127.0.0.1 DEVICE=cpu|cuda GRAPHS=on|off SERVER=torchserve|asgi DRAIN=20'
	@echo '          WEIGHTS=original|torchvision|PATH WEIGHTS_INPUT=caffe|torchvision PYTHON=python3 ARGS=(for pytest and bench)'

.PHONY: setup
setup: $(INSTALLED) ## Make the virtual environment .venv with all pinned dependencies

$(INSTALLED): pyproject.toml client/pyproject.toml config/requirements.txt config/requirements-dev.txt config/requirements-tracing.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "make setup: Bruno needs Python 3.11 or newer, and this one is %d.%d: name another with PYTHON=python3.12 make setup" % sys.version_info[:2])'
	@echo 'installing dependencies into $(VENV), as pip tells (minutes at the first time)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --disable-pip-version-check install \
		-r config/requirements.txt -r config/requirements-dev.txt -e . -e './client[studio]'
	@touch $@

.PHONY: weights
weights: $(INSTALLED) ## Bring VGG-19's weights (WEIGHTS=torchvision or a path for others)
	@$(BIN)/python model_store/fetch_weights.py --weights '$(WEIGHTS)' --input '$(WEIGHTS_INPUT)'

$(VGG19): $(if $(WEIGHTS),force) | $(INSTALLED)
	@echo 'fetching weights'
	@$(BIN)/python model_store/fetch_weights.py --weights '$(WEIGHTS)' --input '$(WEIGHTS_INPUT)'

.PHONY: archive
archive: $(ARCHIVE) ## Pack handler and weights into model_store/bruno.mar

$(ARCHIVE): $(HANDLER_FILES) $(VGG19) config/model-config.yaml model_store/build_archive.py | $(INSTALLED)
	@echo 'building the archive'
	@$(BIN)/python model_store/build_archive.py

.PHONY: serve
serve: ## Start a server in the foreground and print a curl line when it can paint
	@$(PYTHON) config/settings.py
	@$(MAKE) --no-print-directory $(ARCHIVE)
	@exec $(BIN)/python config/serve.py

.PHONY: image
image: ## Build the container's image, with docker, podman or buildah (ARGS for the builder)
	@$(PYTHON) config/image/build.py $(ARGS)

.PHONY: lock
lock: $(INSTALLED) ## Write the image's locks anew from the pinned requirements
	@$(BIN)/python config/image/lock.py

.PHONY: fleet
fleet: ## Start N servers, each on a card of its own on CUDA, behind the gateway (N=3 KEYS=FILE)
	@$(MAKE) --no-print-directory $(ARCHIVE)
	@exec $(BIN)/python config/fleet.py

.PHONY: gateway
gateway: $(INSTALLED) ## Start the gateway before servers that run (SERVERS=HOST:PORT,… BRUNO_TOKEN=… KEYS=FILE)
	@exec $(BIN)/python config/fleet.py

.PHONY: test
test: $(INSTALLED) $(VGG19) ## Run the tests, those of the real TorchServe too (ARGS for pytest)
	@OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -m 'not slow and not ray' $(ARGS)

.PHONY: test-slow
test-slow: $(INSTALLED) $(VGG19) ## Run the tests that take long: a browser, benchmarks, long paintings
	@OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -m 'slow and not ray' $(ARGS)

RAY := $(VENV)/.installed-ray

$(RAY): config/requirements-ray.txt | $(INSTALLED)
	@echo 'installing Ray into $(VENV)'
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet -r config/requirements-ray.txt
	@touch $@

.PHONY: test-ray
test-ray: $(RAY) $(VGG19) ## Run the tests of a Ray cluster of two nodes on this machine
	@BRUNO_REQUIRE_RAY=1 OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -m ray tests/ray_serve $(ARGS)

.PHONY: docs
docs: $(INSTALLED) ## Build the site into site/, with warnings as errors
	@PYTHONPATH=handler:client/src NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo 'site/index.html is the first page; python -m http.server --directory site serves it'

.PHONY: bench
bench: $(INSTALLED) $(VGG19) ## Measure Bruno beside its peers within 45 minutes (ARGS='--images DIR')
	@PYTHONPATH=config:model_store $(BIN)/python benchmarks/bench.py $(ARGS)

.PHONY: bench-full
bench-full: $(INSTALLED) $(VGG19) ## Measure every pair and size, for hours; goes on where it stopped
	@PYTHONPATH=config:model_store $(BIN)/python benchmarks/bench.py --full $(ARGS)

.PHONY: bench-gpu
bench-gpu: $(INSTALLED) $(VGG19) ## Measure a CUDA card within 4 minutes (ARGS='--device cpu --smoke')
	@PYTHONPATH=handler $(BIN)/python benchmarks/gpu.py $(ARGS)

.PHONY: fuzz
fuzz: $(INSTALLED) $(ARCHIVE) ## Send both servers 10,000 hostile requests (ARGS='--requests 500 --gateway')
	@PYTHONPATH=benchmarks:tests/engine/helpers $(BIN)/python -m reliability.fuzz $(ARGS)

.PHONY: chaos
chaos: $(INSTALLED) $(ARCHIVE) ## Kill and stop what serves eight clients (ARGS='--tries 20 --only worker')
	@PYTHONPATH=benchmarks $(BIN)/python -m reliability.chaos $(ARGS)

.PHONY: soak
soak: $(INSTALLED) $(ARCHIVE) ## Have both servers paint for two hours each (ARGS='--minutes 10')
	@PYTHONPATH=benchmarks $(BIN)/python -m reliability.soak $(ARGS)

.PHONY: overload
overload: $(INSTALLED) $(ARCHIVE) ## Have 200 clients at each server (ARGS='--clients 40 --minutes 1')
	@PYTHONPATH=benchmarks $(BIN)/python -m reliability.overload $(ARGS)

.PHONY: scaling
scaling: $(INSTALLED) ## Ask the model of a fleet anew: the tables and plots of docs/scaling.md
	@PYTHONPATH=benchmarks:handler $(BIN)/python -m scaling.study

.PHONY: bench-quality
bench-quality: $(INSTALLED) $(VGG19) ## Paint a set of pairs by several presets, judged (ARGS='--images DIR')
	@PYTHONPATH=benchmarks $(BIN)/python benchmarks/looks.py $(ARGS)

.PHONY: bench-gateway
bench-gateway: $(ARCHIVE) ## Measure what the gateway takes of a painting (ARGS='--rounds 7')
	@PYTHONPATH=config:model_store $(BIN)/python benchmarks/gateway.py $(ARGS)

AUDIT := $(VENV)/audit/bin/pip-audit

$(AUDIT): | $(INSTALLED)
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip --disable-pip-version-check install --quiet pip-audit==2.10.1

.PHONY: audit
audit: $(AUDIT) ## Ask a database on the network for known holes of the image's locked packages
	@$(AUDIT) --strict --disable-pip --require-hashes \
		-r config/requirements.lock -r config/requirements-torch.lock $(ARGS)

.PHONY: check
check: $(INSTALLED) ## Lint, check formatting and types; changes nothing
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/yamllint --strict $(YAML)
	@$(BIN)/python docs/make_openapi.py --check

.PHONY: fix
fix: $(INSTALLED) ## Repair what the linter and the formatter can, and make docs/openapi.yaml
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/python docs/make_openapi.py

.PHONY: clean
clean: ## Remove all that these targets made, weights and .venv too
	rm -rf $(VENV) .bench site bruno.cdx.json $(VGG19) $(ARCHIVE) model_store/*.partial .pytest_cache .hypothesis .mypy_cache .ruff_cache
	rm -rf handler/*.egg-info client/src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: force
force:
