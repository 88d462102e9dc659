"""ONNX Runtime gives the scores of Keras on raw sound."""

import sys

import keras
import numpy as np
import onnxruntime
import pytest

from frontend import FrontendConfig, load_audio
from zoo import AudioClassifier, list_models, list_presets, presets

pytestmark = pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")


@pytest.fixture
def run(tmp_path):
    """A function of a classifier and waveforms: what ONNX Runtime makes of each."""

    def export(classifier, waveforms):
        path = tmp_path / "sounds.onnx"
        classifier.export(path, format="onnx", verbose=False)
        session = onnxruntime.InferenceSession(path)
        (waveform,), (scores,) = session.get_inputs(), session.get_outputs()
        assert (waveform.name, waveform.type) == ("waveform", "tensor(float)")
        assert scores.shape[1] == len(classifier.labels)
        return [session.run(None, {"waveform": waveform})[0] for waveform in waveforms]

    return export


def check(run, classifier, waveforms):
    for scores, waveform in zip(run(classifier, waveforms), waveforms, strict=True):
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, classifier(waveform).numpy(), atol=1e-5)


def test_any_number_of_waveforms_of_any_length(run, classifier, noise):
    lengths = [1, 100, 399, 15600, 19439, 19440, 100000]
    check(run, classifier, [noise(3 * length).reshape(3, length) for length in lengths])


@pytest.mark.parametrize(
    "frontend",
    [
        FrontendConfig(patch_hop_seconds=0.48),
        FrontendConfig(center=True, preemphasis=0.97, power=2.0, patch_frames=101, whole_seconds=2),
    ],
    ids=["overlapping", "whole"],
)
def test_any_front_end(run, noise, frontend):
    keras.utils.set_random_seed(0)
    classifier = AudioClassifier("resnet50", ["a", "b"], width=0.05, frontend=frontend)
    check(run, classifier, [noise(length)[np.newaxis] for length in (15600, 24000, 100000)])


def test_what_is_not_finite_scores_nan(run, classifier, noise):
    waveforms = noise(54000).reshape(3, 18000)
    waveforms[1, 5000] = waveforms[2, -1] = np.nan  # the last makes no patch
    (scores,) = run(classifier, [waveforms])
    assert np.isnan(scores).any(axis=1).tolist() == [False, True, True]
    assert np.isnan(scores[1:]).all()


PRESETS = {presets.describe(name)["architecture"]: name for name in list_presets()}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", list_models())
def test_every_architecture(run, architecture, noise):
    """As a preset, where the package has one of it, on sound; else of random weights, on noise."""
    if architecture in PRESETS:
        classifier = AudioClassifier.from_preset(PRESETS[architecture])
        waveforms = [load_audio("examples/medley.ogg")[np.newaxis]]
    else:
        keras.utils.set_random_seed(0)
        classifier = AudioClassifier(architecture, ["Dog", "Rain", "Wind"], width=0.05)
        waveforms = [noise(samples).reshape(2, -1) for samples in (32000, 100000)]
    check(run, classifier, waveforms)


def test_needs_tf2onnx(classifier, tmp_path, monkeypatch):
    from keras.src.utils.module_utils import tf2onnx

    monkeypatch.setattr(tf2onnx, "module", None)
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ImportError, match="pip install tf2onnx"):
        classifier.export(tmp_path / "x.onnx", format="onnx")
