import csv

import numpy as np
import pytest
import soundfile

from zoo.data import prepare, read_source

CLIPS = [
    # File, labels, split, seconds.
    ("rain_1.wav", "Rain", "test", 0.5),
    ("dog_1.wav", "Dog", "test", 2.5),
    ("both.wav", "Dog;Rain", "test", 1.2),
    ("dog_2.wav", "Dog", "test", 0.96),
    ("rain_2.wav", "Rain", "train", 1.0),
    ("dog_3.wav", "Dog", "train", 3.3),
    ("cat.wav", "Cat", "strange", 1.0),
    ("cat_and_dog.wav", "Cat;Dog", "strange", 1.0),
    ("rain_3.wav", "Rain", "strange", 1.0),
    ("cats.wav", "Cat", "cats", 1.0),
]


@pytest.fixture(scope="package")
def prepared(tmp_path_factory):
    """Prepared data of quiet noise: splits test, train (one label a clip), strange and cats."""
    folder = tmp_path_factory.mktemp("evaluation")
    generator = np.random.default_rng(0)
    with open(folder / "manifest.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "label", "split"])
        for name, labels, split, seconds in CLIPS:
            rows.writerow([name, labels, split])
            waveform = generator.normal(0, generator.uniform(0.01, 0.2), int(seconds * 16000))
            soundfile.write(folder / name, waveform.clip(-1, 1), 16000, subtype="PCM_16")
    return prepare(read_source(folder / "manifest.csv"), folder / "prepared")
