# `make demo` and `make test` are all that a newcomer needs; each sets up .venv where there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo explore serve-demo docs gpu-check test test-slow lint clean help

help:
	@echo "make demo   build a small dataset, train HGN on it, evaluate, export, roll out from the SavedModel (10 minutes)"
	@echo "make explore   open a page on which the trained models are played with"
	@echo "make serve-demo   export the trained models, serve them, ask over REST and gRPC"
	@echo "make docs   build the documentation site, in site/"
	@echo "make gpu-check   on a machine with a GPU: losses beside the CPU's, speed, memory; writes benchmarks/gpu.md"
	@echo "make test   run the test suite"
	@echo "make test-slow   run what takes longer: whole programs, trainings until something is learned, weights held to their cards"
	@echo "make lint   check the style"

$(READY): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "hgn_tf needs Python 3.11 or newer; choose one with: make PYTHON=python3.11 ..."; exit 1; }
	@echo "Setting up $(VENV) (TensorFlow is large: this takes some minutes the first time) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/python examples/demo.py --out=demo_output

explore: $(READY)
	$(BIN)/python -m hgn_tf.explore --open

serve-demo: $(READY)
	$(BIN)/python examples/serve_demo.py --out=serve_demo_output

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "Open site/index.html or, with the search: $(BIN)/python -m http.server --directory=site"

gpu-check: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'tensorflow[and-cuda]>=2.21,<2.22'
	$(BIN)/python -m benchmarks.gpu_check --report=benchmarks/gpu.md

test: $(READY)
	$(BIN)/python -m pytest -m 'not slow'

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

lint: $(READY)
	$(BIN)/ruff check .

clean:
	rm -rf $(VENV) demo_output serve_demo_output build site *.egg-info
