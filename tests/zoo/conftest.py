import json

import keras
import numpy as np
import pytest
import soundfile

from frontend import FrontendConfig
from zoo import AudioClassifier
from zoo.data import prepare, read_source

LABELS = [("Dog", "/m/0bt9lr"), "Sword, metal clash", ("Rain", "/m/06mb1")]


@pytest.fixture(scope="session")
def small_classifier():
    """A classifier of random weights, small enough to build and run in a moment."""
    keras.utils.set_random_seed(1)
    return AudioClassifier("fully_connected", LABELS, width=0.02)


@pytest.fixture(scope="session")
def small_preset(small_classifier, tmp_path_factory):
    """The folder of that classifier's preset."""
    folder = tmp_path_factory.mktemp("presets") / "small"
    small_classifier.save_to_preset(folder)
    return folder


@pytest.fixture(scope="session")
def telephone_preset(tmp_path_factory):
    """The folder of a preset that hears 8 kHz, as no prepared data are."""
    frontend = FrontendConfig(sample_rate=8000, mel_max_hz=3800)
    folder = tmp_path_factory.mktemp("presets") / "telephone"
    classifier = AudioClassifier("fully_connected", LABELS, width=0.02, frontend=frontend)
    classifier.save_to_preset(folder)
    return folder


@pytest.fixture
def noise():
    """A function of a number of samples: quiet noise, always the same."""

    def make(samples):
        return np.random.default_rng(samples).normal(0, 0.1, samples).astype("float32")

    return make


@pytest.fixture(scope="session")
def prepared_sounds(sounds, tmp_path_factory):
    """The tones of `sounds`, prepared."""
    return prepare(read_source(sounds), tmp_path_factory.mktemp("prepared") / "data")


@pytest.fixture
def sound(tmp_path):
    """A function that writes a short sound file, of noise, below the test's folder."""

    def write(name, samples=800, rate=16000):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        waveform = np.random.default_rng(samples).normal(0, 0.1, samples)
        soundfile.write(path, waveform, rate, format=path.suffix[1:].upper())
        return path

    return write


@pytest.fixture
def text(tmp_path):
    """A function that writes a text file below the test's folder."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write


@pytest.fixture
def ontology(text):
    """A small ontology.json: music is above guitar, which is above two kinds of it."""
    entries = [
        ("/m/1", "Music", ["/m/2"]),
        ("/m/2", "Guitar", ["/m/3", "/m/4"]),
        ("/m/3", "Bass guitar", []),
        ("/m/4", "Electric guitar, amplified", []),
        ("/m/5", "Bass", ["/m/3"]),
        ("/m/6", "Rain", []),
    ]
    return text(
        "ontology.json",
        json.dumps(
            [dict(zip(("id", "name", "child_ids"), entry, strict=True)) for entry in entries]
        ),
    )
