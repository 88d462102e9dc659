"""What the recipes make of recordings, where these are at hand."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from frontend import load_audio
from zoo import AudioClassifier, head
from zoo.data.classes import read_class_list
from zoo.labels import Label
from zoo.training.teaching import Teaching

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


def test_audioset_has_its_classes_and_nothing_of_esc(recipes, shared_data, tmp_path, monkeypatch):
    import audioset

    classes = audioset.Classes(shared_data)
    assert classes.of("Rimshot") == [
        "Rimshot",
        "Snare drum",
        "Drum",
        "Percussion",
        "Musical instrument",
    ]
    assert classes.of("Cowbell") == ["Cowbell"]  # and no cattle
    assert classes.of("Oboe")[0] == "Wind instrument, woodwind instrument"
    assert classes.of("Mining, stone") == []
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "manifest.csv").write_text("file,origin\nx.opus,somewhere\n")
    output = tmp_path / "x.csv"
    command = ["x", "--data", str(shared_data), "--more", str(tmp_path / "more")]
    monkeypatch.setattr(sys, "argv", [*command, "--validation", "0.1", "--output", str(output)])
    audioset.main()
    with open(output, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert not [row for row in rows if "esc" in Path(row["file"]).parts[-3].lower()]
    splits = {row["split"] for row in rows}
    assert splits == {"train", "validation", "opensounds_test", "world_test"}
    assert {bool(row["label"]) for row in rows if row["split"] == "world_test"} == {True}
    assert rows[-1] == {"file": str(tmp_path / "more" / "x.opus"), "label": "", "split": "train"}


@pytest.mark.slow
def test_mn04_is_the_references_and_becomes_a_teacher(recipes, shared_data, tmp_path):
    import teacher

    folder = shared_data / "teacher"
    reference = np.load(folder / "reference.npz")
    for rate, difference in {32000: 1e-4, 16000: 0.05}.items():
        network = teacher.MN04(folder / "mn04_as_float32.npz", rate)
        assert teacher.difference(network, reference, ROOT / "examples") < difference
    labels = [label.name for label in read_class_list(folder / "class_labels_indices.csv")]
    teacher.save(network, labels, tmp_path / "mn04")
    speech = load_audio(ROOT / "examples" / "speech.ogg", 16000)[np.newaxis]
    (scores,) = Teaching([tmp_path / "mn04"], [Label(name) for name in labels]).logits(speech)
    assert labels[np.argmax(scores)] == "Speech"


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
