"""Parts of prepared data."""

import copy

import numpy as np
import pytest

from zoo.data.subset import Subset


@pytest.fixture(scope="module")
def data(prepared_sounds):
    return prepared_sounds


def test_some_classes(data):
    part = Subset(data, labels=iter(["middle", "high"]))
    assert [label.name for label in part.labels] == ["middle", "high"]
    names = [label.name for label in data.labels]
    columns = [names.index("middle"), names.index("high")]
    for split in data.splits:
        kept = part.select(split)
        whole = data.targets(data.select(split))[:, columns]
        assert len(kept) == whole.any(axis=1).sum() > 0
        np.testing.assert_array_equal(part.targets(kept), data.targets(kept)[:, columns])
        assert part.targets(kept).any(axis=1).all()


def test_some_clips(data):
    clips = data.select("train")[::3]
    part = Subset(data, clips=clips[::-1])
    np.testing.assert_array_equal(part.select("train"), clips)
    assert len(part.select("validation")) == 0
    assert part.labels == data.labels
    np.testing.assert_array_equal(part.waveform(clips[0]), data.waveform(clips[0]))
    assert part.clip_id(clips[0]) == data.clip_id(clips[0])


def test_can_be_copied(data):
    part = copy.copy(Subset(data, labels=["low"]))
    assert [label.name for label in part.labels] == ["low"]


def test_its_fingerprint_is_of_what_is_kept(data):
    clips = data.select("train")
    parts = [
        data,
        Subset(data),
        Subset(data, clips=clips),
        Subset(data, clips=clips[1:]),
        Subset(data, labels=["low"]),
        Subset(data, labels=["high"]),
    ]
    assert len({part.fingerprint for part in parts}) == len(parts)
    assert Subset(data, clips=clips).fingerprint == parts[2].fingerprint


def test_refuses_a_class_or_split_that_is_not_there(data):
    with pytest.raises(ValueError, match="has no class 'Dog'; it has high, low, middle"):
        Subset(data, labels=["Dog"])
    with pytest.raises(ValueError, match="has no split 'other'"):
        Subset(data).select("other")
