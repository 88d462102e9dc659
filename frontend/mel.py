"""Mel filters: what a mel bin takes of each frequency of a spectrum."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from frontend.config import FrontendConfig

# Slaney's scale ("Auditory Toolbox", 1998): linear up to 1 kHz, which is 15 mel, then logarithmic,
# 27 mel for a factor of 6.4.
_BREAK_HZ, _BREAK_MEL = 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27


def mel_matrix(config: FrontendConfig) -> tf.Tensor | npt.NDArray[np.float32]:
    """The filters of a front end: float32 `[fft_length // 2 + 1, mel_bins]`."""
    if config.mel_scale == "slaney":
        return _slaney(config)
    return tf.signal.linear_to_mel_weight_matrix(
        num_mel_bins=config.mel_bins,
        num_spectrogram_bins=config.fft_length // 2 + 1,
        sample_rate=config.sample_rate,
        lower_edge_hertz=config.mel_min_hz,
        upper_edge_hertz=config.mel_max_hz,
    )


def _slaney(config):
    """Triangles in Hz, each of area 1."""
    low, high = _to_mel(config.mel_min_hz), _to_mel(config.mel_max_hz)
    edges = _to_hz(np.linspace(low, high, config.mel_bins + 2))
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    bins = np.linspace(0, config.sample_rate / 2, config.fft_length // 2 + 1)[:, np.newaxis]
    rise, fall = (bins - left) / (centre - left), (right - bins) / (right - centre)
    triangles = np.maximum(0, np.minimum(rise, fall))
    return (triangles * 2 / (right - left)).astype(np.float32)


def hertz_to_mel(hertz: npt.ArrayLike, scale: str) -> npt.NDArray[np.float64]:
    """Frequencies on a mel scale, on which filters are evenly spaced.

    Args:
        hertz: in Hz.
        scale: "htk" or "slaney", as `FrontendConfig.mel_scale`.
    """
    hertz = np.asarray(hertz, np.float64)
    return _to_mel(hertz) if scale == "slaney" else 1127 * np.log1p(hertz / 700)


def _to_mel(hertz):
    linear = hertz * _BREAK_MEL / _BREAK_HZ
    return np.where(
        hertz < _BREAK_HZ,
        linear,
        _BREAK_MEL + np.log(np.maximum(hertz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP,
    )


def _to_hz(mel):
    linear = mel * _BREAK_HZ / _BREAK_MEL
    return np.where(mel < _BREAK_MEL, linear, _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))
