import json
import shutil

import numpy as np
import pytest
import soundfile
from sklearn.calibration import calibration_curve

from zoo import AudioClassifier
from zoo.calibration import METHODS, Calibration, apply
from zoo.cli import main
from zoo.data import prepare, read_source
from zoo.evaluation import calibrate
from zoo.evaluation.calibrate import BINS, FEWEST


@pytest.fixture
def clips():
    """Of 4000 clips two classes, whose labels are there as often as their probability says, and
    scores that overdo it; and a third class that hardly any clip has."""
    rng = np.random.default_rng(0)
    probabilities = rng.beta(0.5, 1.5, (4000, 3))
    truth = rng.uniform(size=probabilities.shape) < probabilities
    truth[:, 2] = False
    truth[: FEWEST - 1, 2] = True
    scores = probabilities**0.4
    return truth, scores, probabilities


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_are_what_they_say(clips, method):
    truth, scores, probabilities = clips
    found = calibrate(truth, scores, ["A", "B", "C"], method)
    assert set(found.calibration.curves) == {"A", "B"}
    assert found.before.error > 0.2
    assert found.after.error < 0.03
    curve = found.calibration.curves["A"]
    np.testing.assert_allclose(apply(curve, scores[:, 0]), probabilities[:, 0], atol=0.12)


def test_the_diagram_is_scikit_learns(clips):
    truth, scores, _ = clips
    before = calibrate(truth[:, :1], scores[:, :1], ["A"], "platt").before
    observed, mean = calibration_curve(truth[:, 0], scores[:, 0], n_bins=BINS)
    filled = before.number > 0
    np.testing.assert_allclose(before.observed[filled], observed)
    np.testing.assert_allclose(before.mean[filled], mean)
    assert before.number.sum() == len(truth)
    assert before.error == pytest.approx(
        np.sum(before.number[filled] * abs(observed - mean)) / len(truth)
    )


def test_after_is_of_clips_that_had_no_part(clips):
    # Labels that scores know nothing of: a curve of steps learns them by heart, if it may.
    rng = np.random.default_rng(1)
    truth, scores = rng.uniform(size=(60, 1)) < 0.5, rng.uniform(size=(60, 1))
    found = calibrate(truth, scores, ["A"], "isotonic")
    learnt = apply(found.calibration.curves["A"], scores[:, 0])
    assert abs(learnt[truth[:, 0]].mean() - learnt[~truth[:, 0]].mean()) > 0.05
    assert found.after.error > 0.05


def test_scores_that_say_the_opposite_become_the_share_of_clips():
    scores = np.linspace(0.01, 0.99, 100)[:, np.newaxis]
    curve = calibrate(scores < 0.3, scores, ["A"], "platt").calibration.curves["A"]
    assert curve["slope"] == 0
    assert 1 / (1 + np.exp(-curve["intercept"])) == pytest.approx(0.29, abs=0.011)


def test_too_little_and_another_method():
    scores = np.linspace(0, 1, 30)[:, np.newaxis]
    with pytest.raises(ValueError, match="No class has 10 clips with it and 10 without it"):
        calibrate(scores > 0.9, scores, ["A"], "platt")
    with pytest.raises(ValueError, match=r"by platt or isotonic\. Received: 'beta'"):
        calibrate(scores > 0.5, scores, ["A"], "beta")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Prepared data of 40 short clips of two classes, rain being louder."""
    folder = tmp_path_factory.mktemp("many")
    rng, rows = np.random.default_rng(0), ["file,label,split"]
    for number in range(40):
        waveform = rng.normal(0, (0.02, 0.2)[number % 2], 4000)
        soundfile.write(folder / f"{number}.wav", waveform.clip(-1, 1), 16000)
        rows.append(f"{number}.wav,{('Dog', 'Rain')[number % 2]},validation")
    (folder / "manifest.csv").write_text("\n".join(rows))
    prepare(read_source(folder / "manifest.csv"), folder / "prepared")
    return folder / "prepared"


def test_the_command_saves_a_preset_that_gives_probabilities(many, tmp_path, small_preset, capsys):
    calibrated, heard = tmp_path / "calibrated", many.parent / "1.wav"
    arguments = ["evaluate", many, "--model", small_preset, "--split", "validation"]
    arguments += ["--output", tmp_path / "out", "--bootstrap", 0]
    assert run(*arguments, "--calibrate", "platt", "--preset", calibrated) == 0
    assert "Calibration error of 2 classes: 0." in capsys.readouterr().out
    assert (tmp_path / "out" / "reliability.png").is_file()
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())["calibration"]
    assert (found["method"], found["classes"]) == ("platt", 2)
    assert found["error_after"] < found["error_before"]
    scores = {}
    for flags in ([], ["--calibrated"]):
        assert run("classify", heard, "--model", calibrated, "--json", *flags) == 0
        (entry,) = json.loads(capsys.readouterr().out)
        scores[bool(flags)] = {each["label"]: each["score"] for each in entry["predictions"]}
    assert scores[True] != scores[False]
    assert run("events", heard, "--model", calibrated, "--calibrated", "--threshold", 0.01) == 0
    arguments += ["--calibrate", "isotonic", "--preset", calibrated]
    shutil.rmtree(tmp_path / "out")
    assert run(*arguments) == 2
    assert "calibrated exists; pass --overwrite to replace it." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run(*arguments, "--overwrite") == 0
    shutil.rmtree(tmp_path / "out")
    (calibrated / "config.json").unlink()
    assert run(*arguments, "--overwrite") == 2
    assert "exists and is not a preset, so it is not replaced." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_table_does_not_go_on_with_another_calibration(many, tmp_path, small_preset, capsys):
    classifier = AudioClassifier.from_preset(small_preset)
    table = tmp_path / "heard.csv"
    arguments = ["classify", many.parent / "1.wav", "--model", tmp_path / "mine", "--calibrated"]
    for intercept in (0.0, 5.0):
        classifier.calibration = Calibration({"Dog": {"slope": 1, "intercept": intercept}})
        classifier.save_to_preset(tmp_path / "mine", overwrite=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("zoo.row_file.RowFile.finish", lambda table: None)
            status = run(*arguments, "--output", table)
        assert status == (2 if intercept else 0)
    assert "is of a run that differs in: '--model'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("evaluate", "data", "--output", "out", "--calibrate", "platt"), "--preset DIR go tog"),
        (("evaluate", "data", "--output", "out", "--preset", "mine"), "METHOD and --preset DIR go"),
        (
            ("evaluate", "data", "--output", "a/b", "--calibrate", "platt", "--preset", "a"),
            "--output a/b lies in --preset a, which is written as a whole",
        ),
        (("classify", "1.wav", "--calibrated"), "has no calibration; soundzoo evaluate --calibra"),
    ],
)
def test_what_does_not_go_together(arguments, sentence, small_preset, capsys):
    assert run(*arguments, "--model", small_preset) == 2
    assert sentence in capsys.readouterr().err


def test_an_exported_file_has_no_calibration(capsys):
    assert run("classify", "1.wav", "--calibrated", "--model", "small.tflite") == 2
    assert "--calibrated is for presets: small.tflite gives scores" in capsys.readouterr().err


def run(*arguments):
    return main(list(map(str, arguments)))
