"""Recordings and their scores over time."""

import numpy as np
import pytest
import soundfile

from frontend import FrontendConfig
from tests.zoo.plot.pictures import assert_nothing_is_cut_off, ticks
from zoo import AudioClassifier, Timeline, plot


@pytest.fixture
def recording(small_classifier, noise, tmp_path):
    path = tmp_path / "two_seconds.wav"
    soundfile.write(path, noise(32000), 16000)
    return plot.recording(small_classifier, path, small_classifier.timeline(path), top=2)


def test_recording_shares_the_time(recording):
    waveform, log_mel, scores = recording.axes[:3]
    assert waveform.get_ylabel() == "amplitude"
    assert log_mel.get_ylabel() == "frequency (Hz)"
    assert [axes.get_xlabel() for axes in (waveform, log_mel, scores)] == ["", "", "time (s)"]
    assert [axes.get_xlim() for axes in (waveform, log_mel, scores)] == [(0, 2)] * 3
    assert [axes.get_ylabel() for axes in recording.axes[3:]] == ["log-mel magnitude", "score"]
    assert recording.get_suptitle() == "two_seconds.wav"
    assert_nothing_is_cut_off(recording)


def test_recording_shows_the_best_classes_and_their_scores(recording, small_classifier, noise):
    axes = recording.axes[2]
    best = small_classifier.classify(noise(32000), top=2)
    assert list(ticks(axes.yaxis)) == [prediction.label for prediction in best]
    image = axes.get_images()[0]
    assert image.get_clim() == (0, 1)
    means = image.get_array().mean(axis=1)
    np.testing.assert_allclose(means, [prediction.score for prediction in best], atol=1e-3)
    np.testing.assert_allclose(image.get_extent(), (0, 1.92, 2, 0))


def test_a_sound_that_is_heard_whole_is_one_cell(tmp_path, noise):
    frontend = FrontendConfig(whole_seconds=30, patch_frames=1000, center=True)
    classifier = AudioClassifier("resnet50", ["Cat", "Dog"], width=0.05, frontend=frontend)
    soundfile.write(tmp_path / "x.wav", noise(12 * 16000), 16000)
    figure = plot.recording(classifier, tmp_path / "x.wav", classifier.timeline(tmp_path / "x.wav"))
    assert figure.axes[2].get_images()[0].get_extent()[:2] == pytest.approx((0, 12))


@pytest.mark.parametrize("top", [0, -1, 1.5])
def test_refuses_wrong_top(small_classifier, noise, tmp_path, top):
    path = tmp_path / "x.wav"
    soundfile.write(path, noise(16000), 16000)
    heard = small_classifier.timeline(path)
    for draw in (
        lambda: plot.timeline(small_classifier, heard, top=top),
        lambda: plot.recording(small_classifier, path, heard, top=top),
    ):
        with pytest.raises(ValueError, match="top must be"):
            draw()


def test_cells_are_as_wide_as_patches_are_apart_around_their_middles(small_classifier):
    for starts, extent in [([0.0], (0, 0.96)), ([0, 0.48, 0.96], (0.24, 1.68))]:
        heard = Timeline(np.array(starts), np.zeros((len(starts), 3), np.float32))
        image = plot.timeline(small_classifier, heard).axes[0].get_images()[0]
        assert image.get_extent() == pytest.approx((*extent, 3, 0))
