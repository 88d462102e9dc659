"""What the legacy set of dependencies makes of our files: `make test-legacy` runs these."""

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from export import TFLiteClassifier, export_tflite
from frontend import load_audio

from .exported import LABELS, small_classifier

# Random weights give large logits, and so rounded weights tell more than in a trained network.
TOLERANCE = {"none": 1e-5, "float16": 0.005, "dynamic": 0.05, "int8": 0.1}

# In a process of its own, where it finds no TensorFlow: both define the same types, and the second
# fails. It wants libusb of the system, for Edge TPUs, or else from the package libusb-package.
PROGRAM = """
import ctypes, importlib.util, json, sys
sys.modules["tensorflow"] = None
if importlib.util.find_spec("libusb_package"):
    import libusb_package
    ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
from tflite_support import metadata
displayer = metadata.MetadataDisplayer.with_model_file(sys.argv[1])
labels = displayer.get_associated_file_buffer("labels.txt").decode()
print(json.dumps([json.loads(displayer.get_metadata_json()), labels]))
"""


@pytest.fixture(scope="module", params=TOLERANCE)
def file(request, tmp_path_factory):
    """How a file is quantised, and its path."""
    path = tmp_path_factory.mktemp("legacy") / f"{request.param}.tflite"
    clips = [load_audio(f"examples/{name}.ogg") for name in ("medley", "wind", "birdsong")]
    calibration = {"calibration": clips} if request.param == "int8" else {}
    export_tflite(
        small_classifier(), path, quantize=request.param, with_embedding=True, **calibration
    )
    return request.param, path


@pytest.mark.skipif(not find_spec("tflite_runtime"), reason="tflite-runtime is not installed")
def test_tflite_runtime_runs_every_quantisation(file):
    quantize, path = file
    classifier = TFLiteClassifier(path, runtime="tflite_runtime")
    expected = small_classifier().timeline("examples/medley.ogg").scores
    scores = classifier.timeline("examples/medley.ogg").scores
    np.testing.assert_allclose(scores, expected, atol=TOLERANCE[quantize])
    expected = small_classifier().embed("examples/medley.ogg")
    embeddings = classifier.embed("examples/medley.ogg")
    tolerance = TOLERANCE[quantize] * abs(expected).max()
    np.testing.assert_allclose(embeddings, expected, atol=tolerance)


@pytest.mark.skipif(not find_spec("tflite_support"), reason="tflite-support is not installed")
def test_tflite_support_reads_the_metadata(file):
    _, path = file
    arguments = [sys.executable, "-c", PROGRAM, str(path)]
    process = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if "libusb" in process.stderr:
        pytest.skip("tflite-support lacks libusb: pip install libusb-package")
    assert process.returncode == 0, process.stderr
    metadata, labels = json.loads(process.stdout)
    (graph,) = metadata["subgraph_metadata"]
    (waveform,) = graph["input_tensor_metadata"]
    scores, embeddings = graph["output_tensor_metadata"]
    assert (scores["name"], embeddings["name"]) == ("scores", "embeddings")
    assert waveform["content"] == {
        "content_properties_type": "AudioProperties",
        "content_properties": {"sample_rate": 16000, "channels": 1},
    }
    assert scores["associated_files"][0]["type"] == "TENSOR_AXIS_LABELS"
    assert labels.split("\n") == [label.name for label in LABELS]
    assert metadata["min_parser_version"] == "1.3.0"
