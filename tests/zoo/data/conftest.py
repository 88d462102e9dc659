import json

import numpy as np
import pytest
import soundfile

from zoo.data import Clip, Source
from zoo.labels import Label


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
def source(sound):
    """Ten clips of two classes, of lengths that differ; the last three are a test split."""
    names = ["Dog", "Rain"]
    clips = [
        Clip(
            f"clips/{number}",
            sound(f"clips/{number}.wav", samples=700 + 100 * number),
            tuple(names) if number == 4 else (names[number % 2],),
            "test" if number > 6 else "train",
        )
        for number in range(10)
    ]
    return Source(clips, [Label("Dog", "/m/0bt9lr"), Label("Rain")], [])


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
