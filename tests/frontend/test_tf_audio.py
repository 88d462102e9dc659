import io
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from frontend import LogMelSpectrogram, decode_audio, load_audio, tf_audio

from .sounds import noise, sine, sound_file

FORMATS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAV", "FLOAT"),
    ("WAVEX", "PCM_24"),
    ("WAVEX", "PCM_32"),
    ("WAVEX", "FLOAT"),
    ("FLAC", "PCM_S8"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("MP3", "MPEG_LAYER_III"),
]


@pytest.fixture(scope="module")
def tensorflow_io():
    try:
        return tf_audio._tensorflow_io()
    except RuntimeError as error:
        pytest.skip(str(error))


needs_tensorflow_io = pytest.mark.usefixtures("tensorflow_io")


@pytest.fixture
def forget_tensorflow_io():
    tf_audio._tensorflow_io.cache_clear()
    yield
    tf_audio._tensorflow_io.cache_clear()


def music(samples, rate, channels=1):
    """A tone in noise, at another level in each channel."""
    sound = sine(samples, rate, 440, level=0.4) + noise(samples, rate, level=0.1)
    return sound[:, np.newaxis] * np.linspace(1, 0.5, channels)


# === Agreement with load_audio ===


@needs_tensorflow_io
@pytest.mark.parametrize(
    ("format", "subtype", "channels"),
    [
        (*kind, channels)
        for kind in FORMATS
        for channels in ([1, 2] if "MP3" in kind else [1, 2, 6])
    ],
)
def test_decodes_as_load_audio(format, subtype, channels):
    file = sound_file(music(20001, 16000, channels), 16000, format, subtype)
    waveform = decode_audio(file.getvalue())
    assert waveform.dtype == tf.float32
    np.testing.assert_allclose(waveform, load_audio(file), rtol=0, atol=2e-6)


@needs_tensorflow_io
@pytest.mark.parametrize("new_rate", [16000, 22050])
@pytest.mark.parametrize("rate", [8000, 11025, 22050, 24000, 32000, 44100, 48000, 88200, 96000])
def test_resamples_as_load_audio(rate, new_rate):
    file = sound_file(music(2 * rate + 17, rate), rate, subtype="FLOAT")
    waveform, expected = decode_audio(file.getvalue(), new_rate), load_audio(file, new_rate)
    # White noise fills the two resamplers' slightly different slopes.
    np.testing.assert_allclose(waveform[100:-100], expected[100:-100], rtol=0, atol=2e-3)
    np.testing.assert_allclose(waveform, expected, rtol=0, atol=1e-2)


@needs_tensorflow_io
def test_the_end_does_not_ring_into_the_start():
    sound = np.zeros(44099)
    sound[-100:] = 0.9
    waveform = decode_audio(sound_file(sound, 44100, subtype="FLOAT").getvalue())
    assert np.abs(waveform[:1000]).max() < 1e-4


@needs_tensorflow_io
@pytest.mark.parametrize("rate", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
def test_rate_of_every_mp3_version(rate):
    file = sound_file(sine(rate, rate), rate, "MP3", "MPEG_LAYER_III")
    assert decode_audio(file.getvalue()).shape == load_audio(file).shape == (16000,)


@needs_tensorflow_io
@pytest.mark.parametrize("tag_bytes", [0, 100, 300_000])
def test_mp3_behind_a_tag(tag_bytes):
    file = sound_file(sine(44100, 44100), 44100, "MP3", "MPEG_LAYER_III")
    size = bytes(tag_bytes >> shift & 127 for shift in (21, 14, 7, 0))
    tag = (
        b"ID3\4\0\0" + size + b"\xff\xfb\x90\0" * (tag_bytes // 4)
    )  # a picture like mp3 at 44.1 kHz
    waveform = decode_audio(tag + file.getvalue())
    np.testing.assert_allclose(waveform, decode_audio(file.getvalue()), rtol=0, atol=1e-6)


@needs_tensorflow_io
def test_wav_with_another_chunk_before_its_format():
    content = sound_file(music(20000, 16000), 16000).getvalue()
    chunk = b"JUNK" + (7).to_bytes(4, "little") + b"fmt ....".ljust(8)
    content = content[:12] + chunk + content[12:]
    content = content[:4] + (len(content) - 8).to_bytes(4, "little") + content[8:]
    np.testing.assert_array_equal(decode_audio(content), load_audio(io.BytesIO(content)))


@needs_tensorflow_io
@pytest.mark.parametrize("name", ["dog_bark", "rain", "clock_tick", "helicopter", "rooster"])
def test_hears_recordings_as_load_audio(shared_data, name):
    recordings = sorted((shared_data / "esc10" / name).glob("*.ogg"))[:5]
    log_mel = LogMelSpectrogram()
    for recording in recordings:
        waveform = decode_audio(recording.read_bytes())
        expected = load_audio(recording)
        np.testing.assert_allclose(waveform, expected, rtol=0, atol=2e-2)
        error = np.abs(log_mel(waveform[tf.newaxis]) - log_mel(expected[np.newaxis]))
        assert error.mean() < 2e-4
        assert error.max() < 2e-2


# === In graphs ===


@needs_tensorflow_io
def test_parallel_map_keeps_files_apart():
    files = [
        sound_file(
            np.resize([index, -index], 4000 + 10 * index) / 64, 16000, ["WAV", "FLAC"][index % 2]
        )
        for index in range(64)
    ]
    contents = [file.getvalue() for file in files]
    for _ in range(3):
        dataset = tf.data.Dataset.from_tensor_slices(contents)
        dataset = dataset.map(decode_audio, num_parallel_calls=8)
        assert dataset.element_spec == tf.TensorSpec([None], tf.float32)
        for file, waveform in zip(files, dataset, strict=True):
            np.testing.assert_array_equal(waveform, load_audio(file))


@needs_tensorflow_io
def test_files_of_all_kinds_in_one_dataset(tmp_path):
    for index, (format, subtype) in enumerate(FORMATS):
        content = sound_file(music(9000, 8000, 2), 8000, format, subtype).getvalue()
        (tmp_path / f"{index:02}").write_bytes(content)
    paths = sorted(map(str, tmp_path.iterdir()))
    dataset = tf.data.Dataset.from_tensor_slices(paths)
    dataset = dataset.map(lambda path: decode_audio(tf.io.read_file(path)))
    for path, waveform in zip(paths, dataset, strict=True):
        np.testing.assert_allclose(waveform, load_audio(path), rtol=0, atol=5e-3)


# === Errors ===


def bad(waveform, **kind):
    return sound_file(waveform, 16000, **kind).getvalue()


BAD_FILES = {
    "empty": (b"", r"Not sound .* Received:\] \[0\] \[bytes\]"),
    "text": (b"This is no sound at all.\n" * 400, "Not sound that can be decoded"),
    "header alone": (b"RIFF", "EOF reached"),
    "wav of no format": (b"RIFF....WAVE" + bytes(range(256)), "unexpected field"),
    "no samples": (bad(np.zeros(0)), "holds no samples"),
    "two samples at 96 kHz": (sound_file(np.zeros(2), 96000).getvalue(), "holds no samples"),
    "tag alone": (b"ID3\4\0\0\0\0\x7f\x7f" + b"\x9c" * 90, r"Not sound .*\[100\] \[bytes\]"),
    "cut wav": (bad(np.zeros(16000))[:9000], "EOF reached"),
    "cut flac": (bad(noise(16000, 16000), format="FLAC")[:9000], "unable to read"),
    "opus": (bad(np.zeros(16000), format="OGG", subtype="OPUS"), "could not open"),
    "64-bit float": (bad(np.zeros(16000), subtype="DOUBLE"), "unsupported wBitsPerSample: 64"),
    "NaN": (bad(np.full(9, np.nan), subtype="FLOAT"), r"finite and in -1..1. Peak:\] \[nan\]"),
    "infinity": (bad(np.full(9, np.inf), subtype="FLOAT"), r"Peak:\] \[inf\]"),
    "integer scale": (bad(np.full(9, -3e4), subtype="FLOAT"), r"Peak:\] \[30000\]"),
}


@needs_tensorflow_io
@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(case):
    content, message = BAD_FILES[case]
    with pytest.raises(tf.errors.OpError, match=message):
        decode_audio(content)


@needs_tensorflow_io
@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_do_not_end_a_dataset(case):
    dataset = tf.data.Dataset.from_tensors(BAD_FILES[case][0]).map(decode_audio)
    with pytest.raises(tf.errors.OpError):
        list(dataset)


@pytest.mark.parametrize("sample_rate", [0, -1, float("nan"), True, "16000", None, 22050.5])
def test_wrong_sample_rates(sample_rate):
    with pytest.raises(ValueError, match=f"Received: {sample_rate!r}"):
        decode_audio(b"", sample_rate)


@pytest.mark.usefixtures("forget_tensorflow_io")
def test_missing_tensorflow_io(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    with pytest.raises(RuntimeError, match=r"pip install 'soundzoo\[legacy\]'.*load_audio"):
        decode_audio(b"")


@pytest.mark.usefixtures("forget_tensorflow_io")
def test_tensorflow_io_for_another_tensorflow(monkeypatch):
    def undefined_symbol(*args):
        raise NotImplementedError("libtensorflow_io.so: undefined symbol")

    module = ModuleType("tensorflow_io")
    module.audio = SimpleNamespace(encode_wav=undefined_symbol)
    monkeypatch.setitem(sys.modules, "tensorflow_io", module)
    message = rf"soundzoo\[legacy\].* TensorFlow {tf.__version__} and: .*undefined symbol"
    with pytest.raises(RuntimeError, match=message):
        tf.data.Dataset.from_tensors(b"").map(decode_audio)
