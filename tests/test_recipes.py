"""What the recipes make of recordings, where these are at hand."""

import csv
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from frontend import load_audio
from zoo import AudioClassifier, head, presets
from zoo.convert import convert
from zoo.training import TrainConfig, read_config
from zoo.training.teaching import Teachers

ROOT = Path(__file__).parents[1]
AUDIOSET = sorted((ROOT / "recipes").glob("*_w025_audioset.yaml"))


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


@pytest.mark.parametrize("recipe", AUDIOSET, ids=lambda path: path.stem)
def test_a_card_says_to_how_many_mixtures_its_classifier_was_fitted(recipe):
    config = TrainConfig.from_dict(read_config(recipe))
    card = Path(presets.find(recipe.stem), presets.CARD).read_text(encoding="utf-8")
    mixtures = config.refit_steps * config.batch
    assert mixtures > 0
    assert f"say of {mixtures:,} such mixtures." in " ".join(card.split())


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
    (tmp_path / "more" / "manifest.csv").write_text("file,origin\ny.opus,a\nx.opus,somewhere\n")
    (tmp_path / "more" / "overlap.csv").write_text("file,test,likeness\ny.opus,z.ogg,0.99\n")
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
    assert str(tmp_path / "more" / "y.opus") not in [row["file"] for row in rows]


def test_a_test_recording_is_found_again(recipes, tmp_path, monkeypatch, capsys):
    import overlap

    examples = ROOT / "examples"
    for collection, name in (("opensounds", "oboe.ogg"), ("world", "birdsong.ogg")):
        (tmp_path / collection).mkdir()
        shutil.copy(examples / name, tmp_path / collection)
        manifest = f"file,split\n{name},test\nlost.ogg,train\n"
        (tmp_path / collection / "manifest.csv").write_text(manifest)
    (tmp_path / "more").mkdir()
    # At another level, from the middle on, in another format.
    again = load_audio(examples / "birdsong.ogg", 16000)[8000:] / 3
    soundfile.write(tmp_path / "more" / "again.flac", again, 16000)
    shutil.copy(examples / "clapping.ogg", tmp_path / "more")
    (tmp_path / "more" / "manifest.csv").write_text("file\nclapping.ogg\nagain.flac\n")
    monkeypatch.setattr(sys, "argv", ["x", "--data", str(tmp_path), str(tmp_path / "more")])
    overlap.main()
    assert "1 of 2 hold test recordings" in capsys.readouterr().out
    with open(tmp_path / "more" / "overlap.csv", encoding="utf-8") as file:
        (found,) = csv.DictReader(file)
    assert found["file"] == "again.flac"
    assert found["test"] == str(tmp_path / "world" / "birdsong.ogg")


@pytest.mark.slow
def test_mn04_becomes_a_teacher(recipes, shared_data, tmp_path):
    import teacher

    folder = shared_data / "teacher"
    reference = np.load(folder / "reference.npz")
    mn04 = teacher.Teacher(convert(folder / "mn04_as_float32.npz"))
    assert teacher.difference(mn04, reference, ROOT / "examples") < 0.05
    teacher.save(mn04, tmp_path / "mn04")
    speech = load_audio(ROOT / "examples" / "speech.ogg", 16000)[np.newaxis]
    (scores,) = Teachers([tmp_path / "mn04"], mn04.labels).logits(speech)
    assert mn04.labels[np.argmax(scores)].name == "Speech"


def test_yamnet_teaches_of_the_patch_in_the_middle(recipes, tmp_path):
    import teacher
    import yamnet_teacher

    yamnet = AudioClassifier.from_preset("yamnet")
    teacher.save(yamnet_teacher.Middle(yamnet), tmp_path / "yamnet")
    samples = yamnet.frontend.patch_samples
    patch = load_audio(ROOT / "examples" / "birdsong.ogg", 16000)[:samples]
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 16000)).astype("float32")
    mixture = np.concatenate([noise[0], patch, noise[1]])[np.newaxis]
    (logits,) = Teachers([tmp_path / "yamnet"], yamnet.labels).logits(mixture)
    (scores,) = yamnet.score_patches(patch[np.newaxis])
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), scores, atol=1e-5)


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


def test_presets_are_compared_by_the_classes_that_all_taggers_know(recipes, monkeypatch):
    import hearing

    monkeypatch.setattr(hearing, "KNOWS", 3)
    truth = {"Dog": [1, 1, 0, 0], "Rain": [0, 0, 1, 1], "Oboe": [0, 0, 0, 1], "Wind": [0] * 4}
    right, wrong = [0.9, 0.8, 0.2, 0.1], [0.1, 0.2, 0.8, 0.9]
    heard = hearing.Heard(
        {name: np.array(there, bool) for name, there in truth.items()},
        {
            model: {name: np.array(scores) for name, scores in of_model.items()}
            for model, of_model in {
                "tagger": {"Dog": right, "Rain": wrong, "Oboe": wrong, "Wind": wrong},
                "teacher": {"Dog": wrong, "Rain": wrong, "Thunder": wrong},
                "few": {"Rain": wrong},
            }.items()
        },
    )
    assert heard.columns("tagger", 1)[0].T.tolist() == [truth["Dog"], truth["Rain"]]
    assert hearing.mean_precision(heard, "tagger", 1).startswith("1.000 (")
    assert hearing.first(heard, "teacher").startswith("0.500 (")
    assert hearing.mean_precision(heard, "few", 1) == ""
    assert hearing.agreed(heard, "few", "teacher") == ""
