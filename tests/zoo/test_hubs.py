"""Presets on hubs, which a stand-in on this machine plays."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml

from tests.zoo.hub import Hub
from zoo import AudioClassifier, hubs, presets

# Kaggle's package knows one port of this machine.
PROGRAM = """
import sys
import kagglesdk.kaggle_env as kaggle

kaggle._env_to_endpoint[kaggle.KaggleEnv.LOCAL] = sys.argv[1]
from zoo import hubs, presets

try:
    print(eval(sys.argv[2]))
except (ImportError, OSError, ValueError) as error:
    print(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def hub():
    with Hub() as hub:
        yield hub


@pytest.fixture
def ask(hub, tmp_path):
    """Evaluates an expression where the hubs are the stand-in; what it gives or raises, a text."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HUB_CACHE": str(tmp_path / "hf"),
        "HF_TOKEN_PATH": str(tmp_path / "token"),
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        "KAGGLE_API_TOKEN": "kaggles_own",
        "KAGGLEHUB_CACHE": str(tmp_path / "kaggle"),
        "KAGGLEHUB_VERBOSITY": "error",
    }
    (tmp_path / "token").write_text("hugging_faces_own")

    def evaluate(expression):
        command = [sys.executable, "-c", PROGRAM, hub.url, expression]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return run.stdout.splitlines()[-1]

    return evaluate


@pytest.fixture
def evaluated(small_classifier, tmp_path):
    """A preset with figures, and beside it what is nobody else's."""
    folder = tmp_path / "mine"
    small_classifier.save_to_preset(folder)
    (folder / presets.METRICS).write_text(
        json.dumps({"mAP": 0.5, "AUC": 0.9, "d_prime": None, "steps": [1]})
    )
    (folder / "secret.txt").write_text("secret")
    return folder


UPLOADS = {
    "hf://me/mine": "hf://me/mine@",
    "kaggle://me/mine/keras/w0.25": "kaggle://me/mine/keras/w0.25",
}


@pytest.mark.parametrize("uri", UPLOADS)
def test_what_is_uploaded_comes_back(hub, ask, evaluated, small_classifier, noise, uri):
    said = ask(f"hubs.upload_preset({str(evaluated)!r}, {uri!r}, license='cc-by-4.0')")
    assert said.startswith(UPLOADS[uri])
    (files,) = hub.revisions.values()
    assert sorted(files) == sorted(hubs._FILES)
    folder = ask(f"presets.find({said + '/1' * uri.startswith('kaggle')!r})")
    loaded = AudioClassifier.from_preset(folder)
    waveform = noise(16000)[np.newaxis]
    expected = small_classifier.predict(waveform, verbose=0)
    np.testing.assert_array_equal(loaded.predict(waveform, verbose=0), expected)
    tokens = {token for _, _, token in hub.requests}
    assert tokens - {""} == {"hugging_faces_own" if uri.startswith("hf") else "kaggles_own"}


def test_a_card_begins_with_what_the_hub_reads(hub, ask, evaluated):
    for _ in range(2):  # a card that has front matter gets it anew
        ask(
            f"hubs.upload_preset({str(evaluated)!r}, 'hf://me/mine', license='cc-by-4.0', "
            "datasets=['agkphysics/AudioSet'])"
        )
        (files,) = hub.revisions.values()
        _, front, text = files[presets.CARD].decode().split("---\n", 2)
        hub.revisions.clear()
        (evaluated / presets.CARD).write_bytes(files[presets.CARD])
    assert text.startswith("# mine\n")
    card = yaml.safe_load(front)
    assert card["library_name"] == "keras"
    assert card["pipeline_tag"] == "audio-classification"
    assert card["license"] == "cc-by-4.0"
    assert card["datasets"] == ["agkphysics/AudioSet"]
    (result,) = card["model-index"][0]["results"]
    assert {m["type"]: m["value"] for m in result["metrics"]} == {"mAP": 0.5, "AUC": 0.9}


def test_a_revision_is_what_it_was(hub, ask, evaluated):
    uri = ask(f"hubs.upload_preset({str(evaluated)!r}, 'hf://me/mine', license='mit')")
    checksum = presets.read_config(evaluated)["weights_sha256"]
    assert presets.CONFIG in os.listdir(ask(f"presets.find({uri!r}, sha256={checksum!r})"))
    said = ask(f"presets.find({uri!r}, sha256={'0' * 64!r})")
    assert said == f"ValueError: The weights of {uri} have the SHA-256 {checksum}, and not " + (
        "0" * 64 + "."
    )


def test_changed_weights_are_refused(hub, ask, evaluated):
    uri = ask(f"hubs.upload_preset({str(evaluated)!r}, 'hf://me/mine', license='mit')")
    (files,) = hub.revisions.values()
    files[presets.WEIGHTS] = files[presets.WEIGHTS][:-1] + b"x"
    folder = ask(f"presets.find({uri!r})")
    with pytest.raises(ValueError, match="is damaged or was changed"):
        AudioClassifier.from_preset(folder)


@pytest.mark.parametrize(
    "uri", [f"hf://me/other@{'a' * 40}", "kaggle://me/other/keras/small/2"], ids=["hf", "kaggle"]
)
def test_what_is_not_there_is_one_sentence(ask, uri):
    assert ask(f"presets.find({uri!r})").startswith(f"OSError: {uri} could not be downloaded: ")


@pytest.mark.parametrize(
    "uri",
    [
        "hf://me/mine",
        "hf://me/mine@main",
        "hf://mine@" + "a" * 40,
        "kaggle://me/mine/keras/small",
        "kaggle://me/mine/3",
    ],
)
def test_a_preset_has_a_revision(uri):
    with pytest.raises(ValueError, match="named with its revision, hf://USER/NAME@COMMIT"):
        AudioClassifier.from_preset(uri)


def test_no_uri_to_upload_to(small_preset):
    for uri in ("mine", "hf://mine", "hf://me/mine@" + "a" * 40, "kaggle://me/mine"):
        with pytest.raises(ValueError, match="A preset is uploaded to hf://USER/NAME or"):
            hubs.upload_preset(small_preset, uri, license="mit")


def test_without_the_package_it_says_which(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"needs huggingface_hub: pip install 'soundzoo\[hub\]'"):
        AudioClassifier.from_preset("hf://me/mine@" + "a" * 40)
