import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend import FrontendConfig, LogMelSpectrogram, SplitPatches, waveform_patches

from .sounds import noise

CONFIGS = [
    FrontendConfig(patch_frames=3),
    FrontendConfig(patch_frames=3, tail_fraction=1.0),  # padded only where it is the only one
    FrontendConfig(patch_frames=3, tail_fraction=1e-9),
    FrontendConfig(patch_frames=1),
    FrontendConfig(patch_frames=5, hop_seconds=0.025),  # windows that do not overlap
    FrontendConfig(patch_frames=4, patch_hop_seconds=0.02),
    FrontendConfig(patch_frames=4, patch_hop_seconds=0.01, tail_fraction=1e-9),
]


def windows_of(waveform, config):
    padded = np.pad(waveform, (0, config.patch_samples))
    starts = np.arange(config.num_patches(len(waveform))) * config.patch_hop_samples
    return np.stack([padded[start : start + config.patch_samples] for start in starts])


@given(
    config=st.sampled_from(CONFIGS),
    sizes=st.lists(st.integers(0, 3000), max_size=12).filter(any),
    batch=st.integers(1, 5),
)
def test_any_blocks_give_the_windows_of_the_whole(config, sizes, batch):
    waveform = noise(sum(sizes), 16000).astype(np.float32)
    blocks = np.split(waveform, np.cumsum(sizes)[:-1])
    batches = list(waveform_patches(blocks, config, batch=batch))
    assert all(1 <= len(patches) <= batch for patches in batches)
    patches = np.concatenate(batches)
    assert patches.dtype == np.float32
    assert len(patches) == config.num_patches(len(waveform))
    np.testing.assert_array_equal(patches, windows_of(waveform, config))


@pytest.mark.parametrize("samples", [1, 15599, 15600, 15601, 19439, 19440, 30961, 50000])
def test_log_mel_of_the_patches_is_that_of_the_whole(samples):
    waveform = noise(samples, 16000).astype(np.float32)
    for config in (FrontendConfig(), FrontendConfig(patch_hop_seconds=0.36)):
        log_mel = LogMelSpectrogram(config)
        split = SplitPatches(config.patch_frames, config.patch_hop_frames)
        patches = np.concatenate(list(waveform_patches([waveform], config)))
        whole = split(log_mel(waveform[np.newaxis]))[0]
        np.testing.assert_allclose(log_mel(patches), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("blocks", [[], [np.zeros(0, np.float32)] * 3], ids=["none", "empty"])
def test_no_sound_is_one_silent_patch(blocks):
    [patches] = waveform_patches(blocks, FrontendConfig())
    np.testing.assert_array_equal(patches, np.zeros((1, 15600), np.float32))


def test_patches_come_as_soon_as_their_sound_is_there():
    blocks = iter(np.zeros((10, 15360), np.float32))
    next(waveform_patches(blocks, FrontendConfig()))
    assert len(list(blocks)) == 8
