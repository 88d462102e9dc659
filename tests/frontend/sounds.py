"""Sounds and sound files for the tests."""

import io

import numpy as np
import soundfile


def sine(samples, rate, hz=1000.0, level=0.5):
    return level * np.sin(2 * np.pi * hz * np.arange(samples) / rate)


def noise(samples, rate, level=0.3):
    return level * np.random.default_rng(0).standard_normal(samples)


def chirp(samples, rate):
    """A sine that rises from 100 Hz to 0.45 of the sample rate."""
    slope = (0.45 * rate - 100) / samples
    time = np.arange(samples)
    return 0.5 * np.sin(2 * np.pi * (100 * time + slope * time**2 / 2) / rate)


def speech_like(samples, rate):
    """Harmonics of 120 Hz, four syllables a second, over the noise of a quiet room."""
    time = np.arange(samples) / rate
    voice = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 30))
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * time)
    return 0.3 * syllables * voice + noise(samples, rate, level=1e-3)


SIGNALS = {
    "silence": lambda samples, rate: np.zeros(samples),
    "noise": noise,
    "quiet noise": lambda samples, rate: noise(samples, rate, level=1e-4),
    "impulse": lambda samples, rate: np.eye(1, samples, samples // 2)[0],
    "speech-like": speech_like,
    "clipped": lambda samples, rate: np.clip(sine(samples, rate, 300, level=5), -1, 1),
    "sine": sine,
    "chirp": chirp,
}
"""Functions of (samples, rate) -> float64 `[samples]`."""

PURE_TONES = {"sine", "chirp"}


def sound_file(waveform, rate, format="WAV", subtype="PCM_16"):
    """The file, in memory, of a waveform `[samples]` or `[samples, channels]`."""
    file = io.BytesIO()
    soundfile.write(file, waveform, rate, format=format, subtype=subtype)
    return file
