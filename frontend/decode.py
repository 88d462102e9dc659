"""Sound files of any kind to blocks of channels, at the rate they were recorded at."""

import contextlib
import dataclasses
import os
import shutil
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal, cast

import numpy as np
import numpy.typing as npt
import soundfile

from frontend.sound_warnings import IncompleteWarning, SoundWarning
from frontend.types import SoundFile

BLOCK_SECONDS = 10

_LARGEST_BLOCK = 1 << 24
"""Samples of all channels: what a header says of rate and channels must not decide on memory."""

_SPOOL = 1 << 24
"""Bytes of a pipe that are kept in memory; more go to a temporary file."""

_STREAMED = 1 << 12
"""Sizes this near to 2 GiB or 4 GiB are none: programs that write to a pipe put them."""

_SAMPLE_BYTES = {
    "PCM_S8": 1,
    "PCM_U8": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
    "ULAW": 1,
    "ALAW": 1,
}

# Sound and video alone: FFmpeg also reads playlists, which name other files and addresses, and
# makes pictures of text. Those that guess from few bytes are left out, too.
_FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,dtshd,eac3,flac,flv,gsm,iff,ircam,matroska,"
    "mov,mp3,mpc,mpc8,mpegts,mpeg,mxf,nistsphere,nut,ogg,pvf,qcp,rm,tta,voc,w64,wav,wv,xwma"
)

_HEAD = 36
"""Bytes that tell plain files, and how long they should be."""

_SIZES: dict[bytes, tuple[Literal["little", "big"], int, int, int]] = {
    b"RIFF": ("little", 4, 8, 8),
    b"RIFX": ("big", 4, 8, 8),
    b"FORM": ("big", 4, 8, 8),
    b"RF64": ("little", 20, 28, 8),
    b"riff": ("little", 16, 24, 0),
    b".snd": ("big", 8, 12, 24),
}
"""Where a header has its size field: byte order, start, end, and bytes that it leaves out."""

_CHUNKED = {
    (b"RIFF", b"WAVE"),
    (b"RIFX", b"WAVE"),
    (b"RF64", b"WAVE"),
    (b"FORM", b"AIFF"),
    (b"FORM", b"AIFC"),
}

_BEGINNINGS = {b"RIFF", b"RIFX", b"RF64", b"FORM", b"caff", b"ftyp"}
"""Names of what only the first chunk of a file may be."""

_LOOSE = 0.01
"""Share of a file that may follow the last chunk: padding, and tags by who knows no chunks."""

# RFC 3533: bytes of a page's header up to its segment table, and two of its flags.
_OGG_HEADER = 27
_OGG_FIRST = 2
_OGG_LAST = 4

_DTYPES = {
    "u8": np.dtype("u1"),
    "s16": np.dtype("i2"),
    "s32": np.dtype("i4"),
    "s64": np.dtype("i8"),
    "flt": np.dtype("f4"),
    "dbl": np.dtype("f8"),
}
"""FFmpeg's names of sample formats, in this machine's byte order."""

_LONGEST_MP3_FRAME = 2881

_AV_TIME_BASE = 1_000_000

_SOUND_TELLS = {"ape", "flac", "tta", "wv"}
_HEADER_TELLS = {"asf", "caf", "matroska,webm"}
"""Formats whose header holds the length, of the sound or of the longest stream. Of others FFmpeg
estimates it, or finds it at the end."""


@contextlib.contextmanager
def open_sound(path_or_file: SoundFile) -> Iterator[tuple[BinaryIO, str]]:
    """Opens a sound file so that it can be read at any place, and more than once.

    Args:
        path_or_file: path or binary file object. Pipes and what else cannot be sought are copied
            to memory, or to a temporary file where they are long.

    Yields:
        The binary file, and what to call it in a message. A file object that was given stays open.

    Raises:
        OSError: the file does not exist or cannot be opened.
        ValueError: these are the contents of a file and not its path.
    """
    with contextlib.ExitStack() as stack:
        if hasattr(path_or_file, "read"):
            file: Any = path_or_file
            name = getattr(file, "name", None)
            name = name if isinstance(name, str) else "the sound file"
            if isinstance(file.read(0), str):
                raise ValueError(f"{name} gives text; open it in binary mode, 'rb'.")
        else:
            path = os.fspath(path_or_file)
            if isinstance(path, bytes) and b"\0" in path:
                raise ValueError(
                    f"A path is wanted. Received {len(path)} bytes, as of a file's contents; "
                    "give those as io.BytesIO(contents)."
                )
            name = os.fsdecode(path)
            # Says plainly what is missing or a directory.
            file = stack.enter_context(open(name, "rb"))
        yield (file if _can_seek(file) else stack.enter_context(spooled(file))), name


def spooled(file: BinaryIO) -> BinaryIO:
    """A copy of what is left to read of a file that cannot be sought, as of a pipe."""
    copy = tempfile.SpooledTemporaryFile(max_size=_SPOOL)  # noqa: SIM115, the caller closes it
    shutil.copyfileobj(file, copy)
    copy.seek(0)
    return cast("BinaryIO", copy)


def decode(
    file: BinaryIO, name: str, warn: Callable[[SoundWarning], object] = warnings.warn
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Decodes a sound file of any format in constant memory.

    The contents say what it is, never the name. libsndfile, which is fast and gives samples bit for
    bit, reads plain PCM and single Ogg streams that are whole. All else is FFmpeg's, flac and mp3
    included: libsndfile ends at a bad byte, at the first of several joined streams and where a
    header is silent on the length, and flac takes FFmpeg no longer.

    Args:
        file: binary file that can be sought; read from its beginning.
        name: what to call it in messages.
        warn: is called with each warning.

    Yields:
        Sample rate in Hz, and float32 `[samples, channels]`, full scale -1..1, of ten seconds at
        most. Both may change within a file, as where streams are joined.

    Raises:
        ValueError: nothing in it is sound that can be decoded.
        ImportError: it takes FFmpeg, and `av` is not installed.

    Warns:
        IncompleteWarning: the file is cut short, or some of it cannot be decoded.
    """
    file.seek(0)
    head = file.read(_HEAD)
    size = file.seek(0, os.SEEK_END)
    if not size:
        raise ValueError(f"{name} is empty (0 bytes).")
    end, is_followed = _survey(file, head, size)
    tally = _Tally(broken=is_followed)
    sound = _plain_sound(file, end) if end else None
    if sound is None:
        yield from _ffmpeg_blocks(file, name, tally)
    else:
        yield from _libsndfile_blocks(sound, tally)
    if not tally.decoded:
        raise ValueError(f"{name} holds no samples{' that can be decoded' * tally.is_damaged}.")
    tally.promised = max(tally.promised, tally.decoded * _announced_size(head) / size)
    if tally.is_damaged or tally.promised - tally.decoded > _slack(tally.promised):
        warn(IncompleteWarning(f"{name} {tally}"))


@dataclasses.dataclass
class _Tally:
    """How much of a file was decoded, in s."""

    decoded: float = 0.0
    promised: float = 0.0
    lost: float = 0.0
    broken: bool = False

    @property
    def is_damaged(self):
        return self.broken or self.lost > _slack(0)

    def __str__(self):
        if self.promised > self.decoded:
            return (
                f"is cut short or damaged: {self.decoded:.2f} s can be decoded of "
                f"{self.promised:.2f} s that its header promises."
            )
        lost = f"{self.lost:.2f} s" if self.lost > _slack(0) else "the rest"
        return f"is damaged: {self.decoded:.2f} s can be decoded, {lost} cannot."


def _can_seek(file):
    return file.seekable() if hasattr(file, "seekable") else hasattr(file, "seek")


def _slack(promised):
    """Seconds that may be missing without a word: coders pad, and headers round."""
    return 0.1 + 0.01 * promised


def _announced_size(head):
    """Bytes of the whole file as the header of a wav, aiff, au or w64 has it, or 0."""
    order, first, last, around = _SIZES.get(head[:4], ("little", 0, 0, 0))
    size = int.from_bytes(head[first:last], order)
    return 0 if _is_no_size(size) else size + around


def _is_no_size(size):
    """Whether the writer of a size field could not go back to it, or died before it did."""
    return not size or any(abs(size - limit) <= _STREAMED for limit in (1 << 31, 1 << 32))


def _anonymous(file):
    """The file without its name: both libraries would go by it."""
    methods = ("read", "readinto", "seek", "tell")
    return types.SimpleNamespace(
        **{name: getattr(file, name) for name in methods if hasattr(file, name)}
    )


# === Containers ===


def _survey(file, head, size):
    """Walks through the parts of a file, without decoding any.

    Returns:
        Up to which byte libsndfile may find sound, 0 where the file is FFmpeg's; and whether there
        is what neither will read: a file joined on, or sound that a wrong size leaves out.
    """
    if head[:4] == b"OggS":
        return _survey_pages(file, size)
    if head[:4] in (b".snd", b"riff"):
        announced = _announced_size(head)
        return size, 0 < announced < (1 - _LOOSE) * size
    end_of_sound = size if (head[:4], head[8:12]) in _CHUNKED else 0
    for name, start, end in _chunks(file, head, size):
        if start and name in _BEGINNINGS:
            return 0, True
        if not (name.isascii() and name.decode().isprintable()):
            is_followed = size - start > _LOOSE * size
            return 0 if is_followed else end_of_sound, is_followed
        if name in (b"data", b"SSND") and end_of_sound:
            end_of_sound = min(end, size)
    return end_of_sound, False


def _chunks(file, head, size):
    """Name, start and end of each chunk of a wav, aiff or caf, or of each atom of an mp4."""
    order, start, around = "big", 0, 0
    name, length = slice(4, 8), slice(4)
    if (head[:4], head[8:12]) in _CHUNKED:
        order, start, around = _SIZES[head[:4]][0], 12, 8
        name, length = slice(4), slice(4, 8)
    elif head[:4] == b"caff":
        start, around = 8, 12
        name, length = slice(4), slice(4, 12)
    elif head[4:8] != b"ftyp":
        return
    while start + around < size:
        file.seek(start)
        header = file.read(16)
        wide = int.from_bytes(header[length], order)
        if head[:4] == b"RF64" and wide == 0xFFFFFFFF:
            wide = int.from_bytes(head[28:36], "little")
        elif not around and wide == 1:
            wide = int.from_bytes(header[8:16], order)
        is_open = _is_no_size(wide) and header[name] in (b"data", b"SSND", b"mdat")
        end = size if is_open else start + around + wide + (wide % 2 if around == 8 else 0)
        yield header[name], start, end
        if end <= start:
            return
        start = end


def _survey_pages(file, size):
    """As `_survey`, of an Ogg file: plain are all pages of a single Vorbis or Opus stream."""
    file.seek(28)
    is_single = file.read(8).startswith((b"\x01vorbis", b"OpusHead"))
    start = flags = 0
    while start < size:
        file.seek(start)
        header = file.read(_OGG_HEADER)
        if len(header) < _OGG_HEADER or not header.startswith(b"OggS"):
            break
        flags = header[5]
        is_single = is_single and bool(flags & _OGG_FIRST) == (start == 0)
        start += _OGG_HEADER + header[-1] + sum(file.read(header[-1]))
    is_plain = is_single and start == size and flags & _OGG_LAST
    return size if is_plain else 0, start != size


# === libsndfile ===


def _plain_sound(file, end):
    """The file, opened by libsndfile, where that reads all there is up to `end`; else None."""
    file.seek(0)
    try:
        sound = soundfile.SoundFile(_anonymous(file))
    except soundfile.LibsndfileError:
        return None
    if sound.format == "OGG":
        return sound
    frame = _SAMPLE_BYTES.get(sound.subtype, 0) * sound.channels
    # What libsndfile leaves may be tags, or sound that a wrong size hides.
    rest = end - file.tell() - sound.frames * frame
    if sound.frames and rest <= 0.05 * sound.frames * frame:
        return sound
    sound.close()
    return None


def _libsndfile_blocks(sound, tally):
    with sound:
        rate = sound.samplerate
        samples = _block_samples(rate, sound.channels)
        tally.promised = sound.frames / rate
        try:
            while len(block := sound.read(samples, dtype="float32", always_2d=True)):
                tally.decoded += len(block) / rate
                yield rate, block
        except soundfile.LibsndfileError:
            tally.broken = True


def _block_samples(rate, channels):
    return max(1, min(BLOCK_SECONDS * rate, _LARGEST_BLOCK // channels))


# === FFmpeg ===


def _ffmpeg_blocks(file, name, tally):
    av = _import_av(name)
    file.seek(0)
    try:
        container = av.open(
            _anonymous(file), options={"format_whitelist": _FORMATS}, metadata_errors="ignore"
        )
    except av.FFmpegError:
        raise ValueError(
            f"{name} is not sound that can be decoded (wav, flac, ogg, opus, mp3, m4a, the sound "
            "of videos and most others can), or the start or end of it is missing."
        ) from None
    with container:
        stream = _sound_stream(container, name)
        tally.promised = _promised_seconds(container, stream, file)
        frames, samples = [], 0
        for frame in _frames(av, container, stream, name, tally):
            form = frame.sample_rate, frame.layout.nb_channels
            if frames and (form != frames[0][0] or samples + frame.samples > _block_samples(*form)):
                yield _join(frames)
                frames, samples = [], 0
            frames.append((form, _as_float(frame)))
            samples += frame.samples
            tally.decoded += frame.samples / frame.sample_rate
        if frames:
            yield _join(frames)


def _import_av(name):
    try:
        import av  # here, because plain wav does without it
    except ImportError:
        raise ImportError(
            f"{name} is not a plain wav, aiff, au or w64, nor a whole ogg; to decode it, "
            "pip install av."
        ) from None
    return av


def _sound_stream(container, name):
    stream = container.streams.best("audio")
    if stream is None:
        kinds = " and ".join(sorted({stream.type for stream in container.streams}))
        raise ValueError(f"{name} holds no sound{f', {kinds} only' if kinds else ''}.")
    if stream.codec_context is None:
        raise ValueError(f"{name} holds sound of a codec that FFmpeg does not decode.")
    return stream


def _promised_seconds(container, stream, file):
    """What the header says of the sound's length, or 0 where it says nothing."""
    form = container.format.name
    if form.startswith("mov") or form in _SOUND_TELLS or (form == "mp3" and _mp3_tells(file)):
        return float((stream.duration or 0) * stream.time_base)
    if form == "caf" and stream.codec_context.name.startswith("pcm"):
        return stream.frames / stream.rate  # its duration is that of the bytes that are there
    # This is the length of the longest stream, which the sound of a video need not be.
    if form not in _HEADER_TELLS or container.streams.video:
        return 0.0
    return ((container.duration or 0) - max(0, container.start_time or 0)) / _AV_TIME_BASE


def _mp3_tells(file):
    """Whether the first frame of an mp3, which may follow tags, counts the frames."""
    here = file.tell()
    file.seek(0)
    tag = file.read(10)
    if tag.startswith(b"ID3"):
        length = sum(byte << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
        file.seek(10 + length)
    frame = file.read(_LONGEST_MP3_FRAME)
    file.seek(here)  # FFmpeg is reading it
    return any(mark in frame for mark in (b"Xing", b"Info", b"VBRI"))


def _frames(av, container, stream, name, tally):
    """All frames that can be decoded; counts what cannot."""
    ended, decoded_bytes = None, 0
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    # In Ogg alone a gap in the times is a loss; elsewhere it may be a pause.
                    if container.format.name == "ogg" and frame.time is not None:
                        gap = 0 if ended is None else frame.time - ended
                        tally.lost += gap if gap > _slack(0) else 0
                        ended = frame.time + frame.samples / frame.sample_rate
                    yield frame
                decoded_bytes += packet.size
            except av.FFmpegError:
                if packet.has_sidedata("encryption_info"):
                    raise ValueError(f"{name} is encrypted; it cannot be decoded.") from None
                # A packet of a raw stream runs on to where the next is found.
                by_size = packet.size * tally.decoded / max(decoded_bytes, 1)
                tally.lost += max(by_size, float((packet.duration or 0) * packet.time_base))
    except av.FFmpegError:
        tally.broken = True


def _as_float(frame):
    """float32 `[samples, channels]` of an `av.AudioFrame`."""
    # Not `to_ndarray`: from 8 channels on, PyAV 18 reads more planes than there are.
    channels = frame.layout.nb_channels
    planes, count = (channels, 1) if frame.format.is_planar else (1, channels)
    dtype = _DTYPES[frame.format.name.removesuffix("p")]
    values = np.stack(
        [np.frombuffer(plane, dtype, frame.samples * count) for plane in frame.planes[:planes]]
    )
    values = values.T if frame.format.is_planar else values.reshape(-1, channels)
    if dtype.kind == "f":
        return values.astype(np.float32)
    scale = np.float32(1 << (8 * dtype.itemsize - 1))
    return values.astype(np.float32) / scale - np.float32(dtype.kind == "u")


def _join(frames):
    (rate, _), _ = frames[0]
    return rate, np.concatenate([samples for _, samples in frames])
