"""A linear classifier on frozen features, cross-validated."""

import sys

import numpy as np
import pytest

from frontend import FrontendConfig
from zoo.data.subset import Subset
from zoo.reproduce import transfer

MODULE = sys.modules["zoo.reproduce.transfer"]


@pytest.fixture
def scores(data, tmp_path):
    """A folder of a model's zero-shot scores, which are right about every clip."""
    folder = tmp_path / "oracle"
    folder.mkdir()
    np.save(folder / "scores.npy", data.targets(range(len(data))))
    (folder / "clips.txt").write_text("".join(f"{data.clip_id(n)}\n" for n in range(len(data))))
    (folder / "labels.txt").write_text("".join(f"{label.name}\n" for label in data.labels))
    return folder


def test_features_side_by_side(data, small_preset, scores, monkeypatch):
    monkeypatch.setattr(MODULE, "EPOCHS", 20)
    results = transfer(data, [small_preset], scores=[scores])
    rows = {row["settings"]["features"]: row for row in results["rows"]}
    assert list(rows) == ["log-mel", "small", "oracle, zero-shot"]
    assert rows["log-mel"]["top1"] > 0.9  # tones of different pitch
    oracle = rows["oracle, zero-shot"]
    assert (oracle["mAP"], oracle["AUC"], oracle["top1"]) == (1, 1, 1)
    for row in rows.values():
        low, high = row["intervals"]["mAP"]
        assert low <= row["mAP"] <= high
    assert transfer(data, [small_preset], scores=[scores]) == results


def test_each_clip_is_judged_by_who_was_not_trained_on_it(
    data, small_preset, telephone_preset, monkeypatch
):
    trained_on = []

    class Guess:
        def __init__(self, patches, targets):
            trained_on.append(len(patches))

        def predict(self, patches, verbose):
            return np.full((len(patches), 3), 0.5)

    monkeypatch.setattr(MODULE, "_fit", Guess)
    transfer(data, [small_preset, telephone_preset])
    patches = FrontendConfig().num_patches(data.samples.astype(np.int64))
    others = [patches.sum() - patches[data.select(split)].sum() for split in data.splits]
    assert trained_on == others * 3  # of log-mel and of embeddings, also where clips are resampled


def test_models_of_one_name(data, small_preset):
    with pytest.raises(ValueError, match=r"different names\. Received: small, small"):
        transfer(data, [small_preset, small_preset])
    with pytest.raises(ValueError, match=r"Folders of scores .* names\. Received: a/x, b/x"):
        transfer(data, [small_preset], scores=["a/x", "b/x"])


def test_splits_must_be_folds(data, small_preset):
    class OneSplit(Subset):
        splits = ("train",)

    with pytest.raises(ValueError, match="has the split 'train' alone; its splits must be folds"):
        transfer(OneSplit(data), [small_preset])


def test_log_mel_patches_are_those_of_16_khz(data, small_preset, monkeypatch):
    monkeypatch.setattr(data, "sample_rate", 8000)
    with pytest.raises(ValueError, match="are at 8000 Hz"):
        transfer(data, [small_preset])
