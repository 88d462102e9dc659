import contextlib
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from frontend import (
    FrontendConfig,
    audio_blocks,
    check_sample_rate,
    check_waveform,
    load_audio,
)

from .sounds import sine, sound_file

# Largest error of a tone of half full scale. Those that lose something lose a tenth of it at most.
FORMATS = {
    ("WAV", "PCM_U8"): 1 / 128,
    ("WAV", "PCM_16"): 3e-5,
    ("WAV", "PCM_24"): 1e-6,
    ("WAV", "PCM_32"): 1e-6,
    ("WAV", "FLOAT"): 1e-6,
    ("WAV", "DOUBLE"): 1e-6,
    ("WAVEX", "PCM_24"): 1e-6,
    ("FLAC", "PCM_16"): 3e-5,
    ("FLAC", "PCM_24"): 1e-6,
    ("OGG", "VORBIS"): 5e-2,
    ("OGG", "OPUS"): 5e-2,
    ("MP3", "MPEG_LAYER_III"): 5e-2,
}
RATES = [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000]
EXAMPLE = sine(16000, 16000)


def assert_is_sine(waveform, rate=16000, level=0.5, atol=1e-4):
    """Away from the ends, where the resampler hears the silence around the sound."""
    middle = slice(len(waveform) // 8, -len(waveform) // 8)
    expected = sine(len(waveform), rate, level=level)
    np.testing.assert_allclose(waveform[middle], expected[middle], rtol=0, atol=atol)


@contextlib.contextmanager
def refused(message, kind=ValueError):
    """One sentence on one line, with this message in it."""
    with pytest.raises(kind, match=re.escape(message)) as error:
        yield error
    assert "\n" not in str(error.value)


# === What is read ===


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [16000, 48000])
@pytest.mark.parametrize(("format", "subtype"), FORMATS)
def test_formats(format, subtype, rate, channels):
    tone = np.tile(sine(rate, rate)[:, np.newaxis], channels)
    waveform = load_audio(sound_file(tone, rate, format, subtype))
    assert waveform.dtype == np.float32
    assert waveform.shape == (16000,)
    assert_is_sine(waveform, atol=FORMATS[format, subtype] + 1e-6)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("new_rate", [8000, 16000, 44100])
def test_rates(rate, new_rate):
    waveform = load_audio(sound_file(sine(rate, rate), rate, subtype="FLOAT"), new_rate)
    assert waveform.shape == (new_rate,)
    assert_is_sine(waveform, new_rate, atol=1e-5)


@pytest.mark.parametrize("channels", range(1, 7))
@pytest.mark.parametrize(("format", "subtype"), [("WAV", "FLOAT"), ("FLAC", "PCM_24")])
def test_channels_are_averaged(format, subtype, channels):
    levels = np.linspace(-0.2, 0.9, channels)
    tones = sine(16000, 16000, level=1)[:, np.newaxis] * levels
    waveform = load_audio(sound_file(tones, 16000, format, subtype))
    assert_is_sine(waveform, level=levels.mean(), atol=1e-6)


def test_what_the_new_rate_cannot_hold_is_removed():
    tone = sound_file(sine(48000, 48000, hz=12000), 48000)
    assert np.abs(load_audio(tone)[100:-100]).max() < 1e-4


@pytest.mark.parametrize("kind", ["str", "bytes", "PathLike", "open file", "BytesIO"])
def test_paths_and_file_objects(tmp_path, kind):
    path = tmp_path / "tone é.wav"
    content = sound_file(EXAMPLE, 16000).getvalue()
    path.write_bytes(content)
    expected = soundfile.read(path, dtype="float32")[0]
    with path.open("rb") as file:
        source = {
            "str": str(path),
            "bytes": bytes(path),
            "PathLike": path,
            "open file": file,
            "BytesIO": io.BytesIO(content),
        }[kind]
        np.testing.assert_array_equal(load_audio(source), expected)
        # Again, and a file object that stands at its end.
        np.testing.assert_array_equal(load_audio(source), expected)


# === Blocks ===


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_blocks_are_bounded_and_join_without_a_seam(rate):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 33 * rate + 17).astype(np.float32)
    file = sound_file(sound, rate, subtype="FLOAT")
    blocks = list(audio_blocks(file))
    assert len(blocks) > 3
    assert max(len(block) for block in blocks) <= 10.1 * 16000
    assert all(block.dtype == np.float32 for block in blocks)
    joined = np.concatenate(blocks)
    np.testing.assert_array_equal(joined, load_audio(file))
    whole = sound if rate == 16000 else soxr.resample(sound, rate, 16000)
    np.testing.assert_allclose(joined, whole, rtol=0, atol=1e-6)


READ_IN_BLOCKS = """
import resource, sys
from frontend import FrontendConfig, audio_blocks, waveform_patches

def read(path):
    return sum(map(len, waveform_patches(audio_blocks(path), FrontendConfig())))

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

read(sys.argv[1])
before = peak()
print(read(sys.argv[2]), peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is in other units elsewhere")
def test_an_hour_is_read_in_constant_memory(tmp_path):
    minute = np.tile(EXAMPLE, 60)
    soundfile.write(tmp_path / "minute.wav", minute, 16000)
    with soundfile.SoundFile(tmp_path / "hour.wav", "w", 16000, 1, "PCM_16") as hour:
        for _ in range(60):
            hour.write(minute)
    command = [sys.executable, "-c", READ_IN_BLOCKS, tmp_path / "minute.wav", tmp_path / "hour.wav"]
    patches, growth = map(int, subprocess.run(command, check=True, stdout=-1).stdout.split())
    assert patches == FrontendConfig().num_patches(3600 * 16000)
    assert growth < 50e6  # the hour is 230 MB as float32


# === Bad files ===


def cut(file, part=0.5):
    content = file.getvalue()
    return content[: int(len(content) * part)]


BAD_FILES = {
    "empty": (b"", "is empty (0 bytes)"),
    "text": (b"This is no sound at all.\n" * 40, "is not sound that can be decoded"),
    "header alone": (cut(sound_file(EXAMPLE, 16000), 0.0004), "is not sound that can be decoded"),
    "no samples": (sound_file(np.zeros(0), 16000).getvalue(), "holds no samples"),
    "two samples at 96 kHz": (sound_file(np.zeros(2), 96000).getvalue(), "holds no samples"),
    "integer scale": (
        sound_file(EXAMPLE * 32768, 16000, subtype="FLOAT").getvalue(),
        "Received a peak of 16384",
    ),
    "beyond float32": (
        sound_file(np.full(9, 1e300), 16000, subtype="DOUBLE").getvalue(),
        "NaN or infinity, first at sample 0",
    ),
    "absurd rate": (sound_file(EXAMPLE, 2**31 - 1).getvalue(), "has 2147483647 samples a second"),
}


@pytest.mark.parametrize("case", BAD_FILES)
@pytest.mark.parametrize("in_memory", [False, True])
def test_bad_files(tmp_path, case, in_memory):
    content, message = BAD_FILES[case]
    path = tmp_path / "sound.wav"
    path.write_bytes(content)
    with refused(message) as error:
        load_audio(io.BytesIO(content) if in_memory else path)
    if case != "absurd rate":
        assert ("the sound file" if in_memory else str(path)) in str(error.value)


def test_a_missing_file(tmp_path):
    path = tmp_path / "missing.wav"
    with refused(str(path), FileNotFoundError):
        load_audio(path)


def test_a_directory(tmp_path):
    with refused(str(tmp_path), IsADirectoryError):
        load_audio(tmp_path)


@pytest.mark.parametrize("source", [None, 3, EXAMPLE], ids=["None", "int", "array"])
def test_what_is_neither_path_nor_file(source):
    with pytest.raises(TypeError, match=type(source).__name__):
        load_audio(source)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("first", [0, 33, 159_999, 160_000, 200_000])
def test_samples_that_are_not_finite_are_counted_from_the_start(bad, first):
    sound = np.zeros((250_000, 2))
    sound[first, 1] = sound[first + 7, 0] = bad
    with refused(f"NaN or infinity, first at sample {first}."):
        load_audio(sound_file(sound, 16000, subtype="FLOAT"))


# === Sample rates ===

NOT_RATES = [0, -1, 0.5, 1e-300, 10**7, 10**400, float("nan"), float("inf"), "16000", b"1", None]
NOT_RATES += [True, False, np.True_, 16000j, [16000], np.array([16000, 8000])]


@pytest.mark.parametrize("sample_rate", NOT_RATES, ids=lambda rate: repr(rate)[:20])
def test_wrong_sample_rates(sample_rate):
    with refused(f"Received: {sample_rate!r}"):
        check_sample_rate(sample_rate)
    with refused(f"Received: {sample_rate!r}"):
        load_audio(sound_file(EXAMPLE, 16000), sample_rate)


@pytest.mark.parametrize("rate", [8000, 8000.0, np.int16(8000), np.float32(8000)])
def test_sample_rates_are_any_number(rate):
    check_sample_rate(rate)
    assert load_audio(sound_file(EXAMPLE, 16000), rate).shape == (8000,)


def test_sample_rates_need_not_be_whole():
    assert load_audio(sound_file(EXAMPLE, 16000), 22050.5).shape == (22051,)


# === Waveforms ===


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros(9, np.int16), "Received dtype int16; divide 16-bit samples by 32768."),
        ([0, 1, 2], "Received dtype int64"),
        (np.zeros(9, bool), "Received dtype bool"),
        (np.zeros(9, complex), "Received dtype complex128"),
        ("sound.wav", "Received dtype <U9"),
        (["a.wav", "b.wav"], "Received dtype <U5; give one sound, its samples or its file, at a"),
        ([[0.0, 0.1], [0.0]], "Received dtype object; give one sound, its samples"),
        (None, "Received dtype object"),
        (np.zeros((2, 9)), "Received shape (2, 9)"),
        (0.5, "Received shape ()"),
        (np.zeros(0), "holds no samples"),
        ([0.0, np.nan], "NaN or infinity, first at sample 1"),
        ([np.inf, np.nan], "NaN or infinity, first at sample 0"),
        (EXAMPLE * 32768, "Received a peak of 16384"),
        (np.full(9, -1e300), "Received a peak of 1e+300"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_waveforms(waveform, message):
    with refused(message) as error:
        check_waveform(waveform, "the recording")
    assert str(error.value).startswith("the recording ")


def test_one_channel_as_microphones_give_it():
    waveform = check_waveform(EXAMPLE[:, np.newaxis])
    np.testing.assert_array_equal(waveform, EXAMPLE.astype(np.float32))


def test_bytes_are_told_what_to_become():
    content = sound_file(EXAMPLE, 16000).getvalue()
    with refused("io.BytesIO(contents)"):
        check_waveform(content)
    with refused("io.BytesIO(contents)"):
        load_audio(content)


def test_check_waveform_counts_from_the_start_of_a_block():
    with pytest.raises(ValueError, match="first at sample 103"):
        check_waveform([0.0, 0.0, 0.0, np.nan], start=100)


# === Properties ===

SAMPLES = st.integers(1, 3000)
FILE_RATES = st.sampled_from(RATES) | st.integers(1000, 200_000)
CHANNELS = st.integers(1, 6)
FLOATS = st.sampled_from([np.float16, np.float32, np.float64])
NOT_FINITE = st.sampled_from([np.nan, np.inf, -np.inf])


@given(
    samples=SAMPLES,
    rate=FILE_RATES,
    channels=CHANNELS,
    subtype=st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]),
    new_rate=st.integers(4000, 48000),
)
def test_any_file_becomes_a_waveform_of_its_duration(samples, rate, channels, subtype, new_rate):
    sound = np.random.default_rng(samples).uniform(-1, 1, (samples, channels))
    file = sound_file(sound, rate, subtype=subtype)
    expected = samples * new_rate / rate
    if expected < 0.5:
        with pytest.raises(ValueError, match="holds no samples"):
            load_audio(file, new_rate)
    else:
        waveform = load_audio(file, new_rate)
        assert waveform.dtype == np.float32
        assert waveform.ndim == 1
        assert abs(len(waveform) - expected) <= 1
        assert np.abs(waveform).max() < 2


@given(data=st.data(), bad=NOT_FINITE, channels=CHANNELS)
def test_any_sample_that_is_not_finite_is_found(data, bad, channels):
    sound = np.zeros((25_000, channels))  # two and a half blocks
    first = data.draw(st.integers(0, len(sound) - 1))
    sound[first, data.draw(st.integers(0, channels - 1))] = bad
    with pytest.raises(ValueError, match=f"NaN or infinity, first at sample {first}\\."):
        load_audio(sound_file(sound, 1000, subtype="FLOAT"))


@given(
    waveform=FLOATS.flatmap(
        lambda dtype: hnp.arrays(
            dtype, st.integers(1, 50), elements=st.floats(-1, 1, width=np.finfo(dtype).bits)
        )
    )
)
def test_any_float_waveform_is_taken_as_it_is(waveform):
    checked = check_waveform(waveform)
    assert checked.dtype == np.float32
    np.testing.assert_array_equal(checked, waveform.astype(np.float32))


@given(waveform=hnp.arrays(hnp.integer_dtypes() | hnp.unsigned_integer_dtypes(), SAMPLES))
def test_any_integer_waveform_is_refused(waveform):
    with pytest.raises(ValueError, match=re.escape(f"Received dtype {waveform.dtype};")):
        check_waveform(waveform)


@given(dtype=FLOATS, samples=SAMPLES, bad=NOT_FINITE, data=st.data())
def test_any_waveform_that_is_not_finite_is_refused(dtype, samples, bad, data):
    waveform = np.zeros(samples, dtype)
    first = data.draw(st.integers(0, samples - 1))
    waveform[first:] = bad
    with pytest.raises(ValueError, match=f"first at sample {first}\\."):
        check_waveform(waveform)


@given(shape=hnp.array_shapes(min_dims=2).filter(lambda s: len(s) > 2 or s[1] > 1) | st.just(()))
def test_any_other_rank_is_refused(shape):
    with pytest.raises(ValueError, match=re.escape(f"Received shape {shape}")):
        check_waveform(np.zeros(shape, np.float32))


@given(
    kind=st.sampled_from(sorted(FORMATS)),
    kept=st.integers(0, 5000),
    changes=st.dictionaries(st.integers(0, 200), st.integers(0, 255)),
)
def test_any_damage_gives_sound_or_a_value_error(kind, kept, changes):
    content = bytearray(sound_file(EXAMPLE[:3000], 16000, *kind).getvalue()[:kept])
    for place, value in changes.items():
        if place < len(content):
            content[place] = value
    try:
        waveform = load_audio(io.BytesIO(content))
    except ValueError:
        return
    assert np.isfinite(waveform).all()
