"""`soundzoo reproduce`."""

import importlib
import json

import pytest

from zoo.cli import main


@pytest.fixture
def recipe(config, tmp_path):
    """A recipe of what trains in a moment."""
    path = tmp_path / "recipe.yaml"
    wanted = {"model", "width", "batch", "epochs", "epoch_steps"}
    lines = [f"{key}: {value}\n" for key, value in config.to_dict().items() if key in wanted]
    path.write_text("".join(lines))
    return str(path)


def test_an_experiment_leaves_its_table_and_goes_on(data, recipe, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(importlib.import_module("zoo.reproduce.data_size"), "SHARES", (1.0, 0.5))
    out = tmp_path / "results"
    command = ["reproduce", "data", str(data.folder), str(out), "--config", recipe]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "clips 50%, seed 0" in printed
    assert printed.endswith((out / "data.md").read_text() + "\n")
    assert (out / "data.png").stat().st_size > 5000
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((out / "data.json").read_text())


def test_transfer(data, small_preset, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(importlib.import_module("zoo.reproduce.transfer"), "EPOCHS", 1)
    command = ["reproduce", "transfer", str(data.folder), str(tmp_path / "out")]
    assert main([*command, "--models", str(small_preset)]) == 0
    assert "| log-mel |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "DATA", "--models", "x"], "--models is not for data"),
        (["labels", "DATA", "--scores", "x"], "--scores is not for labels"),
        (["transfer", "DATA", "--config", "x"], "--config is not for transfer"),
        (["transfer", "DATA", "--seeds", "2"], "--seeds is not for transfer"),
        (["transfer", "DATA", "--split", "train"], "--split is not for transfer"),
        (["architectures", "DATA", "--split", "evaluation"], "no split 'evaluation'"),
        (["transfer", "DATA"], "transfer compares embeddings: name presets, --models"),
        (["architectures", "DATA", "--seeds", "0"], "seeds must be a number above 0, or 5"),
        (["data", "DATA"], "name epoch_steps in the file of --config"),
        (["data", "nowhere"], "nowhere holds no prepared data"),
    ],
)
def test_bad_input(data, tmp_path, capsys, arguments, message):
    arguments = [str(data.folder) if a == "DATA" else a for a in arguments]
    experiment, folder, *rest = arguments
    assert main(["reproduce", experiment, folder, str(tmp_path / "out"), *rest]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
