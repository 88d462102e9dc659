import numpy as np
import pytest
import soundfile

from tests.zoo.chaos.commands import CASES
from tests.zoo.chaos.process import Command
from tests.zoo.convert import pytorch
from tests.zoo.convert.test_panns import LABELS, made_up

CLASSES = ("dog", "rain", "wind")


def write_sounds(folder, number, samples, more):
    """Clips of noise, so many of each class: the first of so many samples, each other of more."""
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for clip in range(number):
            rng = np.random.default_rng([label, clip])
            noise = rng.normal(0, 0.1, samples + more * clip)
            soundfile.write(folder / name / f"{clip:03}.wav", noise, 16000)
    return folder


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """Paths of what the commands read, by the names that the cases have for them."""
    folder = tmp_path_factory.mktemp("inputs")
    paths = {
        "sounds": write_sounds(folder / "sounds", 400, 800, 1),
        "few": write_sounds(folder / "few", 20, 16000, 500),
        "prepared": folder / "prepared",
        "preset": folder / "run" / "preset",
        "panns": folder / "panns.pth",
        "labels": folder / "labels.txt",
    }
    pytorch.save(paths["panns"], {"model": pytorch.ordered(made_up("mobilenet_v1_panns"))})
    paths["labels"].write_text("\n".join(LABELS))
    for name in ("prepare", "train"):
        ended = Command(CASES[name].command(paths, folder)).end()
        assert ended.status == 0, ended.errors
    return paths
