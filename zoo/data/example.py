"""One clip as a `tf.train.Example`, the record of the shards."""

import zlib

import numpy as np
import tensorflow as tf

SAMPLE_RATE = 16000
"""Of prepared waveforms, unless another is asked for, in Hz: what the paper's networks hear."""

STRETCH = 8192
"""Samples under one checksum, about half a second (ours): a patch is read with little around it."""

_FULL_SCALE = 32768


def encode_samples(waveform):
    """Rounds a float waveform `[samples]` to little-endian int16, clips what overshoots full scale,
    and gives the bytes."""
    samples = np.clip(np.rint(waveform * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return samples.astype("<i2").tobytes()


def decode_samples(data):
    """The waveform of such bytes: float32 `[samples]` in -1..1."""
    return np.frombuffer(data, "<i2") * np.float32(1 / _FULL_SCALE)


def checksums(data):
    """zlib.crc32 of each `STRETCH` of such bytes; the last may be shorter."""
    step = 2 * STRETCH
    return [zlib.crc32(data[start : start + step]) for start in range(0, len(data), step)]


def encode_example(clip, samples):
    """Packs a clip.

    Args:
        clip: a `Clip`; its id and labels are kept.
        samples: bytes that `encode_samples` gave.

    Returns:
        The bytes of an example with the features `id`, `labels` (names) and `waveform`, all bytes.
        It ends in the samples: deterministic encoding sorts the features by name.
    """
    features = {
        "id": [encode_text(clip.id)],
        "labels": [encode_text(label) for label in clip.labels],
        "waveform": [samples],
    }
    example = tf.train.Example(
        features=tf.train.Features(
            feature={
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
                for name, values in features.items()
            }
        )
    )
    return example.SerializeToString(deterministic=True)


def encode_text(text):
    """UTF-8; names of files that are not text come through as they are."""
    return text.encode("utf-8", "surrogateescape")


def decode_text(data):
    """What `encode_text` was given."""
    return data.decode("utf-8", "surrogateescape")
