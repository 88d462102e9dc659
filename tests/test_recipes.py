"""What the recipes make of recordings, where these are at hand."""

import csv
import sys
from pathlib import Path

from frontend import load_audio

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
