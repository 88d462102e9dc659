"""MediaPipe's AudioClassifier reads the exported file: our labels, our scores.

MediaPipe has an environment of its own, `.venv-mediapipe`, which `make` builds; without it these
tests skip.
"""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from export import TFLiteClassifier, export_tflite
from frontend import load_audio
from zoo import AudioClassifier

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-mediapipe" / "bin" / "python"

PROGRAM = """
import json, sys
import numpy as np
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.audio import AudioClassifier, AudioClassifierOptions
from mediapipe.tasks.python.components.containers import AudioData

model, waveform, rate = sys.argv[1:]
options = AudioClassifierOptions(base_options=BaseOptions(model_asset_path=model))
with AudioClassifier.create_from_options(options) as classifier:
    results = classifier.classify(AudioData.create_from_array(np.load(waveform), float(rate)))
print(json.dumps([
    {category.category_name: category.score for category in result.classifications[0].categories}
    for result in results
]))
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="MediaPipe is not installed: make test"),
]


SINGLE_SOUNDS = [
    pytest.param(("resnet50_w025_opensounds", False), id="scores"),
    pytest.param(("resnet50_w025_opensounds", True), id="embeddings too"),
]
YAMNET = pytest.param(("yamnet", False), id="yamnet")


@pytest.fixture(scope="module", params=[*SINGLE_SOUNDS, YAMNET])
def preset(request, tmp_path_factory):
    name, with_embedding = request.param
    path = tmp_path_factory.mktemp("mediapipe") / "preset.tflite"
    export_tflite(AudioClassifier.from_preset(name), path, with_embedding=with_embedding)
    return path


@pytest.fixture
def listen(preset, tmp_path):
    """What MediaPipe hears in each whole window: scores `[windows, classes]` in our order."""

    def run(waveform, rate):
        np.save(tmp_path / "waveform.npy", waveform)
        arguments = [PYTHON, "-c", PROGRAM, preset, tmp_path / "waveform.npy", str(rate)]
        process = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stderr
        labels = [label.name for label in TFLiteClassifier(preset).labels]
        windows = json.loads(process.stdout)
        assert {name for window in windows for name in window} == set(labels)
        scores = np.array([[window[label] for label in labels] for window in windows])
        return scores[: int(len(waveform) / rate / 0.975)]

    return run


def ours(preset, waveform):
    """Our scores of MediaPipe's windows: 15600 samples that do not overlap."""
    windows = waveform[: len(waveform) // 15600 * 15600].reshape(-1, 15600)
    return TFLiteClassifier(preset).score_patches(windows)


@pytest.mark.parametrize("name", ["birdsong", "wind", "medley"])
def test_scores_at_16_khz(preset, listen, name):
    waveform = load_audio(ROOT / "examples" / f"{name}.ogg")
    expected = ours(preset, waveform)
    assert len(expected) >= 2
    np.testing.assert_allclose(listen(waveform, 16000), expected, atol=1e-5)


@pytest.mark.parametrize("preset", SINGLE_SOUNDS, indirect=True)
def test_scores_at_44_khz(preset, listen, shared_data):
    """MediaPipe's resampler is not ours, and so the scores are near and not the same."""
    for path in sorted((shared_data / "esc10").glob("*/1-*.ogg"))[::8]:
        waveform, rate = soundfile.read(path, dtype="float32")
        assert rate == 44100
        expected = ours(preset, soxr.resample(waveform, rate, 16000))
        heard = listen(waveform, rate)
        print(path.name, abs(heard - expected).max(), abs(heard - expected).mean())
        # Fire and sea may be 0.016 apart, where the preset heard neither in training.
        best = heard.mean(0).argmax()
        assert expected.mean(0)[best] > expected.mean(0).max() - 0.02
        np.testing.assert_allclose(heard, expected, atol=0.1)
        assert abs(heard - expected).mean() < 0.002
