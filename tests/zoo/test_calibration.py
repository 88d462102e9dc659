import warnings

import numpy as np
import pytest

from zoo import AudioClassifier, Calibration, Label
from zoo.calibration import apply, logit

CURVES = {
    "Dog": {"slope": 2.0, "intercept": -1.0},
    "Rain": {"scores": [0.2, 0.6], "probabilities": [0.0, 1.0]},
}


@pytest.fixture
def calibrated(small_preset):
    classifier = AudioClassifier.from_preset(small_preset)
    classifier.calibration = Calibration(CURVES)
    return classifier


def test_each_class_has_its_curve():
    labels = [Label("Rain"), Label("Dog"), Label("Cat")]
    scores = np.array([[0.1, 0.0, 0.3], [0.4, 0.5, 0.3], [0.9, 1.0, 0.3]])
    probabilities = Calibration(CURVES)(scores, labels)
    np.testing.assert_allclose(probabilities[:, 0], [0, 0.5, 1])
    np.testing.assert_allclose(logit(probabilities[1, 1]), -1)
    assert 0 < probabilities[0, 1] < 1e-9 < probabilities[2, 1] < 1
    assert (probabilities[:, 2] == 0.3).all()


def test_a_steep_curve_is_no_overflow():
    steep = {"slope": 400.0, "intercept": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(apply(steep, np.array([0, 0.5, 1])), [0, 0.5, 1])


@pytest.mark.parametrize(
    "curve",
    [
        {},
        None,
        {"slope": 1},
        {"slope": "steep", "intercept": 0},
        {"slope": 10**400, "intercept": 0},
        {"scores": [0, 1], "probabilities": [1, 0]},
        {"scores": [0, 1], "probabilities": [1]},
        {"scores": [0], "probabilities": [1], "slope": 1},
        {"slope": float("nan"), "intercept": 0},
        {"scores": [], "probabilities": []},
        {"scores": [0, 1], "probabilities": [0, 2]},
        {"scores": [0, float("inf")], "probabilities": [0, 1]},
    ],
)
def test_what_is_no_curve(curve):
    with pytest.raises(ValueError, match="The calibration of 'Dog' must be slope and inter"):
        Calibration({"Dog": curve})
    with pytest.raises(ValueError, match="A calibration is a dict of curves"):
        Calibration([curve])


def test_it_is_off_until_it_is_asked_for(calibrated, small_classifier):
    sound = np.random.default_rng(0).normal(0, 0.1, 32000).astype("float32")
    scores = small_classifier.timeline(sound).scores
    np.testing.assert_array_equal(calibrated.timeline(sound).scores, scores)
    calibrated.calibrated = True
    expected = calibrated.calibration(scores, calibrated.labels)
    np.testing.assert_allclose(calibrated.timeline(sound).scores, expected, atol=1e-6)
    streamed = [row for _, row in calibrated.stream([sound])]
    np.testing.assert_allclose(streamed, expected, atol=1e-5)
    by_label = {found.label: found.score for found in calibrated.classify(sound)}
    mean = calibrated.calibration(scores.mean(axis=0), calibrated.labels)
    assert by_label["Dog"] == pytest.approx(mean[0], abs=1e-6)
    # Silence is known, and not guessed.
    assert {found.score for found in calibrated.classify(np.zeros(16000, "float32"))} == {0}


def test_presets_and_keras_files_keep_it_and_other_labels_lose_it(calibrated, tmp_path):
    calibrated.save_to_preset(tmp_path / "preset")
    loaded = AudioClassifier.from_preset(tmp_path / "preset")
    assert loaded.calibration.curves == CURVES
    assert not loaded.calibrated
    calibrated.save(tmp_path / "classifier.keras")
    assert AudioClassifier.from_config(calibrated.get_config()).calibration.curves == CURVES
    assert loaded.with_labels(["Dog", "Cat"]).calibration is None


def test_without_one_there_are_no_probabilities(small_preset):
    classifier = AudioClassifier.from_preset(small_preset)
    classifier.calibrated = True
    with pytest.raises(ValueError, match="has no calibration; soundzoo evaluate --calibrate fits"):
        classifier.classify(np.ones(16000, "float32"))
