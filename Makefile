# make demo: trains the quick preset and says where its report is.   make test: everything that must hold.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

NOISE := clt_noise clt_assumptions clt_mixing clt_heavy_tails

.PHONY: $(NOISE) help setup demo noise scaling gallery library test test-fast lint lock bench calibrate calibrate-grid seeds longer clean published

help:
	@echo "make demo       set up, run the quick preset of bias_variance, say where the report is"
	@echo "make noise      set up, run the quick presets of the four experiments on the noise of representations, two at a time"
	@echo "make scaling    fit scaling laws to what make demo trained, where the entropy is known; trains nothing"
	@echo "make test       set up, lint, types, import contracts, tests"
	@echo "make test-fast  the inner loop: lint, types, import contracts, one example of every law that is quick"
	@echo "make lint       set up, lint, types, import contracts"
	@echo "make gallery    draw docs/gallery.md and its pictures again, from the worlds of the shelf"
	@echo "make library    write docs/library.md again, from the docstrings of what the library offers"
	@echo "make bench      speed on this machine: packed lanes, worlds against a forward pass, memory of observing noise"
	@echo "make published  published entropies, redundancies and exponents beside ours"
	@echo "make calibrate  the long calibrations of the statistics (minutes; not part of make test)"
	@echo "make calibrate-grid  coverage and wrong verdicts of every claim about loss, on planted surfaces (some 10 minutes)"
	@echo "make seeds      the quick preset of bias_variance under five other seeds: do its verdicts stand (half an hour)"
	@echo "make longer     training 8 times as long as a ladder of horizons saw: was the loss foretold (10 minutes)"
	@echo "make lock       resolve requirements.lock again (needs uv)"
	@echo "make clean      remove $(VENV) and runs/"

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 12) else f"Python {v[0]}.{v[1]} found at {sys.executable}; testbed needs 3.11 or 3.12: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	$(BIN)/testbed run experiments/bias_variance.py --preset quick --out runs/demo

noise: $(READY)
	$(MAKE) --jobs=2 --output-sync=target --no-print-directory $(NOISE)

$(NOISE): $(READY)
	$(BIN)/testbed run experiments/$@.py --preset quick --out runs/$@

scaling: $(READY)
	$(BIN)/testbed run experiments/scaling_laws.py --preset quick --grid runs/demo --out runs/scaling

gallery: $(READY)
	$(BIN)/testbed gallery --out docs

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal --fast

library: $(READY)
	$(BIN)/python docs/make_library.py

bench: $(READY)
	$(BIN)/python benchmarks/lanes.py
	$(BIN)/python benchmarks/worlds.py
	$(BIN)/python benchmarks/noise.py

published: $(READY)
	$(BIN)/python benchmarks/published.py

calibrate: $(READY)
	$(BIN)/python benchmarks/calibrate_stats.py
	$(BIN)/python benchmarks/calibrate_noise.py
	$(BIN)/python benchmarks/calibrate_truth.py
	$(BIN)/python benchmarks/calibrate_scaling.py
	$(BIN)/python benchmarks/calibrate_counting.py

calibrate-grid: $(READY)
	$(BIN)/python -m benchmarks.calibrate_grid

seeds: $(READY)
	$(BIN)/python -m benchmarks.seeds --out runs/seeds

longer: $(READY)
	$(BIN)/python -m benchmarks.longer

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --output-file requirements.lock

clean:
	rm -rf $(VENV) runs
