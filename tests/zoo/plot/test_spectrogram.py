"""Spectrograms: what is drawn, and where it stands."""

import numpy as np
import pytest
import soundfile

from frontend import FrontendConfig
from tests.frontend.reference import mel
from tests.zoo.plot.pictures import ticks
from zoo import plot


def test_spectrogram_ends_with_the_sound_or_with_what_is_heard_of_it(noise):
    # 1.1 s are one patch and a remainder that is dropped; 1.5 s two patches, one of them padded.
    for seconds, end in [(0.5, 0.5), (1.1, 0.96), (1.5, 1.5)]:
        axes = plot.spectrogram(noise(int(seconds * 16000))).axes[0]
        assert axes.get_xlim() == pytest.approx((0, end))
        assert axes.get_images()[0].get_extent()[:2] == pytest.approx((0, end))
        assert axes.get_images()[0].get_array().shape[1] == round(end * 100)
        assert axes.get_xlabel() == "time (s)"


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize("hertz", [500, 1000, 4000])
def test_a_tone_is_drawn_at_its_frequency(scale, hertz):
    tone = np.sin(2 * np.pi * hertz * np.arange(16000) / 16000).astype(np.float32)
    axes = plot.spectrogram(tone, frontend=FrontendConfig(mel_scale=scale)).axes[0]
    image = axes.get_images()[0]
    rows = image.get_array()
    _, _, bottom, top = image.get_extent()
    height = (top - bottom) / len(rows)
    drawn = bottom + (rows.mean(axis=1).argmax() + 0.5) * height
    assert drawn == pytest.approx(ticks(axes.yaxis)[str(hertz)], abs=0.75 * height)


def test_frequencies_stand_at_their_mel():
    axes = plot.spectrogram(np.zeros(16000, np.float32)).axes[0]
    places = ticks(axes.yaxis)
    assert list(places) == ["125", "500", "1000", "2000", "4000", "7500"]
    assert (places["125"], places["7500"]) == pytest.approx(axes.get_ylim())
    # 1000 Hz is 1000 mel, by the definition of the scale.
    assert places["1000"] == pytest.approx(1000, abs=0.1)


@pytest.mark.parametrize("hertz", [250, 1000, 4000])
def test_a_tone_is_brightest_at_its_frequency(hertz):
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(32000) / 16000).astype(np.float32)
    axes = plot.spectrogram(tone).axes[0]
    image = axes.get_images()[0]
    bottom, top = image.get_extent()[2:]
    rows = len(image.get_array())
    row = image.get_array().mean(axis=1).argmax()
    brightest = bottom + (row + 0.5) * (top - bottom) / rows
    # Within a bin: at 250 Hz, one that began half a bin too low would be outside.
    assert brightest == pytest.approx(mel(hertz), abs=0.6 * (top - bottom) / rows)


def test_patches_that_overlap_are_drawn_once(noise):
    sound = noise(3 * 15360 + 240)  # three patches, or five that overlap
    drawn, apart = (
        plot.spectrogram(sound, frontend=frontend).axes[0].get_images()[0].get_array()
        for frontend in (FrontendConfig(patch_hop_seconds=0.48), FrontendConfig())
    )
    np.testing.assert_allclose(drawn, apart, atol=1e-4)


def test_other_front_ends_have_ticks_at_their_ends():
    frontend = FrontendConfig(sample_rate=44100, fft_length=2048, mel_min_hz=60, mel_max_hz=20000)
    axes = plot.spectrogram(np.zeros(44100, np.float32), frontend=frontend).axes[0]
    labels = list(ticks(axes.yaxis))
    assert (labels[0], labels[-1]) == ("60", "20000")
    assert "1000" in labels
    assert "125" not in labels  # too near to 60
    places = np.array(list(ticks(axes.yaxis).values()))
    assert np.diff(places).min() > 0.05 * (places[-1] - places[0])


def test_spectrogram_takes_a_file_and_refuses_what_is_no_sound(noise, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(16000), 16000, subtype="FLOAT")
    of_file = plot.spectrogram(tmp_path / "a.wav").axes[0].get_images()[0].get_array()
    of_waveform = plot.spectrogram(noise(16000)).axes[0].get_images()[0].get_array()
    np.testing.assert_array_equal(of_file, of_waveform)
    with pytest.raises(ValueError, match="must be floating point"):
        plot.spectrogram(np.zeros(16000, np.int16))
