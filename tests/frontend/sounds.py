"""Sounds and sound files for the tests."""

import io

import av
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


def encoded(waveform, rate, container, codec, **options):
    """The contents of a file that FFmpeg writes of a waveform `[samples]`."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.float32(waveform)[np.newaxis], format="fltp", layout="mono"
        )
        frame.sample_rate = rate
        stream.bit_rate = 64000
        stream.codec_context.open()
        # FFmpeg's coders want frames of one size.
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.format.name, "mono", rate, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            output.mux(packet for packet in stream.encode(part) if packet.size)
    return file.getvalue()


CONTAINERS = {
    "3gp": ("3gp", "libopencore_amrnb", 8000),
    "aac": ("adts", "aac", 16000),
    "ac3": ("ac3", "ac3", 48000),
    "aiff": ("aiff", "pcm_s16be", 16000),
    "amr": ("amr", "libopencore_amrnb", 8000),
    "au": ("au", "pcm_mulaw", 8000),
    "avi": ("avi", "pcm_s16le", 16000),
    "caf": ("caf", "alac", 16000),
    "flac": ("flac", "flac", 16000),
    "m4a": ("mp4", "aac", 16000),
    "mka": ("matroska", "pcm_s16le", 16000),
    "mov": ("mov", "pcm_s16be", 16000),
    "mp2": ("mp2", "mp2", 16000),
    "mp3": ("mp3", "libmp3lame", 16000),
    "mts": ("mpegts", "aac", 16000),
    "ogg flac": ("ogg", "flac", 16000),
    "opus": ("ogg", "libopus", 48000),
    "tta": ("tta", "tta", 16000),
    "wav": ("wav", "pcm_s16le", 16000),
    "wav of adpcm": ("wav", "adpcm_ms", 16000),
    "wav of mp3": ("wav", "libmp3lame", 16000),
    "webm": ("webm", "libopus", 48000),
    "wma": ("asf", "wmav2", 16000),
    "wv": ("wv", "wavpack", 16000),
}
"""Containers, codecs and sample rates in Hz, of what people have."""
