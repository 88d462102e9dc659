"""The log-mel front end written from its definition, in NumPy and float64.

An independent second opinion: it shares no code with the package, only the configuration's numbers.
"""

import numpy as np


def log_mel(waveform, config):
    """`[samples]` -> `[frames, mel_bins]`, of whole patches: zero-padded or cut."""
    window = round(config.window_seconds * config.sample_rate)
    hop = round(config.hop_seconds * config.sample_rate)
    patch_hop = round(config.patch_hop_seconds / config.hop_seconds)
    patches = whole_patches(
        len(waveform), window, hop, config.patch_frames, patch_hop, config.tail_fraction
    )
    frames = (patches - 1) * patch_hop + config.patch_frames
    padded = np.zeros(max(len(waveform), (frames - 1) * hop + window))
    padded[: len(waveform)] = waveform
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    windows = np.stack([hann * padded[i * hop : i * hop + window] for i in range(frames)])
    magnitudes = abs(np.fft.rfft(windows, config.fft_length))
    return np.log(magnitudes @ mel_weights(config) + config.log_offset)


def whole_patches(samples, window, hop, patch_frames, patch_hop, tail_fraction):
    """One patch, and another as long as the samples that no patch covers fill enough of its hop."""
    patches = 1

    def covered():
        frames = (patches - 1) * patch_hop + patch_frames
        return (frames - 1) * hop + window

    while samples - covered() >= max(1, round(tail_fraction * patch_hop * hop)):
        patches += 1
    return patches


def mel_weights(config):
    """`[fft_length // 2 + 1, mel_bins]`: triangles in mel over the bins' centre frequencies.

    Edges are equally spaced in mel from the lowest to the highest frequency; each triangle rises
    from its left edge to 1 at the next and falls to 0 at the one after. The first bin, the mean
    of the signal, belongs to none.
    """
    bins = mel(np.arange(config.fft_length // 2 + 1) * config.sample_rate / config.fft_length)
    edges = np.linspace(mel(config.mel_min_hz), mel(config.mel_max_hz), config.mel_bins + 2)
    weights = np.zeros((len(bins), config.mel_bins))
    for k, (left, centre, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        rise = (bins - left) / (centre - left)
        fall = (right - bins) / (right - centre)
        weights[:, k] = np.maximum(0, np.minimum(rise, fall))
    weights[0] = 0
    return weights


def mel(hz):
    """HTK's mel scale."""
    return 1127 * np.log(1 + hz / 700)
