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
    scores = small_classifier.timeline(noise(32000)).scores
    best = np.argsort(-scores.max(axis=0))[:2]
    assert list(ticks(axes.yaxis)) == [small_classifier.labels[index].name for index in best]
    cells = axes.collections[0]
    assert cells.get_clim() == (0, 1)
    np.testing.assert_allclose(cells.get_array(), scores[:, best].T, atol=1e-3)
    assert borders(axes) == pytest.approx([0, 0.96, 2])
    assert axes.get_ylim() == (2, 0)


def borders(axes):
    """Where the cells of a timeline begin and end, in s."""
    return list(axes.collections[0].get_coordinates()[0, :, 0])


def test_what_is_short_is_shown(small_classifier):
    scores = np.full((100, 3), [0.3, 0.2, 0.1], np.float32)
    scores[70, 2] = 0.9
    heard = Timeline(np.arange(100) * 0.96, scores)
    axes = plot.timeline(small_classifier, heard, top=1).axes[0]
    assert list(ticks(axes.yaxis)) == [small_classifier.labels[2].name]


def test_a_sound_that_is_heard_whole_is_one_cell(tmp_path, noise):
    frontend = FrontendConfig(whole_seconds=30, patch_frames=1000, center=True)
    classifier = AudioClassifier("resnet50", ["Cat", "Dog"], width=0.05, frontend=frontend)
    soundfile.write(tmp_path / "x.wav", noise(12 * 16000), 16000)
    figure = plot.recording(classifier, tmp_path / "x.wav", classifier.timeline(tmp_path / "x.wav"))
    assert borders(figure.axes[2]) == pytest.approx([0, 12])


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


def test_cells_are_the_time_nearest_to_patches_middles_up_to_the_ends(small_classifier):
    for starts, expected in [([0.0], [0, 0.96]), ([0, 0.48, 0.96], [0, 0.72, 1.2, 1.92])]:
        heard = Timeline(np.array(starts), np.zeros((len(starts), 3), np.float32))
        assert borders(plot.timeline(small_classifier, heard).axes[0]) == pytest.approx(expected)
