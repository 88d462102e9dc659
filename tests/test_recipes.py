"""What the recipes make of recordings, where these are at hand."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from frontend import load_audio
from zoo import AudioClassifier, head

ROOT = Path(__file__).parents[1]


def manifest(path, monkeypatch, shared_data, *arguments):
    import opensounds

    command = ["opensounds.py", "--data", str(shared_data), "--output", str(path), *arguments]
    monkeypatch.setattr(sys, "argv", command)
    opensounds.main()
    with open(path, encoding="utf-8") as file:
        return [(row["label"].split(";"), row["split"]) for row in csv.DictReader(file)]


def test_clips_have_the_classes_above_their_own(recipes, shared_data, tmp_path, monkeypatch):
    rows = manifest(tmp_path / "x.csv", monkeypatch, shared_data)
    labels = {tuple(labels) for labels, _ in rows}
    assert {("Rimshot", "Snare drum", "Drum"), ("Hand drum", "Drum"), ("Oboe",)} <= labels
    assert ("Cowbell",) in labels  # and no cattle
    assert {split for _, split in rows} == {"train", "test", "esc10_test"}
    plain = manifest(tmp_path / "y.csv", monkeypatch, shared_data, "--as-labelled")
    assert [labels[:1] for labels, _ in rows] == [labels for labels, _ in plain]


def test_esc10_alone_and_left_out(recipes, shared_data, tmp_path, monkeypatch):
    folds = manifest(tmp_path / "x.csv", monkeypatch, shared_data, "--esc10", "folds")
    assert sorted(split for _, split in folds) == sorted("12345" * 80)
    without = manifest(tmp_path / "y.csv", monkeypatch, shared_data, "--esc10", "none")
    both = manifest(tmp_path / "z.csv", monkeypatch, shared_data)
    assert len(without) + len(folds) == len(both)


def test_yamnet_hears_speech(recipes, shared_data):
    from yamnet import YAMNet

    yamnet = YAMNet(shared_data / "yamnet")
    waveform = load_audio(ROOT / "examples" / "speech.ogg", 16000)
    scores = yamnet.score(waveform)
    assert scores.shape == (521,) == (len(yamnet.labels),)
    assert yamnet.labels[scores.argmax()] == "Speech"
    assert yamnet.score(waveform[:100]).shape == (521,)


def test_a_widened_network_scores_as_before_and_its_copies_differ(recipes):
    from widen import widened

    narrow = AudioClassifier("resnet50", ["a", "b"], width=0.125)
    rng = np.random.default_rng(0)
    for weight in narrow.network.weights:  # batch norm, too, as training leaves it
        weight.assign(weight + rng.uniform(0, 0.1, weight.shape))
    wide = widened(narrow, 0.5)
    assert wide.width == 0.5
    assert wide.labels == narrow.labels
    patches = rng.normal(size=(2, 96, 64)).astype("float32")
    scores = [c.network.predict_on_batch(patches) for c in (narrow, wide)]
    np.testing.assert_allclose(*scores, atol=1e-4)
    kernel = head.head(wide.network).get_weights()[0]
    assert len(np.unique(kernel, axis=0)) == len(kernel)


def test_what_cannot_be_widened(recipes):
    from widen import widened

    with pytest.raises(ValueError, match=r"multiple of 0\.125\. Received: 0.3"):
        widened(AudioClassifier("resnet50", ["a", "b"], width=0.125), 0.3)
    with pytest.raises(ValueError, match=r"can be widened\. Received: vgg"):
        widened(AudioClassifier("vgg", ["a", "b"], width=0.125), 0.25)
