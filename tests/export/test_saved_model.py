import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from export.saved_model import export_saved_model
from frontend import FrontendConfig, load_audio
from zoo import AudioClassifier

EXAMPLES = Path(__file__).parents[2] / "examples"
LENGTHS = (1, 100, 15600, 19439, 19440, 30960, 50000)

# What a server does that has TensorFlow alone.
SERVER = """
import sys
for name in ("zoo", "frontend", "export"):
    sys.modules[name] = None
import numpy as np
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
answers = {}
with np.load(sys.argv[2]) as waveforms:
    for clip, waveform in waveforms.items():
        for key, signature in model.signatures.items():
            for name, value in signature(waveform=tf.constant(waveform)).items():
                answers[f"{clip} {key} {name}"] = value.numpy()
np.savez(sys.argv[3], **answers)
print(model.labels.asset_path.numpy().decode())
"""


def serve(folder, waveforms, scratch):
    """Answers of a process that cannot import this package, and the path of the labels."""
    np.savez(scratch / "waveforms.npz", **waveforms)
    command = [sys.executable, "-I", "-c", SERVER, folder]
    files = [scratch / "waveforms.npz", scratch / "answers.npz"]
    run = subprocess.run(
        [*command, *files], cwd=scratch, capture_output=True, text=True, check=True
    )
    return np.load(scratch / "answers.npz"), Path(run.stdout.strip())


@pytest.fixture(scope="module")
def folder(classifier, tmp_path_factory):
    """The classifier's SavedModel."""
    folder = tmp_path_factory.mktemp("served") / "sounds" / "1"
    export_saved_model(classifier, folder)
    return folder


@pytest.fixture(scope="module")
def signatures(folder):
    return tf.saved_model.load(str(folder)).signatures


def test_gives_the_models_answers_without_this_package(classifier, folder, tmp_path, noise):
    waveforms = {f"noise {length}": noise(length)[np.newaxis] for length in LENGTHS}
    waveforms |= {path.name: load_audio(path)[np.newaxis] for path in EXAMPLES.glob("*.ogg")}
    waveforms["two"] = np.stack([noise(40000), noise(50000)[:40000]])
    assert len(waveforms) > len(LENGTHS) + 5
    answers, labels = serve(folder, waveforms, tmp_path)
    for clip, waveform in waveforms.items():
        scores = classifier(waveform).numpy()
        np.testing.assert_allclose(answers[f"{clip} serving_default scores"], scores, atol=1e-5)
        for row, sound in enumerate(waveform):
            timeline = classifier.timeline(sound)
            starts = answers[f"{clip} timeline start_seconds"][row]
            np.testing.assert_allclose(starts, timeline.start_seconds, atol=1e-5)
            scores = answers[f"{clip} timeline scores"][row]
            np.testing.assert_allclose(scores, timeline.scores, atol=1e-5)
            embeddings = answers[f"{clip} embed embeddings"][row]
            np.testing.assert_allclose(embeddings, classifier.embed(sound), atol=1e-4)
    names = [label.name for label in classifier.labels]
    assert labels.read_text(encoding="utf-8").splitlines() == names
    assert labels.parent == folder / "assets"


@pytest.mark.parametrize("samples", [40000, 18001])  # of the second, the last makes no patch
def test_what_is_not_finite_scores_nan(signatures, noise, samples):
    waveforms = np.stack([noise(samples), noise(samples)])
    waveforms[1, 18000] = np.nan
    scores = signatures["serving_default"](waveform=waveforms)["scores"].numpy()
    assert np.isfinite(scores[0]).all()
    assert np.isnan(scores[1]).all()


def test_documented_requests_fit_the_signatures(signatures):
    requests = re.findall(r'^ *(\{"signature_name".*\})$', export_saved_model.__doc__, re.M)
    forms = []
    for request in map(json.loads, requests):
        signature = signatures[request["signature_name"]]
        (form,) = request.keys() - {"signature_name"}
        forms.append(form)
        if form == "instances":
            (inputs,) = request["instances"]
            inputs = {name: [value] for name, value in inputs.items()}
        else:
            inputs = request["inputs"]
        specs = signature.structured_input_signature[1]
        assert inputs.keys() == specs.keys()
        tensors = {name: tf.constant(inputs[name], specs[name].dtype) for name in inputs}
        answers = signature(**tensors)
        assert answers["scores"].shape[0] == 1
    assert forms == ["instances", "inputs"]


@pytest.mark.parametrize("key", ["serving_default", "timeline", "embed"])
def test_every_output_has_a_row_for_each_waveform(signatures, key, noise):
    # What TensorFlow Serving's row format asks for.
    waveforms = np.stack([noise(40000)] * 2)
    answers = signatures[key](waveform=waveforms)
    assert {answer.shape[0] for answer in answers.values()} == {2}
    assert {answer.dtype for answer in answers.values()} == {tf.float32}


def test_replaces_a_saved_model_only_when_told(classifier, folder, tmp_path):
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        export_saved_model(classifier, folder)
    export_saved_model(classifier, tmp_path / "model")
    (tmp_path / "model" / "old").touch()
    export_saved_model(classifier, tmp_path / "model", overwrite=True)
    assert not (tmp_path / "model" / "old").exists()
    assert os.listdir(tmp_path) == ["model"]


def test_replaces_nothing_else(classifier, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is not a SavedModel"):
        export_saved_model(classifier, tmp_path, overwrite=True)
    with pytest.raises(FileExistsError, match="is not a SavedModel"):
        export_saved_model(classifier, tmp_path / "notes.txt", overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_leaves_nothing_half_written(classifier, tmp_path, monkeypatch):
    def save(module, folder, signatures):
        (folder / "saved_model.pb").touch()
        raise OSError("No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", save)
    with pytest.raises(OSError, match="No space left"):
        export_saved_model(classifier, tmp_path / "model")
    assert os.listdir(tmp_path) == []


def test_refuses_a_folder_that_cannot_be_written(classifier, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        export_saved_model(classifier, tmp_path / "file" / "model")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="is read-only"):
        export_saved_model(classifier, tmp_path / "model")
    assert os.listdir(tmp_path) == ["file"]


def test_refuses_what_is_no_audio_classifier(classifier, tmp_path):
    with pytest.raises(ValueError, match="Only an AudioClassifier can be exported"):
        export_saved_model(classifier.network, tmp_path / "model")
    assert os.listdir(tmp_path) == []


def test_refuses_labels_of_two_lines(tmp_path):
    classifier = AudioClassifier("fully_connected", ["Dog\nbarking", "Rain"], width=0.02)
    with pytest.raises(ValueError, match=r"one a line. Received: 'Dog\\nbarking'"):
        export_saved_model(classifier, tmp_path / "model")
    assert os.listdir(tmp_path) == []


def test_any_hop(tmp_path, noise):
    frontend = FrontendConfig(patch_hop_seconds=0.48)
    classifier = AudioClassifier("fully_connected", ["a", "b"], width=0.02, frontend=frontend)
    export_saved_model(classifier, tmp_path / "1")
    signatures = tf.saved_model.load(str(tmp_path / "1")).signatures
    waveform = noise(40000)
    heard = signatures["timeline"](waveform=tf.constant(waveform[np.newaxis]))
    expected = classifier.timeline(waveform)
    np.testing.assert_allclose(heard["start_seconds"][0], expected.start_seconds, atol=1e-6)
    np.testing.assert_allclose(heard["scores"][0], expected.scores, atol=1e-5)
    embeddings = signatures["embed"](waveform=tf.constant(waveform[np.newaxis]))["embeddings"]
    np.testing.assert_allclose(embeddings[0], classifier.embed(waveform), atol=1e-5)
