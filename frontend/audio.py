"""Sound files and arrays to mono float32 waveforms."""

import os
from collections.abc import Iterable, Iterator
from typing import cast

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from frontend.types import Sound, SoundFile

LOUDEST = 10.0
"""Largest sample taken for float sound. Full scale is 1, decoders overshoot it by a few decibels,
and sound on an integer scale is far above: 10 (20 dB over full scale) tells them apart."""

SUFFIXES = {".aif", ".aiff", ".au", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".w64", ".wav"}
"""What counts as a sound file in a directory; a file that is named is tried whatever its suffix."""

_BLOCK_SECONDS = 10
_HIGHEST_RATE = 1_000_000


def load_audio(path_or_file: SoundFile, sample_rate: float = 16000) -> npt.NDArray[np.float32]:
    """Reads a sound file whole, as a mono waveform.

    Channels are averaged, and the rate is converted with soxr's high-quality resampler.

    Args:
        path_or_file: path, or seekable binary file object, of a wav (8 to 32 bits, float), flac,
            ogg vorbis, opus, mp3 or any other file that libsndfile reads, at any sample rate, with
            any number of channels. File objects are read from their beginning.
        sample_rate: samples per second of the result, in Hz.

    Returns:
        float32 `[samples]`, full scale is -1..1.

    Raises:
        OSError: the file does not exist or cannot be opened.
        ValueError: the file is not sound that can be decoded, is damaged, holds no samples, or
            holds samples that `check_waveform` refuses; or the sample rate is not one. A flac
            that is cut short counts as damaged; other formats are read up to the cut.

    Example:

    >>> waveform = load_audio("examples/birdsong.ogg")
    >>> waveform.dtype, waveform.ndim
    (dtype('float32'), 1)
    """
    return np.concatenate(list(audio_blocks(path_or_file, sample_rate)))


def audio_blocks(
    path_or_file: SoundFile, sample_rate: float = 16000
) -> Iterator[npt.NDArray[np.float32]]:
    """Reads a sound file of any length in constant memory.

    Args and errors are those of `load_audio`; errors come as the blocks are read.

    Yields:
        float32 `[samples]`, about ten seconds each. Joined, they are what `load_audio` gives.
    """
    check_sample_rate(sample_rate)
    if hasattr(path_or_file, "read"):
        name = getattr(path_or_file, "name", "the sound file")
        yield from _decode(path_or_file, name, sample_rate)
    else:
        name = os.fsdecode(path_or_file)
        with open(name, "rb") as file:  # says plainly what is missing or a directory
            yield from _decode(file, name, sample_rate)


def sound_blocks(
    audio: Sound,
    sample_rate: float = 16000,
    *,
    waveform_rate: float | None = None,
    name: str = "waveform",
) -> Iterable[npt.NDArray[np.float32]]:
    """Reads a sound file or takes a waveform, whichever `audio` is.

    Args:
        audio: path or binary file object of a sound file, or a mono waveform, floating point
            `[samples]` in -1..1.
        sample_rate: samples per second of what is yielded, in Hz.
        waveform_rate: of a waveform, in Hz; by default `sample_rate`. Files know theirs.
        name: what to call a waveform in an error.

    Returns:
        Iterable of float32 `[samples]`, the sound in order.

    Raises:
        OSError, ValueError: as `load_audio` and `check_waveform`; of a file as it is read.
    """
    if isinstance(audio, (str, os.PathLike)) or hasattr(audio, "read"):
        if waveform_rate is not None:
            raise ValueError("sample_rate is for waveforms; a sound file knows its own.")
        return audio_blocks(cast("SoundFile", audio), sample_rate)
    waveform = check_waveform(audio, name)
    if waveform_rate is not None:
        check_sample_rate(waveform_rate)
        waveform = soxr.resample(waveform, waveform_rate, sample_rate)
        check_waveform(waveform, f"{name} at {sample_rate} Hz")
    return [waveform]


def resampled_blocks(
    blocks: Iterable[npt.ArrayLike], from_rate: float, to_rate: float, name: str = "the stream"
) -> Iterator[npt.NDArray[np.float32]]:
    """Checks blocks of one sound as they come, and resamples them.

    Args:
        blocks: iterable of floating point `[samples]`, mono, of any sizes, the sound in order.
        from_rate: their samples per second, in Hz.
        to_rate: samples per second of what is yielded, in Hz.
        name: what to call the sound in an error.

    Yields:
        float32 `[samples]`. Joined, they do not depend on how the sound was cut into blocks.

    Raises:
        ValueError: a block that `check_waveform` refuses, no samples at all, or a sample rate that
            is not one.
    """
    check_sample_rate(to_rate)
    resample = _resampler(from_rate, to_rate)
    samples_in = samples_out = 0
    for block in blocks:
        if not np.size(block):
            continue
        waveform = check_waveform(block, name, start=samples_in)
        resampled = resample(waveform, last=False)
        samples_in += len(waveform)
        samples_out += len(resampled)
        yield resampled
    rest = resample(np.zeros(0, np.float32), last=True)
    if not samples_out + len(rest):
        raise ValueError(f"{name} holds no samples at {to_rate} Hz.")
    yield rest


def check_sample_rate(sample_rate: float) -> None:
    """Raises ValueError unless `sample_rate` is a number of Hz, from 1 to a million."""
    valid = isinstance(sample_rate, (int, float, np.integer, np.floating))
    if isinstance(sample_rate, bool) or not valid or not 1 <= sample_rate <= _HIGHEST_RATE:
        raise ValueError(
            f"The sample rate must be a number from 1 to {_HIGHEST_RATE} Hz. "
            f"Received: {sample_rate!r}"
        )


def check_waveform(
    waveform: npt.ArrayLike, name: str = "waveform", start: int = 0
) -> npt.NDArray[np.float32]:
    """Refuses what the networks would turn into plausible but meaningless scores.

    Args:
        waveform: anything that becomes a NumPy array.
        name: what to call it in the error.
        start: index of its first sample, where it is a block of a longer one.

    Returns:
        float32 `[samples]`.

    Raises:
        ValueError: not one-dimensional, not floating point, empty, not finite, or with samples
            so large that they are on an integer's scale.

    Example:

    >>> check_waveform([0.0, float("nan")])
    Traceback (most recent call last):
        ...
    ValueError: waveform holds NaN or infinity, first at sample 1.
    """
    waveform = np.asarray(waveform)
    if not np.issubdtype(waveform.dtype, np.floating):
        raise ValueError(
            f"{name} must be floating point in -1..1. Received dtype {waveform.dtype}"
            + ("; divide 16-bit samples by 32768." if waveform.dtype.kind in "iu" else ".")
        )
    if waveform.ndim != 1:
        raise ValueError(
            f"{name} must be mono, of shape [samples]. Received shape {waveform.shape}; "
            "average the channels first."
        )
    if not waveform.size:
        raise ValueError(f"{name} holds no samples.")
    if not np.isfinite(waveform).all():
        first = start + int(np.argmin(np.isfinite(waveform)))
        raise ValueError(f"{name} holds NaN or infinity, first at sample {first}.")
    peak = float(np.abs(waveform).max())
    if peak > LOUDEST:
        raise ValueError(
            f"{name} must be in -1..1. Received a peak of {peak:g}, as of integer samples; "
            "divide 16-bit samples by 32768."
        )
    return waveform.astype(np.float32, copy=False)


def _decode(file, name, sample_rate):
    file.seek(0)
    try:
        sound = soundfile.SoundFile(file)
    except soundfile.LibsndfileError as error:
        raise ValueError(_undecodable(file, name, error)) from None
    with sound:
        try:
            yield from resampled_blocks(_read(sound), sound.samplerate, sample_rate, name)
        except soundfile.LibsndfileError as error:
            raise ValueError(f"{name} is damaged or cut short: {error.error_string}") from None


def _read(sound):
    samples = _BLOCK_SECONDS * sound.samplerate
    while len(block := sound.read(samples, dtype="float32", always_2d=True)):
        yield block.mean(axis=1)


def _resampler(from_rate, to_rate):
    """A function of (block, last) that resamples a stream block by block."""
    check_sample_rate(from_rate)
    if from_rate == to_rate:
        return lambda block, last: block
    return soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32").resample_chunk


def _undecodable(file, name, error):
    file.seek(0, os.SEEK_END)
    if file.tell() == 0:
        return f"{name} is empty (0 bytes)."
    return (
        f"{name} is not sound that can be decoded (wav, flac, ogg, opus and mp3 can): "
        f"{error.error_string}"
    )
