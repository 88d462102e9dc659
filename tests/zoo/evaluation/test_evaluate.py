"""Evaluating a small classifier on a few clips: what is computed, and what is written."""

import csv
import json
import math
import shutil

import numpy as np
import pytest
import soundfile

from frontend import FrontendConfig
from zoo import AudioClassifier
from zoo.cli import main
from zoo.data import CorruptData, open_prepared, prepare, read_source
from zoo.data.subset import Subset
from zoo.evaluation import average_precision, evaluate, lwlrap, roc_auc, score_clips, top1
from zoo.evaluation.evaluate import FILES
from zoo.evaluation.metrics import best_thresholds

NAMES = ["Dog", "Sword, metal clash", "Rain"]


def files(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("batch", [1, 3, 128])
def test_clip_scores_are_means_of_patch_scores(small_classifier, prepared, batch):
    indices = np.arange(len(prepared))[::-1]
    scores = list(score_clips(small_classifier, prepared, indices, batch=batch))
    assert len(scores) == len(prepared)
    for index, row in zip(indices, scores, strict=True):
        timeline = small_classifier.timeline(prepared.waveform(index))
        np.testing.assert_allclose(row, timeline.scores.mean(axis=0), atol=1e-5)


def test_sounds_that_are_heard_whole_may_differ_in_length(noise, tmp_path):
    frontend = FrontendConfig(whole_seconds=30, patch_frames=1000, center=True)
    classifier = AudioClassifier("resnet50", ["a", "b"], width=0.05, frontend=frontend)
    for label, seconds in (("a", 1), ("b", 2.5)):
        (tmp_path / "sounds" / label).mkdir(parents=True)
        samples = noise(round(seconds * 16000))
        soundfile.write(tmp_path / "sounds" / label / "x.wav", samples, 16000)
    data = prepare(read_source(tmp_path / "sounds"), tmp_path / "data")
    for clip, row in enumerate(score_clips(classifier, data, np.arange(2))):
        expected = classifier.timeline(data.waveform(clip)).scores[0]
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_silence_scores_as_classify_has_it(sound, tmp_path):
    soundfile.write(sound("zeros.wav"), np.zeros(20000), 16000)
    sound("rain.wav")
    rows = ["file,label,split", "zeros.wav,Silence,test", "rain.wav,Rain,train"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    data = prepare(read_source(tmp_path / "manifest.csv"), tmp_path / "data")
    classifier = AudioClassifier("fully_connected", ["Rain", "Silence"], width=0.02)
    (scores,) = score_clips(classifier, data, data.select("test"))
    np.testing.assert_array_equal(scores, [0, 1])
    assert classifier.classify(tmp_path / "zeros.wav", top=1)[0].label == "Silence"


def test_scores_that_are_not_finite_name_the_clip(small_classifier, prepared, monkeypatch):
    class Broken:
        frontend = small_classifier.frontend

        @staticmethod
        def score_patches(waveforms):
            return small_classifier.score_patches(waveforms) * float("nan")

    indices = prepared.select("test")
    with pytest.raises(ValueError, match=f"clip {prepared.clip_id(indices[0])!r} are not finite"):
        list(score_clips(Broken, prepared, indices))


def test_a_model_of_another_sample_rate_is_refused(telephone_preset, prepared, tmp_path):
    classifier = AudioClassifier.from_preset(telephone_preset)
    with pytest.raises(ValueError, match=r"are at 16000 Hz, .* Received a model of 8000 Hz\."):
        next(score_clips(classifier, prepared, prepared.select("test")))
    with pytest.raises(ValueError, match="Received a model of 8000 Hz"):
        evaluate(classifier, prepared, "test", tmp_path / "evaluation")
    assert not (tmp_path / "evaluation").exists()


def test_files_hold_the_figures(small_classifier, prepared, tmp_path):
    metrics = evaluate(small_classifier, prepared, "test", tmp_path / "a" / "b", bootstrap=20)
    folder = tmp_path / "a" / "b"
    assert files(folder) == {name for name in FILES if not name.endswith(".png")}
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    scores, truth = np.load(folder / "scores.npy"), np.load(folder / "truth.npy")
    indices = prepared.select("test")
    assert (folder / "labels.txt").read_text().splitlines() == NAMES
    assert (folder / "clips.txt").read_text().splitlines() == list(map(prepared.clip_id, indices))
    assert (scores.dtype, scores.shape) == (np.float32, (4, 3))
    np.testing.assert_array_equal(scores, list(score_clips(small_classifier, prepared, indices)))
    sources = [[label.name for label in prepared.labels].index(name) for name in ("Dog", "Rain")]
    np.testing.assert_array_equal(truth[:, [0, 2]], prepared.targets(indices)[:, sources] > 0)
    assert not truth[:, 1].any()

    thresholds = dict(zip(NAMES, best_thresholds(truth, scores), strict=True))
    del thresholds["Sword, metal clash"]
    assert json.loads((folder / "thresholds.json").read_text()) == thresholds
    assert metrics["mAP"] == pytest.approx(average_precision(truth, scores)[[0, 2]].mean())
    assert metrics["AUC"] == pytest.approx(roc_auc(truth, scores)[[0, 2]].mean())
    assert metrics["lwlrap"] == pytest.approx(lwlrap(truth, scores))
    assert metrics["top1"] == pytest.approx(top1(truth, scores))
    assert (metrics["clips"], metrics["classes"]) == (4, 2)
    assert metrics["without_positives"] == ["Sword, metal clash"]
    assert metrics["per_class"]["Dog"]["clips"] == 3
    assert metrics["per_class"]["Sword, metal clash"]["AP"] is None
    assert set(metrics["intervals"]) == {"mAP", "AUC", "d_prime", "lwlrap", "top1"}
    with open(folder / "per_class.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == NAMES
    assert float(rows[0]["AP"]) == pytest.approx(metrics["per_class"]["Dog"]["AP"])
    assert rows[1]["AUC"] == ""


def test_unknown_labels_are_an_error_or_left_out(small_classifier, prepared, tmp_path):
    with pytest.raises(ValueError, match=r"does not know: 'Cat' \(2 clips\)\. To leave"):
        evaluate(small_classifier, prepared, "strange", tmp_path)
    assert files(tmp_path) == set()
    metrics = evaluate(
        small_classifier, prepared, "strange", tmp_path, bootstrap=0, ignore_unknown_labels=True
    )
    assert metrics["unknown_labels"] == ["Cat"]
    assert (metrics["clips"], metrics["clips_left_out"], metrics["intervals"]) == (2, 1, {})
    with pytest.raises(ValueError, match="No clip of the split 'cats' has a label"):
        evaluate(small_classifier, prepared, "cats", tmp_path, ignore_unknown_labels=True)


def test_clips_of_which_nobody_said_what_is_heard_are_left_out(small_classifier, sound, tmp_path):
    for name in ("dog", "rain", "unknown"):
        sound(f"{name}.wav", samples=4000)
    rows = ["file,label,split", "dog.wav,Dog,test", "rain.wav,Rain,test", "unknown.wav,,test"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    data = prepare(read_source(tmp_path / "manifest.csv", unlabelled=True), tmp_path / "data")
    metrics = evaluate(small_classifier, data, "test", tmp_path / "evaluation", bootstrap=0)
    assert (metrics["clips"], metrics["clips_left_out"]) == (2, 1)


def test_an_interrupted_evaluation_leaves_what_was_there(small_classifier, prepared, tmp_path):
    evaluate(small_classifier, prepared, "test", tmp_path, bootstrap=0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupted(items, length, words):
        yield next(iter(items))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(small_classifier, prepared, "train", tmp_path, track=interrupted)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["labels.txt", "confusion.png", "metrics.json"])
def test_files_that_no_evaluation_wrote_are_kept(name, small_classifier, prepared, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match=f"holds {name}, and is not the folder of an earlier"):
        evaluate(small_classifier, prepared, "test", tmp_path, bootstrap=0)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_plots_are_drawn_and_replaced(small_classifier, prepared, tmp_path):
    # Each clip of the train split has one label, so there is a confusion matrix.
    evaluate(small_classifier, prepared, "train", tmp_path, bootstrap=0, plots=True)
    assert files(tmp_path) == set(FILES) - {"reliability.png"}
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")
    evaluate(small_classifier, prepared, "test", tmp_path, bootstrap=0, plots=True)
    assert files(tmp_path) == set(FILES) - {"confusion.png", "reliability.png"}
    evaluate(small_classifier, prepared, "test", tmp_path, bootstrap=0)
    assert not any(name.endswith(".png") for name in files(tmp_path))


def test_command_prints_a_table(small_preset, prepared, tmp_path, capsys):
    arguments = ["evaluate", str(prepared.folder), "--model", str(small_preset)]
    arguments += ["--output", str(tmp_path), "--bootstrap", "20", "--no-plots", "--per-class"]
    assert main(arguments) == 0
    output, errors = capsys.readouterr()
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert errors == ""
    assert "Figure" in output.splitlines()[0]
    low, high = metrics["intervals"]["mAP"]
    row = output.splitlines()[2].split()
    assert row == [
        "mean",
        "average",
        "precision",
        f"{metrics['mAP']:.3f}",
        *f"{low:.3f} to {high:.3f}".split(),
    ]
    assert "Left out, because no clip has them: Sword, metal clash." in output
    assert any(line.split()[:2] == ["Dog", "3"] for line in output.splitlines())
    assert metrics["model"] == str(small_preset)
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == metrics


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--split": "dev"}, "has no split 'dev'; it has"),
        ({"--model": "nonsense"}, "no preset 'nonsense'"),
        ({"--bootstrap": "-1"}, "bootstrap must be at least 0"),
        ({"--seed": "-1"}, "seed must be at least 0. Received: -1"),
        ({"--split": "strange"}, "--ignore-unknown-labels"),
        ({"data": "/dev/null"}, "holds no prepared data"),
        (
            {"data": __file__},
            "is a file, and not what soundzoo prepare writes. If it is a",
        ),
        ({"--output": "/dev/null/x"}, "/dev/null/x"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    small_preset, prepared, tmp_path, capsys, change, message
):
    given = {"--model": str(small_preset), "--output": str(tmp_path), **change}
    data = given.pop("data", str(prepared.folder))
    status = main(["evaluate", data, *[word for pair in given.items() for word in pair]])
    output, errors = capsys.readouterr()
    assert (status, output) == (2, "")
    assert message in errors
    assert len(errors.splitlines()) == 1


def test_figures_that_are_undefined_are_null(small_classifier, prepared, tmp_path):
    # The clips that are left have all one label or none: nothing can be ranked.
    one_clip = Subset(prepared, clips=prepared.select("test")[:1])
    metrics = evaluate(small_classifier, one_clip, "test", tmp_path, bootstrap=5, plots=True)
    assert (metrics["mAP"], metrics["AUC"], metrics["d_prime"]) == (None, None, None)
    assert metrics["classes"] == 0
    assert len(metrics["without_negatives"]) == 1
    assert not math.isnan(metrics["top1"])


def test_damaged_clips_are_left_out_where_that_is_asked_for(small_classifier, prepared, tmp_path):
    folder = tmp_path / "prepared"
    shutil.copytree(prepared.folder, folder)
    shard = folder / prepared.index["shards"][0]["file"]
    clip = prepared.select("test")[0]
    content = bytearray(shard.read_bytes())
    content[content.index(prepared.clip_id(clip).encode()) + 200] ^= 1
    shard.write_bytes(content)
    with pytest.raises(CorruptData, match="is damaged at the clip"):
        evaluate(small_classifier, open_prepared(folder), "test", tmp_path / "out", bootstrap=0)
    tolerant = open_prepared(folder, skip_corrupt=True)
    with pytest.warns(UserWarning, match=r"Left out: .* is damaged at the clip"):
        metrics = evaluate(small_classifier, tolerant, "test", tmp_path / "out", bootstrap=0)
    assert metrics["clips"] == len(prepared.select("test")) - 1
    alone = Subset(tolerant, clips=[clip])
    with (
        pytest.warns(UserWarning, match=r"Left out: .* is damaged at the clip"),
        pytest.raises(ValueError, match=r"No clip of the split 'test' of .* can be read"),
    ):
        evaluate(small_classifier, alone, "test", tmp_path / "none", bootstrap=0)
