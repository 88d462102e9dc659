# Everything happens in virtual environments below this folder; nothing else need be installed.
PYTHON ?= python3

# A worker for each core; the tests of a file stay together, for the sake of their fixtures. In their
# order: by default files of few tests, such as all fuzzing, would come last, and alone.
PYTEST := -m pytest -m "" -n 2 --dist loadfile --no-loadscope-reorder

# A quarter of the paper's width is what the package has room for.
PRESETS := $(basename $(notdir $(wildcard recipes/*_w025_opensounds.yaml)))

# Those on AudioSet's classes.
AUDIOSET := $(basename $(notdir $(wildcard recipes/*_w025_audioset.yaml)))

# Of each parser; `make test` tries 500.
INPUTS ?= 100000

# The browser of the tests, and what installs what the page runs on.
BROWSER := $(and $(shell sh -c 'command -v chromium'),$(shell sh -c 'command -v npm'))

# Environments that some tests start programs of.
OTHERS := .venv-mediapipe/package .venv-colab/package $(if $(BROWSER),.venv-web/package)

# How often each command is killed; `make test` does it 10 times.
KILLS ?= 100

.PHONY: demo environments test test-fast test-legacy fuzz chaos lint format docs presets weights results hearing benchmark clean $(AUDIOSET) $(PRESETS)

demo: .venv/package ## Classify the example recordings: everyday sounds, and single ones with the preset for them
	.venv/bin/soundzoo classify examples/everyday --top 3
	.venv/bin/soundzoo classify examples/*.ogg --top 3 --model resnet50_w025_opensounds

test: .venv/tools $(OTHERS) ## Run the whole suite
	$(if $(BROWSER),,@echo "Tests in a browser are left out: they want Debian's packages chromium and npm.")
	.venv/bin/python $(PYTEST)

test-fast: .venv/tools ## Run the suite without what takes long
	.venv/bin/python -m pytest

fuzz: .venv/tools ## Try INPUTS inputs, guided by coverage, on each parser
	.venv/bin/python -m tests.fuzz --inputs $(INPUTS)

environments: .venv/tools $(OTHERS) .venv-legacy/package ## Install what all of the tests want

test-legacy: .venv-legacy/package ## Test with the oldest libraries, beside tensorflow-io
	.venv-legacy/bin/python $(PYTEST) frontend zoo/networks tests/frontend tests/zoo/networks tests/zoo/layers \
		$(addprefix tests/export/test_, legacy.py runtime.py metadata.py stream.py check.py)

chaos: .venv/tools ## Kill commands at KILLS moments, fill their disks, turn clocks back (hours)
	SOUNDZOO_KILLS=$(KILLS) .venv/bin/python -m pytest -m "" tests/zoo/chaos

lint: .venv/tools ## Check format, style and type hints
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

format: .venv/tools ## Mend format and style
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

docs: .venv/tools ## Write the API reference, build/docs/index.html
	.venv/bin/python docs/reference.py build/docs

# A training that was stopped goes on, and so does this.
presets: $(PRESETS) $(AUDIOSET) ## Train the bundled presets again (hours), from the recordings in ../shared/data

# Without ESC-10, as all that is trained from now on, so that what they hear there says something.
$(PRESETS): runs/yamnet/scores.npy runs/opensounds_only/index.json
	.venv/bin/soundzoo train runs/opensounds_only runs/$@ --config recipes/$@.yaml
	.venv/bin/python recipes/publish.py --data ../shared/data --prepared runs/opensounds_only --run runs/$@

# ResNet-50 at full width, from the preset at a quarter of it; at a quarter on opensounds alone.
weights: runs/yamnet/scores.npy runs/opensounds_only/index.json runs/widened/config.json ## Train again what lies in weights/
	.venv/bin/soundzoo train runs/opensounds_only runs/resnet50_w100_opensounds \
		--config recipes/resnet50_w100_opensounds.yaml
	.venv/bin/python recipes/publish.py --data ../shared/data --prepared runs/opensounds_only \
		--run runs/resnet50_w100_opensounds --output weights/resnet50_w100_opensounds
	.venv/bin/soundzoo train runs/opensounds_only runs/resnet50_w025_opensounds_only \
		--config recipes/resnet50_w025_opensounds_only.yaml
	.venv/bin/python recipes/publish.py --data ../shared/data --prepared runs/opensounds_only \
		--run runs/resnet50_w025_opensounds_only --output weights/resnet50_w025_opensounds_only

# What is heard of ESC-10 as it comes.
ZERO_SHOT := $(patsubst %,runs/zero_shot/%/scores.npy,resnet50_w025_audioset yamnet yamnet_tflite mn04)

# The same for the paper's comparisons.
results: runs/yamnet/scores.npy runs/esc10/index.json runs/audioset/index.json runs/mn04/saved_model.pb runs/yamnet_teacher/saved_model.pb runs/presets/mn04/config.json $(ZERO_SHOT) ## Repeat what docs/results.md shows (hours)
	.venv/bin/soundzoo reproduce architectures runs/opensounds runs/results \
		--config recipes/reproduce_architectures.yaml --seeds 3 3 3 1 3
	.venv/bin/soundzoo reproduce labels runs/opensounds runs/results \
		--config recipes/reproduce.yaml --seeds 3
	.venv/bin/soundzoo reproduce data runs/opensounds runs/results --config recipes/reproduce.yaml
	.venv/bin/soundzoo reproduce architectures runs/audioset runs/results/world \
		--config recipes/reproduce_world.yaml --seeds 3 3 1 1 1 --split world_test
	.venv/bin/soundzoo reproduce transfer runs/esc10 runs/results \
		--models weights/resnet50_w025_opensounds_only resnet50_w025_opensounds \
		fully_connected_w025_audioset alexnet_w025_audioset vgg_w025_audioset \
		inception_v3_w025_audioset resnet50_w025_audioset yamnet runs/presets/mn04 \
		--scores runs/zero_shot/resnet50_w025_audioset runs/zero_shot/yamnet \
		runs/zero_shot/yamnet_tflite runs/zero_shot/mn04
	.venv/bin/python recipes/results.py runs/results

# ESC-10 in each set of recordings.
ESC10_opensounds := split
ESC10_opensounds_only := none
ESC10_esc10 := folds

runs/%/index.json: | .venv/tools
	.venv/bin/python recipes/opensounds.py --data ../shared/data --output runs/$*.csv --esc10 $(ESC10_$*)
	.venv/bin/soundzoo prepare runs/$*.csv runs/$* --ontology ../shared/data/audioset/ontology.json

runs/yamnet/scores.npy: runs/opensounds/index.json
	.venv/bin/python recipes/yamnet.py --yamnet ../shared/data/yamnet --prepared runs/opensounds \
		--output runs/yamnet

hearing: runs/opensounds/index.json runs/audioset/index.json runs/esc10/index.json runs/mn04/saved_model.pb runs/presets/mn04/config.json ## Print how well presets hear what trained none of them
	.venv/bin/python recipes/hearing.py --opensounds runs/opensounds --audioset runs/audioset --esc10 runs/esc10 \
		--teacher runs/mn04 --teacher-preset runs/presets/mn04 --models yamnet $(AUDIOSET) resnet50_w025_opensounds

# AudioSet's classes: what all folders of MORE hold is heard by the teacher alone.
MORE ?=

# mn04 and YAMNet hear the mixtures once for all five.
$(AUDIOSET): runs/audioset/index.json runs/opensounds/index.json runs/mn04/saved_model.pb runs/yamnet_teacher/saved_model.pb
	.venv/bin/soundzoo teach runs/audioset runs/taught --config recipes/$@.yaml --steps 6000
	.venv/bin/soundzoo train runs/audioset runs/$@ --config recipes/$@.yaml
	.venv/bin/python recipes/publish_audioset.py --data ../shared/data --more $(MORE) \
		--opensounds runs/opensounds --audioset runs/audioset --runs runs/$@

runs/mn04/saved_model.pb: | .venv/tools
	.venv/bin/python recipes/teacher.py --teacher ../shared/data/teacher --output runs/mn04

# The same network as a preset, whose embeddings can be had.
runs/presets/mn04/config.json: | .venv/tools
	.venv/bin/soundzoo convert ../shared/data/teacher/mn04_as_float32.npz runs/presets/mn04

runs/yamnet_teacher/saved_model.pb: | .venv/tools
	.venv/bin/python recipes/yamnet_teacher.py --output runs/yamnet_teacher

runs/audioset/index.json: | .venv/tools
	.venv/bin/python recipes/audioset.py --data ../shared/data --more $(MORE) --validation 0.03 \
		--output runs/audioset.csv
	.venv/bin/soundzoo prepare runs/audioset.csv runs/audioset --unlabelled \
		--labels ../shared/data/audioset/class_labels_indices.csv

runs/widened/config.json: | .venv/tools
	.venv/bin/python recipes/widen.py --preset resnet50_w025_opensounds --width 1 --output runs/widened

# By presets, by the teacher, and by Google's TFLite file of YAMNet.
runs/zero_shot/mn04/scores.npy: runs/esc10/index.json runs/mn04/saved_model.pb
	.venv/bin/python recipes/listen.py --model runs/mn04 --prepared runs/esc10 --output runs/zero_shot/mn04

runs/zero_shot/yamnet_tflite/scores.npy: runs/esc10/index.json
	.venv/bin/python recipes/yamnet.py --yamnet ../shared/data/yamnet --prepared runs/esc10 \
		--output runs/zero_shot/yamnet_tflite

runs/zero_shot/%/scores.npy: runs/esc10/index.json zoo/pretrained/%/config.json
	.venv/bin/python recipes/listen.py --model $* --prepared runs/esc10 --output runs/zero_shot/$*

benchmark: .venv/tools ## Race ResNet-50's training against PyTorch, on a quiet machine
	.venv/bin/python benchmarks/train.py --also stock

clean: ## Remove the virtual environments and build folders
	rm -rf .venv .venv-* build dist *.egg-info

.venv/package: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet -e .
	touch $@

.venv/tools: .venv/package
	.venv/bin/pip install --quiet -e '.[plot,test,dev,docs]'
	touch $@

# MediaPipe alone, as where exported files are run. Its version is the extra's in setup.cfg.
.venv-mediapipe/package: setup.cfg
	$(PYTHON) -m venv .venv-mediapipe
	.venv-mediapipe/bin/pip install --quiet 'mediapipe >= 1.2, < 2'
	touch $@

# The notebooks run as in Colab: with the package, MediaPipe and a kernel.
.venv-colab/package: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-colab
	.venv-colab/bin/pip install --quiet -e '.[plot,mediapipe,colab]'
	touch $@

# What web pages run on: LiteRT.js, in the version of export/web.py, and MediaPipe to compare with.
.venv-web/package: export/web.py
	mkdir -p .venv-web
	npm install --silent --prefix .venv-web @litertjs/core@2 @mediapipe/tasks-audio@0.10
	touch $@

.venv-legacy/package: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-legacy
	# Keras is the oldest that setup.cfg allows. TensorFlow is named here, too, because pip would
	# otherwise download the newest first, to find that the extra wants another.
	.venv-legacy/bin/pip install --quiet 'keras == 3.15.1' 'tensorflow == 2.17.1' -e '.[legacy,test]'
	touch $@
