import numpy as np
import pytest
import soundfile

from zoo import plot


@pytest.fixture
def figure(small_classifier, noise, tmp_path):
    path = tmp_path / "two_seconds.wav"
    soundfile.write(path, noise(32000), 16000)
    return plot.recording(small_classifier, path, small_classifier.timeline(path), top=2)


def test_axes_are_labelled_and_share_the_time(figure):
    waveform, log_mel, scores = figure.axes[:3]
    assert waveform.get_ylabel() == "amplitude"
    assert log_mel.get_ylabel() == "frequency (Hz)"
    assert scores.get_xlabel() == "time (s)"
    assert [axes.get_xlim() for axes in (waveform, log_mel, scores)] == [(0, 2)] * 3
    assert figure.get_suptitle() == "two_seconds.wav"


def test_frequencies_stand_at_their_mel_bins(figure):
    axes = figure.axes[1]
    ticks = dict(
        zip([t.get_text() for t in axes.get_yticklabels()], axes.get_yticks(), strict=True)
    )
    bottom, top = axes.get_ylim()
    assert ticks["125"] == pytest.approx(bottom)
    assert ticks["7500"] == pytest.approx(top)
    # 1000 Hz is 1000 mel, by the definition of the scale.
    assert ticks["1000"] == pytest.approx(1000, abs=0.1)


def test_shows_the_best_classes_and_their_scores(figure, small_classifier, noise):
    axes = figure.axes[2]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [p.label for p in small_classifier.classify(noise(32000), top=2)]
    image = axes.get_images()[0]
    assert image.get_clim() == (0, 1)
    assert image.get_array().shape == (2, 2)
    np.testing.assert_allclose(image.get_extent(), (0, 1.92, 2, 0))
