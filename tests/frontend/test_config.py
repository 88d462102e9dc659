import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend import FrontendConfig

from . import reference

WORDS = ["window", "mel_scale", "log"]
FROM_0 = ["mel_min_hz", "preemphasis", "whole_seconds"]
ALLOWED = [(field, 0) for field in FROM_0]
ALLOWED += [("norm_mean", 0), ("norm_mean", -1), ("center", True), ("patch_hop_seconds", None)]
FIELDS = {field.name: field.type for field in dataclasses.fields(FrontendConfig)}
NOT_POSITIVE = [0, -1, float("nan"), float("inf"), -float("inf"), "16000", None, True, [1], 1j]
NOT_WHOLE = [1.5, np.float32(0.5)]
TOO_LARGE = [10**400]


def test_hops_may_be_of_numpy():
    assert FrontendConfig().with_hop(np.float32(0.48)).patch_hop_frames == 48


def test_defaults_are_the_papers():
    config = FrontendConfig()
    assert (config.sample_rate, config.window_samples, config.hop_samples) == (16000, 400, 160)
    assert (config.fft_length, config.mel_bins, config.patch_frames) == (512, 64, 96)
    assert (config.mel_min_hz, config.mel_max_hz, config.log_offset) == (125.0, 7500.0, 0.01)
    assert (config.patch_samples, config.patch_hop_samples) == (15600, 15360)
    assert config.patch_hop_seconds == 0.96


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (field, value)
        for field in FIELDS
        for value in NOT_POSITIVE
        # By identity, too, as True equals 1.
        if not any(field == name and value is allowed for name, allowed in ALLOWED)
    ]
    + [(field, value) for field, kind in FIELDS.items() if kind is int for value in NOT_WHOLE]
    + [(field, value) for field, kind in FIELDS.items() if kind is float for value in TOO_LARGE]
    + [("power", 3), ("mel_scale", "mel"), ("log", "bel"), ("window", np.ones(3))]
    + [("center", 1), ("preemphasis", 1)]
    + [("sample_rate", 10**400), ("mel_bins", 1 << 23), ("hop_seconds", 1e7), ("norm_mean", -1e9)],
)
def test_wrong_value_names_the_field(field, value):
    with pytest.raises(ValueError, match=f"^{field} must be .* Received: "):
        FrontendConfig(**{field: value})


@pytest.mark.parametrize(
    "values",
    [
        {"window_seconds": 1e-6},
        {"window_seconds": 0.009},
        {"window_seconds": 0.033},
        {"window_seconds": 1e9},
        {"hop_seconds": 1e-6},
        {"hop_seconds": 0.026},
        {"fft_length": 256},
        {"fft_length": 511},
        {"fft_length": 600},
        {"patch_hop_seconds": 0.97},
        {"patch_hop_seconds": 0.485},
        {"patch_hop_seconds": 0.004},
        {"patch_hop_seconds": 0.06, "patch_frames": 5},
        {"patch_frames": 1 << 20},
        {"patch_frames": 1 << 21, "hop_seconds": 1 / 16000, "mel_bins": 4},
        {"fft_length": 1 << 22},
        {"tail_fraction": 1.5},
        {"whole_seconds": 0.9},
        {"patch_frames": 3, "center": True},
        {"patch_frames": 1, "center": True},
        {"patch_frames": 20, "whole_seconds": 1},
        {"patch_hop_seconds": 0.96, "center": True},
        {"mel_min_hz": 7500},
        {"mel_min_hz": 7600},
        {"mel_max_hz": 100},
        {"mel_max_hz": 8000.5},
    ],
    ids=str,
)
def test_values_that_do_not_fit_together_name_the_field(values):
    with pytest.raises(ValueError, match=rf"{next(iter(values))} .* Received: "):
        FrontendConfig(**values)


def test_is_frozen_and_hashable():
    config = FrontendConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.mel_bins = 32
    assert len({config, FrontendConfig(), FrontendConfig(mel_bins=32)}) == 2


def test_survives_json():
    config = FrontendConfig(
        mel_bins=np.int64(40), mel_min_hz=np.float32(20), sample_rate=8000.0, mel_max_hz=4e3
    )
    values = json.loads(json.dumps(config.to_dict()))
    assert FrontendConfig.from_dict(values) == config
    kinds = FIELDS | dict.fromkeys(WORDS, str)
    assert {field: type(value) for field, value in values.items()} == kinds


def test_from_dict_names_an_unknown_field():
    with pytest.raises(ValueError, match="no field 'mel_bands'"):
        FrontendConfig.from_dict({"mel_bands": 64})


@given(
    samples=st.integers(1, 100_000) | st.integers(1, 6).map(lambda n: n * 15360 + 240),
    hop_seconds=st.sampled_from([0.005, 0.01, 0.025]),
    patch_frames=st.integers(1, 100),
    overlap=st.floats(0, 1),
)
def test_patches_are_those_of_the_definition(samples, hop_seconds, patch_frames, overlap):
    patch_hop = max(1, round(patch_frames * (1 - overlap)))
    config = FrontendConfig(
        hop_seconds=hop_seconds,
        patch_frames=patch_frames,
        patch_hop_seconds=patch_hop * hop_seconds,
    )
    assert config.num_patches(samples) == reference.whole_patches(
        samples,
        config.window_samples,
        config.hop_samples,
        patch_frames,
        patch_hop,
        config.tail_fraction,
    )


def test_a_hop_of_seconds_holds_at_rates_that_it_does_not_divide():
    config = FrontendConfig(sample_rate=22050, fft_length=1024, patch_hop_seconds=0.48)
    assert (config.hop_samples, config.patch_hop_frames) == (220, 48)
    assert config.patch_starts(3).tolist() == [0, 48 * 220 / 22050, 96 * 220 / 22050]
    assert config.with_hop(None) is config
    assert config.with_hop(0.96).patch_hop_frames == 96


def test_a_sound_that_is_heard_whole_is_one_patch():
    config = FrontendConfig(whole_seconds=5)
    assert config.num_patches(np.array([1, 5 * 16000, 5 * 16000 + 1])).tolist() == [1, 1, 5]
    assert [config.heard_seconds(seconds) for seconds in (0.5, 5, 6)] == [0.5, 5, 0.96]
    for cut in (config.in_patches(), config.with_hop(0.48)):
        assert cut.num_patches(5 * 16000) > 1
    assert config.in_patches() == config.in_patches(6 * 16000) == FrontendConfig()


def test_patches_of_what_is_heard_whole_are_as_long_as_the_longest_sound():
    config = FrontendConfig(whole_seconds=5, patch_frames=300, patch_hop_seconds=3.0)
    short, long = config.in_patches(32000), config.in_patches(4 * 16000)
    assert (short.patch_frames, short.num_patches(32000)) == (config.heard_frames(32000), 1)
    assert short.patch_samples <= 32000 < short.patch_samples + short.hop_samples
    assert long == config.in_patches()
    assert FrontendConfig().in_patches(8000) == FrontendConfig()


@pytest.mark.parametrize(
    ("samples", "patches"),
    [(1, 1), (15600, 1), (16000, 1), (19439, 1), (19440, 2), (30960, 2), (34800, 3), (80000, 5)],
)
def test_patches_at_the_edges(samples, patches):
    assert FrontendConfig().num_patches(samples) == patches


def test_a_small_tail_fraction_covers_every_sample():
    config = FrontendConfig(tail_fraction=1e-9)
    assert [config.num_patches(samples) for samples in (15600, 15601, 30961)] == [1, 2, 3]
