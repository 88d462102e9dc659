"""EfficientAT's weights: those that are at hand give their own scores, others what they say."""

from pathlib import Path

import keras
import numpy as np
import pytest

from export import TFLiteClassifier, export_tflite
from export.operators import check_builtin
from frontend import load_audio
from zoo import AudioClassifier
from zoo.convert import convert

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def released(shared_data):
    return shared_data / "teacher" / "mn04_as_float32.npz"


@pytest.fixture(scope="module")
def mn04(released):
    return convert(released)


def test_scores_are_the_references(released, mn04):
    reference = np.load(released.with_name("reference.npz"))
    paths = [EXAMPLES / name for name in reference["files"]]
    for result, expected in zip(mn04.score_files(paths), reference["scores"], strict=True):
        assert result.patches == 1
        np.testing.assert_allclose(result.mean, expected, atol=1e-4)
    speech = load_audio(EXAMPLES / "speech.ogg", 32000)
    (index,) = np.flatnonzero(reference["files"] == "speech.ogg")
    scores = mn04.predict(speech[np.newaxis], verbose=0)[0]
    np.testing.assert_allclose(scores, reference["scores"][index], atol=1e-4)


def test_is_an_ordinary_preset(mn04, tmp_path):
    mn04.save_to_preset(tmp_path / "mn04")
    loaded = AudioClassifier.from_preset(tmp_path / "mn04")
    assert (loaded.name, loaded.width, loaded.architecture) == ("mn04_as", 0.4, "mobilenet_v3")
    assert loaded.frontend == mn04.frontend
    assert len(loaded.labels) == 527
    assert loaded.classify(EXAMPLES / "speech.ogg", top=1) == mn04.classify(
        EXAMPLES / "speech.ogg", top=1
    )
    assert loaded.classify(EXAMPLES / "speech.ogg")[0].label == "Speech"


def test_sounds_are_heard_whole_and_with_a_hop_in_patches(mn04):
    medley = EXAMPLES / "medley.ogg"
    assert mn04.timeline(medley).scores.shape == (1, 527)
    in_patches = mn04.timeline(medley, hop=0.5)
    assert in_patches.start_seconds.tolist() == [0, 0.5, 1, 1.5]
    streamed = list(mn04.stream([load_audio(medley, 32000)], hop=0.5))
    np.testing.assert_allclose([scores for _, scores in streamed], in_patches.scores, atol=1e-5)
    # Files of many lengths, which no batch holds together, and one longer than is heard whole.
    long = np.tile(load_audio(EXAMPLES / "wind.ogg", 32000), 12)
    files = [EXAMPLES / "speech.ogg", EXAMPLES / "wind.ogg", EXAMPLES / "speech.ogg"]
    first, _, third = mn04.score_files(files)
    np.testing.assert_allclose(first.mean, third.mean, atol=1e-6)
    assert len(mn04.timeline(long, sample_rate=32000).scores) == 4


@pytest.mark.slow
@pytest.mark.parametrize("quantize", ["none", "int8"])
@pytest.mark.parametrize("input", ["window", "any"])
def test_tflite_with_builtin_operations(mn04, quantize, input, tmp_path):
    calibration = sorted(EXAMPLES.glob("*.ogg")) if quantize == "int8" else None
    path = tmp_path / "mn04.tflite"
    export_tflite(mn04, path, quantize=quantize, input=input, calibration=calibration)
    check_builtin(path.read_bytes())
    exported = TFLiteClassifier(path)
    hop = 10 if input == "window" else None
    for name in ("speech.ogg", "bagpipes.ogg", "medley.ogg"):
        (expected,) = mn04.score_files([EXAMPLES / name], hop=hop)
        (found,) = exported.score_files([EXAMPLES / name])
        if quantize == "none":
            np.testing.assert_allclose(found.mean, expected.mean, atol=1e-4)
        else:
            assert np.corrcoef(found.mean, expected.mean)[0, 1] > 0.8
            assert found.mean.argmax() == expected.mean.argmax()


@pytest.mark.slow
def test_fine_tunes(mn04):
    keras.utils.set_random_seed(0)  # of the head
    classifier = mn04.with_labels(["low", "high"])
    classifier.freeze_body()
    classifier.compile("adam", "binary_crossentropy")
    seconds = np.arange(32000) / 32000
    tones = [np.sin(2 * np.pi * hertz * seconds) for hertz in (200, 300, 3000, 4000)]
    waveforms, targets = np.float32(tones) * 0.3, np.eye(2, dtype="float32")[[0, 0, 1, 1]]
    losses = classifier.fit(waveforms, targets, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("features.3.block.1.1.bias"), "has no 'features.3.block.1.1"),
        (
            lambda arrays: arrays.update({"features.9.block.1.0.weight": np.zeros((72, 1, 5, 5))}),
            r"block9_depthwise_conv \[5, 5, 72, 1\], which needs \[3, 3, 72, 1\]",
        ),
        (lambda arrays: arrays.update({"mel.bias": np.zeros(3)}), "1 more arrays, 'mel.bias'"),
        (lambda arrays: arrays.pop("classifier.5.weight"), "Known are|can be converted"),
    ],
)
def test_other_networks_are_refused(released, change, message, tmp_path):
    arrays = dict(np.load(released))
    change(arrays)
    np.savez(tmp_path / "other.npz", **arrays)
    labels = released.with_name("class_labels_indices.csv")
    with pytest.raises(ValueError, match=message):
        convert(tmp_path / "other.npz", labels=labels)


@pytest.mark.parametrize("name", ["mn10_as_hop_15_mAP_463.npz", "mn10_as_mels_40_mAP_453.npz"])
def test_other_front_ends_are_refused(released, name, tmp_path):
    (tmp_path / name).write_bytes(released.read_bytes())
    with pytest.raises(ValueError, match=r"other patches \((hop_15|mels_40)\)"):
        convert(tmp_path / name, labels=released.with_name("class_labels_indices.csv"))


def test_labels_that_do_not_fit(released, tmp_path):
    alone = tmp_path / "alone.npz"
    alone.write_bytes(released.read_bytes())
    with pytest.raises(ValueError, match="does not name its 527 classes"):
        convert(alone)
    (tmp_path / "labels.txt").write_text("Cat\nDog\n")
    with pytest.raises(ValueError, match=r"has 527 classes\. Received 2 labels"):
        convert(alone, labels=tmp_path / "labels.txt")
