"""A stream of sound, cut into the waveforms of its patches."""

import numpy as np


def waveform_patches(blocks, config, batch=32):
    """Cuts blocks of any sizes into the stretches of waveform that one patch each reads.

    Neighbours share the last patch's window overhang of 240 samples, so that the patches of a
    whole waveform and of its stream are the same. The last patch is zero-padded.

    Args:
        blocks: iterable of float32 `[samples]`, the sound in order.
        config: the `FrontendConfig` that says how long a patch is.
        batch: patches at a time, at most.

    Yields:
        float32 `[1 to batch, config.patch_samples]`. No blocks at all give one silent patch.
    """
    rest = np.zeros(0, np.float32)
    cut = 0
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = max(0, (len(rest) - _overhang(config)) // config.patch_hop_samples)
        yield from _windows(rest, whole, config, batch)
        rest = rest[whole * config.patch_hop_samples :]
        cut += whole
    if not cut or len(rest) > _overhang(config):
        yield np.pad(rest, (0, config.patch_samples - len(rest)))[np.newaxis]


def _windows(waveform, count, config, batch):
    if count:
        windows = np.lib.stride_tricks.sliding_window_view(waveform, config.patch_samples)
        windows = windows[:: config.patch_hop_samples][:count]
        for first in range(0, count, batch):
            yield windows[first : first + batch]


def _overhang(config):
    return config.patch_samples - config.patch_hop_samples
