"""Sound files and arrays to mono float32 waveforms."""

import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import cast

import numpy as np
import numpy.typing as npt
import soxr

from frontend.decode import decode, open_sound
from frontend.sound_warnings import OppositeChannelsWarning, SilenceWarning, SoundWarning
from frontend.types import Sound, SoundFile

LOUDEST = 10.0
"""Largest sample taken for float sound. Full scale is 1, decoders overshoot it by a few decibels,
and sound on an integer scale is far above: 10 (20 dB over full scale) tells them apart."""

# fmt: off
SUFFIXES = {
    ".3g2", ".3gp", ".3gpp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".asf",
    ".au", ".avi", ".caf", ".dts", ".eac3", ".flac", ".flv", ".m4a", ".m4b", ".m4v", ".mka",
    ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpc", ".mpeg", ".mpg", ".mts", ".oga", ".ogg",
    ".ogv", ".opus", ".snd", ".spx", ".tta", ".voc", ".w64", ".wav", ".weba", ".webm", ".wma",
    ".wmv", ".wv",
}
# fmt: on
"""What counts as a sound file in a directory; a file that is named is tried whatever its suffix."""

_HIGHEST_RATE = 1_000_000

_LOWEST_FILE_RATE = 100
"""A damaged header that says less would make hours of seconds."""

_LAST_BIT = 2 / 32768
"""From the lowest to the highest sample of a muted microphone: its converter's last bit of 16."""

_CANCELLED = 0.25
"""Energy of the mean, as a share of what unrelated channels leave, below which they cancel. A pair
has a correlation of -0.75 there, which no stereo recording has; it is near -1 where one channel has
the wrong polarity."""


def load_audio(path_or_file: SoundFile, sample_rate: float = 16000) -> npt.NDArray[np.float32]:
    """Reads a sound file whole, as a mono waveform.

    Channels are averaged; where they cancel each other, the loudest is taken. The rate is converted
    with soxr's high-quality resampler.

    Args:
        path_or_file: path, or binary file object, of a wav, aiff, flac, ogg, opus, mp3, m4a, 3gp,
            webm, wma, caf, the sound of a video or any other file that FFmpeg reads, at any sample
            rate, with any number of channels. What it is called does not matter. File objects are
            read from their beginning, pipes from where they stand.
        sample_rate: samples per second of the result, in Hz.

    Returns:
        float32 `[samples]`, full scale is -1..1.

    Raises:
        OSError: the file does not exist or cannot be opened.
        ValueError: the file is not sound that can be decoded, is encrypted, holds no samples, or
            holds samples that `check_waveform` refuses; or the sample rate is not one.
        ImportError: it is more than a plain wav, aiff, au, w64 or whole ogg, and `av` is not
            installed.

    Warns:
        IncompleteWarning: the file is cut short or damaged; what can be decoded is given.
        OppositeChannelsWarning: the channels cancel each other.
        SilenceWarning: nothing is to be heard.

    Example:

    >>> waveform = load_audio("examples/birdsong.ogg")
    >>> waveform.dtype, waveform.ndim
    (dtype('float32'), 1)
    """
    return np.concatenate(list(audio_blocks(path_or_file, sample_rate)))


def audio_blocks(
    path_or_file: SoundFile,
    sample_rate: float = 16000,
    *,
    warn: Callable[[SoundWarning], object] = warnings.warn,
) -> Iterator[npt.NDArray[np.float32]]:
    """Reads a sound file of any length in constant memory.

    Args and errors are those of `load_audio`, and so are warnings; all come as the blocks are read.

    Args:
        path_or_file: as for `load_audio`.
        sample_rate: as for `load_audio`.
        warn: is called with each `SoundWarning`. Threads share Python's own warnings; where several
            read files, each keeps its own by `warn=list.append`.

    Yields:
        float32 `[samples]`, about ten seconds each. Joined, they are what `load_audio` gives.
    """
    check_sample_rate(sample_rate)
    with open_sound(path_or_file) as (file, name):
        blocks = _mono(decode(file, name, warn), name, warn)
        # Joined streams may differ in their rate.
        for rate, stretch in itertools.groupby(blocks, key=lambda block: block[0]):
            yield from resampled_blocks((block for _, block in stretch), rate, sample_rate, name)


def sound_blocks(
    audio: Sound,
    sample_rate: float = 16000,
    *,
    waveform_rate: float | None = None,
    name: str = "waveform",
    warn: Callable[[SoundWarning], object] = warnings.warn,
) -> Iterable[npt.NDArray[np.float32]]:
    """Reads a sound file or takes a waveform, whichever `audio` is.

    Args:
        audio: path or binary file object of a sound file, or a mono waveform, floating point
            `[samples]` or `[samples, 1]` in -1..1.
        sample_rate: samples per second of what is yielded, in Hz.
        waveform_rate: of a waveform, in Hz; by default `sample_rate`. Files know theirs.
        name: what to call a waveform in an error.
        warn: as for `audio_blocks`.

    Returns:
        Iterable of float32 `[samples]`, the sound in order.

    Raises:
        OSError, ValueError: as `load_audio` and `check_waveform`; of a file as it is read.
    """
    if is_sound_file(audio):
        if waveform_rate is not None:
            raise ValueError("sample_rate is for waveforms; a sound file knows its own.")
        return audio_blocks(cast("SoundFile", audio), sample_rate, warn=warn)
    waveform = check_waveform(cast("npt.ArrayLike", audio), name)
    if waveform_rate is not None:
        check_sample_rate(waveform_rate)
        waveform = soxr.resample(waveform, waveform_rate, sample_rate)
        check_waveform(waveform, f"{name} at {sample_rate} Hz")
    return [waveform]


def is_sound_file(audio: object) -> bool:
    """Whether this is the path or the file object of a sound file, and not a waveform."""
    return isinstance(audio, (str, os.PathLike)) or hasattr(audio, "read")


def resampled_blocks(
    blocks: Iterable[npt.ArrayLike], from_rate: float, to_rate: float, name: str = "the stream"
) -> Iterator[npt.NDArray[np.float32]]:
    """Checks blocks of one sound as they come, and resamples them.

    Args:
        blocks: iterable of floating point `[samples]` or `[samples, 1]`, mono, of any sizes, the
            sound in order.
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
        waveform: anything that becomes a NumPy array, `[samples]` or, as microphones give one
            channel, `[samples, 1]`.
        name: what to call it in the error.
        start: index of its first sample, where it is a block of a longer one.

    Returns:
        float32 `[samples]`.

    Raises:
        ValueError: not mono, not floating point, empty, not finite, or with samples
            so large that they are on an integer's scale.

    Example:

    >>> check_waveform([0.0, float("nan")])
    Traceback (most recent call last):
        ...
    ValueError: waveform holds NaN or infinity, first at sample 1.
    """
    if isinstance(waveform, (bytes, bytearray, memoryview)):
        raise ValueError(
            f"{name} must be an array. Received {len(waveform)} bytes; give the contents of a "
            "sound file as io.BytesIO(contents), and samples by numpy.frombuffer."
        )
    try:
        waveform = np.asarray(waveform)
    except ValueError:  # of lists in a list that are of several lengths
        waveform = np.empty(0, object)
    check_floating(waveform.dtype, name)
    if waveform.ndim == 2 and waveform.shape[1] == 1:
        waveform = waveform[:, 0]
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


def check_floating(dtype: npt.DTypeLike, name: str = "waveform") -> None:
    """Raises ValueError, which says what to do, unless samples of this dtype are floating point."""
    dtype = np.dtype(dtype)
    if not np.issubdtype(dtype, np.floating):
        advice = "; divide 16-bit samples by 32768." if dtype.kind in "iu" else "."
        if dtype.kind in "OUS":  # names of files, or lists of several lengths
            advice = "; give one sound, its samples or its file, at a time."
        raise ValueError(f"{name} must be floating point in -1..1. Received dtype {dtype}{advice}")


def _mono(blocks, name, warn):
    """Rates and mono blocks of the blocks of channels; says what was made of them."""
    lowest, highest, silent, cancel = np.inf, -np.inf, True, False
    for rate, channels in blocks:
        if not _LOWEST_FILE_RATE <= rate <= _HIGHEST_RATE:
            raise ValueError(
                f"{name} says that it has {rate} samples a second; from {_LOWEST_FILE_RATE} to "
                f"{_HIGHEST_RATE} can be heard."
            )
        with np.errstate(all="ignore"):  # what is not finite, `resampled_blocks` refuses
            block = channels.mean(axis=1)
            if channels.shape[1] > 1 and _cancel(channels, block):
                cancel = True
                block = channels[:, np.square(channels).sum(axis=0).argmax()]
            if silent:
                lowest = np.minimum(lowest, block.min())
                highest = np.maximum(highest, block.max())
                silent = bool(highest - lowest <= _LAST_BIT)
        if silent:  # a constant offset is nothing that a network must hear
            block = np.zeros_like(block)
        yield rate, block
    if cancel:
        warn(
            OppositeChannelsWarning(
                f"{name} has channels that cancel each other; where they do, the loudest is heard."
            )
        )
    if silent:
        warn(
            SilenceWarning(
                f"{name} is silent: its samples differ by no more than the last of 16 bits."
            )
        )


def _cancel(channels, mean):
    """Whether far less is left in the mean than of channels that have nothing in common."""
    unrelated = np.vdot(channels, channels) / channels.shape[1] ** 2
    return np.vdot(mean, mean) < _CANCELLED * unrelated


def _resampler(from_rate, to_rate):
    """A function of (block, last) that resamples a stream block by block."""
    check_sample_rate(from_rate)
    if from_rate == to_rate:
        return lambda block, last: block
    return soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32").resample_chunk
