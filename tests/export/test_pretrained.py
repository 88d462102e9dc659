"""The presets that the package carries, exported, against Keras on recordings."""

import functools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from export import TFLiteClassifier, export_saved_model, export_tflite
from export.quantize import QUANTIZATIONS
from frontend import load_audio, waveform_patches
from tests.export.exported import File
from zoo import AudioClassifier, list_presets

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"

# Largest difference from Keras's scores, about twice what was measured.
TOLERANCE = {"none": 1e-5, "float16": 4e-3, "dynamic": 0.05, "int8": 0.1}
# Single patches of many classes move further: 0.57 and 0.31 of YAMNet's were measured, dynamic and
# int8, 0.19 of ResNet-50's, int8, and 0.09 of the fully connected network's, dynamic.
TOLERANCE_OF = {
    "yamnet": {"none": 5e-5, "float16": 1e-2, "dynamic": 0.7, "int8": 0.5},
    "resnet50_w025_audioset": TOLERANCE | {"int8": 0.4},
    "fully_connected_w025_audioset": TOLERANCE | {"dynamic": 0.2},
}


@pytest.fixture(scope="module", params=list_presets())
def preset(request):
    return AudioClassifier.from_preset(request.param)


# What is cut out of sound of any length is scored as windows are: test_tflite.py has all variants.
VARIANTS = [*((quantize, "window") for quantize in QUANTIZATIONS), ("none", "any")]


@pytest.fixture(scope="module", params=VARIANTS, ids="-".join)
def variant(request):
    return request.param


@pytest.fixture(scope="module")
def file(preset, variant, tmp_path_factory):
    """The preset in one variant, exported once, calibrated on the example recordings."""
    quantize, input = variant
    path = tmp_path_factory.mktemp("pretrained") / "x.tflite"
    if quantize == "int8":
        with pytest.warns(UserWarning, match="is calibrated on 8 example recordings"):
            export_tflite(preset, path, quantize=quantize, input=input)
    else:
        export_tflite(preset, path, quantize=quantize, input=input)
    return File(path)


@functools.cache
def load(paths):
    """Waveforms `[1, samples]` of recordings, those of equal length together."""
    return sorted((load_audio(path)[np.newaxis] for path in paths), key=np.size)


@pytest.fixture(scope="module", params=["examples", "esc10"])
def recordings(request):
    """Paths of the examples, or of a clip of each class that no preset trained on."""
    if request.param == "examples":
        return tuple(sorted(EXAMPLES.glob("*.ogg")))
    folders = sorted((request.getfixturevalue("shared_data") / "esc10").glob("*/"))
    return tuple(min(folder.glob("5-*.ogg")) for folder in folders)


@pytest.fixture(scope="module")
def heard(preset):
    """What a file is given of recordings, and Keras's scores of it, which all variants share."""

    @functools.cache
    def hear(recordings, input):
        waveforms = load(recordings)
        if input == "any":
            return waveforms, np.stack([preset.timeline(x).scores.mean(0) for (x,) in waveforms])
        patches = [
            patch[np.newaxis]
            for waveform in waveforms
            for patches in waveform_patches(waveform, preset.frontend)
            for patch in patches
        ]
        return patches, preset.score_patches(np.concatenate(patches)).numpy()

    return hear


def test_scores_as_keras_does(preset, file, variant, recordings, heard):
    quantize, input = variant
    waveforms, expected = heard(recordings, input)
    scores = np.concatenate([file.scores(waveform) for waveform in waveforms])
    tolerance = TOLERANCE_OF.get(preset.name, TOLERANCE)[quantize]
    np.testing.assert_allclose(scores, expected, atol=tolerance)
    assert np.abs(scores - expected).max(axis=1).mean() < 0.1
    second, first = np.sort(expected)[:, -2:].T
    clear = first - second > tolerance
    np.testing.assert_array_equal(scores.argmax(1)[clear], expected.argmax(1)[clear])


@pytest.fixture(scope="module")
def saved_model(preset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained") / "model"
    export_saved_model(preset, folder)
    return tf.saved_model.load(str(folder))


def test_saved_model_scores_as_keras_does(preset, saved_model, recordings):
    for waveform in load(recordings):
        scores = saved_model.signatures["serving_default"](waveform=tf.constant(waveform))["scores"]
        np.testing.assert_allclose(scores, preset(waveform), atol=1e-5)


# ESC-10's folders, and what YAMNet calls them.
TEN = {
    "baby_cry": "Baby cry, infant cry",
    "chainsaw": "Chainsaw",
    "clock_tick": "Tick-tock",
    "dog_bark": "Bark",
    "fire_crackling": "Fire",
    "helicopter": "Helicopter",
    "person_sneeze": "Sneeze",
    "rain": "Rain",
    "rooster": "Chicken, rooster",
    "sea_waves": "Ocean",
}


def test_yamnet_in_int8_beside_googles_own(shared_data, tmp_path):
    """As small as Google's file; it hears what float32 hears in sounds that set no ranges."""
    yamnet = AudioClassifier.from_preset("yamnet")
    columns = [[label.name for label in yamnet.labels].index(name) for name in TEN.values()]
    folders = [shared_data / "esc10" / name for name in TEN]
    calibration = [path for folder in folders for path in sorted(folder.glob("1-*.ogg"))[:6]]
    path = tmp_path / "yamnet.tflite"
    export_tflite(yamnet, path, quantize="int8", calibration=calibration)
    (googles,) = (shared_data / "yamnet").glob("*.tflite")
    assert path.stat().st_size < 1.05 * googles.stat().st_size
    sounds = [path for folder in folders for path in sorted(folder.glob("5-*.ogg"))[:4]]
    exact, rounded = (
        np.stack([result.mean for result in model.score_files(sounds)])
        for model in (yamnet, TFLiteClassifier(path))
    )
    second, first = np.sort(exact)[:, -2:].T
    clear = first - second > 0.05
    assert clear.sum() > 10
    np.testing.assert_array_equal(rounded.argmax(1)[clear], exact.argmax(1)[clear])
    truth = np.repeat(np.arange(len(TEN)), 4)
    right = [(scores[:, columns].argmax(axis=1) == truth).mean() for scores in (exact, rounded)]
    assert min(right) > 0.85
    assert right[1] >= right[0] - 0.05
