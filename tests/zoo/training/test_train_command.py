import csv
import json
import shutil
import signal
import sys

import numpy as np
import pytest
import yaml

from zoo.cli import main
from zoo.training import Stopped

SMALL = ["--model", "fully_connected", "--width", "0.03", "--batch", "8", "--epochs", "2"]


def losses(run):
    with open(run / "log.csv") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def test_trains_on_prepared_data_and_classifies_at_once(data, sounds, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", str(data.folder), str(run), *SMALL, "--epoch-steps", "5"]) == 0
    output = capsys.readouterr().out
    assert "fully_connected at width 0.03, 3 classes: 2 epochs of 5 steps" in output
    rows = [line.split() for line in output.splitlines() if line[:7].strip() in ("1", "2")]
    assert [float(row[1]) for row in rows] == pytest.approx(losses(run), abs=1e-4)
    assert main(["classify", "--model", str(run), str(sounds), "--top", "1"]) == 0
    assert "low" in capsys.readouterr().out


def test_prepares_a_source_first(sounds, tmp_path):
    run = tmp_path / "run"
    assert main(["train", str(sounds), str(run), *SMALL]) == 0
    assert json.loads((run / "data" / "index.json").read_text())["clips"] == 24
    # 18 clips of 0.5 to 1.75 s hold 1 or 2 patches each.
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["epoch_steps"] is None
    assert main(["train", str(sounds), str(run), *SMALL]) == 0  # finds what it prepared


def test_a_source_is_prepared_as_the_preset_hears(sounds, telephone_preset, tmp_path):
    run, heard = tmp_path / "run", tmp_path / "heard"
    options = ["--batch", "8", "--epochs", "2", "--hold-out", "0.2"]
    start = ["--init", str(telephone_preset), *options]
    assert main(["train", str(sounds / "train"), str(run), *start]) == 0
    assert json.loads((run / "data" / "index.json").read_text())["sample_rate"] == 8000
    options = ["--split", "validation", "--output", str(heard)]
    assert main(["evaluate", "--model", str(run), str(run / "data"), *options]) == 0


def test_says_what_it_found(sounds, tmp_path, capsys):
    folder = tmp_path / "sounds"
    shutil.copytree(sounds, folder)
    (folder / "train" / "high" / "0.wav").write_text("no sound")
    (folder / "train" / "high" / "notes.txt").touch()
    shutil.copytree(folder / "validation", folder / "test")
    assert main(["train", str(folder), str(tmp_path / "run"), *SMALL]) == 0
    output, errors = capsys.readouterr()
    assert output.splitlines()[0] == (
        "29 clips of 3 classes, 0.01 h: test 6, train 17, validation 6; 1 skipped"
    )
    said = [line for line in errors.splitlines() if line.startswith("soundzoo: ")]
    assert said[0] == f"soundzoo: left out: 1 .txt in {folder / 'train' / 'high'}/"
    assert said[1].startswith("soundzoo: skipped train/high/0: ")
    assert said[2] == "soundzoo: not used in training: the split 'test', 6 clips"


def test_holds_out_what_it_is_judged_by(sounds, tmp_path, capsys):
    run = tmp_path / "run"
    arguments = ["train", str(sounds / "train"), str(run), *SMALL]
    assert main(arguments) == 0
    assert "soundzoo: nothing is held out, so nothing will say" in capsys.readouterr().err
    shutil.rmtree(run)
    assert main([*arguments, "--hold-out", "0.25"]) == 0
    output, errors = capsys.readouterr()
    assert ": train 15, validation 3; 0 skipped" in output
    assert "nothing is held out" not in errors
    evaluated = tmp_path / "evaluation"
    arguments = ["evaluate", "--model", str(run), str(run / "data"), "--output", str(evaluated)]
    assert main([*arguments, "--bootstrap", "0", "--no-plots"]) == 0
    assert "3 clips of the split 'validation', 3 classes" in capsys.readouterr().out
    assert main(["train", str(run / "data"), str(run), "--hold-out", "0.25"]) == 2
    assert "is prepared already: pass --hold-out to soundzoo prepare" in capsys.readouterr().err


def test_flags_and_file_agree_and_flags_come_first(data, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("model: fully_connected\nwidth: 0.03\nbatch: 8\nepochs: 1\nepoch_steps: 5\n")
    arguments = ["train", str(data.folder)]
    flags = [*SMALL, "--epochs", "1", "--epoch-steps", "5"]
    assert main([*arguments, str(tmp_path / "file"), "--config", str(path)]) == 0
    assert main([*arguments, str(tmp_path / "flags"), *flags]) == 0
    assert (tmp_path / "file" / "config.yaml").read_text() == (
        tmp_path / "flags" / "config.yaml"
    ).read_text()
    assert losses(tmp_path / "file") == losses(tmp_path / "flags")
    other = [
        *arguments,
        str(tmp_path / "both"),
        "--config",
        str(path),
        "--seed",
        "5",
        "--no-freeze",
    ]
    assert main(other) == 0
    config = yaml.safe_load((tmp_path / "both" / "config.yaml").read_text())
    assert (config["seed"], config["epochs"], config["freeze"]) == (5, 1, False)


def test_json(data, tmp_path, capsys):
    arguments = ["train", str(data.folder), str(tmp_path / "run"), *SMALL, "--epoch-steps", "5"]
    assert main([*arguments, "--json"]) == 0
    epochs = json.loads(capsys.readouterr().out)
    assert [entry["epoch"] for entry in epochs] == [1, 2]
    assert {"loss", "val_loss", "val_accuracy", "val_mAP", "learning_rate"} <= set(epochs[0])


def test_a_signal_ends_with_its_status(data, tmp_path, monkeypatch, capsys):
    def stopped(*_, **__):
        raise Stopped(7, signal.SIGTERM)

    monkeypatch.setattr("zoo.training.train", stopped)
    assert main(["train", str(data.folder), str(tmp_path / "run"), *SMALL]) == 143
    assert capsys.readouterr().err.splitlines()[-1] == (
        "soundzoo: Stopped by SIGTERM after step 7. The same command goes on from there."
    )


@pytest.mark.parametrize(
    ("arguments", "config", "message"),
    [
        (["{data}", "{run}"], "learning_rat: 1", "no option 'learning_rat'; did you mean 'learn"),
        (["{data}", "{run}"], "mixup: 2", "mixup must be a number of at least 0 and at most 1"),
        (["{data}", "{run}"], "[1]", "must hold lines of the form"),
        (["{data}", "{run}", "--batch", "500"], "", "A batch of 500 patches is more than"),
        (["{data}", "{run}", "--init", "nothing"], "", "There is no preset 'nothing'"),
        (["{data}", "{run}", "--batch", "8", "--validation-split", "x"], "", "has no split 'x'"),
        (["{nowhere}", "{run}"], "", "nowhere: No such file or directory"),
        (["{empty}", "{run}"], "", "holds no sound files"),
    ],
)
def test_bad_input_is_one_line(data, tmp_path, capsys, arguments, config, message):
    (tmp_path / "empty").mkdir()
    path = tmp_path / "run.yaml"
    path.write_text(config)
    names = {"data": data.folder, **{n: tmp_path / n for n in ("run", "nowhere", "empty")}}
    arguments = [argument.format(**names) for argument in arguments]
    assert main(["train", *arguments, "--config", str(path)]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("soundzoo")]
    assert len(errors) == 1
    assert message in errors[0]


def test_a_package_that_is_missing_is_one_line(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # as if not installed
    assert main(["train", str(data.folder), str(tmp_path / "run"), "--tensorboard"]) == 2
    assert capsys.readouterr().err == (
        "soundzoo: --tensorboard needs the package tensorboard: pip install 'soundzoo[train]'\n"
    )


def test_an_unknown_flag_names_the_nearest(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["train", "data", "run", "--learning-rat", "1", "--lerning-rate=2"])
    assert stopped.value.code == 2
    message = "unrecognized arguments: --lerning-rate=2; did you mean --learning-rate?"
    assert message in capsys.readouterr().err


def test_with_many_workers_data_must_be_prepared(sounds, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("zoo.training.choose_strategy", lambda timeout: None)
    monkeypatch.setenv("TF_CONFIG", "{}")
    assert main(["train", str(sounds), str(tmp_path / "run"), *SMALL]) == 2
    assert "is not prepared, and with many workers it must be" in capsys.readouterr().err


def test_tf_config_that_is_not_json(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TF_CONFIG", "worker 1 of 2")
    assert main(["train", str(data.folder), str(tmp_path / "run"), *SMALL]) == 2
    assert "TF_CONFIG is not JSON" in capsys.readouterr().err


def test_a_teachers_scores_come_from_evaluate(data, tmp_path):
    arguments = ["train", str(data.folder)]
    steps = ["--epoch-steps", "5"]
    assert main([*arguments, str(tmp_path / "teacher"), *SMALL, *steps]) == 0
    scores = tmp_path / "scores"
    evaluation = ["evaluate", "--model", str(tmp_path / "teacher"), str(data.folder)]
    assert main([*evaluation, "--split", "train", "--output", str(scores), "--no-plots"]) == 0
    assert np.load(scores / "scores.npy").shape == (18, 3)
    taught = [*arguments, str(tmp_path / "taught"), *SMALL, *steps, "--teacher", str(scores)]
    assert main(taught) == 0
    assert losses(tmp_path / "taught") != losses(tmp_path / "teacher")
