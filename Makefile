# Everything happens in virtual environments below this folder; nothing else need be installed.
PYTHON ?= python3

PRESETS := $(basename $(notdir $(wildcard recipes/*_opensounds.yaml)))

.PHONY: demo test test-fast test-legacy lint format presets benchmark clean $(PRESETS)

demo: .venv/package ## Classify the example recordings with the bundled preset
	.venv/bin/soundzoo classify examples --top 3

test: .venv/tools .venv-mediapipe/package ## Run the whole suite
	.venv/bin/python -m pytest -m ""

test-fast: .venv/tools ## Run the suite without what takes long
	.venv/bin/python -m pytest

test-legacy: .venv-legacy/package ## Test with the oldest libraries, beside tensorflow-io
	.venv-legacy/bin/python -m pytest -m "" frontend zoo/networks tests/frontend tests/zoo/networks \
		$(addprefix tests/export/test_, legacy.py runtime.py metadata.py stream.py check.py)

lint: .venv/tools ## Check format and style
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

format: .venv/tools ## Mend format and style
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

# A training that was stopped goes on, and so does this.
presets: $(PRESETS) ## Train the bundled presets again (hours), from the recordings in ../shared/data

$(PRESETS): runs/yamnet/scores.npy
	.venv/bin/soundzoo train runs/opensounds runs/$@ --config recipes/$@.yaml
	.venv/bin/python recipes/publish.py --data ../shared/data --prepared runs/opensounds --run runs/$@

runs/opensounds/index.json: | .venv/tools
	.venv/bin/python recipes/opensounds.py --data ../shared/data --output runs/opensounds.csv
	.venv/bin/soundzoo prepare runs/opensounds.csv runs/opensounds \
		--ontology ../shared/data/audioset/ontology.json

runs/yamnet/scores.npy: runs/opensounds/index.json
	.venv/bin/python recipes/yamnet.py --yamnet ../shared/data/yamnet --prepared runs/opensounds \
		--output runs/yamnet

benchmark: .venv/tools ## Race ResNet-50's training against PyTorch, on a quiet machine
	.venv/bin/python benchmarks/train.py --stock

clean: ## Remove the virtual environments and build folders
	rm -rf .venv .venv-* build dist *.egg-info

.venv/package: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet -e .
	touch $@

.venv/tools: .venv/package
	.venv/bin/pip install --quiet -e '.[plot,test,dev]'
	touch $@

# MediaPipe alone, as where exported files are run. Its version is the extra's in setup.cfg.
.venv-mediapipe/package: setup.cfg
	$(PYTHON) -m venv .venv-mediapipe
	.venv-mediapipe/bin/pip install --quiet 'mediapipe >= 1.2, < 2'
	touch $@

.venv-legacy/package: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-legacy
	# Keras is the oldest that setup.cfg allows. TensorFlow is named here, too, because pip would
	# otherwise download the newest first, to find that the extra wants another.
	.venv-legacy/bin/pip install --quiet 'keras == 3.10.0' 'tensorflow == 2.17.1' -e '.[legacy,test]'
	touch $@
