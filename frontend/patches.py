"""A stream of sound, cut into the waveforms of its patches."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from frontend.config import FrontendConfig


def waveform_patches(
    blocks: Iterable[npt.NDArray[np.float32]], config: FrontendConfig, batch: int = 32
) -> Iterator[npt.NDArray[np.float32]]:
    """Cuts blocks of any sizes into the stretches of waveform that one patch each reads.

    They are the patches of `LogMelSpectrogram` on the whole sound: neighbours share
    `config.overlap_samples`, and the last patch is zero-padded, unless too little of the sound
    remains to make one. A sound of at most `config.whole_samples` is one patch of its own length.

    Args:
        blocks: iterable of float32 `[samples]`, the sound in order.
        config: the `FrontendConfig` that says how long a patch is, and how far from the next.
        batch: patches at a time, at most.

    Yields:
        float32 `[1 to batch, config.patch_samples]`, or `[1, samples]` of a sound that is heard
        whole. No blocks at all give one silent patch.
    """
    blocks, heard = iter(blocks), np.zeros(0, np.float32)
    while config.whole_samples and len(heard) <= config.whole_samples:
        block = next(blocks, None)
        if block is None:
            yield (heard if len(heard) else np.zeros(config.patch_samples, np.float32))[np.newaxis]
            return
        heard = np.concatenate([heard, block])
    rest = np.zeros(0, np.float32)
    cut = 0
    for block in itertools.chain([heard], blocks):
        rest = np.concatenate([rest, block])
        whole = max(0, (len(rest) - config.overlap_samples) // config.patch_hop_samples)
        yield from _windows(rest, whole, config, batch)
        rest = rest[whole * config.patch_hop_samples :]
        cut += whole
    if not cut or len(rest) - config.overlap_samples >= config.tail_samples:
        yield np.pad(rest, (0, config.patch_samples - len(rest)))[np.newaxis]


def _windows(waveform, count, config, batch):
    if count:
        windows = np.lib.stride_tricks.sliding_window_view(waveform, config.patch_samples)
        windows = windows[:: config.patch_hop_samples][:count]
        for first in range(0, count, batch):
            yield windows[first : first + batch]
