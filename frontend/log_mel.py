"""Waveforms to log-mel spectrograms and patches, in the TensorFlow graph."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from frontend.config import FrontendConfig
from frontend.mel import mel_matrix


class _OnWaveforms(keras.layers.Layer):
    """What layers on raw waveforms have in common."""

    def __init__(self, config, *, name, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        # XLA would compile a model with this layer anew for every length of sound.
        self.supports_jit = False
        self.config = FrontendConfig.from_dict(config) if isinstance(config, dict) else config

    def call(self, waveform):
        waveform = tf.convert_to_tensor(waveform)
        if not waveform.dtype.is_floating:
            raise ValueError(
                "Waveforms must be floating point numbers in -1..1. "
                f"Received dtype: {waveform.dtype.name}"
            )
        _check_shape(waveform.shape)
        return self._transform(waveform)

    def get_config(self):
        return {**super().get_config(), "config": self.config.to_dict()}


@keras.saving.register_keras_serializable(package="soundzoo")
class LogMelSpectrogram(_OnWaveforms):
    """Log-mel spectrogram of raw waveforms, in whole patches.

    The waveform is zero-padded in the graph until it fills whole patches, one at least, or loses
    a remainder too short to make one (`FrontendConfig.tail_fraction`). It is cut into
    windows of 25 ms every 10 ms, and each window becomes the logarithm of 64 mel magnitudes:
    `log(mel_matrix @ abs(rfft(hann * window)) + 0.01)`. The Hann window is periodic and the mel
    scale HTK's, as in the code that the paper's authors released. A `FrontendConfig` says what
    other networks hear: powers, decibels, pre-emphasis ...

    It is computed in float32 under every dtype policy: half precision cannot resolve the quiet
    bins beside the offset. All of its operations are builtin in TFLite.

    Args:
        config: a `FrontendConfig`; the paper's constants by default.
        name: the layer's name.

    Call arguments:
        waveform: float32 `[batch, samples]`, in -1..1, mono, at `config.sample_rate`. Any number
            of samples from one up.

    Returns:
        float32 `[batch, frames, 64]`, in natural-log units: the frames of whole patches, which
        `SplitPatches` cuts (patches * 96, where patches do not overlap). Where each patch is a
        sound by itself (`FrontendConfig.center`, `whole_seconds`), one patch follows the other;
        `LogMelPatches` gives them apart.

    Example:

    >>> import numpy as np
    >>> LogMelSpectrogram()(np.zeros((2, 32000), "float32")).shape
    TensorShape([2, 192, 64])
    """

    def __init__(
        self, config: FrontendConfig | None = None, *, name: str = "log_mel", **kwargs: Any
    ) -> None:
        super().__init__(config or FrontendConfig(), name=name, **kwargs)

    def _transform(self, waveform):
        config = self.config
        if config.one_by_one:
            patches = _patches_one_by_one(waveform, config)
            return tf.reshape(patches, [tf.shape(waveform)[0], -1, config.mel_bins])
        return _spectrogram(_fill_patches(waveform, config), config)

    def compute_output_shape(self, input_shape):
        _check_shape(input_shape)
        batch, samples = input_shape
        frames = None
        if samples is not None:
            patches = int(self.config.num_patches(samples))
            if self.config.one_by_one:
                frames = patches * self.config.heard_frames(samples)
            else:
                frames = (patches - 1) * self.config.patch_hop_frames + self.config.patch_frames
        return batch, frames, self.config.mel_bins


@keras.saving.register_keras_serializable(package="soundzoo")
class SplitPatches(keras.layers.Layer):
    """Cuts a log-mel spectrogram into the patches that the networks read.

    Args:
        patch_frames: frames of one patch.
        hop_frames: frames between the starts of two; by default patches do not overlap.
        name: the layer's name.

    Call arguments:
        log_mel: `[batch, frames, mel_bins]`, as `LogMelSpectrogram` gives it.

    Returns:
        `[batch, patches, patch_frames, mel_bins]`.
    """

    def __init__(
        self,
        patch_frames: int = 96,
        hop_frames: int | None = None,
        *,
        name: str = "patches",
        **kwargs: Any,
    ) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        self.patch_frames = patch_frames
        self.hop_frames = hop_frames or patch_frames

    def call(self, log_mel):
        if self.hop_frames != self.patch_frames:
            return tf.signal.frame(log_mel, self.patch_frames, self.hop_frames, axis=1)
        shape = tf.shape(log_mel)
        patches = shape[1] // self.patch_frames
        return tf.reshape(log_mel, [shape[0], patches, self.patch_frames, log_mel.shape[2]])

    def compute_output_shape(self, input_shape):
        batch, frames, mel_bins = input_shape
        patches = None
        if frames is not None:
            patches = (frames - self.patch_frames) // self.hop_frames + 1
        return batch, patches, self.patch_frames, mel_bins

    def get_config(self):
        return {
            **super().get_config(),
            "patch_frames": self.patch_frames,
            "hop_frames": self.hop_frames,
        }


@keras.saving.register_keras_serializable(package="soundzoo")
class LogMelPatches(_OnWaveforms):
    """Log-mel patches of raw waveforms, each transformed as a sound by itself.

    The waveform is cut, or, where `config.whole_seconds` reaches so far, heard whole; then each
    piece becomes a spectrogram, as `LogMelSpectrogram` makes one.

    Args:
        config: a `FrontendConfig`.
        name: the layer's name.

    Call arguments:
        waveform: as for `LogMelSpectrogram`.

    Returns:
        float32 `[batch, patches, frames, mel_bins]`.

    Example:

    >>> import numpy as np
    >>> layer = LogMelPatches(FrontendConfig(center=True, patch_frames=101, whole_seconds=2))
    >>> layer(np.zeros((2, 24000), "float32")).shape  # 1.5 s, heard whole
    TensorShape([2, 1, 151, 64])
    """

    def __init__(self, config: FrontendConfig, *, name: str = "patches", **kwargs: Any) -> None:
        super().__init__(config, name=name, **kwargs)

    def _transform(self, waveform):
        return _patches_one_by_one(waveform, self.config)

    def compute_output_shape(self, input_shape):
        _check_shape(input_shape)
        batch, samples = input_shape
        if samples is not None:
            patches = int(self.config.num_patches(samples))
            frames = self.config.heard_frames(samples)
        else:
            patches = None
            frames = None if self.config.whole_samples else self.config.patch_frames
        return batch, patches, frames, self.config.mel_bins


def log_mel_patches(config: FrontendConfig) -> Callable[[Any], Any]:
    """The layers between a waveform and a network.

    Args:
        config: a `FrontendConfig`.

    Returns:
        Function of waveforms `[batch, samples]` that gives `[batch, patches, frames, mel_bins]`: by
        `LogMelSpectrogram` and `SplitPatches`, or, where each patch is a sound by itself, by
        `LogMelPatches`.
    """
    if config.one_by_one:
        return LogMelPatches(config)
    log_mel = LogMelSpectrogram(config)
    split = SplitPatches(config.patch_frames, config.patch_hop_frames)
    return lambda waveform: split(log_mel(waveform))


def _patches_one_by_one(waveform, config):
    """Log-mel `[batch, patches, frames, mel_bins]` of pieces of a waveform."""
    pieces = _cut(waveform, config)
    shape = tf.shape(pieces)
    log_mel = _spectrogram(tf.reshape(pieces, [-1, shape[2]]), config)
    frames = tf.shape(log_mel)[1] if config.whole_samples else config.patch_frames
    return tf.reshape(log_mel, [shape[0], shape[1], frames, config.mel_bins])


def _spectrogram(waveform, config):
    """Log-mel `[batch, frames, mel_bins]` of waveforms as they are: all windows that fit."""
    if config.preemphasis:
        waveform = waveform[:, 1:] - config.preemphasis * waveform[:, :-1]
    if config.center:
        waveform = _reflected(waveform, config.window_samples)
    frames = tf.signal.frame(waveform, config.window_samples, config.hop_samples)
    if config.window == "hann":
        # The periodic window. `hann_window(length, periodic=True)` is symmetric for odd lengths.
        window = tf.signal.hann_window(config.window_samples + 1, periodic=False)[:-1]
    else:
        window = tf.signal.hann_window(config.window_samples, periodic=False)
    # As rows of one matrix: of more dimensions, tf2onnx writes a transform that does not run.
    shape = tf.shape(frames)
    rows = tf.reshape(frames * window, [-1, config.window_samples])
    spectrum = tf.abs(tf.signal.rfft(rows, [config.fft_length]))
    if config.power == 2:
        spectrum = tf.square(spectrum)
    mel = tf.matmul(spectrum, mel_matrix(config))
    if config.log == "natural":
        log_mel = tf.math.log(mel + config.log_offset)
    else:
        decibels = 20 / config.power / math.log(10)
        log_mel = decibels * tf.math.log(tf.maximum(mel, config.log_offset))
    if (config.norm_mean, config.norm_std) != (0, 1):
        log_mel = (log_mel - config.norm_mean) / config.norm_std
    return tf.reshape(log_mel, [shape[0], shape[1], config.mel_bins])


def _fill_patches(waveform, config):
    patches = _num_patches(tf.shape(waveform)[1], config)
    return _fill(waveform, patches * config.patch_hop_samples + config.overlap_samples)


def _num_patches(samples, config):
    """As `FrontendConfig.num_patches`, for a number of samples known only when the graph runs; no
    sound is heard whole."""
    further = samples - config.overlap_samples - config.tail_samples
    return tf.maximum(1, further // config.patch_hop_samples + 1)


def _fill(waveform, samples):
    """The waveform, zero-padded or cut."""
    missing = tf.maximum(0, samples - tf.shape(waveform)[1])
    return tf.pad(waveform, [[0, 0], [0, missing]])[:, :samples]


def _reflected(waveform, samples):
    """The waveform between so many samples of its reflection: half before it and half after.

    Not by `tf.pad`: TFLite's operator for it trusts what a file says of its size.
    """
    after = samples // 2
    before = samples - after
    last = tf.shape(waveform)[1] - 1
    ends = [tf.range(before, 0, -1), last - 1 - tf.range(after)]
    ends = [tf.gather(waveform, places, axis=1) for places in ends]
    return tf.concat([ends[0], waveform, ends[1]], axis=1)


def _cut(waveform, config):
    """Pieces `[batch, patches, samples]`: of a patch's length, or one of the waveform's own."""
    batch, samples = tf.shape(waveform)[0], tf.shape(waveform)[1]
    hop, length = config.patch_hop_samples, config.patch_samples
    if not config.whole_samples:
        filled = _fill_patches(waveform, config)
        if hop == length:
            return tf.reshape(filled, [batch, -1, length])
        return tf.signal.frame(filled, length, hop, axis=1)
    whole = samples <= config.whole_samples
    length = tf.where(whole, tf.maximum(samples, config.fewest_samples), length)
    patches = tf.where(whole, 1, _num_patches(samples, config))
    filled = _fill(waveform, (patches - 1) * hop + length)
    if hop == config.patch_samples:
        return tf.reshape(filled, [batch, patches, length])
    starts = tf.range(patches)[:, tf.newaxis] * hop
    return tf.gather(filled, starts + tf.range(length)[tf.newaxis], axis=1)


def _check_shape(shape):
    if len(shape) != 2 or shape[1] == 0:
        raise ValueError(
            "Waveforms must be of shape [batch, samples], with samples in them. "
            f"Received shape: {tuple(shape)}"
        )
