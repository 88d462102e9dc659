"""Sound files to mono float32 waveforms inside `tf.data`, without Python."""

import functools
import math

import tensorflow as tf

from frontend.audio import LOUDEST, check_sample_rate

# Of the encodings in a wav file's header.
_WAV_INTEGER = 1
_WAV_EXTENSIBLE = 0xFFFE

# Where soxr begins and ends to fade out, as parts of the lower of the two Nyquist frequencies.
_PASSBAND = 0.932
_STOPBAND = 0.982


def decode_audio(contents: tf.Tensor, sample_rate: int = 16000) -> tf.Tensor:
    """Decodes a sound file as `load_audio` does, in the TensorFlow graph.

    Decoding is tensorflow-io's, so it needs the `legacy` set of dependencies. Channels are
    averaged, and the rate is converted in the frequency domain, with the passband of soxr. The
    files should be sound: a damaged wav or flac can make tensorflow-io crash the process.

    Args:
        contents: string `[]`, the bytes of a wav (8 to 32 bits, float), flac, ogg vorbis or mp3
            file, at any sample rate, with any number of channels.
        sample_rate: samples per second of the result, a whole number of Hz.

    Returns:
        float32 `[samples]`, full scale is -1..1.

    Raises:
        RuntimeError: tensorflow-io is missing, or does not run with this TensorFlow.
        ValueError: the sample rate is not one.
        tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError: when it runs, on bytes that
            `load_audio` would refuse, or that tensorflow-io does not decode (opus, 64-bit float).

    Example:

    >>> files = tf.data.Dataset.list_files("examples/*.ogg")
    >>> waveforms = files.map(lambda file: decode_audio(tf.io.read_file(file)))
    """
    check_sample_rate(sample_rate)
    if sample_rate != int(sample_rate):
        raise ValueError(f"The sample rate must be a whole number. Received: {sample_rate!r}")
    _tensorflow_io()
    return _decode(tf.convert_to_tensor(contents, tf.string), int(sample_rate))


@functools.cache
def _tensorflow_io():
    """tensorflow-io's audio ops, once one of them has run."""
    try:
        from tensorflow_io import audio

        # Beside a TensorFlow that it was not built for, the import succeeds and the ops fail.
        with tf.init_scope():
            audio.encode_wav(tf.zeros([1, 1], tf.int16), 16000)
    except (ImportError, NotImplementedError) as error:
        # Autograph, as in `Dataset.map`, would hide the type of an ImportError.
        raise RuntimeError(
            "decode_audio needs tensorflow-io and the TensorFlow that it was built for: "
            "pip install 'soundzoo[legacy]'. load_audio needs neither. "
            f"Received TensorFlow {tf.__version__} and: {error}"
        ) from error
    return audio


@tf.function
def _decode(contents, sample_rate):
    # The decoders take the file's bytes and not its name: the ops that open a named file share
    # one resource, and mix files up when `map` runs them in parallel. But the decoders keep the
    # file's rate and sample type to themselves, and so these are read from the headers here.
    audio = _tensorflow_io()
    magic = tf.strings.substr(contents, 0, 4)
    if magic == b"RIFF":
        samples, rate = _decode_wav(audio, contents)
    elif magic == b"fLaC":
        rate_and_bits = _number(contents, 18, 4, big_endian=True)
        rate = rate_and_bits // 4096
        samples = _decode_pcm(audio.decode_flac, contents, rate_and_bits // 16 % 32 + 1)
    elif magic == b"OggS":
        rate = _vorbis_rate(contents)
        samples = audio.decode_vorbis(contents)
    else:
        rate = _mp3_rate(contents)
        with tf.control_dependencies([rate]):  # says plainly what is no sound at all
            samples = audio.decode_mp3(contents)
    waveform = tf.reduce_mean(samples, axis=1)
    peak = tf.reduce_max(tf.abs(waveform))
    # False for NaN, too.
    tf.debugging.Assert(peak <= LOUDEST, ["Sound must be finite and in -1..1. Peak:", peak])
    if rate != sample_rate:
        waveform = _resample(waveform, tf.cast(rate, tf.int32), sample_rate)
    tf.debugging.Assert(tf.size(waveform) > 0, ["The sound holds no samples at this rate."])
    return tf.ensure_shape(waveform, [None])


def _decode_wav(audio, contents):
    start = tf.constant(12, tf.int64)
    while start < _length(contents) and _bytes(contents, start, 4) != b"fmt ":
        size = _number(contents, start + 4, 4)
        start += 8 + size + size % 2
    encoding = _number(contents, start + 8, 2)
    if encoding == _WAV_EXTENSIBLE:
        encoding = _number(contents, start + 32, 2)
    rate = _number(contents, start + 12, 4)
    bits = _number(contents, start + 22, 2)
    # The op looks for another chunk behind the last one when that is of odd length.
    contents = tf.strings.join([contents, b"\0" * 8])
    if bits == 32:
        samples = audio.decode_wav(contents, dtype=tf.float32)
        if encoding == _WAV_INTEGER:  # the op takes all 32-bit samples for float
            samples = _to_full_scale(tf.bitcast(samples, tf.int32))
    else:
        samples = _decode_pcm(audio.decode_wav, contents, bits)
    return samples, rate


def _decode_pcm(decode, contents, bits):
    if bits == 8:
        samples = _to_full_scale(decode(contents, dtype=tf.uint8))
    elif bits == 16:
        samples = _to_full_scale(decode(contents, dtype=tf.int16))
    else:
        samples = _to_full_scale(decode(contents, dtype=tf.int32))  # 24 bits, in the upper bytes
    return samples


def _to_full_scale(samples):
    middle = 128.0 if samples.dtype == tf.uint8 else 0.0
    return (tf.cast(samples, tf.float32) - middle) / 2.0 ** (8 * samples.dtype.size - 1)


def _vorbis_rate(contents):
    segments = _number(contents, 26, 1)
    return _number(contents, 27 + segments + 12, 4)


def _mp3_rate(contents):
    start = tf.constant(0, tf.int64)
    if tf.strings.substr(contents, 0, 3) == b"ID3":
        start = 10 + _number(contents, 6, 4, big_endian=True, base=128)
    # The rate stands in each frame's header: eleven bits of ones, the version, layer III, ...
    data = tf.io.decode_raw(_bytes(contents, start, 1 << 16), tf.uint8)
    data = tf.cast(data, tf.int32)
    version, layer, rate = data[1:-1] // 8 % 4, data[1:-1] // 2 % 4, data[2:] // 4 % 4
    sync = (data[:-2] == 255) & (data[1:-1] // 32 == 7)
    headers = tf.where(sync & (version != 1) & (layer == 1) & (rate != 3))
    message = "Not sound that can be decoded here (wav, flac, ogg vorbis and mp3 can). Received:"
    found = tf.debugging.Assert(tf.size(headers) > 0, [message, _length(contents), "bytes"])
    with tf.control_dependencies([found]):
        first = headers[0, 0]
    divisor = tf.constant([4, 0, 2, 1])[version[first]]
    return tf.cast(tf.constant([44100, 48000, 32000])[rate[first]] // divisor, tf.int64)


def _number(contents, start, size, big_endian=False, base=256):
    """The unsigned integer in `size` bytes."""
    digits = tf.io.decode_raw(_bytes(contents, start, size), tf.uint8)
    powers = [base**place for place in range(size)]
    return tf.reduce_sum(tf.cast(digits, tf.int64) * (powers[::-1] if big_endian else powers))


def _bytes(contents, start, size):
    """Bytes of a header; zeros behind its end, so that a decoder says what is wrong with it."""
    start = tf.minimum(_length(contents), start)
    found = tf.strings.substr(contents, start, size)
    return tf.strings.substr(tf.strings.join([found, b"\0" * size]), 0, size)


def _length(contents):
    return tf.cast(tf.strings.length(contents), tf.int64)


def _resample(waveform, rate, new_rate):
    # tfio.audio.resample comes 2 ms late, drops the last 2 ms and loses 11 dB at 7.5 kHz.
    # Whole seconds make both transforms a whole length; the silence of a second or more behind
    # the sound keeps its end from ringing into its start.
    seconds = tf.size(waveform) // rate + 2
    band = tf.minimum(rate, new_rate)
    spectrum = tf.signal.rfft(waveform, [seconds * rate])[: seconds * band // 2 + 1]
    frequency = tf.linspace(0.0, 1.0, seconds * band // 2 + 1)
    slope = tf.clip_by_value((frequency - _PASSBAND) / (_STOPBAND - _PASSBAND), 0.0, 1.0)
    low_pass = 0.5 + 0.5 * tf.cos(math.pi * slope)
    resampled = tf.signal.irfft(spectrum * tf.cast(low_pass, tf.complex64), [seconds * new_rate])
    ratio = new_rate / rate
    samples = tf.cast(tf.cast(tf.size(waveform), tf.float64) * ratio + 0.5, tf.int32)
    return resampled[:samples] * tf.cast(ratio, tf.float32)
