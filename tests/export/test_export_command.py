"""`soundzoo export`, in this process: what it prints and writes, and its exit status."""

import json
import os

import pytest
import soundfile
import tensorflow as tf

from export import read_metadata
from zoo.cli import main


@pytest.fixture(scope="module")
def preset(classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "small"
    classifier.save_to_preset(folder)
    return folder


@pytest.fixture
def run(preset, capsys):
    """Runs the command on the small preset; gives exit status, lines of stdout and of stderr."""

    def call(*arguments):
        try:
            status = main(["export", "--model", str(preset), *map(str, arguments)])
        except SystemExit as stop:
            status = stop.code
        output, errors = capsys.readouterr()
        return status, output.splitlines(), errors.splitlines()

    return call


def test_tflite_prints_size_ends_and_operations(run, tmp_path):
    path = tmp_path / "x.tflite"
    status, lines, errors = run("--format", "tflite", path)
    assert (status, errors) == (0, [])
    assert lines[0] == f"{path}: {path.stat().st_size / 1e6:.2f} MB"
    assert [line.split()[-4:] for line in lines[4:6]] == [
        ["waveform", "float32", "[1,", "15600]"],
        ["scores", "float32", "[1,", "3]"],
    ]
    assert "operations: " in lines[-1]
    assert " 5 FULLY_CONNECTED" in lines[-1]


def test_tflite_prints_json(run, tmp_path, noise):
    (tmp_path / "clips").mkdir()
    soundfile.write(tmp_path / "clips" / "noise.wav", noise(40000), 16000)
    path = tmp_path / "x.tflite"
    choices = ["--quantize", "int8", "--input", "any", "--calibration", tmp_path / "clips"]
    status, lines, errors = run(path, "--format", "tflite", "--json", *choices)
    described = json.loads("\n".join(lines))
    assert (status, errors) == (0, [])
    assert described["output"] == str(path)
    assert described["bytes"] == path.stat().st_size
    assert described["signatures"] == {
        "serving_default": {
            "inputs": [{"name": "waveform", "dtype": "float32", "shape": [1, None]}],
            "outputs": [{"name": "scores", "dtype": "float32", "shape": [1, 3]}],
        }
    }
    assert described["operations"]["QUANTIZE"] == 1
    assert described["operations"]["RFFT2D"] == 1


def test_tflite_with_embedding_prints_both_ends(run, tmp_path):
    status, lines, _ = run("--format", "tflite", tmp_path / "x.tflite", "--with-embedding")
    assert status == 0
    assert [line.split()[-4:] for line in lines[5:7]] == [
        ["scores", "float32", "[1,", "3]"],
        ["embeddings", "float32", "[1,", "48]"],
    ]


def test_saved_model_prints_its_signatures(run, tmp_path, classifier):
    status, lines, errors = run("--format", "saved_model", tmp_path / "sounds" / "1")
    assert (status, errors) == (0, [])
    words = [line.split() for line in lines]
    assert ["timeline", "input:", "waveform", "float32", "[any,", "any]"] in words
    assert ["timeline", "output:", "scores", "float32", "[any,", "any,", "3]"] in words
    assert ["embed", "output:", "embeddings", "float32", "[any,", "any,", "48]"] in words
    signature = tf.saved_model.load(str(tmp_path / "sounds" / "1")).signatures["serving_default"]
    waveform = tf.zeros([1, 20000])
    difference = signature(waveform=waveform)["scores"] - classifier(waveform)
    assert abs(difference.numpy()).max() < 1e-5


def test_web_page_of_a_preset_and_of_a_file(run, tmp_path, node_modules, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, lines, errors = run("--format", "web", "a page", "--quantize", "float16")
    assert (status, errors) == (0, [])
    size = sum(path.stat().st_size for path in (tmp_path / "a page").rglob("*") if path.is_file())
    assert lines[0] == f"a page: {size / 1e6:.2f} MB"
    assert lines[-1] == "To open it: python -m http.server --directory 'a page'"
    model = tmp_path / "a page" / "model.tflite"
    assert "quantize=float16" in read_metadata(model.read_bytes()).description

    (tmp_path / "half.tflite").write_bytes(model.read_bytes())
    arguments = ["--format", "web", "b", "--model", "half.tflite", "--runtime", node_modules]
    status, lines, errors = run(*arguments, "--json")
    assert (status, errors) == (0, [])
    described = json.loads("\n".join(lines))
    assert (described["format"], described["output"]) == ("web", "b")
    assert described["signatures"]["serving_default"]["inputs"][0]["shape"] == [1, 15600]
    assert (tmp_path / "b" / "model.tflite").read_bytes() == model.read_bytes()


def test_says_what_int8_is_calibrated_on(run, tmp_path):
    status, _, errors = run("--format", "tflite", "--quantize", "int8", tmp_path / "x.tflite")
    assert status == 0
    assert len(errors) == 1
    assert errors[0].startswith("soundzoo: int8 is calibrated on 8 example recordings. ")


@pytest.mark.parametrize(("given", "stated"), [(["--license", "CC BY 4.0"], "CC BY 4.0"), ([], "")])
def test_states_the_license_that_is_given(run, tmp_path, given, stated):
    run("--format", "tflite", tmp_path / "x.tflite", *given)
    metadata = read_metadata((tmp_path / "x.tflite").read_bytes())
    assert metadata.license == stated
    assert metadata.labels == ["Dog", "Sword, metal clash", "Rain"]


@pytest.mark.parametrize("form", ["saved_model", "tflite"])
def test_replaces_what_is_there_only_when_told(run, tmp_path, form):
    path = tmp_path / "model"
    assert run("--format", form, path)[0] == 0
    status, lines, errors = run("--format", form, path)
    assert (status, lines) == (2, [])
    assert errors == [f"soundzoo: {path} exists; pass --overwrite to replace it."]
    assert run("--format", form, path, "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.tflite"], "the following arguments are required: --format"),
        (["--format", "onnx", "x.onnx"], "invalid choice: 'onnx'"),
        (["--format", "tflite", "missing/x.tflite"], "there is no folder"),
        (["--format", "tflite", ".", "--overwrite"], ". is a directory; name a file."),
        (["--format", "saved_model", ".", "--overwrite"], "is not a SavedModel"),
        (["--format", "saved_model", "x", "--with-embedding"], "--with-embedding is for --format"),
        (
            ["--format", "saved_model", "x", "--quantize", "int8"],
            "--quantize is for --format tflite",
        ),
        (["--format", "tflite", "x", "--calibration", "y.wav"], "is for quantize='int8'"),
        (["--format", "tflite", "x", "--runtime", "y"], "--runtime is for --format web."),
        (["--format", "tflite", "x", "--model", "y.tflite"], "y.tflite is exported already."),
        (
            ["--format", "web", "x", "--model", "y.tflite", "--license", "z"],
            "--license is for pres",
        ),
        (["--format", "web", "x", "--model", "y.tflite"], "run `npm install @litertjs/core@2`"),
        # Before the model is looked for.
        (["--format", "web", "x", "--model", "nonsense"], "run `npm install @litertjs/core@2`"),
        (["--format", "web", "x", "--input", "any"], "pages want --input window"),
        (
            ["--format", "tflite", "x", "--quantize", "int8", "--calibration", "missing.wav"],
            "missing.wav: No such file or directory",
        ),
        (["--format", "tflite", "x", "--model", "nonsense"], "no preset 'nonsense'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, lines, errors = run(*arguments)
    assert (status, lines) == (2, [])
    assert len(errors) == 1
    assert message in errors[0]
    assert os.listdir(tmp_path) == []


def test_help_shows_an_example(run):
    status, lines, _ = run("--help")
    assert status == 0
    assert "  soundzoo export --format" in "\n".join(lines).partition("example:")[2]
