"""One clip as a `tf.train.Example`, the record of the shards."""

import numpy as np
import tensorflow as tf

SAMPLE_RATE = 16000
"""Of all prepared waveforms, in Hz: what the networks hear."""

_FULL_SCALE = 32768


def encode_example(clip, waveform):
    """Packs a clip.

    Args:
        clip: a `Clip`; its id and labels are kept.
        waveform: float `[samples]` at 16 kHz. It is rounded to 16 bits; what overshoots full scale
            is clipped.

    Returns:
        The bytes of an example with the features `id`, `labels` (names) and `waveform`
        (little-endian int16), all bytes.
    """
    samples = np.clip(np.rint(waveform * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    features = {
        "id": [encode_text(clip.id)],
        "labels": [encode_text(label) for label in clip.labels],
        "waveform": [samples.astype("<i2").tobytes()],
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


def decode_waveform(record):
    """The waveform of an example's bytes: float32 `[samples]` in -1..1."""
    example = tf.train.Example.FromString(record)
    (samples,) = example.features.feature["waveform"].bytes_list.value
    return np.frombuffer(samples, "<i2") * np.float32(1 / _FULL_SCALE)


def encode_text(text):
    """UTF-8; names of files that are not text come through as they are."""
    return text.encode("utf-8", "surrogateescape")


def decode_text(data):
    """What `encode_text` was given."""
    return data.decode("utf-8", "surrogateescape")
