"""All kinds of sound files, whole, cut, joined, damaged and misnamed."""

import contextlib
import io
import os
import sys
import threading
import warnings

import av
import numpy as np
import pytest
import soundfile

from frontend import (
    IncompleteWarning,
    OppositeChannelsWarning,
    SilenceWarning,
    audio_blocks,
    load_audio,
)
from frontend.decode import decode, open_sound

from .sounds import CONTAINERS, encoded, noise, sine, sound_file, speech_like

RATE = 16000
SPEECH = speech_like(RATE, RATE)


@pytest.fixture(scope="module")
def files():
    """The contents of a second of speech in each container, and as libsndfile writes it."""
    contents = {
        name: encoded(speech_like(rate, rate), rate, container, codec)
        for name, (container, codec, rate) in CONTAINERS.items()
    }
    for container, codec in [
        ("OGG", "VORBIS"),
        ("W64", "PCM_16"),
        ("CAF", "PCM_16"),
        ("RF64", "PCM_16"),
        ("FLAC", "PCM_16"),
    ]:
        contents[container] = sound_file(SPEECH, RATE, container, codec).getvalue()
    contents["MP3 without Xing"] = without_xing(contents["mp3"])
    return contents


KINDS = [*CONTAINERS, "OGG", "W64", "CAF", "RF64", "FLAC", "MP3 without Xing"]


def without_xing(mp3):
    second = mp3.index(mp3[mp3.index(b"\xff\xf3") :][:2], mp3.index(b"Info") + 4)
    return mp3[second:]


@contextlib.contextmanager
def quiet():
    """Says nothing of warnings, and fails on none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def seconds(source):
    return len(load_audio(source)) / RATE


# === Containers ===


@pytest.mark.parametrize("kind", KINDS)
def test_any_container_is_heard_under_any_name(files, kind, tmp_path):
    with no_warnings():
        waveform = load_audio(io.BytesIO(files[kind]))
        for name in ("sound", "sound.raw", "sound.wav", "sound.mp3"):
            path = tmp_path / name
            path.write_bytes(files[kind])
            np.testing.assert_array_equal(load_audio(path), waveform)
            with path.open("rb") as file:
                np.testing.assert_array_equal(load_audio(file), waveform)
    assert len(waveform) / RATE == pytest.approx(1, abs=0.1)
    level = np.sqrt(np.mean(waveform**2))
    assert level == pytest.approx(np.sqrt(np.mean(SPEECH**2)), rel=0.15)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_both_decoders_agree(channels):
    levels = np.linspace(0.3, 1, channels)
    sound = speech_like(3 * 44100, 44100)[:, np.newaxis] * levels * 0.5
    wav = load_audio(sound_file(sound, 44100, "WAV", "PCM_24"))
    flac = load_audio(sound_file(sound, 44100, "FLAC", "PCM_24"))
    np.testing.assert_allclose(flac, wav, atol=3e-7)  # the last of 24 bits: they round otherwise
    if channels < 6:
        ogg = sound_file(sound, 44100, "OGG", "VORBIS").getvalue()
        by_libsndfile = load_audio(io.BytesIO(ogg))
        by_ffmpeg = load_audio(io.BytesIO(ogg + ogg))[: len(by_libsndfile)]
        # But for the seam: the coder's last block.
        np.testing.assert_allclose(by_ffmpeg[:-3000], by_libsndfile[:-3000], atol=1e-3)
        np.testing.assert_allclose(by_libsndfile, wav, atol=0.15)


@pytest.mark.parametrize(
    ("subtype", "error"),
    [("PCM_U8", 1e-2), ("PCM_16", 1e-4), ("PCM_24", 1e-6), ("PCM_32", 1e-6), ("DOUBLE", 1e-6)],
)
def test_ffmpeg_gives_samples_as_libsndfile_does(subtype, error):
    wav = sound_file(SPEECH, RATE, "WAV", subtype).getvalue()
    with quiet():
        # Without a size it is libsndfile's no more.
        place = wav.index(b"data") + 4
        unfinished = wav[:place] + bytes(4) + wav[place + 4 :]
        assert unfinished != wav
        waveform = load_audio(io.BytesIO(unfinished))
    np.testing.assert_allclose(waveform, load_audio(io.BytesIO(wav)), atol=1e-7)
    np.testing.assert_allclose(waveform, SPEECH, atol=error)


def test_without_av_plain_files_are_read_and_others_name_it(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for kind in ("wav", "aiff", "au", "W64", "OGG", "opus"):
        assert seconds(io.BytesIO(files[kind])) == pytest.approx(1, abs=0.01)
    for kind in ("m4a", "mp3", "flac"):
        with pytest.raises(ImportError, match=r"the sound file is not .*pip install av"):
            load_audio(io.BytesIO(files[kind]))


def test_what_ffmpeg_does_not_join_is_said():
    joined = sound_file(sine(RATE, RATE), RATE, "OGG", "VORBIS").getvalue()
    joined += sound_file(sine(44100, 44100), 44100, "OGG", "VORBIS").getvalue()
    with pytest.warns(IncompleteWarning, match=r"0\.98 s can be decoded, the rest cannot"):
        assert seconds(io.BytesIO(joined)) == pytest.approx(1, abs=0.05)


def test_rates_may_change_within_a_file(files):
    joined = encoded(sine(RATE, RATE), RATE, "mp3", "libmp3lame")
    joined += encoded(sine(44100, 44100), 44100, "mp3", "libmp3lame")
    with quiet():
        waveform = load_audio(io.BytesIO(joined))
    assert len(waveform) == pytest.approx(2 * RATE, abs=2000)
    for second in (waveform[2000:14000], waveform[18000:30000]):
        spectrum = np.abs(np.fft.rfft(second * np.hanning(len(second))))
        assert spectrum.argmax() * RATE / len(second) == pytest.approx(1000, abs=5)


# === Whole, or a word ===


@pytest.mark.parametrize("kind", ["mp3", "MP3 without Xing", "OGG", "opus", "flac", "aac", "mp2"])
def test_joined_files_are_heard_to_the_end(files, kind):
    with quiet():
        assert seconds(io.BytesIO(files[kind] * 3)) == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize("size", [b"\0\0\0\0", b"\xff\xff\xff\xff"])
def test_a_wav_whose_recorder_died_is_read_to_its_end(size):
    wav = sound_file(SPEECH, RATE).getvalue()
    with no_warnings():
        assert seconds(io.BytesIO(wav[:4] + size + wav[8:40] + size + wav[44:])) == 1


def test_a_flac_from_a_pipe(files):
    flac = bytearray(files["flac"])
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)  # of 36 bits, the samples that STREAMINFO promises
    with no_warnings():
        assert seconds(io.BytesIO(flac)) == 1


def test_mp3_after_zeros_and_tags(files):
    tag = b"ID3\x04\0\0" + bytes([0, 0, 8, 0]) + bytes(1024)
    with no_warnings():
        for start in (bytes(4096), tag, bytes(range(256)) * 20):
            assert seconds(io.BytesIO(start + files["mp3"])) == pytest.approx(1, abs=0.1)


def test_mp3_with_bad_bytes_in_the_middle(files):
    content = bytearray(encoded(speech_like(10 * RATE, RATE), RATE, "mp3", "libmp3lame"))
    content[len(content) // 3 : len(content) // 3 + 600] = b"\x55" * 600
    with quiet():
        assert seconds(io.BytesIO(content)) > 9.5


@pytest.mark.parametrize("kind", ["wav", "aiff", "au", "W64", "RF64", "CAF", "FLAC", "mp3", "mka"])
def test_a_cut_file_is_heard_up_to_the_cut_with_a_word(files, kind, tmp_path):
    path = tmp_path / "cut"
    path.write_bytes(files[kind][: len(files[kind]) * 6 // 10])
    with pytest.warns(IncompleteWarning) as said:
        duration = seconds(path)
    assert 0.3 < duration < 0.8
    assert len(said) == 1
    message = str(said[0].message)
    assert message.startswith(f"{path} is cut short or damaged: ")
    assert "\n" not in message


def test_a_cut_mp4_with_its_index_at_the_end_is_one_sentence(files):
    with pytest.raises(ValueError, match="start or end of it is missing"):
        load_audio(io.BytesIO(files["m4a"][:5000]))


# === What is no sound ===


def video():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
        output.mux([*stream.encode(frame), *stream.encode(None)])
    return file.getvalue()


def encrypted():
    key = {f"encryption_{name}": "01" * 16 for name in ("key", "kid")}
    return encoded(SPEECH, RATE, "mp4", "aac", encryption_scheme="cenc-aes-ctr", **key)


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU" + bytes(100)

NO_SOUND = {
    "video alone": (video, "holds no sound, video only."),
    "encrypted": (encrypted, "is encrypted; it cannot be decoded."),
    "playlist": (lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "is not sound that can be"),
    "png": (lambda: PNG, "is not sound that can be decoded"),
    "html": (lambda: b"<!DOCTYPE html><html></html>" * 20, "is not sound that can be decoded"),
    "zip": (lambda: b"PK\3\4" + bytes(500), "is not sound that can be decoded"),
    "headerless": (
        lambda: (SPEECH * 32767).astype("<i2").tobytes(),
        "is not sound that can be decoded",
    ),
    "wav without samples": (lambda: sound_file([], RATE).getvalue(), "holds no samples."),
}


@pytest.mark.parametrize("case", NO_SOUND)
def test_what_is_no_sound_is_one_sentence(case, tmp_path):
    make, message = NO_SOUND[case]
    path = tmp_path / "sound.raw"
    path.write_bytes(make())
    with pytest.raises(ValueError, match=message) as error:
        load_audio(path)
    assert str(error.value).startswith(f"{path} ")
    assert "\n" not in str(error.value)


# === What cannot be sought ===


def test_a_pipe_by_its_path_is_read_whole(files, tmp_path):
    for kind in ("wav", "m4a"):
        path = tmp_path / kind
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=[files[kind]])
        writer.start()
        waveform = load_audio(path)
        writer.join()
        np.testing.assert_array_equal(waveform, load_audio(io.BytesIO(files[kind])))


def test_file_objects_that_cannot_seek_or_have_odd_names(files):
    class Stream(io.RawIOBase):
        name = 3

        def __init__(self):
            self.file = io.BytesIO(files["m4a"])

        def readable(self):
            return True

        def readinto(self, buffer):
            return self.file.readinto(buffer)

    np.testing.assert_array_equal(load_audio(Stream()), load_audio(io.BytesIO(files["m4a"])))


def test_a_file_that_was_opened_as_text_is_said(tmp_path, files):
    (tmp_path / "x.wav").write_bytes(files["flac"])
    with (
        open(tmp_path / "x.wav", encoding="utf-8") as file,
        pytest.raises(ValueError, match=r"x.wav gives text; open it in binary mode, 'rb'\."),
    ):
        load_audio(file)


# === Channels and silence ===


def test_channels_that_cancel_give_the_loudest(tmp_path):
    path = tmp_path / "opposite.wav"
    sound = noise(25 * RATE, RATE, 0.1)
    soundfile.write(path, np.stack([-0.9 * sound, sound], 1), RATE, subtype="FLOAT")
    with pytest.warns(OppositeChannelsWarning) as said:
        waveform = load_audio(path)
    np.testing.assert_allclose(waveform, sound, atol=1e-6)
    assert len(said) == 1
    assert str(said[0].message).startswith(f"{path} has channels that cancel")


@pytest.mark.parametrize("channels", [2, 3, 6])
def test_channels_that_do_not_cancel_are_averaged(channels):
    rng = np.random.default_rng(0)
    unrelated = rng.uniform(-0.5, 0.5, (RATE, channels))
    one = unrelated * (np.arange(channels) == 1)
    with no_warnings():
        for sound in (unrelated, one):
            waveform = load_audio(sound_file(sound, RATE, subtype="FLOAT"))
            np.testing.assert_allclose(waveform, sound.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(RATE),
        np.zeros((25 * RATE, 2)),
        np.full(RATE, 0.25),
        np.random.default_rng(0).integers(-1, 2, 12 * RATE) / 32768,
        [0.5],
    ],
    ids=["zeros", "stereo", "offset", "last bit", "one sample"],
)
def test_silence_is_said_once_and_given_as_zeros(samples, tmp_path):
    path = tmp_path / "silent.wav"
    soundfile.write(path, samples, RATE)
    with pytest.warns(SilenceWarning) as said:
        assert not load_audio(path).any()
    assert len(said) == 1
    assert str(said[0].message).startswith(f"{path} is silent")


def test_a_quiet_sound_is_no_silence():
    quiet_noise = noise(11 * RATE, RATE, 1e-4)
    quiet_noise[-1] = 0.1  # alone in a block of its own, if blocks are counted
    with no_warnings():
        waveform = load_audio(sound_file(quiet_noise, RATE, subtype="FLOAT"))
    np.testing.assert_allclose(waveform, quiet_noise, atol=1e-7)


# === Cases that once went wrong ===

CASES = {
    "base_vbr_noxing.mp3": 7.7,
    "chained.ogg": 12.7,
    "concat.mp3": 12.7,
    "leading_zeros.mp3": 7.7,
    "base_pipe.flac": 7.7,
    "unfinalised_0.wav": 2.0,
    "a_wav_called.raw": 2.0,
    "base.m4a": 7.7,
    "base.webm": 7.7,
    "base.mp4": 7.7,
    "base.3gp": 7.7,
    "base.wma": 7.7,
    "base.spx": 7.7,
}


@pytest.mark.parametrize("case", CASES)
def test_shared_cases_are_heard_whole(shared_cases, case):
    with no_warnings():
        assert seconds(shared_cases / case) == pytest.approx(CASES[case], abs=0.15)


def test_the_shared_case_of_opposite_channels(shared_cases):
    with pytest.warns(OppositeChannelsWarning, match=r"outofphase\.wav"):
        waveform = load_audio(shared_cases / "outofphase.wav")
    assert len(waveform) == 2 * RATE
    assert waveform.std() > 0.01


def test_the_shared_case_without_a_header(shared_cases):
    with pytest.raises(ValueError, match=r"headerless\.raw is not sound"):
        load_audio(shared_cases / "headerless.raw")


# === What neither decoder reads ===


@pytest.mark.parametrize("kind", ["wav", "aiff", "RF64", "CAF", "m4a", "3gp", "wav of adpcm"])
def test_a_file_that_is_joined_on_is_said(files, kind):
    with pytest.warns(IncompleteWarning, match=r"is damaged: 1\.\d\d s .* the rest cannot"):
        assert seconds(io.BytesIO(files[kind] * 2)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("kind", ["au", "W64"])
def test_a_file_that_is_joined_on_is_said_where_its_header_is_heard_as_sound(files, kind):
    with pytest.warns(IncompleteWarning, match=r"is damaged: 2\.\d\d s .* the rest cannot"):
        assert seconds(io.BytesIO(files[kind] * 2)) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("kind", ["ac3", "mp2", "wav of mp3"])
def test_noise_in_a_stream_that_has_no_times_is_said_by_its_size(files, kind):
    noisy, start = bytearray(files[kind]), len(files[kind]) // 2
    noisy[start : start + start // 2] = np.random.default_rng(0).bytes(start // 2)
    with pytest.warns(IncompleteWarning, match=r"is damaged: .* 0\.[23]\d s cannot"):
        assert seconds(io.BytesIO(noisy)) == pytest.approx(0.7, abs=0.1)


def test_a_short_file_behind_a_long_one_is_said():
    long, short = (sound_file(sine(n * RATE, RATE), RATE).getvalue() for n in (60, 1))
    with pytest.warns(IncompleteWarning, match=r"60\.00 s can be decoded, the rest cannot"):
        seconds(io.BytesIO(long + short))


@pytest.mark.parametrize("fields", [(4, 40), (40,)])
def test_sound_that_a_size_leaves_out_is_said(fields):
    wav = bytearray(sound_file(SPEECH, RATE).getvalue())
    for field in fields:
        wav[field : field + 4] = (8000).to_bytes(4, "little")
    with pytest.warns(IncompleteWarning, match=r"0\.25 s can be decoded, the rest cannot"):
        seconds(io.BytesIO(wav))


@pytest.mark.parametrize("size", [0x7FFFF024, 0x80000024, 0xFFFFFFFF])
def test_a_wav_from_a_pipe(size):
    wav = bytearray(sound_file(SPEECH, RATE).getvalue())
    wav[4:8] = wav[40:44] = size.to_bytes(4, "little")
    with no_warnings():
        assert seconds(io.BytesIO(wav)) == 1


def test_chunks_behind_the_sound_are_no_sound(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    wav = sound_file(SPEECH, RATE).getvalue()
    chunk = b"iXML" + (5000).to_bytes(4, "little") + bytes(5000)
    with no_warnings():
        assert seconds(io.BytesIO(wav + chunk)) == 1
        assert seconds(io.BytesIO(wav + b"TAG" + bytes(125))) == 1


def test_a_cut_flac_with_a_cover(files):
    picture = b"\0\0\0\3\0\0\0\x09image/png" + bytes(20) + len(PNG).to_bytes(4, "big") + PNG
    block = b"\6" + len(picture).to_bytes(3, "big") + picture
    flac = files["FLAC"][:42] + block + files["FLAC"][42:]
    with no_warnings():
        assert seconds(io.BytesIO(flac)) == 1
    with pytest.warns(IncompleteWarning, match=r"of 1\.00 s that its header promises"):
        assert seconds(io.BytesIO(flac[: len(flac) * 7 // 10])) < 0.8


def test_a_sound_that_begins_late_is_whole(files):
    late = io.BytesIO()
    with av.open(io.BytesIO(files["mka"])) as source, av.open(late, "w", "matroska") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.size:
                packet.stream = stream
                packet.pts = packet.dts = packet.pts + round(5 / packet.time_base)
                target.mux(packet)
    with no_warnings():
        assert seconds(io.BytesIO(late.getvalue())) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("codec", ["OPUS", "VORBIS"])
def test_ogg_without_some_of_its_middle_or_its_end(codec):
    whole = sound_file(speech_like(480000, 48000), 48000, "OGG", codec).getvalue()
    for damaged in (whole[: len(whole) // 2] + whole[len(whole) * 2 // 3 :], whole[:-1000]):
        with pytest.warns(IncompleteWarning, match="is damaged"):
            assert seconds(io.BytesIO(damaged)) < 9.9


def test_text_is_no_sound(tmp_path):
    (tmp_path / "x").write_text("no bytes")
    with open(tmp_path / "x") as file, pytest.raises(ValueError, match=r"x gives text; open it in"):
        load_audio(file)


@pytest.mark.parametrize("rate", [1, 2_000_000])
def test_rates_that_nobody_hears(rate, tmp_path):
    path = tmp_path / "odd.wav"
    path.write_bytes(sound_file(SPEECH, rate).getvalue())
    with pytest.raises(ValueError, match=f"odd.wav says that it has {rate} samples a second"):
        load_audio(path)


# === Any damage ===


def mutated(content, other, rng):
    """The contents after one to three accidents."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        size = max(1, len(content))
        place = int(rng.integers(size))
        match rng.integers(5):
            case 0:
                del content[place:]
            case 1:
                length = int(rng.integers(1, 2 + size // 8))
                content[place : place + length] = rng.bytes(length)
            case 2:
                content += other[int(rng.integers(len(other))) * int(rng.integers(2)) :]
            case 3:  # a number in the header
                place = int(rng.integers(min(size, 200)))
                number = int(rng.choice([0, 1, 255, 2**16, 2**31 - 1, 2**32 - 1]))
                content[place : place + 4] = number.to_bytes(4, rng.choice(["little", "big"]))
            case _:
                del content[place : place + int(rng.integers(1, 2000))]
    return bytes(content)


def decodable_seconds(content):
    """What FFmpeg makes of it."""
    total = 0.0
    with (
        contextlib.suppress(av.FFmpegError, ValueError, IndexError),
        av.open(io.BytesIO(content), metadata_errors="ignore") as container,
    ):
        for packet in container.demux(container.streams.audio[0]):
            with contextlib.suppress(av.FFmpegError):
                for frame in packet.decode():
                    total += frame.samples / frame.sample_rate
    return total


@pytest.mark.parametrize("inputs", [2000, pytest.param(20_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_any_damage_gives_the_sound_or_a_word(files, kind, inputs):
    rng = np.random.default_rng([KINDS.index(kind), inputs])
    refused = 0
    for number in range(-(-inputs // len(KINDS))):  # of all kinds together
        content = mutated(files[kind], files[rng.choice([kind, str(rng.choice(KINDS))])], rng)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                # At their own rate: resampling a rate of 1 Hz, which is legal, would take long.
                with open_sound(io.BytesIO(content)) as (file, name):
                    heard = sum(len(block) / rate for rate, block in decode(file, name))
                sum(map(len, audio_blocks(io.BytesIO(content), 1000)))
            except ValueError as error:
                assert "\n" not in str(error)  # noqa: PT017
                refused += 1
                continue
        said = [each for each in said if each.category is IncompleteWarning]
        assert said or heard >= 0.95 * decodable_seconds(content), f"number {number}"
    assert refused < 0.9 * number
