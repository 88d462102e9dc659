import numpy as np
import pytest
import soundfile
import yaml

from tests.zoo.chaos.commands import CASES
from tests.zoo.chaos.process import Command
from tests.zoo.convert import pytorch
from tests.zoo.convert.test_panns import LABELS, made_up
from tests.zoo.training.conftest import write_saved_teacher

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
        "recipe": folder / "recipe.yaml",
    }
    pytorch.save(paths["panns"], {"model": pytorch.ordered(made_up("mobilenet_v1_panns"))})
    paths["labels"].write_text("\n".join(LABELS))
    write_saved_teacher(folder / "teacher", CLASSES, [1.0, 2.0, 3.0])
    options = {"model": "fully_connected", "width": 0.01, "batch": 4, "mixup": 0.5}
    options |= {"teachers": [str(folder / "teacher")], "teacher_seconds": 1}
    paths["recipe"].write_text(yaml.safe_dump(options))
    for name in ("prepare", "train"):
        ended = Command(CASES[name].command(paths, folder)).end()
        assert ended.status == 0, ended.errors
    return paths
