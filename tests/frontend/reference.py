"""The log-mel front end written from its definition, in NumPy and float64.

An independent second opinion: it shares no code with the package, only the configuration's numbers.
"""

import numpy as np


def log_mel(waveform, config):
    """`[samples]` -> `[frames, mel_bins]`, of whole patches: zero-padded or cut."""
    if config.center or config.whole_seconds:
        return np.concatenate([spectrogram(piece, config) for piece in pieces(waveform, config)])
    lost = 1 if config.preemphasis else 0
    window = round(config.window_seconds * config.sample_rate) + lost
    hop = round(config.hop_seconds * config.sample_rate)
    patch_hop = round(config.patch_hop_seconds / config.hop_seconds)
    patches = whole_patches(
        len(waveform), window, hop, config.patch_frames, patch_hop, config.tail_fraction
    )
    frames = (patches - 1) * patch_hop + config.patch_frames
    padded = np.zeros(max(len(waveform), (frames - 1) * hop + window))
    padded[: len(waveform)] = waveform
    return spectrogram(padded[: (frames - 1) * hop + window], config)


def pieces(waveform, config):
    """A sound that is heard whole, at least 32 hops and a window long; or patches of others."""
    rate, samples = config.sample_rate, len(waveform)
    hop, window = round(config.hop_seconds * rate), round(config.window_seconds * rate)
    if samples <= config.whole_seconds * rate:
        return [np.pad(waveform, (0, max(0, 32 * hop + window - samples)))]
    if config.center:
        length = hop * (config.patch_frames - (0 if config.preemphasis else 1))
    else:
        length = hop * (config.patch_frames - 1) + window + (1 if config.preemphasis else 0)
    step = hop * round(config.patch_hop_seconds / config.hop_seconds)
    starts = [0]
    while samples - (starts[-1] + length) >= max(1, round(config.tail_fraction * step)):
        starts.append(starts[-1] + step)
    padded = np.pad(waveform, (0, length))
    return [padded[start : start + length] for start in starts]


def spectrogram(waveform, config):
    """`[samples]` -> `[frames, mel_bins]`, of all windows that the sound has."""
    window = round(config.window_seconds * config.sample_rate)
    hop = round(config.hop_seconds * config.sample_rate)
    if config.preemphasis:
        waveform = np.convolve(waveform, [1, -config.preemphasis])[1 : len(waveform)]
    if config.center:
        waveform = np.pad(waveform, (window - window // 2, window // 2), mode="reflect")
    period = window if config.window == "hann" else window - 1
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / period)
    frames = (len(waveform) - window) // hop + 1
    windows = np.stack([hann * waveform[i * hop : i * hop + window] for i in range(frames)])
    spectrum = abs(np.fft.rfft(windows, config.fft_length)) ** config.power
    weights = slaney_weights(config) if config.mel_scale == "slaney" else mel_weights(config)
    if config.log == "natural":
        log_mel = np.log(spectrum @ weights + config.log_offset)
    else:
        power = np.maximum(config.log_offset, spectrum @ weights) ** (2 / config.power)
        log_mel = 10 * np.log10(power)
    return (log_mel - config.norm_mean) / config.norm_std


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


def kaldi_weights(config):
    """`[fft_length // 2 + 1, mel_bins]`, as Kaldi's `MelBanks` fills them: bin by bin, by slopes on
    either side of a triangle's middle, over all bins but the last."""
    width = (mel(config.mel_max_hz) - mel(config.mel_min_hz)) / (config.mel_bins + 1)
    weights = np.zeros((config.fft_length // 2 + 1, config.mel_bins))
    for k in range(config.mel_bins):
        left = mel(config.mel_min_hz) + k * width
        centre, right = left + width, left + 2 * width
        for bin in range(config.fft_length // 2):
            where = mel(bin * config.sample_rate / config.fft_length)
            if left < where <= centre:
                weights[bin, k] = (where - left) / (centre - left)
            elif centre < where < right:
                weights[bin, k] = (right - where) / (right - centre)
    return weights


def slaney_weights(config):
    """`[fft_length // 2 + 1, mel_bins]`: triangles in Hz of area 1, whose edges are equally spaced
    on Slaney's scale: 200/3 Hz a mel up to 1 kHz, then a factor of 6.4 in 27 mel."""

    def to_hz(position):
        return position * 200 / 3 if position < 15 else 1000 * 6.4 ** ((position - 15) / 27)

    def to_mel(hz):
        return hz / (200 / 3) if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)

    low, high = to_mel(config.mel_min_hz), to_mel(config.mel_max_hz)
    step = (high - low) / (config.mel_bins + 1)
    bins = np.arange(config.fft_length // 2 + 1) * config.sample_rate / config.fft_length
    weights = np.zeros((len(bins), config.mel_bins))
    for k in range(config.mel_bins):
        left, centre, right = (to_hz(low + (k + i) * step) for i in range(3))
        weights[:, k] = np.interp(bins, [left, centre, right], [0, 2 / (right - left), 0])
    return weights
