"""Waveforms to log-mel spectrograms and patches, in the TensorFlow graph."""

from typing import Any

import keras
import tensorflow as tf

from frontend.config import FrontendConfig


@keras.saving.register_keras_serializable(package="soundzoo")
class LogMelSpectrogram(keras.layers.Layer):
    """Log-mel spectrogram of raw waveforms, in whole patches.

    The waveform is zero-padded in the graph until it fills whole patches, one at least, or loses
    a remainder too short to make one (`FrontendConfig.tail_fraction`). It is cut into
    windows of 25 ms every 10 ms, and each window becomes the logarithm of 64 mel magnitudes:
    `log(mel_matrix @ abs(rfft(hann * window)) + 0.01)`. The Hann window is periodic and the mel
    scale HTK's, as in the code that the paper's authors released.

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
        `SplitPatches` cuts (patches * 96, where patches do not overlap).

    Example:

    >>> import numpy as np
    >>> LogMelSpectrogram()(np.zeros((2, 32000), "float32")).shape
    TensorShape([2, 192, 64])
    """

    def __init__(
        self, config: FrontendConfig | None = None, *, name: str = "log_mel", **kwargs: Any
    ) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        # XLA would compile a model with this layer anew for every length of sound.
        self.supports_jit = False
        if isinstance(config, dict):
            config = FrontendConfig.from_dict(config)
        self.config = config or FrontendConfig()

    def call(self, waveform):
        config = self.config
        waveform = tf.convert_to_tensor(waveform)
        if not waveform.dtype.is_floating:
            raise ValueError(
                "LogMelSpectrogram needs floating point waveforms in -1..1. "
                f"Received dtype: {waveform.dtype.name}"
            )
        _check_shape(waveform.shape)
        frames = tf.signal.frame(
            _fill_patches(waveform, config), config.window_samples, config.hop_samples
        )
        # The periodic window. `hann_window(length, periodic=True)` is symmetric for odd lengths.
        window = tf.signal.hann_window(config.window_samples + 1, periodic=False)[:-1]
        magnitude = tf.abs(tf.signal.rfft(frames * window, [config.fft_length]))
        mel_matrix = tf.signal.linear_to_mel_weight_matrix(
            num_mel_bins=config.mel_bins,
            num_spectrogram_bins=config.fft_length // 2 + 1,
            sample_rate=config.sample_rate,
            lower_edge_hertz=config.mel_min_hz,
            upper_edge_hertz=config.mel_max_hz,
        )
        return tf.math.log(tf.matmul(magnitude, mel_matrix) + config.log_offset)

    def compute_output_shape(self, input_shape):
        _check_shape(input_shape)
        batch, samples = input_shape
        frames = None
        if samples is not None:
            hops = int(self.config.num_patches(samples)) - 1
            frames = hops * self.config.patch_hop_frames + self.config.patch_frames
        return batch, frames, self.config.mel_bins

    def get_config(self):
        return {**super().get_config(), "config": self.config.to_dict()}


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


def _fill_patches(waveform, config):
    samples = tf.shape(waveform)[1]
    # As `FrontendConfig.num_patches`, for a number of samples known only when the graph runs.
    further = samples - config.overlap_samples - config.tail_samples
    patches = tf.maximum(1, further // config.patch_hop_samples + 1)
    filled = patches * config.patch_hop_samples + config.overlap_samples
    return tf.pad(waveform, [[0, 0], [0, tf.maximum(0, filled - samples)]])[:, :filled]


def _check_shape(shape):
    if len(shape) != 2 or shape[1] == 0:
        raise ValueError(
            "LogMelSpectrogram needs waveforms of shape [batch, samples], with samples in them. "
            f"Received shape: {tuple(shape)}"
        )
